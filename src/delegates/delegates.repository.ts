// The delegates that enrolled: what they are, what their operators want of them, and when they were last heard of.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { GroupKeysState } from '../contract/group-keys.js';
import {
  type Presence,
  type PresenceClaims,
  type SelfDescription,
  silenceMaxMs,
} from '../contract/presence.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { DelegateState, DelegateTable } from '../storage/schema.js';

export interface DelegateRecord {
  id: string;
  group: string;
  groupId: string;
  scope: Scope;
  name: string;
  state: DelegateState;
  alive: boolean;
  said: PresenceClaims['said'];
  lastSeenAt: Date | null;
  enrolledAt: Date;
  version: string;
  /** The contract versions it speaks: the latest and the oldest. */
  contract: number;
  contractOldest: number;
  tags: string[];
  capabilities: SelfDescription['capabilities'];
  tasksMax: number;
  running: number;
  lastFault: Presence['lastFault'];
  process: string | null;
  /** Public keys: its own, and its group's to seal to. */
  identityKey: string;
  sealingKey: string;
  groupIdentityKey: string;
  /** Whether its group's key by the second suite is known. */
  groupHasP256: boolean;
  /** What it has of its group's keys, as it said last. */
  groupKeys: GroupKeysState | null;
  /** Whether it can open all that is sealed to its group now. */
  hasGroupKeys: boolean;
  /** Whether it uses the group's current keys itself. */
  isUpToDate: boolean;
}

export interface Newcomer {
  id: string;
  groupId: string;
  self: SelfDescription;
  identityKey: string;
  sealingKey: string;
  /** SHA-256 in hex. */
  passwordHash: string | null;
}

/** Whose identity is known; `wasHeard`: whether it has said a word since it enrolled. */
export interface Known {
  id: string;
  groupId: string;
  state: DelegateState;
  sealingKey: string;
  wasHeard: boolean;
}

/** Of `delegate as d`. */
export const isAlive = sql<boolean>`(d.state <> 'revoked' and d.said <> 'goodbye' and d.last_seen_at is not null
  and d.last_seen_at > now() - ${silenceMaxMs} * interval '1 millisecond')`;

@Injectable()
export class DelegatesRepository {
  constructor(private readonly storage: Storage) {}

  /** A delegate of the same name and group that comes again takes the place of the one before, whose id it gets. */
  async enrol(tx: Session, { id, groupId, self, ...keys }: Newcomer): Promise<string> {
    const values = {
      state: 'enabled' as const,
      identity_key: keys.identityKey,
      sealing_key: keys.sealingKey,
      password_hash: keys.passwordHash,
      process: null,
      said: 'goodbye' as const,
      said_at: 0,
      group_keys: null,
      ...describing(self),
    };
    const row = await tx
      .insertInto('delegate')
      .values({ id, group_id: groupId, name: self.name, ...values })
      .onConflict((conflict) => conflict.columns(['group_id', 'name']).doUpdateSet(values))
      .returning('id')
      .executeTakeFirstOrThrow();
    return row.id;
  }

  /** Enrols again, under keys that are known: only what it tells of itself and its password are new. */
  async enrolAgain(
    tx: Session,
    id: string,
    { self, passwordHash }: Pick<Newcomer, 'self' | 'passwordHash'>,
  ): Promise<void> {
    await tx
      .updateTable('delegate')
      .set({ name: self.name, password_hash: passwordHash, ...describing(self) })
      .where('id', '=', id)
      .execute();
  }

  /** Who enrolled with this identity, in whatever group; locked. */
  async known(tx: Session, identityKey: string): Promise<Known | undefined> {
    const row = await tx
      .selectFrom('delegate')
      .select(['id', 'group_id', 'state', 'sealing_key', 'process'])
      .where('identity_key', '=', identityKey)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { id, group_id: groupId, state, sealing_key: sealingKey, process } = row;
    return { id, groupId, state, sealingKey, wasHeard: process !== null };
  }

  /** Its id among those of the group, where one of this name enrolled before. */
  async idOf(tx: Session, groupId: string, name: string): Promise<string | undefined> {
    const row = await tx
      .selectFrom('delegate')
      .select('id')
      .where('group_id', '=', groupId)
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.id;
  }

  async heard(
    { delegate, said, process, saidAt }: Pick<PresenceClaims, 'delegate' | 'said' | 'process' | 'saidAt'>,
    presence: Presence,
  ): Promise<void> {
    const { self, running, lastFault, groupKeys } = presence;
    await this.storage.db
      .updateTable('delegate')
      .set({
        ...describing(self),
        said,
        said_at: saidAt,
        process,
        running,
        last_fault: lastFault === null ? null : JSON.stringify(lastFault),
        last_seen_at: sql<Date>`now()`,
        // A process that starts has yet to tell.
        ...(said === 'hello' ? { group_keys: null } : {}),
        ...(groupKeys === undefined ? {} : { group_keys: newerOf(groupKeys) }),
      })
      .where('id', '=', delegate)
      // Words come in any order, and again: an older one says nothing any more.
      .where('said_at', '<', saidAt)
      // A late word of a process that another one has followed says nothing any more.
      .$if(said !== 'hello', (query) => query.where('process', '=', process))
      .execute();
  }

