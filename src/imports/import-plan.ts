// Pure: what files of a branch come to that somebody wants as entities. The words of a refresh (sync/refresh-plan.ts) decide;
// what is added is whom a file belongs to where the request names entities, and an outcome for every file.
import type { BlobId } from '../git/git.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { isWithin } from '../scopes/scope.js';
import type { WrittenPart } from '../sync/copy-writer.js';
import { keyOf, shownTo } from '../sync/neighbourhood.js';
import {
  type Action,
  type FileChange,
  nameOf,
  type Report,
  type Surroundings,
} from '../sync/refresh-plan.js';
import type { Meaning, Named } from '../sync/tracked-files.js';

export type ImportOutcome =
  /** There was no copy of the entity on the branch. */
  | 'create'
  /** Its copy held something else, or lay at a path where no file is any more. */
  | 'update'
  /** Its copy holds just this. */
  | 'same'
  /** No document of its kind. */
  | 'invalid'
  /** The document names another entity. */
  | 'mismatch'
  /** The entity has another file on the branch, is in another repository, or in none. */
  | 'elsewhere'
  /** The file is another entity's. */
  | 'taken'
  /** No file, no name, or no kind or scope of that name. */
  | 'refused';

/** A file that is to become an entity. */
export interface Wanted {
  path: string;
  /** Whether the request, and not its path, says which entity it is. */
  isNamed: boolean;
  /** Undefined where only the copy can tell. */
  meaning: Meaning;
}

export interface Verdict {
  path: string;
  blob: BlobId | null;
  named: Named | null;
  kind: string | null;
  outcome: ImportOutcome;
  failure: WireFailure | null;
}

export type Tree = ReadonlyMap<string, { id: BlobId; mode: string }>;

/** What can be judged as files of a refresh are, and what is out of the question before. */
export function sift(
  part: readonly Wanted[],
  tree: Tree,
  { around, branch }: { around: Surroundings; branch: string },
): { changes: FileChange[]; verdicts: Verdict[] } {
  const changes: FileChange[] = [];
  const verdicts: Verdict[] = [];
  for (const wanted of part) {
    const { path } = wanted;
    const to = tree.get(path);
    if (to === undefined)
      verdicts.push(verdictOf(wanted, null, 'refused', unfit(path, 'it is not on the branch')));
    else {
      const taken = takenBy(wanted, around, branch);
      if (taken === undefined) changes.push({ path, to });
      else verdicts.push(verdictOf(wanted, to.id, 'taken', taken));
    }
  }
  return { changes, verdicts };
}

/** What the request says beats what the path is elsewhere, but not what the copy has there. */
function takenBy(
  { path, isNamed, meaning }: Wanted,
  { byPath, scope }: Surroundings,
  branch: string,
): Failure | undefined {
  const owner = byPath.get(path);
  if (owner === undefined) return undefined;
  const named = meaning !== undefined && 'named' in meaning ? meaning.named : undefined;
  const isOther =
    !isWithin(scope, owner.scope) || (isNamed && named !== undefined && nameOf(named) !== nameOf(owner));
  if (!isOther) return undefined;
  const by = shownTo(scope, keyOf(owner.scope, owner.kind, owner.id));
  return new Failure('ENTITY_PLACE_TAKEN', { path, branch, by }) as Failure;
}

/** What became of the files that were judged. */
export function conclude(
  part: readonly Wanted[],
  changes: readonly FileChange[],
  { written, around }: { written: WrittenPart; around: Surroundings },
): Verdict[] {
  const wanted = new Map(part.map((one) => [one.path, one]));
  const actions = new Map(written.actions.map((action) => [action.path, action]));
  return changes.map(({ path, to }) => {
    const action = actions.get(path);
    const of = wanted.get(path) as Wanted;
    const blob = to?.id ?? null;
    if (action !== undefined) return ofAction(of, action, written.documents.get(path)?.invalid ?? null);
    const copy = around.byPath.get(path);
    if (copy === undefined) return verdictOf(of, blob, 'refused', unfit(path, 'no pattern fits it'));
    const { scope, kind, id } = copy;
    return { path, blob, named: { scope, kind, id }, kind, outcome: 'same', failure: null };
  });
}

