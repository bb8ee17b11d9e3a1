// Roles of an account beside the builtin ones, and who has which role where.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { RoleBindingTable, RoleTable } from '../storage/identity-schema.js';
import type { Grant } from './caller.js';
import { builtinRoles, isBuiltinRole, knownPermissions, type Permission } from './permissions.js';

export interface RoleRecord {
  id: string;
  description: string;
  permissions: Permission[];
  isBuiltin: boolean;
}

/** A user by the address that an identity provider has verified, or whoever it says is in a group. */
export interface Principal {
  kind: 'user' | 'group';
  name: string;
}

export interface BindingRecord {
  scope: Scope;
  id: string;
  principal: Principal;
  role: string;
  createdAt: Date;
  createdBy: string;
}

export type BindingWish = Omit<BindingRecord, 'createdAt'>;

/** An account has no more roles than this. */
export const ROLES_MAX = 100;
/** A scope has no more bindings than this. */
export const BINDINGS_MAX = 1_000;

/** What a role allows: `own` is what the account’s table says of it, null where it says nothing. */
export const permissionsOf = (role: string, own: readonly string[] | null): readonly Permission[] =>
  isBuiltinRole(role) ? builtinRoles[role] : knownPermissions(own ?? []);

@Injectable()
export class RolesRepository {
  constructor(private readonly storage: Storage) {}

  /** The builtin ones first. */
  async list(account: Scope): Promise<RoleRecord[]> {
    const rows = await this.storage.db
      .selectFrom('role')
      .selectAll()
      .where('account', '=', account)
      .orderBy('id')
      .execute();
    return [...builtins, ...rows.map(toRole)];
  }

  /** @throws NOT_FOUND */
  async get(account: Scope, id: string): Promise<RoleRecord> {
    const builtin = builtins.find((role) => role.id === id);
    if (builtin !== undefined) return builtin;
    const row = await this.storage.db
      .selectFrom('role')
      .selectAll()
      .where('account', '=', account)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw notFound(id);
    return toRole(row);
  }

  /** Keeps a role from being deleted until the transaction ends. @throws NOT_FOUND */
  async hold(tx: Session, account: Scope, id: string): Promise<void> {
    if (isBuiltinRole(id)) return;
    const row = await tx
      .selectFrom('role')
      .select('id')
      .where('account', '=', account)
      .where('id', '=', id)
      .forShare()
      .executeTakeFirst();
    if (row === undefined) throw notFound(id);
  }

  /** @throws ROLE_UNFIT for a builtin one, and for one too many; SCOPE_NOT_FOUND */
  async put(
    account: Scope,
    { id, description, permissions }: Omit<RoleRecord, 'isBuiltin'>,
  ): Promise<{ role: RoleRecord; created: boolean }> {
    if (isBuiltinRole(id)) throw new Failure('ROLE_UNFIT', { role: id, reason: 'it is a builtin role' });
    return this.storage.transact(async (tx) => {
      const others = await lockOf(tx, account, 'role');
      if (!others.has(id) && others.size >= ROLES_MAX)
        throw new Failure('ROLE_UNFIT', { role: id, reason: `an account has at most ${ROLES_MAX} roles` });
      const values = { description, permissions: [...permissions].sort() };
      const row = await tx
        .insertInto('role')
        .values({ account, id, ...values })
        .onConflict((conflict) => conflict.columns(['account', 'id']).doUpdateSet(values))
        .returningAll()
        .executeTakeFirstOrThrow();
      const created = !others.has(id);
      const data = { created, permissions: row.permissions };
      record(tx, { action: 'role.put', scope: account, target: `roles/${id}`, data });
      return { role: toRole(row), created };
    });
  }

