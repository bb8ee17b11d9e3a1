// The history of an entity, as Git tells it.
import { z } from 'zod';
import { BranchName } from '../policy/branches.js';
import { PageLimit } from '../policy/text.js';
import type { ShownPullRequest } from '../pulls/pull-requests.repository.js';
import type { EntityHistory } from '../sync/history.flow.js';
import { readHistoryCursor, toHistoryCursor } from '../sync/history-cursor.js';
import { PullRequestState } from './pull-request-answer.js';

const CURSOR_CHARACTERS_MAX = 9_000;

export const HistoryQuery = z.strictObject({
  branch: BranchName.optional(),
  limit: PageLimit.optional(),
  cursor: z
    .string()
    .max(CURSOR_CHARACTERS_MAX, 'is not a cursor of this list')
    .transform(readHistoryCursor)
    .refine((cursor) => cursor !== undefined, 'is not a cursor of this list')
    .optional(),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

const Person = z.strictObject({ name: z.string(), email: z.string() });

const CommitAnswer = z
  .strictObject({
    commitId: z.string(),
    parentId: z
      .string()
      .nullable()
      .meta({ description: 'Its first parent, which it is held against; null where a history begins' }),
    merge: z.boolean(),
    what: z.enum(['added', 'changed', 'removed']),
    blobId: z.string().nullable().meta({
      description: 'What it left, and what an ETag of this version quotes; null where it removed the file',
    }),
    previousBlobId: z.string().nullable(),
    author: Person,
    authoredAt: z.iso.datetime(),
    committer: Person.nullable().meta({ description: 'Null where it is the author' }),
    committedAt: z.iso.datetime(),
    message: z.string().meta({ description: 'At most 4,096 characters' }),
    messageCut: z.boolean().meta({ description: 'Whether it goes on' }),
    operationId: z
      .string()
      .nullable()
      .meta({ description: 'The operation that made it; null for a commit of others' }),
    pullRequest: z
      .strictObject({
        id: z.string(),
        scope: z.string(),
        state: PullRequestState,
        number: z.int().nullable(),
        webUrl: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'That its operation asked for, where it did' }),
  })
  .meta({ id: 'EntityCommit' });

export const HistoryAnswer = z
  .strictObject({
    kind: z.string(),
    id: z.string(),
    connector: z.string(),
    branch: z.string(),
    path: z
      .string()
      .meta({ description: 'Whose history it is. A file that came from another path was added' }),
    commits: z.array(CommitAnswer),
    searchedTo: z.string().meta({
      description: 'The last commit that was looked at; all that lie before it are not in this page',
    }),
    nextCursor: z.string().nullable().meta({
      description: 'Null where the history begins. A page may hold fewer commits than asked for, or none',
    }),
  })
  .meta({ id: 'EntityHistory' });
export type HistoryAnswer = z.infer<typeof HistoryAnswer>;

export function toHistoryAnswer(
  { kind, id }: { kind: string; id: string },
  { next, commits, ...history }: EntityHistory,
  pulls: ReadonlyMap<string, ShownPullRequest>,
): HistoryAnswer {
  return {
    kind,
    id,
    ...history,
    commits: commits.map(({ commit, made }) => ({
      commitId: commit.id,
      parentId: commit.parent,
      merge: commit.isMerge,
      what: whatOf(commit),
      blobId: commit.to?.id ?? null,
      previousBlobId: commit.from?.id ?? null,
      author: personOf(commit.author),
      authoredAt: timeOf(commit.author),
      committer: isSamePerson(commit) ? null : personOf(commit.committer),
      committedAt: timeOf(commit.committer),
      message: commit.message,
      messageCut: commit.isMessageCut,
      operationId: made?.operation ?? null,
      pullRequest: toPull(pulls.get(made?.pullRequest ?? '')),
    })),
    nextCursor: next === null ? null : toHistoryCursor(next),
  };
}

type Told = EntityHistory['commits'][number]['commit'];

function whatOf({ from, to }: Told): 'added' | 'changed' | 'removed' {
  if (to === null && from !== null) return 'removed';
  return from === null && to !== null ? 'added' : 'changed';
}

const personOf = ({ name, email }: Told['author']) => ({ name, email });

const isSamePerson = ({ author, committer }: Told): boolean =>
  author.name === committer.name && author.email === committer.email;

/** Some commits are of the year 60,000. */
const LAST_SECOND = 253_402_300_799;
const timeOf = ({ at }: Told['author']): string => new Date(Math.min(at, LAST_SECOND) * 1_000).toISOString();

const toPull = (row: ShownPullRequest | undefined) =>
  row === undefined
    ? null
    : { id: row.id, scope: row.scope, state: row.state, number: row.number, webUrl: row.web_url };
