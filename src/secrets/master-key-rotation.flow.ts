// Rotation of the master key, as its operator goes through it: stage, copy the file, promote, rewrap, retire. The database is
// changed first and the file after it, so that a command which was killed is finished by the same command.

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type FiledKey, makeKey, readKeyFile, replaceKeys } from '../envelope/key-file.js';
import type { LiveKeyRing } from '../envelope/live-key-ring.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import type { Session } from '../storage/database.js';
import { assertHolds } from './deployment.js';
import { BEAT_MS } from './master-key-beat.js';
import type { Dependants, KnownKey, MasterKeysRepository, RunningManager } from './master-keys.repository.js';

const COMMAND = 'npm run -s master-key --';

export interface KeyStatus {
  id: string;
  state: 'active' | 'retained' | 'staged' | 'retired';
  since: Date;
  dependants: Dependants;
  isFiled: boolean;
}

export class MasterKeyRotation {
  constructor(
    private readonly repository: MasterKeysRepository,
    private readonly ring: LiveKeyRing,
  ) {}

  /** Adds a key that wraps nothing yet; where one is staged already, that one is it. */
  async stage(): Promise<{ id: string; isNew: boolean }> {
    return this.repository.exclusively(async (tx) => {
      const { keys } = await this.#filed(tx);
      const staged = keys.find(({ state }) => state === 'staged');
      if (staged !== undefined) return { id: staged.id, isNew: false };
      const fresh = makeKey('staged');
      await step('master-key.stage', async () => replaceKeys(this.ring.file, [...keys, fresh]));
      return { id: fresh.id, isNew: true };
    });
  }

  /** Makes the staged key the active one, once every manager that runs has it. @throws MASTER_KEY_REFUSED */
  async promote(): Promise<string> {
    const deadline = performance.now() + 2 * BEAT_MS + 1_000;
    for (;;) {
      try {
        return await this.#promote();
      } catch (error) {
        // A file that was just copied is told of at the next beat.
        if (!(error instanceof Straggling) || performance.now() > deadline) throw error;
        await delay(250);
      }
    }
  }

  /** Takes a key that nothing depends on out of the database and out of the file. @throws MASTER_KEY_REFUSED */
  async retire(id: string): Promise<void> {
    const action = `retire ${id}`;
    await step('master-key.forget', () =>
      this.repository.exclusively(async (tx) => {
        const { known } = await this.#filed(tx);
        const key = known.find((one) => one.id === id);
        if (key?.isActive === true)
          throw refused(action, 'it is the active key', 'Promote another key first');
        if (key === undefined && readKeyFile(this.ring.file).keys.every((one) => one.id !== id))
          throw refused(action, 'neither database nor key file has it', `${COMMAND} status lists the keys`);
        const before = await this.repository.dependants(id, tx);
        if (countOf(before) > 0) throw stillNeeded(action, before);
        await this.repository.forget(tx, id);
        // What was replaced while the key went stands in no foreign key's way.
        const after = await this.repository.dependants(id, tx);
        if (countOf(after) > 0) throw stillNeeded(action, after);
      }),
    );
    await step('master-key.remove', () => this.#label((keys) => keys.filter((key) => key.id !== id)));
  }

  async status(): Promise<{ keys: KeyStatus[]; managers: RunningManager[] }> {
    const known = await this.repository.known();
    const filed = readKeyFile(this.ring.file).keys;
    const unknown = filed.filter(({ id }) => known.every((key) => key.id !== id));
    const listed = [
      ...known.map(({ id, since, isActive }) => ({
        id,
        since,
        state: isActive ? ('active' as const) : ('retained' as const),
        isFiled: filed.some((key) => key.id === id),
      })),
      ...unknown.map(({ id, created, state }) => ({
        id,
        since: new Date(created),
        state: state === 'staged' ? ('staged' as const) : ('retired' as const),
        isFiled: true,
      })),
    ];
    const keys: KeyStatus[] = [];
    for (const key of listed) keys.push({ ...key, dependants: await this.repository.dependants(key.id) });
    return { keys, managers: await this.repository.running() };
  }

  async #promote(): Promise<string> {
    const next = await step('master-key.promote', () =>
      this.repository.exclusively(async (tx) => {
        const { known } = await this.#filed(tx);
        const staged = readKeyFile(this.ring.file).keys.find(({ state }) => state === 'staged')?.id;
        if (staged === undefined)
          throw refused('promote', 'no key is staged in the key file', `Run ${COMMAND} stage first`);
        // Somebody was killed between the database and the file, or promoted with another copy of it.
        if (known[0]?.id === staged) return staged;
        await this.#assertMayFollow(tx, staged, known);
        await this.repository.promote(tx, staged);
        return staged;
      }),
    );
    await step('master-key.label', () => this.#label((keys) => keys));
    return next;
  }

  async #assertMayFollow(tx: Session, staged: string, known: KnownKey[]): Promise<void> {
    const action = `promote ${staged}`;
    const retained = known.find(({ isActive }) => !isActive);
    if (retained !== undefined) {
      const dependants = await this.repository.dependants(retained.id, tx);
      const needed = countOf(dependants) === 0 ? '' : `, and ${inWords(dependants)} still depend on it`;
      throw refused(
        action,
        `${retained.id}, the key before the active one, is retained${needed}; only one may be`,
        needed === '' ? `Run ${COMMAND} retire ${retained.id} first` : waitHint(retained.id),
      );
    }
    const lacking = (await this.repository.running(tx))
      .filter(({ isAlive, keys }) => isAlive && !keys.includes(staged))
      .map(({ name }) => name);
    if (lacking.length > 0) throw new Straggling(action, lacking);
  }

