// Pull requests as saves wish for them: what the wish means, noted with the operation; and the row that stands for it, written in
// the transaction in which the operation has landed. What becomes of the row is the affair of src/pulls.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Session } from '../storage/database.js';
import type { PullRequestTable } from '../storage/pull-schema.js';
import type { GitOperation } from './operations.repository.js';

/** As a caller asks for it. */
export interface PullAsked {
  into?: string | undefined;
  title?: string | undefined;
  body?: string | undefined;
  reviewers?: string[] | undefined;
  draft?: boolean | undefined;
}

export interface PullWish {
  /** Null: the host's default branch, whatever it is called. */
  into: string | null;
  title: string;
  body: string;
  reviewers: string[];
  draft: boolean;
}

/** A wish that came while the request counted as open. */
export interface WishAgain extends PullWish {
  scope: string;
  /** Of whom it is, the first first. */
  operations: string[];
  requestedBy: string | null;
}

/** Of the save that wishes. */
interface Wishing {
  connector: { scope: string; id: string };
  branch: string;
  newBranchFrom: string | undefined;
  /** In the caller's words. */
  message: string;
}

type Row = Selectable<PullRequestTable>;

const TITLE_CHARACTERS_MAX = 255;
/** Saves that another request is for, once the one they met is over: a host may be away for long. */
const AGAIN_MAX = 1_000;

@Injectable()
export class PullWishesRepository {
  /** With everything that the caller left out. @throws PULL_REQUEST_UNFIT */
  async complete(tx: Session, asked: PullAsked, wishing: Wishing): Promise<PullWish> {
    const { branch, message } = wishing;
    const into = asked.into ?? wishing.newBranchFrom ?? (await this.#originOf(tx, wishing));
    if (into === branch) throw new Failure('PULL_REQUEST_UNFIT', { branch });
    const [first = ''] = message.trim().split('\n');
    return {
      into,
      title: asked.title ?? cut(first.replaceAll(/\p{Cc}/gu, ' ')),
      body: asked.body ?? '',
      reviewers: asked.reviewers ?? [],
      draft: asked.draft ?? false,
    };
  }

  /** What a landed operation wished for: one that is unfinished between the same branches, or a new one. */
  async want(tx: Session, operation: GitOperation, repository: string): Promise<void> {
    const wish = operation.pull_request as PullWish | null;
    if (wish === null) return;
    const unfinished = await this.#unfinished(tx, operation, { repository, into: wish.into });
    const id = unfinished?.id ?? randomUUID();
    if (unfinished === undefined)
      await tx
        .insertInto('pull_request')
        .values({
          id,
          scope: operation.scope,
          connector_scope: operation.connector_scope,
          connector_id: operation.connector_id,
          repository,
          branch: operation.branch,
          ...columnsOf(wish),
          operation_id: operation.id,
          requested_by: operation.requested_by,
          due_at: sql<Date>`now()`,
        })
        .execute();
    else await this.#wantAgain(tx, unfinished, operation, wish);
    await tx.updateTable('operation').set({ pull_request_id: id }).where('id', '=', operation.id).execute();
  }

  async #wantAgain(tx: Session, known: Row, operation: GitOperation, wish: PullWish): Promise<void> {
    const at = tx.updateTable('pull_request').where('id', '=', known.id);
    const due = { due_at: sql<Date>`now()`, hints: sql<number>`hints + 1` };
    if (known.state === 'failed')
      await at
        .set({
          ...columnsOf(wish),
          ...due,
          operation_id: operation.id,
          requested_by: operation.requested_by,
          state: 'wanted',
          wanted_at: sql<Date>`now()`,
          failure: null,
          faults: 0,
          attempts: 0,
        })
        .execute();
    if (known.state !== 'open') return;
    const earlier = known.again as WishAgain | null;
    const own = { ...wish, scope: operation.scope, operations: [], requestedBy: operation.requested_by };
    const first: WishAgain = earlier ?? own;
    // Further ones stay with the request that is there.
    const operations = [...first.operations, operation.id].slice(0, AGAIN_MAX);
    const again = { ...first, operations };
    await at.set({ ...due, again: JSON.stringify(again) }).execute();
  }

  async #unfinished(
    tx: Session,
    operation: GitOperation,
    { repository, into }: { repository: string; into: string | null },
  ): Promise<Row | undefined> {
    return tx
      .selectFrom('pull_request')
      .selectAll()
      .where('connector_scope', '=', operation.connector_scope)
      .where('connector_id', '=', operation.connector_id)
      .where('repository', '=', repository)
      .where('branch', '=', operation.branch)
      .where(sql<boolean>`coalesce(base, '') = ${into ?? ''}`)
      .where('state', 'in', ['wanted', 'open', 'failed'])
      .forUpdate()
      .executeTakeFirst();
  }

  /** What the branch's request is into already, or what one of our saves began it from. */
  async #originOf(tx: Session, { connector, branch }: Wishing): Promise<string | null> {
    const request = await tx
      .selectFrom('pull_request')
      .select('base')
      .where('connector_scope', '=', connector.scope)
      .where('connector_id', '=', connector.id)
      .where('repository', '=', (at) =>
        at
          .selectFrom('connector')
          .select('url')
          .where('scope', '=', connector.scope)
          .where('id', '=', connector.id),
      )
      .where('branch', '=', branch)
      .where('base', 'is not', null)
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (request !== undefined) return request.base;
    const beginning = await tx
      .selectFrom('operation')
      .select('new_branch_from')
      .where('connector_scope', '=', connector.scope)
      .where('connector_id', '=', connector.id)
      .where('branch', '=', branch)
      .where('state', 'in', ['pending', 'succeeded'])
      .where('new_branch_from', 'is not', null)
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    return beginning?.new_branch_from ?? null;
  }
}

export const columnsOf = ({ into, title, body, reviewers, draft }: PullWish) => ({
  base: into,
  title,
  body,
  reviewers,
  draft,
});

const cut = (text: string): string =>
  text.length <= TITLE_CHARACTERS_MAX
    ? text
    : `${text.slice(0, TITLE_CHARACTERS_MAX - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