function ofAction(wanted: Wanted, action: Action, invalid: WireFailure | null): Verdict {
  const { path } = wanted;
  if (action.do === 'delete') throw new Error(`An import deletes nothing, as ${path}`);
  if (action.do === 'report') {
    const { named, kind, blob, failure } = action;
    return { path, blob, named, kind, outcome: outcomeOf(failure.code), failure: failure.toWire() };
  }
  const { blob, change } = action;
  const { scope, kind, id } = action.named;
  const done = change === 'created' ? 'create' : 'update';
  return {
    path,
    blob,
    named: { scope, kind, id },
    kind,
    outcome: invalid === null ? done : outcomeOf(invalid.code),
    failure: invalid,
  };
}

function outcomeOf(code: string): ImportOutcome {
  if (code === 'ENTITY_IDENTITY_MISMATCH') return 'mismatch';
  if (code === 'ENTITY_ELSEWHERE' || code === 'ENTITY_INLINE') return 'elsewhere';
  return code === 'FILE_UNFIT' ? 'refused' : 'invalid';
}

/** What is to be said of files of which the writer found out at the last moment that they cannot be written. */
export function correct(verdicts: readonly Verdict[], late: readonly Report[]): Verdict[] {
  const byPath = new Map(late.map(({ path, failure }) => [path, failure]));
  return verdicts.map((verdict) => {
    const failure = byPath.get(verdict.path);
    if (failure === undefined) return verdict;
    return { ...verdict, outcome: outcomeOf(failure.code), failure: failure.toWire() };
  });
}

/** What of a part is written: documents that are good. An import does not bring in what a save would refuse. */
export function toWrite(written: WrittenPart): WrittenPart {
  const actions = written.actions.filter(
    (action) => action.do === 'write' && written.documents.get(action.path)?.invalid === null,
  );
  return { ...written, actions, paths: actions.map(({ path }) => path) };
}

/** The folder that holds all of them. */
export function commonFolder(paths: readonly string[]): string {
  const [first = '', ...others] = paths;
  let parts = first.split('/').slice(0, -1);
  for (const path of others) {
    const names = path.split('/').slice(0, -1);
    const at = parts.findIndex((part, index) => names[index] !== part);
    if (at >= 0) parts = parts.slice(0, at);
  }
  return parts.join('/');
}

const unfit = (path: string, problem: string): Failure =>
  new Failure('FILE_UNFIT', { path, problem }) as Failure;

function verdictOf(
  { path, meaning }: Wanted,
  blob: BlobId | null,
  outcome: ImportOutcome,
  failure: Failure,
): Verdict {
  const named = meaning !== undefined && 'named' in meaning ? meaning.named : null;
  const kind = named?.kind ?? (meaning !== undefined && 'kind' in meaning ? meaning.kind : null);
  return { path, blob, named, kind, outcome, failure: failure.toWire() };
}

/** Of the files that were to be written, those that were. */
export function pathsTaken({ paths }: WrittenPart, late: readonly Report[]): string[] {
  const barred = new Set(late.map(({ path }) => path));
  return paths.filter((path) => !barred.has(path));
}

const FAULT_PAUSE_MS = 1_000;
const FAULT_PAUSE_MS_MAX = 60_000;
/** Another manager is at the lane: files are listed each time that it is asked for. */
const BUSY_PAUSE_MS_MAX = 4_000;

/** Milliseconds until an import that met this, and as many faults in a row before, is tried again. */
export function pauseAfter({ code }: Failure, faults: number): number {
  const pauseMsMax = code === 'TRACKING_BUSY' ? BUSY_PAUSE_MS_MAX : FAULT_PAUSE_MS_MAX;
  return Math.min(FAULT_PAUSE_MS * 2 ** Math.min(faults, 6), pauseMsMax);
}

/** Another repository's lane wrote one of the entities since the part was judged: judged again, that is what its file came to. */
export const isForestalled = (error: unknown): boolean =>
  error instanceof Failure && error.code === 'ENTITY_ELSEWHERE';