  /** The keys of the file, labelled as the database has them. @throws KEY_FILE_UNUSABLE for a file that lacks a known one */
  async #filed(tx: Session): Promise<{ keys: FiledKey[]; known: KnownKey[] }> {
    const known = await this.repository.known(tx);
    assertHolds(
      this.ring,
      known.map(({ id }) => id),
    );
    return {
      keys: readKeyFile(this.ring.file).keys.map((key) => ({ ...key, state: labelOf(key, known) })),
      known,
    };
  }

  async #label(change: (keys: FiledKey[]) => FiledKey[]): Promise<void> {
    await this.repository.exclusively(async (tx) => {
      const wanted = change((await this.#filed(tx)).keys);
      if (!isDeepStrictEqual(wanted, readKeyFile(this.ring.file).keys)) replaceKeys(this.ring.file, wanted);
    });
  }
}

function labelOf({ id, state }: FiledKey, known: KnownKey[]): FiledKey['state'] {
  const key = known.find((one) => one.id === id);
  if (key?.isActive === true) return 'active';
  return key === undefined && state === 'staged' ? 'staged' : 'decrypt-only';
}

const refused = (action: string, reason: string, mend: string): Failure =>
  new Failure('MASTER_KEY_REFUSED', { action, reason, mend }) as Failure;

const stillNeeded = (action: string, dependants: Dependants): Failure =>
  refused(action, `${inWords(dependants)} depend on it`, waitHint(action.slice('retire '.length)));

const waitHint = (id: string): string =>
  `Run ${COMMAND} rewrap; what it replaced is kept for SALLYPORT_SECRETS_GRACE_HOURS, and then ${COMMAND} retire ${id} can be run`;

/** A manager that runs would meet secrets it cannot open. */
class Straggling extends Failure<'MASTER_KEY_REFUSED'> {
  constructor(action: string, managers: string[]) {
    super('MASTER_KEY_REFUSED', {
      action,
      reason: `managers run that do not have it: ${managers.join(', ')}`,
      mend: 'Copy the key file to them; they read it by themselves. One that was killed is forgotten after 15 seconds',
    });
  }
}

export const countOf = ({ versions, superseded, managerKeys }: Dependants): number =>
  versions + superseded + managerKeys;

/** '2 secret versions, 1 superseded wrap (accounts/a/secrets/x, …)' */
export function inWords({ versions, superseded, managerKeys, names }: Dependants): string {
  const parts = [
    versions > 0 ? `${versions} secret version(s)` : '',
    superseded > 0 ? `${superseded} superseded wrap(s)` : '',
    managerKeys > 0 ? 'the managers’ own keys' : '',
  ].filter((part) => part !== '');
  const all = versions + superseded;
  const some = names.length === 0 ? '' : ` (${names.join(', ')}${all > names.length ? ', …' : ''})`;
  return `${parts.join(', ')}${some}`;
}