  /** What it says in an answer comes sooner than its next heartbeat. */
  async noteGroupKeys(id: string, state: GroupKeysState): Promise<void> {
    await this.storage.db
      .updateTable('delegate')
      .set({ group_keys: newerOf(state) })
      .where('id', '=', id)
      .execute();
  }

  /** Of the groups in these scopes. */
  async list(scopes: Scope[]): Promise<DelegateRecord[]> {
    const rows = await this.#select().where('g.scope', 'in', scopes).execute();
    return rows.map(toRecord);
  }

  async listAll(): Promise<DelegateRecord[]> {
    return (await this.#select().execute()).map(toRecord);
  }

  /** Those that were not revoked. */
  async ofGroup(groupId: string): Promise<DelegateRecord[]> {
    const rows = await this.#select()
      .where('d.group_id', '=', groupId)
      .where('d.state', '<>', 'revoked')
      .execute();
    return rows.map(toRecord);
  }

  async find(id: string, session: Session = this.storage.db): Promise<DelegateRecord | undefined> {
    const row = await this.#select(session).where('d.id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toRecord(row);
  }

  /** Who must be able to reach Redis, by the hash of its password. */
  async admitted(): Promise<{ delegate: string; group: string; passwordHash: string }[]> {
    const rows = await this.storage.db
      .selectFrom('delegate')
      .select(['id', 'group_id', 'password_hash'])
      .where('state', '<>', 'revoked')
      .where('password_hash', 'is not', null)
      .execute();
    return rows.map((row) => ({
      delegate: row.id,
      group: row.group_id,
      passwordHash: row.password_hash as string,
    }));
  }

  /** What is revoked stays revoked. @throws NOT_FOUND */
  async setState(
    tx: Session,
    { scope, id, state }: { scope: Scope; id: string; state: DelegateState },
  ): Promise<{ record: DelegateRecord; changed: boolean }> {
    const before = await this.find(id, tx);
    if (before === undefined || before.scope !== scope || (before.state === 'revoked' && state !== 'revoked'))
      throw new Failure('NOT_FOUND', { what: 'delegate', id });
    const row = await tx
      .selectFrom('delegate')
      .select('state')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined || (row.state === 'revoked' && state !== 'revoked'))
      throw new Failure('NOT_FOUND', { what: 'delegate', id });
    await tx.updateTable('delegate').set({ state }).where('id', '=', id).execute();
    return { record: { ...before, state }, changed: row.state !== state };
  }

  #select(session: Session = this.storage.db) {
    return session
      .selectFrom('delegate as d')
      .innerJoin('delegate_group as g', 'g.id', 'd.group_id')
      .selectAll('d')
      .select(['g.scope', 'g.name as group_name', 'g.identity_key as group_identity_key'])
      .select(['g.p256_key as group_p256_key', 'g.edition_id as group_edition_id', isAlive.as('alive')])
      .orderBy('g.scope')
      .orderBy('g.name')
      .orderBy('d.name');
  }
}

const describing = (self: SelfDescription) => ({
  version: self.version,
  contract: self.contract,
  contract_oldest: self.contractOldest,
  tags: self.tags,
  capabilities: JSON.stringify(self.capabilities),
  tasks_max: self.tasksMax,
});

type Row = Selectable<DelegateTable> & {
  scope: string;
  group_name: string;
  group_identity_key: string | null;
  group_p256_key: string | null;
  group_edition_id: string | null;
  alive: boolean;
};

/** Unless it said something newer. */
const newerOf = (state: GroupKeysState) => sql<string>`case
  when group_keys is null or (group_keys->>'at')::bigint <= ${state.at} then ${JSON.stringify(state)}::jsonb
  else group_keys end`;

/** Whether it has what is needed to open, and whether it uses nothing else. */
function standingOf(row: Row, state: GroupKeysState | null): { has: boolean; uses: boolean } {
  const { group_edition_id: current, group_p256_key: p256 } = row;
  if (current !== null)
    return {
      has: state?.edition === current || state?.staged === current,
      uses: state?.edition === current,
    };
  const has = state === null || p256 === null || state.p256?.sealingKey === p256;
  return { has, uses: has };
}

const toRecord = (row: Row): DelegateRecord => {
  const groupKeys = GroupKeysState.nullable().parse(row.group_keys);
  const { has: hasGroupKeys, uses: isUpToDate } = standingOf(row, groupKeys);
  return { ...describe(row), groupKeys, hasGroupKeys, isUpToDate };
};

const describe = (row: Row): Omit<DelegateRecord, 'groupKeys' | 'hasGroupKeys' | 'isUpToDate'> => ({
  id: row.id,
  group: row.group_name,
  groupId: row.group_id,
  scope: row.scope,
  name: row.name,
  state: row.state,
  alive: row.alive,
  said: row.said,
  lastSeenAt: row.last_seen_at,
  enrolledAt: row.enrolled_at,
  version: row.version,
  contract: row.contract,
  contractOldest: row.contract_oldest,
  tags: row.tags,
  capabilities: row.capabilities as DelegateRecord['capabilities'],
  tasksMax: row.tasks_max,
  running: row.running,
  lastFault: row.last_fault as DelegateRecord['lastFault'],
  process: row.process,
  identityKey: row.identity_key,
  sealingKey: row.sealing_key,
  groupIdentityKey: row.group_identity_key as string,
  groupHasP256: row.group_p256_key !== null,
});
