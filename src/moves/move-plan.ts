// Pure: what a move means for each of its entities, what stands in its way, and the changes that its commits are made of.
import type { Connector } from '../connectors/connectors.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import { Failure } from '../kernel/failure.js';
import { renderPath } from '../policy/paths.js';
import { namesOf, type Scope } from '../scopes/scope.js';
import type { Target } from '../sync/moves.repository.js';
import { keyOf, shownTo } from '../sync/neighbourhood.js';
import { type GitOrigin, type OperationChange, type Origin, originKey } from '../sync/operation-changes.js';

/** Where the entities are to be. */
export type Destination = { store: 'inline' } | GitDestination;

export interface GitDestination {
  store: 'git';
  connector: Connector;
  branch: string;
  newBranchFrom: string | undefined;
  /** Of the one entity. */
  path: string | undefined;
  /** Instead of the kind's. */
  pathTemplate: string | undefined;
}

export interface Wish {
  scope: Scope;
  to: Destination;
  /** Which copy is moved; by default the one of the branch where the entity was first saved. */
  branch: string | undefined;
  keepFiles: boolean;
  /** What becomes of the copies on other branches, where the entity leaves Git. */
  otherBranches: 'refuse' | 'forget';
}

export interface Named {
  kind: string;
  id: string;
}

/** An entity's copy on a branch. */
export interface Source extends Named, GitOrigin {
  invalid: boolean;
}

/** What is known of the entities, in the transaction that decides. Maps are by `nameOf`. */
export interface Known {
  /** In the order in which they were first saved. */
  copies: ReadonlyMap<string, Source[]>;
  /** Those that are in no repository. */
  inline: ReadonlySet<string>;
  /** Unfinished operations of theirs. */
  pending: ReadonlyMap<string, string>;
  /** Moves that they are a part of. */
  moving: ReadonlyMap<string, string>;
  /** Path templates of the kinds. */
  templates: ReadonlyMap<string, string>;
  /** What connectors point at, by `placeName`. */
  repositories: ReadonlyMap<string, string>;
}

/** What stands, or is about to, at paths of the target. */
export interface Ahead {
  /** Whose file it is, as `keyOf` has it. */
  owners: ReadonlyMap<string, string>;
  /** Unfinished operations, as the scope may know them. */
  pending: ReadonlyMap<string, string>;
}

export interface Planned extends Named {
  outcome: 'move' | 'same' | 'blocked';
  origin: Origin | null;
  /** At the target; null for inline, and where there is none. */
  path: string | null;
  /** Why it is blocked. */
  failure: Failure | null;
}

/** What a move would do, or is to do. */
export interface MovePlan {
  planned: Planned[];
  /** Of what is to be moved, by `nameOf`. */
  documents: Map<string, Buffer>;
}

export const nameOf = ({ kind, id }: Named): string => `${kind} ${id}`;
export const placeName = ({ scope, id }: { scope: Scope; id: string }): string => `${scope}/connectors/${id}`;

/** By what is known of the entities themselves. */
export function planEntities(names: readonly Named[], wish: Wish, known: Known): Planned[] {
  return names.map((name) => {
    try {
      return planEntity(name, wish, known);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { ...name, outcome: 'blocked', origin: originOf(name, wish, known), path: null, failure: error };
    }
  });
}

function planEntity({ kind, id }: Named, wish: Wish, known: Known): Planned {
  const name = nameOf({ kind, id });
  const move = known.moving.get(name);
  if (move !== undefined) throw new Failure('ENTITY_MOVING', { kind, id, move });
  const origin = originOf({ kind, id }, wish, known);
  if (origin === null) throw new Failure('NOT_FOUND', { what: kind, id });
  const operation = known.pending.get(name);
  if (operation !== undefined)
    throw blocked(id, `its operation ${operation} is not finished`, 'Wait for it, and move then');
  if (origin.store === 'git') assertMovable(origin, known);
  const planned = { kind, id, origin, failure: null };
  if (wish.to.store === 'inline') return planInline(planned, wish, known);
  const path = targetPath({ kind, id }, wish, known);
  const copies = known.copies.get(name) ?? [];
  const other = copies.find((copy) => copy.branch === (wish.to as GitDestination).branch && copy !== origin);
  if (other !== undefined)
    throw new Failure('ENTITY_ELSEWHERE', { id, connector: other.connector, path: other.path });
  assertNotInherited(planned, path, copies, wish.to);
  const isSame = origin.store === 'git' && isThere(origin, path, wish.to);
  return { ...planned, outcome: isSame ? 'same' : 'move', path };
}

