// Changes of groups' keys that are under way: one per group at a time, and whoever claims one goes on with it.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { SYSTEM } from '../audit/acting.js';
import { record, recordAs } from '../audit/record.js';
import { type GroupEdition, type GroupKeyKind, idOfEdition } from '../contract/group-keys.js';
import { type Session, Storage } from '../storage/database.js';
import type { GroupRotationState, GroupRotationTable } from '../storage/schema.js';
import { GroupsRepository } from './groups.repository.js';

export interface RotationRecord {
  id: string;
  groupId: string;
  keys: GroupKeyKind[];
  /** Once a delegate has made it. */
  edition: GroupEdition | null;
  state: GroupRotationState;
  waitsFor: string | null;
  createdAt: Date;
  publishedAt: Date | null;
  finishedAt: Date | null;
}

@Injectable()
export class GroupRotationsRepository {
  constructor(
    private readonly storage: Storage,
    private readonly groups: GroupsRepository,
  ) {}

  /** Begins one; whether there was none under way already, which is answered then. */
  async begin(groupId: string, keys: GroupKeyKind[]): Promise<{ rotation: RotationRecord; isNew: boolean }> {
    const row = await this.storage.transact(async (tx) => {
      const begun = await tx
        .insertInto('group_rotation')
        .values({ id: randomUUID(), group_id: groupId, keys })
        .onConflict((conflict) => conflict.column('group_id').where('state', '<>', 'done').doNothing())
        .returningAll()
        .executeTakeFirst();
      if (begun !== undefined)
        record(tx, {
          action: 'delegate-group.rotate',
          ...(await placeOf(tx, groupId)),
          data: { rotation: begun.id, keys },
        });
      return begun;
    });
    if (row !== undefined) return { rotation: toRecord(row), isNew: true };
    const [rotation] = await this.latest([groupId]);
    return { rotation: rotation as RotationRecord, isNew: false };
  }

  /** Of each of these groups the one that was begun last. */
  async latest(groupIds: string[]): Promise<RotationRecord[]> {
    if (groupIds.length === 0) return [];
    const rows = await this.storage.db
      .selectFrom('group_rotation')
      .distinctOn('group_id')
      .selectAll()
      .where('group_id', 'in', groupIds)
      .orderBy('group_id')
      .orderBy('sequence', 'desc')
      .execute();
    return rows.map(toRecord);
  }

  /** Those that are not done and that nobody is at, claimed for so long. */
  async claim(max: number, claimMs: number): Promise<RotationRecord[]> {
    const rows = await this.storage.db
      .updateTable('group_rotation')
      .set({ claimed_until: sql<Date>`now() + ${claimMs} * interval '1 millisecond'` })
      .where('id', 'in', (query) =>
        query
          .selectFrom('group_rotation')
          .select('id')
          .where('state', '<>', 'done')
          .where('claimed_until', '<', sql<Date>`now()`)
          .orderBy('claimed_until')
          .limit(max)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .execute();
    return rows.map(toRecord);
  }

  async release(id: string, waitsFor: string | null): Promise<void> {
    await this.#update(id).set({ claimed_until: sql<Date>`now()`, waits_for: waitsFor }).execute();
  }

  /** The edition that a delegate made for it, unless there is one: that one, then. */
  async keep(id: string, edition: GroupEdition): Promise<GroupEdition | null> {
    await this.#update(id)
      .set({ edition: JSON.stringify(edition) })
      .where('edition', 'is', null)
      .execute();
    const row = await this.storage.db
      .selectFrom('group_rotation')
      .select('edition')
      .where('id', '=', id)
      .executeTakeFirst();
    return (row?.edition ?? null) as GroupEdition | null;
  }

  /** Nobody has the edition any more: another one may be made, as long as this one was not published. */
  async giveUp(id: string): Promise<void> {
    await this.#update(id).set({ edition: null }).where('state', '=', 'staged').execute();
  }

  /** Makes its edition the group's current one; whether nobody has done so or given it up. */
  async publish(id: string, edition: GroupEdition): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      const row = await tx
        .selectFrom('group_rotation')
        .selectAll()
        .where('id', '=', id)
        .where('state', '=', 'staged')
        .forUpdate()
        .executeTakeFirst();
      const kept = (row?.edition ?? null) as GroupEdition | null;
      if (row === undefined || kept === null || idOfEdition(kept) !== idOfEdition(edition)) return false;
      await this.groups.publish(tx, row.group_id, kept);
      const published = { state: 'published' as const, published_at: sql<Date>`now()` };
      await tx.updateTable('group_rotation').set(published).where('id', '=', id).execute();
      const data = { rotation: id, keys: row.keys, edition: idOfEdition(kept) };
      recordAs(tx, SYSTEM, { action: 'delegate-group.rotated', ...(await placeOf(tx, row.group_id)), data });
      return true;
    });
  }

  async finish(id: string): Promise<void> {
    await this.#update(id)
      .set({ state: 'done', finished_at: sql<Date>`now()`, waits_for: null })
      .where('state', '=', 'published')
      .execute();
  }

  #update(id: string) {
    return this.storage.db.updateTable('group_rotation').where('id', '=', id);
  }
}

/** As the audit names the group. */
async function placeOf(tx: Session, id: string): Promise<{ scope: string; target: string }> {
  const { scope, name } = await tx
    .selectFrom('delegate_group')
    .select(['scope', 'name'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { scope, target: `delegate-groups/${name}` };
}

const toRecord = (row: Selectable<GroupRotationTable>): RotationRecord => ({
  id: row.id,
  groupId: row.group_id,
  keys: row.keys as GroupKeyKind[],
  edition: row.edition as GroupEdition | null,
  state: row.state,
  waitsFor: row.waits_for,
  createdAt: row.created_at,
  publishedAt: row.published_at,
  finishedAt: row.finished_at,
});
