// What may be written as a secret and as a secret manager, and what this side may open.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { SYSTEM } from '../audit/acting.js';
import { record, recordAs } from '../audit/record.js';
import type { OwnPurpose, Purpose } from '../contract/audit.js';
import type { ManagerSettings } from '../contract/secret-managers.js';
import type { Envelope } from '../envelope/envelope.js';
import type { SecretManagerKind, StoredSecret } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { step } from '../kernel/step.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { SecretKind } from '../storage/secret-schema.js';
import { BuiltInSecrets } from './built-in.js';
import { credentialMisfit, isElsewhere } from './manager-fit.js';
import { type SealedValueRecord, SealedValuesRepository } from './sealed-values.repository.js';
import { type OwnAttempt, SecretAuditRepository } from './secret-audit.repository.js';
import { type SecretManagerRecord, SecretManagersRepository } from './secret-managers.repository.js';
import type { MayUse } from './secret-use.js';
import { type HeldSecret, type KeptBy, type SecretRecord, SecretsRepository } from './secrets.repository.js';
import { type Uses, UsesRepository } from './uses.repository.js';

/** Where a store has a value that somebody else put there. */
export interface ReferenceWrite {
  path: string;
  field?: string | undefined;
  /** Default: the latest, whenever the secret is used. */
  version?: string | undefined;
}

export type SecretWrite = { kind: SecretKind } & (
  | { manager: 'builtin'; value: Buffer }
  | { manager: string; envelope: Envelope }
  | { manager: string; reference: ReferenceWrite; mayUse: MayUse }
);

export interface SecretManagerWrite {
  settings: ManagerSettings;
  group?: string | undefined;
  tags?: string[] | undefined;
  /** Name of a builtin secret; without it the delegate's own identity. */
  credential?: string | undefined;
}

type Connectivity = 'manager' | 'delegate';

/** The manager opens what the builtin secret manager keeps, and nothing else. */
export const canReach = (keptBy: KeptBy, connectivity: Connectivity): boolean =>
  keptBy === null || connectivity === 'delegate';

/** @throws SECRET_OUT_OF_REACH unless a connector of this connectivity may use secrets of this manager. */
export function assertWithinReach(secret: { id: string; keptBy: KeptBy }, connectivity: Connectivity): void {
  const { id, keptBy } = secret;
  if (!canReach(keptBy, connectivity))
    throw new Failure('SECRET_OUT_OF_REACH', { secret: id, manager: keptBy?.id ?? 'builtin', connectivity });
}

/** The kinds whose values are not in PostgreSQL. */
export const stores: ReadonlySet<SecretManagerKind> = new Set([
  'vault-kv',
  'aws-secrets-manager',
  'gcp-secret-manager',
  'azure-key-vault',
]);

