// The two forms of a save: JSON with the document in it, or the bare document with the rest in the query.
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';
import { BranchName } from '../policy/branches.js';
import { Identifier } from '../policy/identifiers.js';
import { RepositoryPath } from '../policy/paths.js';
import { CommitMessage, PersonEmail, PersonName } from '../policy/text.js';
import { freshnessLevels } from '../sync/read.flow.js';
import type { SaveRequest } from '../sync/save.flow.js';
import { BareFile } from './body-parsers.js';
import { PULL_WHOLE, PullRequestBody, pullOrNothing, pullQuery, splitPull } from './pull-request-wish.js';

const place = {
  connector: Identifier.optional(),
  branch: BranchName.optional(),
  newBranchFrom: BranchName.optional(),
  path: RepositoryPath.optional(),
  message: CommitMessage.optional(),
};

const store = z.enum(['git', 'inline']).optional().meta({
  description: '`inline`: in Sallyport alone, without Git. Without it: where the entity is; a new one in Git',
});
const INLINE_ALONE = 'store: inline goes with nothing about Git';

/** Connector and branch may be left out when the entity exists. */
export const SaveBody = z
  .strictObject({
    yaml: z.string().meta({ description: 'The document, kept byte for byte' }),
    store,
    git: z
      .strictObject({
        ...place,
        author: z.strictObject({ name: PersonName, email: PersonEmail }).optional(),
        pullRequest: PullRequestBody.optional(),
      })
      .optional(),
  })
  .refine((body) => body.store !== 'inline' || Object.keys(body.git ?? {}).length === 0, INLINE_ALONE)
  .meta({ id: 'Save' });

const author = { authorName: PersonName.optional(), authorEmail: PersonEmail.optional() };
const bothOrNeither = (query: { authorName?: unknown; authorEmail?: unknown }): boolean =>
  (query.authorName === undefined) === (query.authorEmail === undefined);
const AUTHOR_WHOLE = 'authorName and authorEmail go together';

const inlineAlone = (query: { store?: unknown }): boolean =>
  query.store !== 'inline' || Object.keys(query).length === 1;

/** With `Content-Type: application/yaml`, the fields of `git` as query parameters. */
export const GitQuery = z
  .strictObject({ store, ...place, ...author, ...pullQuery })
  .refine(inlineAlone, INLINE_ALONE)
  .refine(bothOrNeither, AUTHOR_WHOLE)
  .refine(pullOrNothing, PULL_WHOLE);
export type GitQuery = z.infer<typeof GitQuery>;

const { newBranchFrom: _never, connector: _kept, path: _own, ...deletable } = place;
export const DeleteQuery = z
  .strictObject({ store, ...deletable, ...author, ...pullQuery })
  .refine(inlineAlone, INLINE_ALONE)
  .refine(bothOrNeither, AUTHOR_WHOLE)
  .refine(pullOrNothing, PULL_WHOLE);
export type DeleteQuery = z.infer<typeof DeleteQuery>;

export const ReadQuery = z
  .strictObject({
    branch: BranchName.optional(),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, 'is not the full id of a commit')
      .optional()
      .meta({
        description: 'As it stood in this commit, from Git; goes with nothing else',
      }),
    freshness: z.enum(freshnessLevels).optional().meta({
      description:
        '`cached` (default): the copy; `verify`: the copy, held against Git; `reload`: Git’s word, taken into the copy. The latter two also read where there is no copy',
    }),
  })
  .refine(
    ({ commit, ...others }) => commit === undefined || Object.keys(others).length === 0,
    'commit goes with neither branch nor freshness',
  );
export type ReadQuery = z.infer<typeof ReadQuery>;

/** @throws REQUEST_INVALID */
export function parse<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(result.error.issues, where);
  return result.data;
}

/** What is refused may be in the words of the refusal, at any length. */
const PROBLEM_CHARACTERS_MAX = 500;

/** The first problems of a request, each with the place it was found at. */
export function invalid(
  issues: readonly { message: string; path?: readonly unknown[] | undefined }[],
  where = '',
): Failure {
  const problems = issues.slice(0, 5).map(({ path = [], message }) => {
    const at = [where, ...path.map((part) => String((part as { key?: unknown })?.key ?? part))]
      .filter(Boolean)
      .join('.');
    return (at === '' ? message : `${at}: ${message}`).slice(0, PROBLEM_CHARACTERS_MAX);
  });
  return new Failure('REQUEST_INVALID', { problem: problems.join('; ') }) as Failure;
}

/** The fields of a query as those of a body. */
export function toHome(query: GitQuery | DeleteQuery): Pick<SaveRequest, 'store' | 'git'> {
  const { rest, pullRequest } = splitPull(query);
  const { store: wanted, authorName, authorEmail, ...git } = rest;
  const author = authorName === undefined ? undefined : { name: authorName, email: authorEmail as string };
  return { store: wanted, git: { ...git, author, pullRequest } };
}

/** @throws REQUEST_INVALID, MEDIA_TYPE_UNSUPPORTED */
export function parseSaveBody(
  body: unknown,
  query: GitQuery,
): Pick<SaveRequest, 'store' | 'git'> & { yaml: Buffer } {
  if (body instanceof BareFile) {
    return { yaml: body.bytes, ...toHome(query) };
  }
  if (Object.keys(query).length > 0)
    throw new Failure('REQUEST_INVALID', {
      problem: 'With a JSON body, store and the fields of git go into the body, not the query',
    });
  const { yaml, store: wanted, git = {} } = parse(SaveBody, body, '');
  if (!yaml.isWellFormed())
    throw new Failure('REQUEST_INVALID', { problem: 'yaml: holds half a surrogate pair' });
  return { yaml: Buffer.from(yaml, 'utf8'), store: wanted, git };
}
