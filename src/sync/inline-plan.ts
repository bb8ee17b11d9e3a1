// Pure: what a save or a deletion of an entity that is inline comes to, or would be refused for.
import { blobIdOf } from '../git/blob-id.js';
import { Failure } from '../kernel/failure.js';
import type { OperationFailure, Version } from './operations.repository.js';

/** What of a request decides. */
interface Wish {
  kind: string;
  id: string;
  /** Null deletes. */
  yaml: Buffer | null;
  /** `any`, `absent`, or the blob id the caller read. */
  expected: string;
}

interface Home {
  store?: 'git' | 'inline' | undefined;
  git: object;
}

/** What stands there now. */
type Standing = { blob_id: string; yaml: Buffer } | undefined;

export type InlineVerdict = 'created' | 'changed' | 'unchanged' | 'deleted' | 'conflict';

const places = ['connector', 'branch', 'newBranchFrom', 'path'] as const;

/** Where the request wants the entity; undefined where it leaves it where it is. */
export function storeOf({ store, git }: Home): 'git' | 'inline' | undefined {
  if (store !== undefined) return store;
  return places.some((name) => (git as Record<string, unknown>)[name] !== undefined) ? 'git' : undefined;
}

/** There is no commit that this could be said of. @throws REQUEST_INVALID */
export function assertNoCommit({ git }: Home): void {
  const [name] = Object.entries(git).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new Failure('REQUEST_INVALID', {
    problem: `git.${name} is of commits, and the entity is kept inline`,
  });
}

/** @throws NOT_FOUND, ENTITY_EXISTS */
export function judgeInline({ kind, id, yaml, expected }: Wish, standing: Standing): InlineVerdict {
  if (yaml === null && standing === undefined) throw new Failure('NOT_FOUND', { what: kind, id });
  if (standing !== undefined && expected === 'absent')
    throw new Failure('ENTITY_EXISTS', { kind, id, branch: null });
  const theirs = standing?.blob_id;
  // What is there already is no conflict, whatever was read before it.
  if (yaml !== null && theirs === blobIdOf(yaml)) return 'unchanged';
  if (expected !== 'any' && expected !== 'absent' && expected !== theirs) return 'conflict';
  if (yaml === null) return 'deleted';
  return standing === undefined ? 'created' : 'changed';
}

/** The three versions of a conflict. `base` is what the caller read, where it is known. */
export function conflictOf(
  { yaml, expected }: Wish,
  standing: Standing,
  base: Buffer | null,
): OperationFailure {
  const theirs = standing?.blob_id ?? null;
  const failure = new Failure('ENTITY_CONFLICT', { path: null, branch: null, base: expected, theirs });
  return {
    ...failure.toWire(),
    versions: {
      base: { blobId: expected, yaml: base?.toString('utf8') ?? null },
      theirs: versionOf(standing?.yaml ?? null),
      ours: versionOf(yaml),
    },
  };
}

/** Documents that were taken are text, and not long. */
const versionOf = (yaml: Buffer | null): Version =>
  yaml === null ? { blobId: null, yaml: null } : { blobId: blobIdOf(yaml), yaml: yaml.toString('utf8') };
