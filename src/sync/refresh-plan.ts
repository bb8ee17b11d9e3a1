// Pure: what files that differ in Git mean for the copy. Every file is judged by itself: what cannot become a copy is reported
// and stands in nobody's way.
import type { EntityRecord } from '../entities/entities.repository.js';
import type { BlobId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { outwards, type Scope } from '../scopes/scope.js';
import type { FileVerdict } from '../storage/tracking-schema.js';
import { keyOf, shownTo } from './neighbourhood.js';
import type { Meaning, Named } from './tracked-files.js';

/** What a rule says of the kinds and scopes it is about; of all where it names none. The first that fits decides. */
export interface TrackingRule {
  kinds?: string[] | undefined;
  /** Scopes as in the API, with all that is below them. */
  scopes?: Scope[] | undefined;
  create: boolean;
  change: boolean;
  delete: boolean;
}

/** A file as it stands in Git now; `to: null` where there is none any more. */
export interface FileChange {
  path: string;
  to: { id: BlobId; mode: string } | null;
}

/** What of a copy decides. */
export type Copy = Pick<
  EntityRecord,
  'scope' | 'kind' | 'id' | 'path' | 'blob_id' | 'repository' | 'connector_scope' | 'connector_id'
> & { invalid: object | null };

/** Around the files that are judged: on the branch by path and by entity, and by path on other branches. */
export interface Surroundings {
  /** The connector's. */
  scope: Scope;
  repository: string;
  branch: string;
  byPath: ReadonlyMap<string, Copy>;
  byKey: ReadonlyMap<string, Copy>;
  onOtherBranches: ReadonlyMap<string, Named>;
  /** Entities among them that are in no repository, by key. */
  inline: ReadonlySet<string>;
}

/** The whole of what differs, of which a part is judged at a time. */
export interface Journey {
  /** Paths where no file is any more. */
  leaving: ReadonlySet<string>;
  /** Where an entity appears, by its key. */
  arrivals: ReadonlyMap<string, string>;
  rules: readonly TrackingRule[];
  meaningOf: (path: string) => Meaning;
}

export type Change = 'created' | 'changed' | 'moved';

export type Report = Extract<Action, { do: 'report' }>;

export type Action =
  | { do: 'write'; path: string; blob: BlobId; named: Named; change: Change; before: Copy | undefined }
  | { do: 'delete'; path: string; copy: Copy }
  | {
      do: 'report';
      path: string;
      blob: BlobId | null;
      verdict: FileVerdict;
      kind: string | null;
      named: Named | null;
      failure: Failure;
      /** What the copy keeps although Git has this in its place. */
      kept?: Copy | undefined;
    };

/** What to do about each of these files that something is to be done about, in their order. */
export function planRefresh(
  changes: readonly FileChange[],
  around: Surroundings,
  journey: Journey,
): Action[] {
  const desk = new Desk(around, journey);
  return changes.flatMap((change) => desk.judge(change) ?? []);
}

/** Where entities appear by their paths alone, the first path of each. */
export function findArrivals(
  changes: readonly FileChange[],
  meaningOf: Journey['meaningOf'],
): Map<string, string> {
  const arrivals = new Map<string, string>();
  for (const { path, to } of changes) {
    const meaning = to !== null && isPlainFile(to) ? meaningOf(path) : undefined;
    if (meaning === undefined || !('named' in meaning)) continue;
    const key = nameOf(meaning.named);
    if (!arrivals.has(key)) arrivals.set(key, path);
  }
  return arrivals;
}

export const isPlainFile = ({ mode }: { mode: string }): boolean => mode.startsWith('100');

export const nameOf = ({ scope, kind, id }: Named): string => keyOf(scope, kind, id);

class Desk {
  readonly #byPath: Map<string, Copy>;
  readonly #byKey: Map<string, Copy>;

  constructor(
    private readonly around: Surroundings,
    private readonly journey: Journey,
  ) {
    this.#byPath = new Map(around.byPath);
    this.#byKey = new Map(around.byKey);
  }

  judge({ path, to }: FileChange): Action | undefined {
    const copy = this.#byPath.get(path);
    if (copy !== undefined && !this.#isOurs(copy))
      return to === null ? undefined : this.#taken(path, to.id, copy);
    if (to === null) return copy === undefined ? undefined : this.#leave(copy);
    return this.#arrive(path, to, copy);
  }

  /** What would be an entity of ours, and is somebody else's already. */
  #taken(path: string, blob: BlobId, owner: Copy): Action | undefined {
    const meaning = this.#meaningOf(path);
    if (meaning === undefined || !('named' in meaning)) return undefined;
    const { scope, branch } = this.around;
    const data = { path, branch, by: shownTo(scope, nameOf(owner)) };
    const failure = new Failure('ENTITY_PLACE_TAKEN', data) as Failure;
    const { named } = meaning;
    return { do: 'report', path, blob, verdict: 'invalid', kind: named.kind, named, failure };
  }

  #leave(copy: Copy): Action | undefined {
    const { path } = copy;
    const isMoving = this.#isArriving(copy);
    const refusal = this.#refusal(copy, isMoving ? 'change' : 'delete');
    if (refusal !== undefined)
      return refused(path, null, copy, { change: isMoving ? 'moved' : 'deleted', ...refusal });
    if (isMoving) return undefined;
    this.#byPath.delete(path);
    this.#byKey.delete(nameOf(copy));
    return { do: 'delete', path, copy };
  }

  #arrive(path: string, to: { id: BlobId; mode: string }, copy: Copy | undefined): Action | undefined {
    const meaning = copy === undefined ? this.#meaningOf(path) : { named: copy };
    if (meaning === undefined) return undefined;
    if (!('named' in meaning)) return unfit(path, to.id, meaning.kind, meaning.problem);
    const { scope, kind, id } = meaning.named;
    const named = { scope, kind, id };
    if (!isPlainFile(to)) return { ...unfit(path, to.id, kind, 'it is no plain file', named), kept: copy };
    const before = copy ?? this.#byKey.get(nameOf(named));
    if (before === undefined) return this.#create(path, to.id, named);
    if (before.path === path && before.repository === this.around.repository)
      return this.#rewrite(path, to.id, before);
    return this.#move(path, to.id, before);
  }

  #create(path: string, blob: BlobId, named: Named): Action {
    if (this.around.inline.has(nameOf(named))) return barred(path, blob, named);
    const refusal = this.#refusal(named, 'create');
    if (refusal !== undefined) return refused(path, blob, named, { change: 'created', ...refusal });
    this.#note(path, blob, named);
    return { do: 'write', path, blob, named, change: 'created', before: undefined };
  }

  #rewrite(path: string, blob: BlobId, before: Copy): Action | undefined {
    if (before.blob_id === blob && before.invalid === null) return undefined;
    const refusal = before.blob_id === blob ? undefined : this.#refusal(before, 'change');
    if (refusal !== undefined) return refused(path, blob, before, { change: 'changed', ...refusal });
    return { do: 'write', path, blob, named: before, change: 'changed', before };
  }

  #move(path: string, blob: BlobId, before: Copy): Action {
    const named = { scope: before.scope, kind: before.kind, id: before.id };
    const isHere = before.repository === this.around.repository;
    if (!isHere || !this.journey.leaving.has(before.path)) {
      const data = { id: before.id, connector: before.connector_id, path: before.path };
      const failure = new Failure('ENTITY_ELSEWHERE', data) as Failure;
      return { do: 'report', path, blob, verdict: 'invalid', kind: before.kind, named, failure };
    }
    const refusal = this.#refusal(before, 'change');
    if (refusal !== undefined) return refused(path, blob, before, { change: 'moved', ...refusal });
    this.#byPath.delete(before.path);
    this.#note(path, blob, named);
    return { do: 'write', path, blob, named, change: 'moved', before };
  }

  /** Whether the entity appears at another path, which is not somebody else's. */
  #isArriving(copy: Copy): boolean {
    const path = this.journey.arrivals.get(nameOf(copy));
    if (path === undefined) return false;
    const owner = this.#byPath.get(path) ?? this.around.onOtherBranches.get(path);
    return owner === undefined || nameOf(owner) === nameOf(copy);
  }

  #meaningOf(path: string): Meaning {
    const known = this.around.onOtherBranches.get(path);
    return known === undefined ? this.journey.meaningOf(path) : { named: known };
  }

  #note(path: string, blob: BlobId, named: Named): void {
    const { repository } = this.around;
    const copy = {
      ...named,
      path,
      blob_id: blob,
      repository,
      connector_scope: '',
      connector_id: '',
      invalid: null,
    };
    this.#byPath.set(path, copy);
    this.#byKey.set(nameOf(named), copy);
  }

  /** What another account keeps in the repository, or a scope that the connector does not serve, is its own affair. */
  #isOurs({ scope }: Copy): boolean {
    return outwards(scope).includes(this.around.scope);
  }

  #refusal(named: Named, what: 'create' | 'change' | 'delete'): { rule: number } | undefined {
    return findRefusal(this.journey.rules, named, what);
  }
}