  /** @throws NOT_FOUND, ROLE_UNFIT for a builtin one, STILL_IN_USE */
  async delete(account: Scope, id: string): Promise<void> {
    if (isBuiltinRole(id)) throw new Failure('ROLE_UNFIT', { role: id, reason: 'it is a builtin role' });
    await this.storage.transact(async (tx) => {
      const row = await tx
        .selectFrom('role')
        .select('id')
        .where('account', '=', account)
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined) throw notFound(id);
      const by = await userOf(tx, account, id);
      if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'role', id, by });
      await tx.deleteFrom('role').where('account', '=', account).where('id', '=', id).execute();
      record(tx, { action: 'role.delete', scope: account, target: `roles/${id}` });
    });
  }

  /** Those of the scope itself. */
  async listBindings(scope: Scope): Promise<BindingRecord[]> {
    const rows = await this.storage.db
      .selectFrom('role_binding')
      .selectAll()
      .where('scope', '=', scope)
      .orderBy('id')
      .execute();
    return rows.map(toBinding);
  }

  /** @throws NOT_FOUND */
  async getBinding(scope: Scope, id: string): Promise<BindingRecord> {
    const row = await this.storage.db
      .selectFrom('role_binding')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'role binding', id });
    return toBinding(row);
  }

  /** @throws SCOPE_NOT_FOUND, NOT_FOUND for the role, ROLE_UNFIT for one binding too many */
  async putBinding(wish: BindingWish): Promise<{ binding: BindingRecord; created: boolean }> {
    const { scope, id, principal, role, createdBy: created_by } = wish;
    const account = accountOf(scope);
    return this.storage
      .transact(async (tx) => {
        await this.hold(tx, account, role);
        const others = await lockOf(tx, scope, 'role_binding');
        if (!others.has(id) && others.size >= BINDINGS_MAX)
          throw new Failure('ROLE_UNFIT', { role, reason: `a scope has at most ${BINDINGS_MAX} bindings` });
        const values = { principal_kind: principal.kind, principal: nameOf(principal), role };
        const row = await tx
          .insertInto('role_binding')
          .values({ account, scope, id, created_by, ...values })
          .onConflict((conflict) => conflict.columns(['scope', 'id']).doUpdateSet(values))
          .returningAll()
          .executeTakeFirstOrThrow();
        const created = !others.has(id);
        record(tx, {
          action: 'role-binding.put',
          scope,
          target: `role-bindings/${id}`,
          data: { created, principal, role },
        });
        return { binding: toBinding(row), created };
      })
      .catch((error: unknown) => {
        throw isReferenced(error) ? new Failure('SCOPE_NOT_FOUND', { scope }) : error;
      });
  }

  /** @throws NOT_FOUND */
  async deleteBinding(scope: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const row = await tx
        .deleteFrom('role_binding')
        .where('scope', '=', scope)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw new Failure('NOT_FOUND', { what: 'role binding', id });
      const { principal, role } = toBinding(row);
      record(tx, {
        action: 'role-binding.delete',
        scope,
        target: `role-bindings/${id}`,
        data: { principal, role },
      });
    });
  }

  /** What somebody may do by their verified address and their groups. */
  async grantsOf(account: Scope, email: string | null, groups: readonly string[]): Promise<Grant[]> {
    const rows = await this.storage.db
      .selectFrom('role_binding')
      .leftJoin('role', (join) =>
        join.onRef('role.account', '=', 'role_binding.account').onRef('role.id', '=', 'role_binding.role'),
      )
      .select(['role_binding.scope', 'role_binding.role', 'role.permissions'])
      .where('role_binding.account', '=', account)
      .where((where) =>
        where.or([
          where.and([
            where('principal_kind', '=', 'user'),
            where('principal', '=', email === null ? null : nameOf({ kind: 'user', name: email })),
          ]),
          where.and([
            where('principal_kind', '=', 'group'),
            where('principal', '=', where.fn.any(where.val(groups))),
          ]),
        ]),
      )
      .orderBy('role_binding.scope')
      .orderBy('role_binding.role')
      .execute();
    return rows.map(({ scope, role, permissions }) => ({
      scope,
      role,
      permissions: permissionsOf(role, permissions),
    }));
  }
}

/** Addresses are compared as they are meant: without regard to case. */
const nameOf = ({ kind, name }: Principal): string => (kind === 'user' ? name.toLowerCase() : name);

/** The ids that a scope has of them; who counts them waits for whoever counts them now. */
async function lockOf(tx: Session, scope: Scope, table: 'role' | 'role_binding'): Promise<Set<string>> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${table} ${scope}`}, 0))`.execute(tx);
  const rows = await tx
    .selectFrom(table)
    .select('id')
    .where((table === 'role' ? 'account' : 'scope') as never, '=', scope as never)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** Who has the role, in words; undefined where nobody does. */
async function userOf(tx: Session, account: Scope, role: string): Promise<string | undefined> {
  const binding = await tx
    .selectFrom('role_binding')
    .select(['scope', 'id'])
    .where('account', '=', account)
    .where('role', '=', role)
    .executeTakeFirst();
  if (binding !== undefined) return `${binding.scope}/role-bindings/${binding.id}`;
  const token = await tx
    .selectFrom('token')
    .select(['scope', 'id'])
    .where('account', '=', account)
    .where('role', '=', role)
    .executeTakeFirst();
  return token === undefined ? undefined : `${token.scope}/tokens/${token.id}`;
}

const notFound = (id: string): Failure => new Failure('NOT_FOUND', { what: 'role', id }) as Failure;

const descriptions = {
  viewer: 'Reads everything but who may do what and who did what',
  editor: 'Reads as a viewer does, saves entities and uses connectors',
  admin: 'Does everything',
} as const;

const builtins: RoleRecord[] = Object.entries(builtinRoles).map(([id, permissions]) => ({
  id,
  description: descriptions[id as keyof typeof descriptions],
  permissions: [...permissions],
  isBuiltin: true,
}));

const toRole = (row: Selectable<RoleTable>): RoleRecord => ({
  id: row.id,
  description: row.description,
  permissions: knownPermissions(row.permissions),
  isBuiltin: false,
});

const toBinding = (row: Selectable<RoleBindingTable>): BindingRecord => ({
  scope: row.scope,
  id: row.id,
  principal: { kind: row.principal_kind, name: row.principal },
  role: row.role,
  createdAt: row.created_at,
  createdBy: row.created_by,
});
