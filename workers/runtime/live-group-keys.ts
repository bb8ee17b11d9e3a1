// The keys of its group as a working delegate uses them: they change under it, one change after the other, and whoever opens or
// seals has the new ones from the next moment on.
import type { GroupEdition, GroupKeysState } from '../../src/contract/group-keys.js';
import { idOfEdition } from '../../src/contract/group-keys.js';
import { taskInfo } from '../../src/contract/messages.js';
import type { TaskInput } from '../../src/contract/tasks.js';
import { type KeyRing, openKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { step } from '../../src/kernel/step.js';
import type { SealingSuite } from '../../src/sealing/client-sealing.js';
import { Opener, type Opens, type Sealed, type SealingPair } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import type { GroupKeysFile, IdentityFile } from './delegate-files.js';
import type { GroupFile } from './group-file.js';
import { adopt, findGroupKeys, keyringFile, openSharedKeyring, signNewcomer } from './group-keys.js';
import { destroyPrevious, promoteEdition, stageEdition } from './group-rotation.js';
import { isKmsAway } from './outlast-kms.js';

export interface Holder {
  groupFile: GroupFile;
  keys: IdentityFile;
}

export interface LiveGroupKeysOptions {
  now?: () => number;
  /** Told of what could not be destroyed in its time. */
  onFault?: (error: unknown) => void;
}

/** When destroying what has had its time is tried again. */
const RETRY_MS = 60_000;

export class LiveGroupKeys implements Opens {
  /** Its own keys change when the file's do. */
  readonly keyring: KeyRing;
  readonly #holder: Holder;
  readonly #now: () => number;
  readonly #options: LiveGroupKeysOptions;
  readonly #openers = new Map<string, Opener>();
  #group: GroupKeysFile;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(holder: Holder, group: GroupKeysFile, options: LiveGroupKeysOptions) {
    const { folder, enrolment } = holder.groupFile;
    this.#holder = holder;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.keyring = openSharedKeyring(folder, enrolment);
    this.#group = group;
    this.#arm();
  }

  /** @throws DELEGATE_KEYS_MISSING, KEY_FILE_UNUSABLE, and as the file's `read` */
  static async open(holder: Holder, options: LiveGroupKeysOptions = {}): Promise<LiveGroupKeys> {
    try {
      await destroyPrevious(holder.groupFile, (options.now ?? Date.now)());
    } catch (error) {
      // They open nothing any more, and are destroyed when the KMS is back.
      if (!isKmsAway(error)) throw error;
    }
    return new LiveGroupKeys(holder, await requireGroupKeys(holder.groupFile), options);
  }

  get state(): GroupKeysState {
    const { identity, p256, edition, staged } = this.#group;
    const idOf = (one: GroupEdition | null | undefined): string | null =>
      one == null ? null : idOfEdition(one);
    const sign = (sealingKey: string) => ({
      sealingKey,
      signature: new Identity(identity).sign('sealing-key-p256', sealingKey),
    });
    return {
      at: Date.now(),
      edition: idOf(edition),
      staged: idOf(staged?.edition),
      p256: p256 === null ? null : sign(p256.publicKey),
    };
  }

  /** Opens a task, whether it was sealed to this delegate, or to its group as whoever sealed it knew it. */
  async open(sealed: Sealed, context: string): Promise<Buffer> {
    const pairs = [this.#holder.keys.sealing, ...this.pairsOf('x25519')];
    let refusal: unknown;
    for (const pair of pairs)
      try {
        return await this.#openerOf(pair).open(sealed, context);
      } catch (error) {
        refusal ??= error;
      }
    throw refusal;
  }

  /** With which values are opened that were sealed by this suite: the current pair, the next one, those that had been. */
  pairsOf(suite: SealingSuite): SealingPair[] {
    const { staged, previous } = this.#group;
    const open = previous.filter(({ until }) => until > this.#now());
    return [this.#group, ...(staged === null ? [] : [staged]), ...open].flatMap(({ sealing, p256 }) =>
      suite === 'x25519' ? [sealing] : (p256 ?? []),
    );
  }

  wish(): string {
    const { identity, sealing } = this.#holder.keys;
    return signNewcomer(new Identity(identity), sealing.publicKey);
  }

  /** @throws TASK_REFUSED, KEY_FILE_UNUSABLE */
  stage(input: TaskInput<'group.stage'>): Promise<GroupEdition> {
    const { groupFile } = this.#holder;
    return this.#change('delegate.stage-keys', () => stageEdition(groupFile, input, this.#now()));
  }

  /** @throws KEY_FILE_UNUSABLE */
  async adopt(sealed: Sealed): Promise<void> {
    const { groupFile, keys } = this.#holder;
    await this.#change('delegate.adopt-keys', () => adopt(groupFile, keys, sealed));
  }

  /** @throws TASK_REFUSED, KEY_FILE_UNUSABLE */
  promote({ edition }: TaskInput<'group.promote'>): Promise<void> {
    return this.#change('delegate.promote-keys', () =>
      promoteEdition(this.#holder.groupFile, edition, this.#now()),
    );
  }

  /** Destroys what has had its time. */
  async tidy(): Promise<void> {
    await this.#change('delegate.destroy-keys', () => destroyPrevious(this.#holder.groupFile, this.#now()));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** One change at a time, since each reads the files and writes them. */
  #change<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      try {
        return await step(name, work);
      } finally {
        // Also of what was cut short: a part of it may be on disk.
        await this.#reread();
      }
    });
    this.#turn = done.then(
      () => this.#arm(),
      () => undefined,
    );
    return done;
  }

  async #reread(): Promise<void> {
    const { groupFile } = this.#holder;
    this.#group = await requireGroupKeys(groupFile);
    this.keyring.become(openKeyFile(keyringFile(groupFile.folder), { createIfMissing: false }));
    this.#openers.clear();
  }

  #openerOf(pair: SealingPair): Opener {
    const { deployment, group } = this.#holder.groupFile.enrolment;
    const known = this.#openers.get(pair.publicKey);
    const opener = known ?? new Opener(pair, taskInfo(deployment, group.id));
    this.#openers.set(pair.publicKey, opener);
    return opener;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const ends = this.#group.previous.map(({ until }) => until);
    if (ends.length === 0) return;
    const soon = Math.max(Math.min(...ends) - this.#now(), 0);
    this.#wait(soon);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.tidy().catch((error: unknown) => {
        this.#options.onFault?.(error);
        this.#wait(RETRY_MS);
      });
    }, ms).unref();
  }
}

async function requireGroupKeys(file: GroupFile): Promise<GroupKeysFile> {
  const group = await findGroupKeys(file);
  if (group !== undefined) return group;
  throw new Failure('DELEGATE_KEYS_MISSING', { folder: file.folder, reason: 'they are gone' });
}
