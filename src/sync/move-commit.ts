// Pure: the words of a move's commits. Trailers say where each file came from, or went to.
import type { GitOrigin, Origin } from './operation-changes.js';

/** An entity as the commit of its target tells of it. */
export interface Moved {
  kind: string;
  id: string;
  origin: Origin;
}

/** One of which the file goes; `to` is null where it becomes inline. */
export interface Left {
  kind: string;
  id: string;
  to: { branch: string; path: string; commitId: string } | null;
}

/** With all their trailers, commit messages stay below this. */
const TRAILER_BYTES_MAX = 64 * 1024;

/** 'main:web/build.yaml@1f0c…' */
const placeOf = ({ branch, path, commitId }: Pick<GitOrigin, 'branch' | 'path' | 'commitId'>): string =>
  `${branch}:${path}@${commitId}`;

/** Of the commit in which entities arrive. `words` are the caller's. */
export function arrivalMessage(words: string | null, operation: string, moved: Moved[]): string {
  const trailers = moved.map(
    ({ origin }) => `Sallyport-Moved-From: ${origin.store === 'git' ? placeOf(origin) : 'inline'}`,
  );
  return messageOf(words ?? `Move ${nameOf(moved)}`, operation, trailers);
}

/** Of the commit in which the files that entities came from go. */
export function removalMessage(words: string | null, operation: string, left: Left[]): string {
  const trailers = left.map(({ to }) => `Sallyport-Moved-To: ${to === null ? 'inline' : placeOf(to)}`);
  return messageOf(words ?? `Move ${nameOf(left)} away`, operation, trailers);
}

const nameOf = (entities: { kind: string; id: string }[]): string => {
  const [first] = entities;
  return entities.length === 1 && first !== undefined
    ? `${first.kind} ${first.id}`
    : `${entities.length} entities`;
};

function messageOf(words: string, operation: string, trailers: string[]): string {
  let bytes = 0;
  const fitting = trailers.filter((line) => (bytes += Buffer.byteLength(line) + 1) <= TRAILER_BYTES_MAX);
  return [`${words.trimEnd()}\n`, `Sallyport-Operation: ${operation}`, ...fitting, ''].join('\n');
}
