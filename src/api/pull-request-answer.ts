// How a pull request looks from outside: by itself, and as a part of the save that asked for it.
import { z } from 'zod';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { ShownPullRequest } from '../pulls/pull-requests.repository.js';
import type { OperationRecord } from '../sync/operations.repository.js';
import type { PullWish } from '../sync/pull-wishes.repository.js';
import { ProblemAnswer } from './answers.js';
import { toProblem } from './problem.filter.js';

export const PullRequestState = z
  .enum(['wanted', 'open', 'failed', 'merged', 'closed'])
  .meta({ description: '`wanted`: not open yet, and tried; `failed`: not tried any more, until `retry`' });

const common = {
  state: PullRequestState,
  number: z.int().nullable().meta({ description: 'What the host calls it' }),
  webUrl: z.string().nullable(),
  into: z.string().nullable().meta({ description: 'Null: the default branch, while its name is not known' }),
  draft: z.boolean(),
  reviewersRefused: z.array(z.string()).meta({
    description:
      'Whom the host does not know or take, or who could not be asked for; it is open without them',
  }),
  problem: ProblemAnswer.nullable().meta({
    description: 'Why it failed, or why the last attempt or look did',
  }),
};

export const SavedPullAnswer = z
  .strictObject({
    id: z.string().nullable().meta({ description: 'Null until the commit is on its branch' }),
    scope: z.string(),
    ...common,
    created: z
      .boolean()
      .nullable()
      .meta({ description: 'Whether it was opened for this save; false where it was open before' }),
  })
  .meta({ id: 'SavedPullRequest' });
export type SavedPullAnswer = z.infer<typeof SavedPullAnswer>;

export const PullRequestAnswer = z
  .strictObject({
    id: z.string(),
    scope: z.string().meta({ description: 'Of the save that asked for it first' }),
    connector: z.string(),
    connectorScope: z.string(),
    branch: z.string(),
    title: z.string().meta({ description: 'As it was asked for; on the host somebody may have changed it' }),
    ...common,
    created: z.boolean().nullable().meta({ description: 'Whether Sallyport opened it' }),
    mergeCommit: z.string().nullable(),
    operationId: z.string().meta({ description: 'The save that asked for it first' }),
    createdAt: z.iso.datetime(),
    openedAt: z.iso.datetime().nullable(),
    checkedAt: z.iso.datetime().nullable().meta({ description: 'When the host was asked last' }),
    nextCheckAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'PullRequest' });
export type PullRequestAnswer = z.infer<typeof PullRequestAnswer>;

export const PullRequestPage = z
  .strictObject({ pullRequests: z.array(PullRequestAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'PullRequestPage' });

export const addressOf = ({ scope, id }: ShownPullRequest): string => `/api/v1/${scope}/pull-requests/${id}`;

export function toPullRequest(row: ShownPullRequest): PullRequestAnswer {
  return {
    id: row.id,
    scope: row.scope,
    connector: row.connector_id,
    connectorScope: row.connector_scope,
    branch: row.branch,
    title: row.title,
    ...toCommon(row),
    created: row.created,
    mergeCommit: row.merge_commit,
    operationId: row.operation_id,
    createdAt: row.created_at.toISOString(),
    openedAt: row.opened_at?.toISOString() ?? null,
    checkedAt: row.looked_at?.toISOString() ?? null,
    nextCheckAt: row.due_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Null where the operation wished for none, or came to nothing itself. */
export function toSavedPull(
  operation: OperationRecord,
  row: ShownPullRequest | undefined,
): SavedPullAnswer | null {
  const wish = operation.pull_request as PullWish | null;
  if (wish === null) return null;
  if (row !== undefined) {
    const created = row.created === null ? null : row.created && row.operation_id === operation.id;
    return { id: row.id, scope: row.scope, ...toCommon(row), created };
  }
  if (operation.state !== 'pending') return null;
  return {
    id: null,
    scope: operation.scope,
    state: 'wanted',
    number: null,
    webUrl: null,
    into: wish.into,
    draft: wish.draft,
    reviewersRefused: [],
    problem: null,
    created: null,
  };
}

const toCommon = (row: ShownPullRequest) => ({
  state: row.state,
  number: row.number,
  webUrl: row.web_url,
  into: row.base,
  draft: row.draft,
  reviewersRefused: row.reviewers_refused,
  problem: toProblemOf(row.failure),
});

const toProblemOf = (failure: object | null): z.infer<typeof ProblemAnswer> | null =>
  failure === null
    ? null
    : (toProblem(Failure.fromWire(failure as WireFailure)) as z.infer<typeof ProblemAnswer>);
