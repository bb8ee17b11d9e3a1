// A connector's repository under another URL: what was seen of it, and all that the database has of it brought over in one
// transaction. Lanes are taken first and the connector second, as everybody does who writes what a lane brings.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { record } from '../audit/record.js';
import { busy, type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { ofConnector } from '../connectors/connectors.service.js';
import { EventsRepository } from '../events/events.repository.js';
import type { CommitId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { isDeadlock, isTaken, type Session, Storage } from '../storage/database.js';
import { type DueLane, LanesRepository, type Plan } from './lanes.repository.js';
import { keyOf, shownTo } from './neighbourhood.js';

/** What a branch of the connector's repository was at last. */
export interface Sighting {
  branch: string;
  /** Of each the newest: of its tracking, of its lane, or where there is neither of its copies. */
  commits: CommitId[];
}

export interface Moved {
  connector: Connector;
  /** Copies, unfinished operations, followed branches, pull requests and imports that came along. */
  counts: { entities: number; operations: number; branches: number; pullRequests: number; imports: number };
  /** Where operations wait now. */
  due: DueLane[];
}

/** Two lanes of one branch: at the old URL and at the new one. */
interface LanePair {
  from: string;
  to: string;
}

interface LaneRow {
  id: string;
  plan: Plan | null;
}

/** Rows of one statement: a statement has half a minute. */
const ROWS_MAX = 20_000;
/** So often it is tried where others are at the same rows. */
const ATTEMPTS_MAX = 5;

/** A save was accepted between the look at the lanes and the taking of the connector. */
class LanesMissed extends Error {}

@Injectable()
export class RenamesRepository {
  constructor(
    private readonly storage: Storage,
    private readonly connectors: ConnectorsRepository,
    private readonly lanes: LanesRepository,
    private readonly events: EventsRepository,
  ) {}

  /** In order of the branches' names. */
  async sightings({ scope, id, url }: Connector): Promise<Sighting[]> {
    const { rows } = await sql<{
      branch: string;
      synced: string | null;
      head: string | null;
      copied: string | null;
    }>`
      with copied as (
        select distinct on (branch) branch, commit_id from entity
        where connector_scope = ${scope} and connector_id = ${id} and repository = ${url}
        order by branch, updated_at desc
      ), followed as (
        select branch, synced from tracked_branch where scope = ${scope} and connector = ${id} and synced is not null
      )
      select coalesce(copied.branch, followed.branch) as branch, followed.synced, lane.head, copied.commit_id as copied
      from copied full join followed on followed.branch = copied.branch
      left join lane on lane.repository = ${url} and lane.branch = coalesce(copied.branch, followed.branch)
      order by 1
    `.execute(this.storage.db);
    return rows.map(({ branch, synced, head, copied }) => {
      const seen = [...new Set([synced, head])].filter((commit) => commit !== null);
      return { branch, commits: seen.length === 0 && copied !== null ? [copied] : seen };
    });
  }

  /**
   * Brings everything of the connector to the new URL, or nothing. `told`: what else is to be on record. Unfinished operations wait in the lanes there, in their order,
   * and a plan that is stored for them is the one that goes on there: whoever was at it has lost the lease.
   * @throws NOT_FOUND, CONNECTOR_BUSY, ENTITY_PLACE_TAKEN
   */
  async move(connector: Connector, url: string, told: object): Promise<Moved> {
    for (let attempt = 1; ; attempt++) {
      const pairs = await this.#pair(connector, url);
      try {
        return await this.storage.transact((tx) => this.#move(tx, connector, { url, told }, pairs));
      } catch (error) {
        const isRace = error instanceof LanesMissed || isDeadlock(error) || isTaken(error, PLACE);
        if (!isRace) throw error;
        if (attempt === ATTEMPTS_MAX) throw busy(connector, 'others write the same rows');
      }
    }
  }

  /** The lanes where unfinished operations of the connector wait, and those where they will. */
  async #pair({ scope, id }: Connector, url: string): Promise<LanePair[]> {
    const lanes = await this.storage.db
      .selectFrom('operation')
      .innerJoin('lane', 'lane.id', 'operation.lane_id')
      .select(['lane.id', 'lane.branch'])
      .distinct()
      .where('operation.connector_scope', '=', scope)
      .where('operation.connector_id', '=', id)
      .where('operation.state', '=', 'pending')
      .execute();
    const pairs: LanePair[] = [];
    for (const { id: from, branch } of lanes)
      pairs.push({ from, to: await this.lanes.open(this.storage.db, url, branch) });
    return pairs;
  }

  async #move(
    tx: Session,
    connector: Connector,
    { url, told }: { url: string; told: object },
    pairs: LanePair[],
  ): Promise<Moved> {
    const lanes = await this.#takeLanes(tx, pairs);
    const held = await this.connectors.holdAlone(tx, connector);
    if (held.url !== connector.url) throw busy(connector, 'its repository has another URL since');
    await this.#assertNoneMissed(tx, connector, pairs);
    await this.#assertPlacesFree(tx, connector, url);
    for (const pair of pairs) await this.#carryPlan(tx, connector, pair, lanes);
    const due: DueLane[] = [];
    let operations = 0;
    for (const pair of pairs) {
      const accounts = await this.#carryOperations(tx, connector, pair);
      operations += accounts.length;
      for (const account of new Set(accounts)) due.push({ lane: pair.to, account });
    }
    const branches = await this.#carryTracking(tx, connector, url);
    const entities = await step('rename.copies', () => this.#carryCopies(tx, connector, url));
    const others = await this.#carryOthers(tx, connector, url);
    const moved = await this.connectors.move(tx, { ...connector, url });
    await this.events.record(tx, [ofConnector(moved, 'changed', { renamedFrom: connector.url })]);
    const data = { ...told, from: connector.url, to: url };
    record(tx, { action: 'connector.rename', scope: moved.scope, target: `connectors/${moved.id}`, data });
    return { connector: moved, counts: { entities, operations, branches, ...others }, due };
  }

  /** Until the transaction ends nobody gets or keeps a lease of these. */
  async #takeLanes(tx: Session, pairs: LanePair[]): Promise<Map<string, LaneRow>> {
    const ids = pairs.flatMap(({ from, to }) => [from, to]);
    if (ids.length === 0) return new Map();
    const rows = await tx
      .selectFrom('lane')
      .select(['id', 'plan'])
      .where('id', 'in', ids)
      .orderBy('id')
      .forNoKeyUpdate()
      .execute();
    return new Map(rows.map(({ id, plan }) => [id, { id, plan: plan as Plan | null }]));
  }

  async #assertNoneMissed(tx: Session, { scope, id }: Connector, pairs: LanePair[]): Promise<void> {
    const rows = await tx
      .selectFrom('operation')
      .select('lane_id')
      .distinct()
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('state', '=', 'pending')
      .execute();
    if (rows.some(({ lane_id }) => !pairs.some(({ from }) => from === lane_id))) throw new LanesMissed();
  }

  /** @throws ENTITY_PLACE_TAKEN */
  async #assertPlacesFree(tx: Session, { scope, id, url: from }: Connector, url: string): Promise<void> {
    const { rows } = await sql<{ path: string; branch: string; scope: string; kind: string; id: string }>`
      select other.path, other.branch, other.scope, other.kind, other.id
      from entity as other join entity as own on (own.branch, own.path) = (other.branch, other.path)
      where other.repository = ${url} and own.repository = ${from}
        and own.connector_scope = ${scope} and own.connector_id = ${id}
      limit 1
    `.execute(tx);
    const [taken] = rows;
    if (taken === undefined) return;
    const { path, branch } = taken;
    const by = shownTo(scope, keyOf(taken.scope, taken.kind, taken.id));
    throw new Failure('ENTITY_PLACE_TAKEN', { path, branch, by });
  }

  /** Whoever is at either lane loses it: what is stored there is not what was read. @throws CONNECTOR_BUSY */
  async #carryPlan(
    tx: Session,
    connector: Connector,
    { from, to }: LanePair,
    lanes: ReadonlyMap<string, LaneRow>,
  ): Promise<void> {
    const plan = lanes.get(from)?.plan ?? null;
    const isOurs = plan?.connector.scope === connector.scope && plan.connector.id === connector.id;
    const given = { epoch: sql<number>`epoch + 1`, holder: null, lease_expires_at: null };
    await tx
      .updateTable('lane')
      .set({ ...given, ...(isOurs ? { plan: null, head: null, faults: 0 } : {}) })
      .where('id', '=', from)
      .execute();
    const taken = tx.updateTable('lane').where('id', '=', to);
    if (!isOurs) return void (await taken.set({ due_at: sql<Date>`now()` }).execute());
    if ((lanes.get(to)?.plan ?? null) !== null)
      throw busy(connector, 'another connector is in the middle of a push at the new URL');
    await taken.set({ ...given, plan: JSON.stringify(plan), due_at: sql<Date>`now()` }).execute();
  }

  /** The account of each. */
  async #carryOperations(tx: Session, { scope, id }: Connector, { from, to }: LanePair): Promise<string[]> {
    const rows = await tx
      .updateTable('operation')
      .set({ lane_id: to, waits_for: null })
      .where('lane_id', '=', from)
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('state', '=', 'pending')
      .returning('account')
      .execute();
    return rows.map(({ account }) => account);
  }

  /** How far each branch was followed stays, and it is looked at once. */
  async #carryTracking(tx: Session, { scope, id }: Connector, url: string): Promise<number> {
    await tx
      .updateTable('tracking')
      .set({ due_at: sql<Date>`now()`, wakes: sql<number>`wakes + 1`, faults: 0, fault: null })
      .where('scope', '=', scope)
      .where('connector', '=', id)
      .execute();
    const { numUpdatedRows } = await tx
      .updateTable('tracked_branch')
      .set({ repository: url, due_at: sql<Date>`now()`, faults: 0, fault: null })
      .where('scope', '=', scope)
      .where('connector', '=', id)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }

  async #carryCopies(tx: Session, { scope, id, url: from }: Connector, url: string): Promise<number> {
    for (let all = 0; ; ) {
      const { numAffectedRows = 0n } = await sql`
        update entity set repository = ${url} where sequence in (
          select sequence from entity
          where connector_scope = ${scope} and connector_id = ${id} and repository = ${from} limit ${ROWS_MAX}
        )
      `.execute(tx);
      all += Number(numAffectedRows);
      if (numAffectedRows < BigInt(ROWS_MAX)) return all;
    }
  }

  /** Pull requests, imports, and what the webhook knows of the repository. */
  async #carryOthers(
    tx: Session,
    { scope, id, url: from }: Connector,
    url: string,
  ): Promise<{ pullRequests: number; imports: number }> {
    const requests = await tx
      .updateTable('pull_request')
      .set({
        repository: url,
        due_at: sql<Date>`case when state in ('wanted', 'open') then now() else due_at end`,
      })
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('repository', '=', from)
      .executeTakeFirst();
    const imports = await tx
      .updateTable('import')
      .set({ repository: url })
      .where('scope', '=', scope)
      .where('connector', '=', id)
      .where('repository', '=', from)
      .executeTakeFirst();
    await this.#carryMoves(tx, { scope, id, url: from }, url);
    // Another host has other ids.
    if (hostOf(from) !== hostOf(url))
      await tx
        .updateTable('webhook')
        .set({ host_repository_id: null })
        .where('scope', '=', scope)
        .where('connector_id', '=', id)
        .execute();
    return { pullRequests: Number(requests.numUpdatedRows), imports: Number(imports.numUpdatedRows) };
  }

  /** Where entities come from that are being moved. */
  async #carryMoves(
    tx: Session,
    { scope, id, url: from }: Pick<Connector, 'scope' | 'id' | 'url'>,
    url: string,
  ): Promise<void> {
    const origin = sql`jsonb_set(origin, '{repository}', to_jsonb(${url}::text))`;
    const isOwn = sql`origin ->> 'connectorScope' = ${scope} and origin ->> 'connector' = ${id}
      and origin ->> 'repository' = ${from}`;
    await sql`
      update move_item set origin = ${origin} where state in ('adding', 'removing') and ${isOwn}
    `.execute(tx);
    await sql`
      update operation_change set origin = ${origin} from operation
      where operation.id = operation_change.operation_id and operation.state = 'pending'
      and operation.action = 'move' and ${isOwn}
    `.execute(tx);
  }
}

const PLACE = 'entity_repository_branch_path_key';

/** As repositories' URLs name it: `https://host[:port]/…`, `ssh://user@host/…` or `user@host:…`. */
const hostOf = (url: string): string =>
  URL.parse(url)?.hostname ?? /^(?:[^@]*@)?([^:/]+)/.exec(url)?.[1] ?? url;
