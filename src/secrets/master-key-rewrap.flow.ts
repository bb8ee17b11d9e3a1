// Brings every builtin secret under the active master key, row by row: what a killed process left, the next one finds, and two
// at once do no harm. No payload is opened; a row that cannot be rewrapped stays as it is and is named.
import { Injectable } from '@nestjs/common';
import { SYSTEM } from '../audit/acting.js';
import { recordAs } from '../audit/record.js';
import type { Envelope } from '../envelope/envelope.js';
import type { SecretPlace } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { Storage } from '../storage/database.js';
import { BuiltInSecrets } from './built-in.js';
import { managerKeysPlace } from './deployment.js';
import { MasterKeysRepository, type RetainedVersion } from './master-keys.repository.js';
import { SecretsRepository } from './secrets.repository.js';

const BATCH = 100;

export interface RewrapProgress {
  total: number;
  done: number;
  failed: { place: string; failure: Failure }[];
}

@Injectable()
export class MasterKeyRewrap {
  constructor(
    private readonly storage: Storage,
    private readonly repository: MasterKeysRepository,
    private readonly secrets: SecretsRepository,
    private readonly builtIn: BuiltInSecrets,
  ) {}

  /** One pass over all that a retained key wrapped. `onProgress` hears of every batch. */
  async run(
    onProgress: (progress: RewrapProgress) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<RewrapProgress> {
    const managerKeys = await this.repository.retainedManagerKeys();
    const progress: RewrapProgress = { total: 0, done: 0, failed: [] };
    progress.total = (await this.repository.countRetained()) + (managerKeys === undefined ? 0 : 1);
    if (managerKeys !== undefined)
      await this.#note(progress, managerKeysPlace.secret, () => this.#rewrapManagerKeys(managerKeys));
    let last: RetainedVersion | undefined;
    do {
      const batch = await this.repository.retainedAfter(last, BATCH);
      for (const version of batch) {
        if (signal?.aborted === true) return progress;
        const place = `${version.scope}/secrets/${version.secret} version ${version.version}`;
        await this.#note(progress, place, () => this.#rewrapVersion(version));
      }
      last = batch.at(-1);
      onProgress(progress);
    } while (last !== undefined);
    return progress;
  }

  async #note(progress: RewrapProgress, place: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      progress.done++;
    } catch (error) {
      const failure = Failure.from(error, place);
      // The next row would meet it too.
      if (failure.disposition !== 'stop') throw error;
      progress.failed.push({ place, failure });
    }
  }

  async #rewrapVersion(version: RetainedVersion): Promise<void> {
    const fresh = await this.#rewrap(version.stored, { scope: version.scope, secret: version.secret });
    const held = { scope: version.scope, id: version.secret, keptBy: null, stored: version.stored };
    await step('master-key.replace', () =>
      this.storage.transact(async (tx) => {
        if (!(await this.secrets.replaceWrap(tx, held, fresh))) return;
        const { scope, secret, version: id } = version;
        const data = { version: id, key: fresh.keyId };
        recordAs(tx, SYSTEM, { action: 'secret.rewrapped', scope, target: `secrets/${secret}`, data });
      }),
    );
  }

  async #rewrapManagerKeys(stored: Envelope): Promise<void> {
    const fresh = await this.#rewrap(stored, managerKeysPlace);
    await step('master-key.replace-manager-keys', () => this.repository.replaceManagerKeys(stored, fresh));
  }

  /** What it returns has been opened with the new key. */
  async #rewrap(stored: Envelope, place: SecretPlace): Promise<Envelope> {
    return step('master-key.rewrap', () => this.builtIn.rewrap(stored, place));
  }
}