/** By which rule, from 1, this may not be done from the Git side; undefined where it may. */
export function findRefusal(
  rules: readonly TrackingRule[],
  { scope, kind }: Pick<Named, 'scope' | 'kind'>,
  what: 'create' | 'change' | 'delete',
): { rule: number } | undefined {
  const at = rules.findIndex(
    ({ kinds, scopes }) =>
      (kinds === undefined || kinds.includes(kind)) &&
      (scopes === undefined || outwards(scope).some((one) => scopes.includes(one))),
  );
  return at < 0 || rules[at]?.[what] === true ? undefined : { rule: at + 1 };
}

function refused(
  path: string,
  blob: BlobId | null,
  { scope, kind, id }: Named,
  why: { change: Change | 'deleted'; rule: number },
): Action {
  const failure = new Failure('CHANGE_REFUSED', { path, ...why }) as Failure;
  return { do: 'report', path, blob, verdict: 'refused', kind, named: { scope, kind, id }, failure };
}

/** A file of an entity that is inline. */
export function barred(path: string, blob: BlobId, { scope, kind, id }: Named): Report {
  const failure = new Failure('ENTITY_INLINE', { kind, id }) as Failure;
  return { do: 'report', path, blob, verdict: 'invalid', kind, named: { scope, kind, id }, failure };
}

function unfit(
  path: string,
  blob: BlobId,
  kind: string,
  problem: string,
  named: Named | null = null,
): Extract<Action, { do: 'report' }> {
  const failure = new Failure('FILE_UNFIT', { path, problem }) as Failure;
  return { do: 'report', path, blob, verdict: 'invalid', kind, named, failure };
}
