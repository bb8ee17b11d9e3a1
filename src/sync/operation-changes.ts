// Pure: which files an operation changes, and what that means for the entities. A save or a deletion changes one, a move many;
// batches, plans, chains and settlements work on these.
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId } from '../git/git.js';
import type { Scope } from '../scopes/scope.js';
import type { OperationChangeTable } from '../storage/move-schema.js';
import type { OperationTable } from '../storage/schema.js';

/** Where an entity was before it was moved. */
export type Origin = GitOrigin | { store: 'inline' };

export interface GitOrigin {
  store: 'git';
  connectorScope: Scope;
  connector: string;
  repository: string;
  branch: string;
  path: string;
  commitId: string;
  blobId: BlobId;
}

export interface OperationChange {
  scope: Scope;
  kind: string;
  id: string;
  path: string;
  /**
   * `save` and `delete` as requested. `arrive`: the entity comes here. `leave`: this file goes in the commit in which it arrives;
   * `remove`: after that. `inline`: this file goes, and the entity stays, without one.
   */
  meaning: 'save' | 'delete' | 'arrive' | 'leave' | 'remove' | 'inline';
  /** What is to stand at the path; null for no file. */
  content: Buffer | null;
  /** Of the entity, whatever becomes of the file; null where it is nobody's question. */
  document: Buffer | null;
  /** `any`, `absent`, or a blob id. */
  expected: string;
  /** Of one that arrives or becomes inline; of a removal, what may be the same file by another URL of its repository. */
  origin: Origin | null;
}

/** What of an operation says which files it changes. */
interface Changing
  extends Pick<OperationTable, 'scope' | 'action' | 'kind' | 'entity_id' | 'yaml' | 'expected'> {
  path: string;
  /** Of a move. */
  changes?: readonly (Omit<OperationChangeTable, 'operation_id' | 'at' | 'origin'> & {
    origin: object | null;
  })[];
}

/** In the order of the commit. */
export function changesOf(operation: Changing): readonly OperationChange[] {
  const { scope, action, kind, entity_id: id, path, yaml, expected, changes } = operation;
  if (action !== 'move') {
    const meaning = yaml === null ? 'delete' : 'save';
    return [{ scope, kind, id, path, meaning, content: yaml, document: yaml, expected, origin: null }];
  }
  if (changes === undefined) throw new Error('The changes of a move were not loaded');
  return changes.map((row) => ({
    scope,
    kind: row.kind,
    id: row.entity_id,
    path: row.path,
    meaning: row.meaning,
    content: row.meaning === 'arrive' ? row.yaml : null,
    document: row.yaml,
    expected: row.expected,
    origin: row.origin as Origin | null,
  }));
}

export const pathsOf = (operation: Changing): string[] => changesOf(operation).map(({ path }) => path);

/** Bytes that its commit carries. */
export const bytesOf = (operation: Changing): number =>
  changesOf(operation).reduce((sum, { content }) => sum + (content?.byteLength ?? 0), 0);

/** Whether what the change wants is what stands in Git, so that there is nothing to do and no conflict. */
export function isAlreadySo({ expected, meaning, content }: OperationChange, theirs: BlobId | null): boolean {
  // What is moved out of a file has to be found there.
  if (expected === 'absent' || meaning === 'leave' || meaning === 'inline') return false;
  return theirs === (content === null ? null : blobIdOf(content));
}

/** Of files that come from one place by one connector. */
export const originKey = ({ branch, repository, connectorScope, connector }: GitOrigin): string =>
  `${branch} ${repository} ${connectorScope} ${connector}`;

/** Names a change in maps. */
export const changeKey = (operation: string, path: string): string => `${operation} ${path}`;
