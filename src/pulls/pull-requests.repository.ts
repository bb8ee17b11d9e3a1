// Pull requests that saves asked for. One row is one request at the host; whoever claims a row answers for it until the claim is over.
import { Injectable } from '@nestjs/common';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { hostOfUrl, Storage, soon } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import type { PullRequestState, PullRequestTable } from '../storage/pull-schema.js';
import type { SavedFile } from '../sync/merged-copies.js';

export type PullRequest = Selectable<PullRequestTable>;
type Claim = Pick<PullRequest, 'id' | 'claims'>;

/** What a request may have to wait for with others. */
interface Way {
  connector: string;
  /** Whose API is asked, and for whom where it may be another one to others. */
  host: string;
  account: string;
}
export type ClaimedPullRequest = PullRequest & Way;

/** Requests that one manager is at or has ready: of all, and of what may keep them for long. */
const claimLimits = { all: 32, account: 12, host: 8, connector: 4 } as const;

/** What somebody who asks is shown, and no more: the body that was wished for may be long, and a list has many. */
const shown = [
  'id',
  'sequence',
  'scope',
  'connector_scope',
  'connector_id',
  'repository',
  'branch',
  'base',
  'title',
  'draft',
  'operation_id',
  'state',
  'number',
  'web_url',
  'created',
  'reviewers_refused',
  'merge_commit',
  'failure',
  'due_at',
  'opened_at',
  'looked_at',
  'finished_at',
  'created_at',
] as const satisfies readonly (keyof PullRequest)[];
export type ShownPullRequest = Pick<PullRequest, (typeof shown)[number]>;

/** A request of this connector. */
export interface ConnectorName {
  scope: Scope;
  id: string;
}

export const finished: readonly PullRequestState[] = ['merged', 'closed'];