/** A new branch has the files of the one that it is made from. @throws ENTITY_ELSEWHERE where another one of them is the entity */
function assertNotInherited(
  { id, origin }: Pick<Planned, 'id' | 'origin'>,
  path: string,
  copies: readonly Source[],
  { connector, newBranchFrom }: GitDestination,
): void {
  const inherited = copies.find(
    (copy) => copy.branch === newBranchFrom && copy.repository === connector.url && copy !== origin,
  );
  if (inherited === undefined || inherited.path === path) return;
  throw new Failure('ENTITY_ELSEWHERE', { id, connector: inherited.connector, path: inherited.path });
}

/** @throws MOVE_BLOCKED */
function planInline(
  planned: Named & { origin: Source | { store: 'inline' }; failure: null } & Pick<Planned, 'origin'>,
  { otherBranches }: Wish,
  { copies }: Known,
): Planned {
  const { id, origin } = planned;
  if (origin.store === 'inline') return { ...planned, outcome: 'same', path: null };
  const others = (copies.get(nameOf(planned)) ?? []).filter((copy) => copy !== origin);
  if (others.length > 0 && otherBranches === 'refuse')
    throw blocked(
      id,
      `it is on other branches, too: ${others.map(({ branch }) => branch).join(', ')}`,
      'Delete it there first, or set otherBranches to forget, which leaves its files there',
    );
  return { ...planned, outcome: 'move', path: null };
}

function originOf(
  name: Named,
  { branch }: Wish,
  { copies, inline }: Known,
): Source | { store: 'inline' } | null {
  if (inline.has(nameOf(name))) return { store: 'inline' };
  const all = copies.get(nameOf(name)) ?? [];
  const found = branch === undefined ? all[0] : all.find((copy) => copy.branch === branch);
  return found ?? null;
}

function assertMovable(origin: Source, { repositories }: Known): void {
  const { id, branch, path, connector } = origin;
  if (origin.invalid)
    throw blocked(id, `what stands at ${path} on ${branch} is no document of its kind`, 'Mend it first');
  const repository = repositories.get(placeName({ scope: origin.connectorScope, id: connector }));
  if (repository !== origin.repository)
    throw blocked(
      id,
      `its connector ${connector} points at another repository by now`,
      'Point the connector at the repository that has the file',
    );
}

/** @throws INPUT_REFUSED, NOT_FOUND for a kind */
function targetPath({ kind, id }: Named, { scope, to }: Wish, { templates }: Known): string {
  const { path, pathTemplate } = to as GitDestination;
  if (path !== undefined) return path;
  const template = pathTemplate ?? templates.get(kind);
  if (template === undefined) throw new Failure('NOT_FOUND', { what: 'kind', id: kind });
  return renderPath(template, { ...namesOf(scope), kind, id });
}

const isThere = (origin: Source, path: string, { connector, branch }: GitDestination): boolean =>
  origin.repository === connector.url &&
  origin.branch === branch &&
  origin.path === path &&
  origin.connectorScope === connector.scope &&
  origin.connector === connector.id;

