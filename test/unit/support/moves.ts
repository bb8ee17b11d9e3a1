import type { GitOrigin } from '../../../src/sync/operation-changes.js';
import type { ChangeRow } from '../../../src/sync/operations.repository.js';
import { type GitOperation, makeOperation } from './operations.js';

export const repository = 'https://git.example.com/a.git';

/** Where an entity came from, with these fields of its own. */
export const makeOrigin = (more: Partial<GitOrigin> = {}): GitOrigin => ({
  store: 'git',
  connectorScope: 'accounts/acme',
  connector: 'direct',
  repository,
  branch: 'main',
  path: 'old.yaml',
  commitId: 'c'.repeat(40),
  blobId: 'b'.repeat(40),
  ...more,
});

/** A file of a move's operation: by default one that is written. */
export const makeChange = (more: Partial<ChangeRow> = {}): ChangeRow => ({
  operation_id: 'operation-1',
  at: 0,
  kind: 'pipeline',
  entity_id: 'build',
  path: 'new.yaml',
  meaning: 'arrive',
  yaml: more.meaning === 'leave' || more.meaning === 'remove' ? null : Buffer.from('a: 1\n'),
  expected: 'any',
  origin: more.meaning === 'leave' || more.meaning === 'remove' ? null : makeOrigin(),
  ...more,
});

/** A pending operation of a move with these changes. */
export const makeMove = (changes: ChangeRow[], more: Partial<GitOperation> = {}): GitOperation =>
  makeOperation({
    action: 'move',
    move_id: 'move-1',
    yaml: null,
    path: changes[0]?.path ?? '',
    changes,
    ...more,
  });

/** The commit that brings `build` from old.yaml to new.yaml. */
export const makeRename = (more: Partial<GitOperation> = {}): GitOperation =>
  makeMove(
    [makeChange({ path: 'old.yaml', meaning: 'leave', expected: 'b'.repeat(40) }), makeChange()],
    more,
  );
