// What is asked of delegates about secrets themselves: try a secret manager, take a value into its keeping, renew it, let it go.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Purpose } from '../contract/audit.js';
import type { TaskInput } from '../contract/tasks.js';
import { Dispatcher } from '../delegates/dispatcher.js';
import { type GroupKeys, GroupsRepository } from '../delegates/groups.repository.js';
import type { ReasonCode, Verdict } from '../delegates/selection.js';
import type { Found, StoredSecret } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { areNested, outwards } from '../scopes/scope.js';
import type { SealedValue } from '../sealing/client-sealing.js';
import type { SealedValueRecord } from '../secrets/sealed-values.repository.js';
import type { SecretManagerRecord } from '../secrets/secret-managers.repository.js';
import type { HeldSecret, KeptBy } from '../secrets/secrets.repository.js';
import { assertWhole, errandOfManager, SecretCarrier } from './secret-carrier.js';

/** What keeps a delegate from opening a secret for good. */
const lasting: ReadonlySet<ReasonCode> = new Set(['scope', 'group', 'tag', 'revoked', 'contract']);
/** What a task may take on top of the secret manager's own time. */
const TASK_MARGIN_MS = 10_000;

export type OutsideSecret = HeldSecret & { keptBy: NonNullable<KeptBy> };
export type Tried = Found & { ms: number };

/** The delegate group that a value for a secret manager is sealed to. */
export interface SealingGroup extends GroupKeys {
  id: string;
  name: string;
}