/** By what stands at the target. Of entities that are to be in one file, none is moved. */
export function judgeTargets(planned: Planned[], wish: Wish, ahead: Ahead): Planned[] {
  const { scope, to } = wish;
  if (to.store === 'inline') return planned;
  const { branch } = to;
  const wanted = Map.groupBy(
    planned.filter(({ outcome }) => outcome !== 'blocked'),
    ({ path }) => path as string,
  );
  return planned.map((one): Planned => {
    const { kind, id, path, outcome } = one;
    if (outcome !== 'move' || path === null) return one;
    const rival = wanted.get(path)?.find((other) => other !== one);
    const own = keyOf(scope, kind, id);
    const owner = rival === undefined ? ahead.owners.get(path) : keyOf(scope, rival.kind, rival.id);
    if (owner !== undefined && owner !== own) {
      const by = shownTo(scope, owner);
      return refused(one, new Failure('ENTITY_PLACE_TAKEN', { path, branch, by }) as Failure);
    }
    const operation = ahead.pending.get(path);
    if (operation === undefined) return one;
    const problem = `${operation} at ${path} on ${branch} is not finished`;
    return refused(one, blocked(id, problem, 'Wait for it, and move then'));
  });
}

/** Whose copy does not hold what it says: nobody knows what would be moved. */
export function judgeDocuments(planned: Planned[], documents: ReadonlyMap<string, Uint8Array>): Planned[] {
  return planned.map((one) => {
    const { id, origin, outcome } = one;
    if (outcome !== 'move' || origin?.store !== 'git') return one;
    const document = documents.get(nameOf(one));
    if (document !== undefined && blobIdOf(document) === origin.blobId) return one;
    const problem = `its copy on ${origin.branch} does not hold what it should`;
    return refused(one, blocked(id, problem, 'Repair it with POST …/drift/repair of its connector'));
  });
}

const refused = (one: Planned, failure: Failure): Planned => ({ ...one, outcome: 'blocked', failure });

const blocked = (id: string, problem: string, mend: string): Failure =>
  new Failure('MOVE_BLOCKED', { id, problem, mend }) as Failure;

export type ChangeDraft = Pick<
  OperationChange,
  'kind' | 'id' | 'path' | 'meaning' | 'document' | 'expected' | 'origin'
>;

/** The files of the commit in which these arrive: each old one that is in the way of the new branch, and each new one. */
export function arrivalChanges(
  moving: readonly Planned[],
  documents: ReadonlyMap<string, Buffer>,
  { to, keepFiles }: Wish,
): ChangeDraft[] {
  const { connector, branch, newBranchFrom } = to as GitDestination;
  return moving.flatMap((one) => {
    const { kind, id, path } = one;
    const origin = bareOrigin(one.origin as Origin);
    const arrival: ChangeDraft = {
      kind,
      id,
      path: path as string,
      meaning: 'arrive',
      document: documents.get(nameOf(one)) ?? null,
      expected: 'any',
      origin,
    };
    const isHere =
      origin.store === 'git' &&
      origin.repository === connector.url &&
      (origin.branch === branch || origin.branch === newBranchFrom);
    if (!isHere || keepFiles || origin.path === path) return [arrival];
    const leaving: ChangeDraft = {
      ...arrival,
      path: origin.path,
      meaning: 'leave',
      document: null,
      expected: origin.blobId,
      origin: null,
    };
    return [leaving, arrival];
  });
}

/** The files that go where these become inline: one commit for each connector and branch. */
export function inlineChanges(
  moving: readonly Planned[],
  documents: ReadonlyMap<string, Buffer>,
): ChangeDraft[][] {
  const groups = Map.groupBy(moving, ({ origin }) => originKey(origin as GitOrigin));
  return [...groups.values()].map((some) =>
    some.map((one) => {
      const origin = bareOrigin(one.origin as Origin) as GitOrigin;
      const document = documents.get(nameOf(one)) ?? null;
      const { kind, id } = one;
      return { kind, id, path: origin.path, meaning: 'inline', document, expected: origin.blobId, origin };
    }),
  );
}

/** Without what only the planning wants to know. */
export function bareOrigin(origin: Origin): Origin {
  if (origin.store === 'inline') return { store: 'inline' };
  const { store, connectorScope, connector, repository, branch, path, commitId, blobId } = origin;
  return { store, connectorScope, connector, repository, branch, path, commitId, blobId };
}

/** As it is kept with the move. */
export function targetOf(to: Destination): Target {
  if (to.store === 'inline') return to;
  const { store, connector, branch } = to;
  return {
    store,
    connectorScope: connector.scope,
    connector: connector.id,
    repository: connector.url,
    branch,
  };
}