@Injectable()
export class SecretsService {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly secrets: SecretsRepository,
    private readonly values: SealedValuesRepository,
    private readonly managers: SecretManagersRepository,
    private readonly users: UsesRepository,
    private readonly builtIn: BuiltInSecrets,
    private readonly audit: SecretAuditRepository,
  ) {}

  /**
   * @throws SCOPE_NOT_FOUND, NOT_FOUND for the secret manager, PERMISSION_MISSING, SECRET_MANAGER_UNFIT, SECRET_OUT_OF_REACH and
   * STILL_IN_USE when a connector or a secret manager that uses it could not open it any more.
   */
  async put(
    scope: Scope,
    id: string,
    write: SecretWrite,
  ): Promise<{ record: SecretRecord; created: boolean }> {
    const { keptBy, stored } = await this.#prepare(scope, id, write);
    return this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      // In the order of whoever turns such a value into a version.
      await this.values.deleteAll(tx, scope, id);
      const put = await this.secrets.put(tx, { scope, id, kind: write.kind, keptBy, stored });
      record(tx, { action: 'secret.put', ...told(put.record, { created: put.created }) });
      return put;
    });
  }

  /**
   * Makes what a delegate has taken into keeping the secret's current version; undefined where something was written, or the
   * secret deleted, since the value was accepted.
   * @throws as `put`
   */
  async adopt(
    value: SealedValueRecord,
    stored: StoredSecret,
  ): Promise<{ record: SecretRecord; created: boolean } | undefined> {
    const { scope, secret: id, kind, keptBy } = value;
    return this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      const sequence = await this.values.hold(tx, value);
      if (sequence === undefined) return undefined;
      const put = await this.secrets.put(tx, { scope, id, kind, keptBy, stored });
      await this.values.deleteUpTo(tx, scope, id, sequence);
      recordAs(tx, SYSTEM, { action: 'secret.kept', ...told(put.record, { created: put.created }) });
      return put;
    });
  }

  /**
   * Before a value is brought to a secret manager outside. The record where the value is kept already.
   * @throws SCOPE_NOT_FOUND, STILL_IN_USE, INPUT_REFUSED
   */
  async admit({ scope, secret: id, version, keptBy }: SealedValueRecord): Promise<SecretRecord | undefined> {
    await this.scopes.get(scope);
    const by = await this.secrets.builtinUser(scope, id);
    if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'builtin secret', id, by });
    const known = await this.secrets.version(scope, id, version);
    if (known === undefined) return undefined;
    if (!isDeepStrictEqual(known.keptBy, keptBy))
      throw new Failure('INPUT_REFUSED', { field: 'version', rule: 'is the id of another secret version' });
    return this.secrets.get(scope, id);
  }

  /**
   * Makes this the secret’s current version in place of the one that it was made from; false where something was written, or the
   * secret deleted, meanwhile.
   * @throws as `put`
   */
  async supersede(
    tx: Session,
    before: HeldSecret,
    after: Pick<HeldSecret, 'keptBy' | 'stored'>,
  ): Promise<boolean> {
    const { scope, id, stored } = before;
    const kind = await this.secrets.holdHead(tx, scope, id, stored.version);
    if (kind === undefined) return false;
    await this.secrets.put(tx, { scope, id, kind, ...after });
    return true;
  }

  /** As `supersede`, on its own and with what belongs to the same moment. Without `after` the secret stays as it is, if it did. */
  async replace(
    before: HeldSecret,
    after: Pick<HeldSecret, 'keptBy' | 'stored'> | undefined,
    also: (tx: Session) => Promise<void>,
  ): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      const { scope, id, stored } = before;
      const isCurrent =
        after === undefined
          ? (await this.secrets.holdHead(tx, scope, id, stored.version)) !== undefined
          : await this.supersede(tx, before, after);
      if (isCurrent) await also(tx);
      const version = after?.stored.version;
      if (isCurrent && version !== undefined)
        recordAs(tx, SYSTEM, { action: 'secret.renewed', scope, target: `secrets/${id}`, data: { version } });
      return isCurrent;
    });
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(scope: Scope, id: string): Promise<void> {
    const work = this.storage.transact(async (tx) => {
      await this.values.deleteAll(tx, scope, id);
      await this.secrets.delete(tx, scope, id);
      record(tx, { action: 'secret.delete', scope, target: `secrets/${id}` });
    });
    await work.catch(async (error: unknown) => {
      if (!isReferenced(error)) throw error;
      const by = (await this.users.nameUsersOfSecret(scope, id)) ?? 'what was written this moment';
      throw new Failure('STILL_IN_USE', { what: 'secret', id, by });
    });
  }

  /**
   * With all that is kept of it here. What uses the secret goes on naming it and fails, until it is put anew or named no more.
   * @throws NOT_FOUND
   */
  async deleteByForce(scope: Scope, id: string): Promise<void> {
    await this.delete(scope, id).catch(async (error: unknown) => {
      if (!(error instanceof Failure) || error.code !== 'STILL_IN_USE') throw error;
      await this.storage.transact(async (tx) => {
        await this.values.deleteAll(tx, scope, id);
        await this.secrets.bury(tx, scope, id);
        record(tx, { action: 'secret.delete', scope, target: `secrets/${id}`, data: { force: true } });
      });
    });
  }

  /** Up to so many of those that need the secret. @throws NOT_FOUND */
  async usesOf(scope: Scope, id: string, limit: number): Promise<Uses> {
    const found = await this.users.ofSecret(scope, id, limit);
    // One that was deleted although in use is read no more, and has users nevertheless.
    if (found.count === 0) await this.secrets.get(scope, id);
    return found;
  }

  /** @throws NOT_FOUND */
  async usesOfManager(scope: Scope, id: string, limit: number): Promise<Uses> {
    await this.managers.get(scope, id);
    return this.users.ofManager(scope, id, limit);
  }

  /** @throws SCOPE_NOT_FOUND, NOT_FOUND for the credential, SECRET_MANAGER_UNFIT, STILL_IN_USE where what it keeps would be lost */
  async putManager(
    scope: Scope,
    id: string,
    write: SecretManagerWrite,
    mayUse: MayUse,
  ): Promise<{ manager: SecretManagerRecord; created: boolean }> {
    const credential = await this.#credential(scope, write);
    if (credential !== null) mayUse(credential.secretScope);
    const manager: SecretManagerRecord = {
      scope,
      id,
      settings: write.settings,
      group: write.group ?? null,
      tags: write.tags ?? [],
      credential,
      revision: randomUUID(),
    };
    const put = await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      const before = await this.managers.find(scope, id, tx);
      if (before !== undefined && before.settings.kind !== write.settings.kind)
        throw unfit(`it is of kind ${before.settings.kind}`, 'Make another one of the new kind');
      if (before !== undefined && isElsewhere(before.settings, write.settings)) {
        await this.managers.holdAlone(tx, scope, id);
        const by = await this.users.nameUsersOfManager(scope, id, tx);
        if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'secret manager', id, by });
      }
      const { created } = await this.managers.put(tx, manager);
      const data = { created, kind: write.settings.kind, group: manager.group, revision: manager.revision };
      record(tx, { action: 'secret-manager.put', scope, target: `secret-managers/${id}`, data });
      return { manager, created };
    });
    await this.secrets.forgetDeleted();
    return put;
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async deleteManager(scope: Scope, id: string): Promise<void> {
    await this.managers.delete(scope, id).catch(async (error: unknown) => {
      if (!isReferenced(error)) throw error;
      const by = (await this.users.nameUsersOfManager(scope, id)) ?? 'what was written this moment';
      throw new Failure('STILL_IN_USE', { what: 'secret manager', id, by });
    });
    await this.secrets.forgetDeleted();
  }

  /**
   * Opens a builtin secret and hands it out once that is on record; so is an attempt that fails. `lentTo`: what it is given to
   * inside a task.
   * @throws SECRET_OUT_OF_REACH for any other, SECRET_UNREADABLE; DATABASE_UNAVAILABLE where it cannot be put on record
   */
  async open(secret: HeldSecret, purpose: OwnPurpose, lentTo: string | null = null): Promise<Secret> {
    const attempt = { secret, purpose, lentTo };
    const opened = await this.#open(secret).catch((error: unknown) => this.#refuse(attempt, error));
    try {
      await step('secrets.audit', () => this.audit.write({ ...attempt, code: null }));
    } catch (error) {
      opened.wipe();
      throw error;
    }
    return opened;
  }

  async #refuse(attempt: Omit<OwnAttempt, 'code'>, error: unknown): Promise<never> {
    await this.audit.write({ ...attempt, code: Failure.from(error).code });
    throw error;
  }

  async #open({ scope, id, keptBy, stored }: HeldSecret): Promise<Secret> {
    assertWithinReach({ id, keptBy }, 'manager');
    return this.builtIn.open(stored, { scope, secret: id });
  }

  /** The builtin secret under the newest master key, or as another version under a fresh data key. @throws SECRET_UNREADABLE */
  async renew(
    held: HeldSecret,
    { how, version }: { how: 'rewrap' | 'reencrypt'; version: string },
    purpose: Purpose,
  ): Promise<Envelope> {
    const { scope, id, stored } = held;
    if (how === 'reencrypt') return this.keep(await this.open(held, purpose), { scope, id, version });
    // It opens and uses the data key in one, so it is on record before it begins.
    const attempt = { secret: held, purpose, lentTo: null };
    await this.audit.write({ ...attempt, code: null });
    return this.builtIn
      .rewrap(stored, { scope, secret: id })
      .catch((error: unknown) => this.#refuse(attempt, error));
  }

  /** Takes what a delegate showed of a secret into the builtin manager’s keeping, once that it was shown is on record. */
  async keepRevealed(
    value: Secret,
    { held, version }: { held: HeldSecret; version: string },
    purpose: Purpose,
  ): Promise<Envelope> {
    const note = 'shown to the manager by a delegate, as the request confirmed';
    try {
      await this.audit.write({ secret: held, purpose, lentTo: null, code: null, note });
    } catch (error) {
      value.wipe();
      throw error;
    }
    return this.keep(value, { scope: held.scope, id: held.id, version });
  }

  /** Takes a value into the builtin manager’s keeping, and wipes it. */
  async keep(
    value: Secret,
    { scope, id, version }: { scope: Scope; id: string; version?: string },
  ): Promise<Envelope> {
    try {
      const options = version === undefined ? {} : { version };
      return await value.use((bytes) => this.builtIn.put(bytes, { scope, secret: id }, options));
    } finally {
      value.wipe();
    }
  }

  /** Seals a token that came of this secret for whichever manager shows it, and wipes it. */
  async keepToken(token: Secret, { scope, id }: { scope: Scope; id: string }): Promise<Envelope> {
    return this.keep(token, { scope, id: tokenName(id) });
  }

  /** What came of secrets whose openings are on record, and is none of them. @throws SECRET_UNREADABLE */
  async openToken(sealed: Envelope, { scope, id }: { scope: Scope; id: string }): Promise<Secret> {
    return this.builtIn.open(sealed, { scope, secret: tokenName(id) });
  }

  async #prepare(
    scope: Scope,
    id: string,
    write: SecretWrite,
  ): Promise<{ keptBy: KeptBy; stored: StoredSecret }> {
    if ('value' in write)
      return { keptBy: null, stored: await this.keep(new Secret(write.value), { scope, id }) };
    const manager = await this.managers.resolve(scope, write.manager);
    const keptBy = { scope: manager.scope, id: manager.id };
    const { kind } = manager.settings;
    if ('envelope' in write) {
      if (kind !== 'keyring')
        throw unfit(
          `only a keyring takes an envelope, and it is of kind ${kind}`,
          'Seal the value to its delegates',
        );
      return { keptBy, stored: write.envelope };
    }
    // Of the secret's own scope it is asked of whoever names the secret.
    if (manager.scope !== scope) write.mayUse(manager.scope);
    if (!stores.has(kind))
      throw unfit(
        `kind ${kind} keeps no values that could be referred to`,
        'Seal the value to its delegates',
      );
    const { path, field = null, version = null } = write.reference;
    return {
      keptBy,
      stored: { format: 'sallyport-reference-1', version: randomUUID(), path, field, storeVersion: version },
    };
  }

  /** Nothing but a builtin secret: so no chain of managers can be made, and no cycle. */
  async #credential(
    scope: Scope,
    { settings, credential }: SecretManagerWrite,
  ): Promise<SecretManagerRecord['credential']> {
    const misfit = credentialMisfit(settings, credential !== undefined);
    if (misfit !== undefined) throw unfit(...misfit);
    if (credential === undefined) return null;
    const { id, keptBy, scope: secretScope } = await this.secrets.resolve(scope, credential);
    if (keptBy !== null)
      throw unfit(
        `its credential is kept by ${keptBy.id}, and a secret manager’s credential may be kept by builtin alone`,
        'Use a builtin secret, or the delegate’s own identity',
      );
    return { secretScope, secret: id };
  }
}

/** As the audit tells of a version. */
const told = ({ scope, id, version, keptBy, kind }: SecretRecord, more: object) => ({
  scope,
  target: `secrets/${id}`,
  data: { ...more, version, kind, manager: keptBy?.id ?? 'builtin' },
});

/** No secret has such a name. */
const tokenName = (id: string): string => `grant:${id}:token`;

export const unfit = (problem: string, mend: string): Failure =>
  new Failure('SECRET_MANAGER_UNFIT', { problem, mend }) as Failure;