@Injectable()
export class DelegatedSecrets {
  constructor(
    private readonly config: Config,
    private readonly carrier: SecretCarrier,
    private readonly groups: GroupsRepository,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** How long the secret manager took to show that it can be used, in milliseconds. @throws SECRET_MANAGER_*, DELEGATE_* */
  async check(manager: SecretManagerRecord, actor: string): Promise<number> {
    const subject = `${manager.scope}/secret-managers/${manager.id}`;
    const purpose: Purpose = { kind: 'secret-manager-check', subject, operations: [], actors: [actor] };
    const carried = await this.carrier.carryManager(manager, purpose);
    const errand = { ...errandOfManager(manager), purpose };
    const { ms } = await this.dispatcher.run(errand, 'secrets.check', { manager: carried }, this.#timeoutMs);
    return ms;
  }

  /** @throws NOT_FOUND */
  async find(keptBy: NonNullable<KeptBy>): Promise<SecretManagerRecord> {
    return this.carrier.find(keptBy);
  }

  /** Has a delegate open it past all that is remembered. @throws SECRET_*, DELEGATE_* */
  async tryOpening(held: OutsideSecret, purpose: Purpose): Promise<Tried> {
    const { errand, task } = await this.#taskAbout(held, purpose);
    return this.dispatcher.run(errand, 'secrets.try', task, this.#timeoutMs);
  }

  /**
   * Every delegate that may open what the secret manager keeps, whether it is there now or not. A keyring’s also serve connectors
   * of a narrower scope than the secret’s.
   */
  async openers(keptBy: NonNullable<KeptBy>): Promise<Verdict[]> {
    const manager = await this.carrier.find(keptBy);
    const verdicts = await this.dispatcher.explain(errandOfManager(manager));
    const isKeyring = manager.settings.kind === 'keyring';
    return verdicts.filter(({ delegate, reasons }) =>
      reasons.every(
        ({ code }) =>
          !lasting.has(code) || (code === 'scope' && isKeyring && areNested(delegate.scope, manager.scope)),
      ),
    );
  }

  /** Of the delegate that would be asked now. @throws DELEGATE_UNAVAILABLE */
  async sealingGroup(manager: SecretManagerRecord): Promise<SealingGroup> {
    const { groupId, group } = await this.dispatcher.choose(errandOfManager(manager));
    const { keys } = await this.groups.find(groupId);
    if (keys === null)
      throw new Failure('DELEGATE_UNAVAILABLE', { reason: `no delegate of group ${group} has its keys` });
    return { id: groupId, name: group, ...keys };
  }

  /**
   * @throws INPUT_REFUSED unless the value is sealed to a group that may serve its secret manager; DELEGATE_GROUP_UNFIT where the
   * group cannot open it
   */
  async requireGroup({ keptBy, group: id, suite }: SealedValueRecord): Promise<void> {
    const manager = await this.carrier.find(keptBy);
    const group = await this.groups.seek(id);
    const serves =
      group !== undefined &&
      outwards(manager.scope).includes(group.scope) &&
      (manager.group === null || manager.group === group.name);
    if (!serves)
      throw new Failure('INPUT_REFUSED', {
        field: 'sealed.group',
        rule: 'is no group that serves the secret manager',
      });
    if (suite === 'p256' && group.keys?.p256 == null)
      throw new Failure('DELEGATE_GROUP_UNFIT', {
        group: group.name,
        problem: 'it has no P-256 key, and the value was sealed by P-256',
        mend: 'Seal the value by X25519; or rotate the keys of the group, which makes a P-256 key, and read …/sealing-key again',
      });
  }

  /**
   * Has a delegate take the value into its secret manager's keeping; of a migration, it looks afterwards whether it is there.
   * @throws SECRET_VALUE_REFUSED, SECRET_STORE_CONFLICT, SECRET_MANAGER_*, DELEGATE_*
   */
  async keep(
    value: Omit<SealedValueRecord, 'kind'>,
    purpose: Purpose,
    migration?: { onlyIfAbsent: boolean },
  ): Promise<StoredSecret> {
    const { scope, secret, keptBy, version, suite, enc, box, group: groupId } = value;
    const second = suite === 'p256' ? { suite } : {};
    const manager = await this.carrier.find(keptBy);
    const carried = await this.carrier.carryManager(manager, purpose);
    const task = { manager: carried, scope, secret, version, expiresAt: value.expiresAt.getTime(), enc, box };
    const { stored } = await this.dispatcher.run(
      { ...errandOfManager(manager), groupId, purpose },
      'secrets.put',
      { ...task, ...second, ...(migration === undefined ? {} : { migration }) },
      this.#timeoutMs,
    );
    return assertVersion(stored, version);
  }

  /** The secret under the newest key of its manager, or as another version under a fresh data key. @throws SECRET_*, DELEGATE_* */
  async renew(
    held: HeldSecret,
    { how, version }: { how: 'rewrap' | 'reencrypt'; version: string },
    purpose: Purpose,
  ): Promise<StoredSecret> {
    const { errand, task } = await this.#taskAbout(held, purpose);
    const { stored } = await this.dispatcher.run(
      errand,
      'secrets.renew',
      { ...task, how, version },
      this.#timeoutMs,
    );
    return assertVersion(stored, version);
  }

  /** The value, sealed to a group that no manager belongs to. @throws SECRET_*, DELEGATE_* */
  async reseal(
    held: HeldSecret,
    to: TaskInput<'secrets.reseal'>['to'],
    purpose: Purpose,
  ): Promise<SealedValue> {
    const { errand, task } = await this.#taskAbout(held, purpose);
    return this.dispatcher.run(errand, 'secrets.reseal', { ...task, to }, this.#timeoutMs);
  }

  /** The value itself, where the delegates’ operators allow that. @throws SECRET_*, DELEGATE_* */
  async reveal(held: HeldSecret, purpose: Purpose): Promise<Secret> {
    const { errand, task } = await this.#taskAbout(held, purpose);
    const { value } = await this.dispatcher.run(errand, 'secrets.reveal', task, this.#timeoutMs);
    return new Secret(Buffer.from(value, 'base64'));
  }

  async #taskAbout(held: HeldSecret, purpose: Purpose) {
    assertWhole(held);
    const { scope, id: secret, keptBy, stored } = held;
    const manager = await this.carrier.find(keptBy as NonNullable<KeptBy>);
    const task = { manager: await this.carrier.carryManager(manager, purpose), scope, secret, stored };
    const errand = { ...errandOfManager(manager), purpose };
    // A keyring is with every delegate of its group, also where that serves the secret’s own scope alone.
    return { errand: manager.settings.kind === 'keyring' ? { ...errand, scope } : errand, task };
  }

  /** A put asks twice: it wraps and unwraps, or looks and writes. */
  get #timeoutMs(): number {
    return 2 * this.config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000 + TASK_MARGIN_MS;
  }
}

function assertVersion(stored: StoredSecret, version: string): StoredSecret {
  if (stored.version !== version) throw new Error('The delegate answered another version');
  return stored;
}
