// Delegate groups: whose they are, and the public keys their first delegate made.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';

export interface GroupKeys {
  identityKey: string;
  sealingKey: string;
  /** The identity's word for the sealing key. */
  signature: string;
}

export interface GroupRecord {
  /** Names its queues and keys; unlike the name it is unique among all scopes. */
  id: string;
  scope: Scope;
  name: string;
  /** Null until its first delegate has enrolled. */
  keys: GroupKeys | null;
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

  async find(id: string): Promise<GroupRecord> {
    return this.get(this.storage.db, id);
  }

  /** Gives the group these keys unless it has some; answers those it has. Undefined where they are another group's. */
  async found(tx: Session, id: string, keys: GroupKeys): Promise<GroupKeys | undefined> {
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
    return (await this.get(tx, id)).keys as GroupKeys;
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

function toGroup(row: {
  id: string;
  scope: string;
  name: string;
  identity_key: string | null;
  sealing_key: string | null;
  sealing_signature: string | null;
}): GroupRecord {
  const { identity_key, sealing_key, sealing_signature } = row;
  const keys =
    identity_key === null || sealing_key === null || sealing_signature === null
      ? null
      : { identityKey: identity_key, sealingKey: sealing_key, signature: sealing_signature };
  return { id: row.id, scope: row.scope, name: row.name, keys };
}