@Injectable()
export class PullRequestsRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<ShownPullRequest> {
    const row = await this.storage.db
      .selectFrom('pull_request')
      .select(shown)
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'pull request', id });
    return row;
  }

  /** By id; those that are gone are left out. */
  async load(ids: string[]): Promise<Map<string, ShownPullRequest>> {
    if (ids.length === 0) return new Map();
    const rows = await this.storage.db
      .selectFrom('pull_request')
      .select(shown)
      .where('id', 'in', ids)
      .execute();
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Newest first; `before` is a sequence number. */
  async list(
    { scope, id }: ConnectorName,
    page: { state?: PullRequestState | undefined; before?: number | undefined; limit: number },
  ): Promise<Page<ShownPullRequest>> {
    let query = this.storage.db
      .selectFrom('pull_request')
      .select(shown)
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id);
    if (page.state !== undefined) query = query.where('state', '=', page.state);
    if (page.before !== undefined) query = query.where('sequence', '<', page.before);
    const found = await query
      .orderBy('sequence', 'desc')
      .limit(page.limit + 1)
      .execute();
    const rows = found.slice(0, page.limit);
    return { rows, next: found.length > page.limit ? (rows.at(-1)?.sequence ?? null) : null };
  }

  /** Of these operations, those whose request nobody has to wait for any longer. */
  async settled(operations: string[]): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('operation')
      .leftJoin('pull_request', 'pull_request.id', 'operation.pull_request_id')
      .select('operation.id')
      .where('operation.id', 'in', operations)
      .where('operation.state', '<>', 'pending')
      .where((where) =>
        where.or([
          where('pull_request.id', 'is', null),
          where.and([where('pull_request.state', '<>', 'wanted'), where('pull_request.again', 'is', null)]),
        ]),
      )
      .execute();
    return rows.map(({ id }) => id);
  }

  /**
   * Takes those that are due; nobody else takes them for so long, and an attempt counts from then on. Of what they wait at, be it a host that is silent, so few that
   * there is room for all others: with those that run already no more than `claimLimits`.
   */
  async claim(claimMs: number, running: ClaimedPullRequest[] = []): Promise<ClaimedPullRequest[]> {
    const limit = claimLimits.all - running.length;
    if (limit <= 0) return [];
    const all = sql`
      select p.id, p.due_at, connector, host, account
      from pull_request p join connector c on (c.scope, c.id) = (p.connector_scope, p.connector_id),
        concat(c.scope, '/connectors/', c.id) as connector, ${accountOfScope} as account, ${hostOfApi} as host
      where ${isDue}`;
    const ready = (['connector', 'host', 'account'] as const).reduce(
      (rows, by) => fewOfEach(by, rows, running),
      all,
    );
    const { rows } = await sql<ClaimedPullRequest>`
      with ready as (${ready}), due as (
        select ready.* from pull_request p join ready on ready.id = p.id
        where ${isDue} order by p.due_at limit ${limit} for update of p skip locked
      )
      update pull_request set claimed_until = ${soon(claimMs)}, claims = claims + 1,
        attempts = case when state = 'wanted' then attempts + 1 else attempts end
      from due where pull_request.id = due.id
      returning pull_request.*, due.connector, due.host, due.account`.execute(this.storage.db);
    return rows;
  }

  /** Takes this one; undefined where somebody has it. @throws NOT_FOUND */
  async claimOne(scope: Scope, id: string, claimMs: number): Promise<PullRequest | undefined> {
    const row = await this.storage.db
      .updateTable('pull_request')
      .set({ claimed_until: soon(claimMs), claims: sql<number>`claims + 1` })
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where((where) =>
        where.or([where('claimed_until', 'is', null), where('claimed_until', '<', sql<Date>`now()`)]),
      )
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) await this.get(scope, id);
    return row;
  }

  /** Keeps what was claimed for so long again, but for what somebody else claimed since. */
  async extend(claimed: Claim[], claimMs: number): Promise<void> {
    if (claimed.length === 0) return;
    await this.storage.db
      .updateTable('pull_request')
      .set({ claimed_until: soon(claimMs) })
      .where((where) =>
        where(
          where.refTuple('id', 'claims'),
          'in',
          claimed.map(({ id, claims }) => where.tuple(id, claims)),
        ),
      )
      .where('claimed_until', 'is not', null)
      .execute();
  }

  /** Others may take it; it is due as it was. Nothing where somebody else has taken it. */
  async release({ id, claims }: Claim): Promise<void> {
    await this.storage.db
      .updateTable('pull_request')
      .set({ claimed_until: null })
      .where('id', '=', id)
      .where('claims', '=', claims)
      .execute();
  }

  /** What is asked for, or asked again: those that failed are tried, those that are open looked at. @throws NOT_FOUND */
  async retry(scope: Scope, id: string): Promise<ShownPullRequest> {
    await this.storage.transact(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('pull_request')
        .set({
          wanted_at: sql<Date>`case when state = 'failed' then now() else wanted_at end`,
          failure: sql<string | null>`case when state = 'failed' then null else failure end`,
          faults: sql<number>`case when state = 'failed' then 0 else faults end`,
          attempts: sql<number>`case when state = 'failed' then 0 else attempts end`,
          state: sql<PullRequestState>`case when state = 'failed' then 'wanted' else state end`,
          due_at: sql<Date>`now()`,
          hints: sql<number>`hints + 1`,
        })
        .where('scope', '=', scope)
        .where('id', '=', id)
        .where('state', 'not in', finished)
        .executeTakeFirst();
      if (numUpdatedRows > 0n)
        record(tx, { action: 'pull-request.retry', scope, target: `pull-requests/${id}` });
    });
    return this.get(scope, id);
  }

  /** Somebody said that something happened to it. Whether it is known. */
  async hint({ scope, id }: ConnectorName, number: number): Promise<boolean> {
    const { numUpdatedRows } = await this.storage.db
      .updateTable('pull_request')
      .set({ due_at: sql<Date>`now()`, hinted_at: sql<Date>`now()`, hints: sql<number>`hints + 1` })
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('number', '=', number)
      .where('state', 'in', ['open', 'closed'])
      .where(isAtConnector)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Whether it is about the repository that its connector has: another one's request of its number is a stranger's. */
  async isAtConnector({ id }: PullRequest): Promise<boolean> {
    const row = await this.storage.db
      .selectFrom('pull_request')
      .select('id')
      .where('id', '=', id)
      .where(isAtConnector)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Where files are that were saved to the branch: by the saves that wished for the request, and as the branch's copy has them. */
  async savedFiles({ id, scope, branch, repository }: PullRequest): Promise<SavedFile[]> {
    const account = accountOf(scope);
    const wished = await this.storage.db
      .selectFrom('operation')
      .select(['scope', 'kind', 'entity_id as id', 'path'])
      .where('pull_request_id', '=', id)
      .where('state', '=', 'succeeded')
      .$narrowType<{ path: string }>()
      .execute();
    const copied = await this.storage.db
      .selectFrom('entity')
      .select(['scope', 'kind', 'id', 'path'])
      .where('repository', '=', repository)
      .where('branch', '=', branch)
      .where((where) =>
        where.or([
          where('scope', '=', account),
          where('scope', 'like', `${account.replaceAll('_', '\\_')}/%`),
        ]),
      )
      .where('operation_id', 'is not', null)
      .execute();
    const byPath = new Map([...copied, ...wished].map((file) => [file.path, file]));
    return [...byPath.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  }
}

const isDue = sql`p.due_at <= now() and (p.claimed_until is null or p.claimed_until < now())`;

const isAtConnector = sql<boolean>`repository = (select url from connector
  where (connector.scope, connector.id) = (pull_request.connector_scope, pull_request.connector_id))`;

const accountOfScope = sql`concat_ws('/', split_part(c.scope, '/', 1), split_part(c.scope, '/', 2))`;

/** That is asked; what an account's own delegates or its own proxy make of it is nobody else's. */
const hostOfApi = sql`concat(${hostOfUrl(sql`coalesce(c.api_url, c.url)`)},
  case when c.connectivity = 'manager' and c.trust is null then '' else concat(' for ', account) end)`;

/** Of rows that are due, the first few of each connector, host or account, less those that run. */
function fewOfEach(
  by: keyof Way,
  rows: RawBuilder<unknown>,
  running: ClaimedPullRequest[],
): RawBuilder<unknown> {
  const there: Record<string, number> = {};
  for (const one of running) there[one[by]] = (there[one[by]] ?? 0) + 1;
  const name = sql.ref(by);
  return sql`
    select id, due_at, connector, host, account from (
      select *, row_number() over (partition by ${name} order by due_at) as place from (${rows}) as of_all
    ) as placed
    where place <= ${claimLimits[by]} - coalesce((${JSON.stringify(there)}::jsonb ->> ${name})::int, 0)`;
}
