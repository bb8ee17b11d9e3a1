// Delegate groups: whose they are, and the public keys their delegates made.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { type GroupEdition, idOfEdition } from '../contract/group-keys.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { DelegateGroupTable } from '../storage/schema.js';

export interface GroupKeys {
  identityKey: string;
  sealingKey: string;
  /** The identity's word for the sealing key. */
  signature: string;
  /** The same by the second suite; null where no delegate has told of it yet. */
  p256: { sealingKey: string; signature: string } | null;
}

/** What a group is founded with. */
export type FoundingKeys = Omit<GroupKeys, 'p256'>;

export interface GroupRecord {
  /** Names its queues and keys; unlike the name it is unique among all scopes. */
  id: string;
  scope: Scope;
  name: string;
  /** Null until its first delegate has enrolled. */
  keys: GroupKeys | null;
  /** Null before the first rotation. */
  edition: GroupEdition | null;
  keysSince: Date;
}

@Injectable()
export class GroupsRepository {
  constructor(private readonly storage: Storage) {}

  /** The group of this name in this very scope, made where there is none. */
  async ensure(tx: Session, scope: Scope, name: string): Promise<GroupRecord> {
    const id = `g${randomBytes(8).toString('hex')}`;
    await tx
      .insertInto('delegate_group')
      .values({ id, scope, name })
      .onConflict((conflict) => conflict.columns(['scope', 'name']).doNothing())
      .execute();
    const row = await tx
      .selectFrom('delegate_group')
      .selectAll()
      .where('scope', '=', scope)
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    return toGroup(row);
  }

  async get(tx: Session, id: string): Promise<GroupRecord> {
    return toGroup(
      await tx.selectFrom('delegate_group').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    );
  }

  async seek(id: string): Promise<GroupRecord | undefined> {
    const row = await this.storage.db
      .selectFrom('delegate_group')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : toGroup(row);
  }

  /** In this very scope. @throws NOT_FOUND */
  async named(scope: Scope, name: string): Promise<GroupRecord> {
    const row = await this.storage.db
      .selectFrom('delegate_group')
      .selectAll()
      .where('scope', '=', scope)
      .where('name', '=', name)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'delegate group', id: name });
    return toGroup(row);
  }

  /** Of these scopes, by scope and name. */
  async list(scopes: Scope[]): Promise<GroupRecord[]> {
    const rows = await this.storage.db
      .selectFrom('delegate_group')
      .selectAll()
      .where('scope', 'in', scopes)
      .orderBy('scope')
      .orderBy('name')
      .execute();
    return rows.map(toGroup);
  }

  /** The key by the second suite that the group was founded with, where none is known yet. */
  async learn(id: string, { sealingKey, signature }: NonNullable<GroupKeys['p256']>): Promise<void> {
    await this.storage.db
      .updateTable('delegate_group')
      .set({ p256_key: sealingKey, p256_signature: signature })
      .where('id', '=', id)
      .where('p256_key', 'is', null)
      .where('edition_id', 'is', null)
      .execute();
  }

  /** From now on these are the keys that others seal to. */
  async publish(tx: Session, id: string, edition: GroupEdition): Promise<void> {
    await tx
      .updateTable('delegate_group')
      .set({
        sealing_key: edition.sealingKey,
        sealing_signature: edition.signature,
        p256_key: edition.p256.sealingKey,
        p256_signature: edition.p256.signature,
        edition: JSON.stringify(edition),
        edition_id: idOfEdition(edition),
        keys_since: sql<Date>`now()`,
      })
      .where('id', '=', id)
      .execute();
  }

  async find(id: string): Promise<GroupRecord> {
    return this.get(this.storage.db, id);
  }

  /** Gives the group these keys unless it has some; answers those it has. Undefined where they are another group's. */
  async found(tx: Session, id: string, keys: FoundingKeys): Promise<FoundingKeys | undefined> {
    const taken = await tx
      .selectFrom('delegate_group')
      .select('id')
      .where('identity_key', '=', keys.identityKey)
      .where('id', '<>', id)
      .executeTakeFirst();
    if (taken !== undefined) return undefined;
    await tx
      .updateTable('delegate_group')
      .set({
        identity_key: keys.identityKey,
        sealing_key: keys.sealingKey,
        sealing_signature: keys.signature,
      })
      .where('id', '=', id)
      .where('identity_key', 'is', null)
      .execute();
    const { identityKey, sealingKey, signature } = (await this.get(tx, id)).keys as GroupKeys;
    return { identityKey, sealingKey, signature };
  }

  /** Ids of the groups that a delegate belongs to: nobody speaks for any other. */
  async peopled(): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('delegate')
      .select('group_id')
      .distinct()
      .where('state', '<>', 'revoked')
      .execute();
    return rows.map((row) => row.group_id);
  }
}

function toGroup(row: Selectable<DelegateGroupTable>): GroupRecord {
  const { id, scope, name, identity_key, sealing_key, sealing_signature, p256_key, p256_signature } = row;
  const p256 =
    p256_key === null || p256_signature === null ? null : { sealingKey: p256_key, signature: p256_signature };
  const keys =
    identity_key === null || sealing_key === null || sealing_signature === null
      ? null
      : { identityKey: identity_key, sealingKey: sealing_key, signature: sealing_signature, p256 };
  return { id, scope, name, keys, edition: row.edition as GroupEdition | null, keysSince: row.keys_since };
}
