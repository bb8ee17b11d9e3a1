// The pull request that a save may ask for: as an object of a JSON body, or as parameters of the query.
import { z } from 'zod';
import { BranchName } from '../policy/branches.js';
import { PullBody, PullTitle, Reviewers } from '../policy/pull-requests.js';
import type { PullAsked } from '../sync/pull-wishes.repository.js';

const into = BranchName.optional().meta({
  description: 'Default: what the branch begins or began from, or the default branch of the repository',
});
const title = PullTitle.optional().meta({ description: 'Default: the first line of the commit message' });

export const PullRequestBody = z
  .strictObject({
    into,
    title,
    body: PullBody.optional(),
    reviewers: Reviewers.optional().meta({ description: 'As the host names or numbers its users' }),
    draft: z.boolean().optional(),
  })
  .meta({ id: 'PullRequestWish' });

/** `pullRequest=true` asks for one; the others say more of it. */
export const pullQuery = {
  pullRequest: z
    .literal('true')
    .optional()
    .meta({ description: '`true`: open a pull request of the branch' }),
  pullRequestInto: into,
  pullRequestTitle: title,
  pullRequestBody: PullBody.optional(),
  pullRequestReviewers: z
    .string()
    .transform((text) => text.split(','))
    .pipe(Reviewers)
    .optional()
    .meta({ description: 'Names, separated by commas' }),
  pullRequestDraft: z.enum(['true', 'false']).optional(),
};
type PullQuery = { [K in keyof typeof pullQuery]?: z.output<(typeof pullQuery)[K]> };

const details = Object.keys(pullQuery).filter((name) => name !== 'pullRequest') as (keyof PullQuery)[];

export const pullOrNothing = (query: PullQuery): boolean =>
  query.pullRequest !== undefined || details.every((name) => query[name] === undefined);
export const PULL_WHOLE = 'what is said of a pull request needs pullRequest=true';

/** What a query asks for, apart from the rest of it. */
export function splitPull<Q extends PullQuery>(query: Q) {
  const {
    pullRequest,
    pullRequestInto,
    pullRequestTitle,
    pullRequestBody,
    pullRequestReviewers,
    pullRequestDraft,
    ...rest
  } = query;
  const asked: PullAsked = {
    into: pullRequestInto,
    title: pullRequestTitle,
    body: pullRequestBody,
    reviewers: pullRequestReviewers,
    draft: pullRequestDraft === undefined ? undefined : pullRequestDraft === 'true',
  };
  return { rest, pullRequest: pullRequest === undefined ? undefined : asked };
}
