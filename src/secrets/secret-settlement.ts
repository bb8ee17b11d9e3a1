// What may be asked of many secrets at once, and how each of them ends: in one transaction, or not at all.
import { Injectable } from '@nestjs/common';
import { SYSTEM } from '../audit/acting.js';
import { recordAs } from '../audit/record.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import type { ErrorCode } from '../kernel/errors.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { Storage } from '../storage/database.js';
import { SecretGrantsRepository } from './secret-grants.repository.js';
import { SecretManagersRepository } from './secret-managers.repository.js';
import {
  type ItemEnd,
  type SecretOperationAction,
  type SecretOperationItem,
  type SecretOperationRecord,
  SecretOperationsRepository,
} from './secret-operations.repository.js';
import { type HeldSecret, type KeptBy, SecretsRepository } from './secrets.repository.js';
import { SecretsService, stores, unfit } from './secrets.service.js';
import { UsesRepository } from './uses.repository.js';

/** What is asked; names as seen from the scope. */
export interface SecretOperationWish {
  scope: Scope;
  action: SecretOperationAction;
  /** All that this secret manager keeps in the scope and within, or the one secret of this very scope. */
  of: { manager: string } | { secret: string };
  /** Of a migration. */
  to?: { manager: string; onlyIfAbsent: boolean; revealToManager: boolean } | undefined;
  /** The token. */
  requestedBy: string;
}

@Injectable()
export class SecretSettlement {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly managers: SecretManagersRepository,
    private readonly secrets: SecretsRepository,
    private readonly service: SecretsService,
    private readonly operations: SecretOperationsRepository,
    private readonly users: UsesRepository,
    private readonly grants: SecretGrantsRepository,
  ) {}

  /** @throws SCOPE_NOT_FOUND, NOT_FOUND, SECRET_MANAGER_UNFIT, SECRET_REVEAL_UNCONFIRMED, INPUT_REFUSED */
  async accept({ scope, action, of, to, requestedBy }: SecretOperationWish): Promise<SecretOperationRecord> {
    await this.scopes.get(scope);
    const from =
      'secret' in of
        ? (await this.secrets.get(scope, of.secret)).keptBy
        : await this.#resolve(scope, of.manager);
    if (action !== 'migrate' && (await this.#isStore(from)))
      throw unfit('a store encrypts its values by itself', 'Rotate its key where it is');
    return this.operations.create({
      scope,
      action,
      from,
      to: to === undefined ? null : await this.#target(scope, from, to),
      onlyIfAbsent: to?.onlyIfAbsent ?? false,
      requestedBy,
      ...('secret' in of ? { secret: of.secret } : {}),
    });
  }

  /**
   * The version that an item is about; undefined where there is nothing to do with it any more. Before anything is opened:
   * what may not leave its secret manager is not on its way when that is found out.
   * @throws STILL_IN_USE for what has to stay with builtin, SECRET_MANAGER_UNFIT where a user could not open it any more
   */
  async find(item: SecretOperationItem): Promise<HeldSecret | undefined> {
    const { scope, secret, version, operation } = item;
    const held =
      operation.action === 'rewrap'
        ? await this.secrets.version(scope, secret, version)
        : await this.#current(item);
    if (held === undefined || !areSame(held.keptBy, operation.from)) return undefined;
    if (operation.action === 'migrate') await this.#assertMayMove(item);
    return held;
  }

  /** What was written since is newer than what was asked for. */
  async #current({ scope, secret, version }: SecretOperationItem): Promise<HeldSecret | undefined> {
    const held = await this.secrets.held(scope, secret).catch((error: unknown) => {
      if (error instanceof Failure && gone.has(error.code)) return undefined;
      throw error;
    });
    return held?.stored.version === version ? held : undefined;
  }

  async #assertMayMove({ scope, secret, operation: { from, to } }: SecretOperationItem): Promise<void> {
    const by = from === null ? await this.secrets.builtinUser(scope, secret) : undefined;
    if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'builtin secret', id: secret, by });
    const group = to === null ? null : (await this.managers.get(to.scope, to.id)).group;
    const outside = group === null ? undefined : await this.users.nameUsersOutside(group, scope, secret);
    if (outside !== undefined)
      throw unfit(
        `it is served by group ${group}, and ${outside} by another`,
        'Let one delegate group serve both',
      );
  }

  /** Ends an item with what it was made into. Whoever was slower finds that it is not its own any more. @throws SECRET_KEY_RETIRED, STILL_IN_USE, SECRET_OUT_OF_REACH */
  async settle(item: SecretOperationItem, held: HeldSecret, stored: StoredSecret): Promise<void> {
    const { action, from, to } = item.operation;
    await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, item.scope);
      if (!(await this.operations.hold(tx, item))) return;
      const isDone =
        action === 'rewrap'
          ? await this.secrets.replaceWrap(tx, held, stored)
          : await this.service.supersede(tx, held, { keptBy: action === 'migrate' ? to : from, stored });
      if (isDone) await this.grants.follow(tx, held, held.stored.version, stored.version);
      await this.operations.end(tx, item, { state: isDone ? 'done' : 'skipped' });
      if (isDone) recordAs(tx, SYSTEM, { action: done[action], ...told(item, stored) });
    });
  }

  /** There was nothing to do. */
  async skip(item: SecretOperationItem): Promise<void> {
    await this.#end(item, { state: 'skipped' });
  }

  async fail(item: SecretOperationItem, failure: WireFailure): Promise<void> {
    await this.#end(item, { state: 'failed', failure });
  }

  async #end(item: SecretOperationItem, end: ItemEnd): Promise<void> {
    await this.storage.transact(async (tx) => {
      if (await this.operations.hold(tx, item)) await this.operations.end(tx, item, end);
    });
  }

  async #resolve(scope: Scope, name: string): Promise<KeptBy> {
    if (name === 'builtin') return null;
    const manager = await this.managers.resolve(scope, name);
    return { scope: manager.scope, id: manager.id };
  }

  /** Who keeps the secrets of a migration afterwards. */
  async #target(scope: Scope, from: KeptBy, to: NonNullable<SecretOperationWish['to']>): Promise<KeptBy> {
    const target = await this.#resolve(scope, to.manager);
    if (areSame(target, from))
      throw unfit('it keeps the secrets already', 'Name another secret manager to migrate to');
    if (target === null && !to.revealToManager)
      throw new Failure('SECRET_REVEAL_UNCONFIRMED', { manager: from?.id ?? 'builtin' });
    const rule = 'is for a store: nothing can be in the way elsewhere';
    if (to.onlyIfAbsent && !(await this.#isStore(target)))
      throw new Failure('INPUT_REFUSED', { field: 'policy', rule });
    return target;
  }

  async #isStore(keptBy: KeptBy): Promise<boolean> {
    return keptBy !== null && stores.has((await this.managers.get(keptBy.scope, keptBy.id)).settings.kind);
  }
}

const gone: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'SECRET_DELETED']);

/** What has been done to a secret, as the audit calls it. */
const done = {
  rewrap: 'secret.rewrapped',
  reencrypt: 'secret.reencrypted',
  migrate: 'secret.migrated',
} as const;

const told = (
  { scope, secret, operation: { id, from, to, action } }: SecretOperationItem,
  stored: StoredSecret,
) => ({
  scope,
  target: `secrets/${secret}`,
  data: {
    version: stored.version,
    operation: id,
    manager: (action === 'migrate' ? to : from)?.id ?? 'builtin',
  },
});

const areSame = (one: KeptBy, other: KeptBy): boolean => one?.scope === other?.scope && one?.id === other?.id;
