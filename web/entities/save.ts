// A save as the page makes it: from what was read, to a branch that is there or a new one, with a pull request on wish.
import { type Api, ApiError, type Schemas } from '../data/api.js';

export interface SaveWish {
  yaml: string;
  message: string;
  /** Where it is committed. */
  branch: string;
  /** Begin the branch here; undefined: it is there. */
  newBranchFrom?: string | undefined;
  pullRequest?: Schemas['PullRequestWish'] | undefined;
  /** Of an entity that is not there yet. */
  connector?: string | undefined;
  path?: string | undefined;
}

export interface SaveTarget {
  kind: string;
  id: string;
  /** Blob that the change was made from; null: it must not be there. */
  from: string | null;
  isInline?: boolean;
}

/** In seconds; what takes longer is followed as an operation. */
const WAIT = 20;

export type Saved = { entity: Schemas['SavedEntity'] } | { operation: Schemas['Operation'] };

/** @throws ApiError, with the operation where one was accepted */
export async function saveEntity(api: Api, target: SaveTarget, wish: SaveWish): Promise<Saved> {
  const { kind, id, from, isInline = false } = target;
  const { yaml, message, branch, newBranchFrom, pullRequest, connector, path } = wish;
  const git = dropEmpty({ message, branch, newBranchFrom, pullRequest, connector, path });
  const { data, response } = await api.PUT('/entities/{kind}/{id}', {
    params: {
      path: { kind, id },
      header: {
        Prefer: `wait=${WAIT}`,
        ...(from === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${from}"` }),
      },
    },
    body: isInline ? { yaml, store: 'inline' } : { yaml, git },
  });
  return response.status === 202
    ? { operation: data as Schemas['Operation'] }
    : { entity: data as Schemas['SavedEntity'] };
}

export const isConflict = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === 'ENTITY_CONFLICT';

function dropEmpty<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ''),
  ) as never;
}
