// What is asked of delegates about secrets themselves: try a secret manager, take a value into its keeping.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Dispatcher } from '../delegates/dispatcher.js';
import { type GroupKeys, GroupsRepository } from '../delegates/groups.repository.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import { outwards } from '../scopes/scope.js';
import type { SealedValueRecord } from '../secrets/sealed-values.repository.js';
import type { SecretManagerRecord } from '../secrets/secret-managers.repository.js';
import { errandOfManager, SecretCarrier } from './secret-carrier.js';

/** What a task may take on top of the secret manager's own time. */
const TASK_MARGIN_MS = 10_000;

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
  async check(manager: SecretManagerRecord): Promise<number> {
    const carried = await this.carrier.carryManager(manager);
    const errand = errandOfManager(manager);
    const { ms } = await this.dispatcher.run(errand, 'secrets.check', { manager: carried }, this.#timeoutMs);
    return ms;
  }

  /** Of the delegate that would be asked now. @throws DELEGATE_UNAVAILABLE */
  async sealingGroup(manager: SecretManagerRecord): Promise<SealingGroup> {
    const { groupId, group } = await this.dispatcher.choose(errandOfManager(manager));
    const { keys } = await this.groups.find(groupId);
    if (keys === null)
      throw new Failure('DELEGATE_UNAVAILABLE', { reason: `no delegate of group ${group} has its keys` });
    return { id: groupId, name: group, ...keys };
  }

  /** @throws INPUT_REFUSED unless the value is sealed to a group that may serve its secret manager */
  async requireGroup({ keptBy, group: id }: SealedValueRecord): Promise<void> {
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
  }

  /** Has a delegate take the value into its secret manager's keeping. @throws SECRET_VALUE_REFUSED, SECRET_MANAGER_*, DELEGATE_* */
  async keep(value: SealedValueRecord): Promise<StoredSecret> {
    const { scope, secret, keptBy, version, enc, box } = value;
    const manager = await this.carrier.find(keptBy);
    const carried = await this.carrier.carryManager(manager);
    const { stored } = await this.dispatcher.run(
      { ...errandOfManager(manager), groupId: value.group },
      'secrets.put',
      { manager: carried, scope, secret, version, expiresAt: value.expiresAt.getTime(), enc, box },
      this.#timeoutMs,
    );
    if (stored.version !== version) throw new Error('The delegate answered another version');
    return stored;
  }

  /** A put asks twice: it wraps and unwraps, or looks and writes. */
  get #timeoutMs(): number {
    return 2 * this.config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000 + TASK_MARGIN_MS;
  }
}
