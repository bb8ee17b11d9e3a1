import type { GitOperation } from '../../../src/sync/operations.repository.js';

export type { GitOperation };

/** A pending save, with these fields of its own. */
export function makeOperation(more: Partial<GitOperation> = {}): GitOperation {
  return {
    id: 'operation-1',
    sequence: 1,
    scope: 'accounts/acme',
    account: 'accounts/acme',
    action: 'save',
    kind: 'pipeline',
    entity_id: 'build',
    lane_id: 'lane-1',
    connector_scope: 'accounts/acme',
    connector_id: 'direct',
    branch: 'main',
    new_branch_from: null,
    path: 'a.yaml',
    yaml: Buffer.from('a: 1\n'),
    expected: 'any',
    message: 'Save pipeline build\n',
    author_name: 'Ada',
    author_email: 'ada@example.com',
    state: 'pending',
    waits_for: null,
    deaths: 0,
    result: null,
    failure: null,
    deadline_at: new Date(2_000_000_000_000),
    created_at: new Date(1_700_000_000_000),
    finished_at: null,
    requested_by: 'admin',
    pull_request: null,
    pull_request_id: null,
    move_id: null,
    traceparent: null,
    taken_at: null,
    planned_at: null,
    pushed_at: null,
    pushed_by: null,
    ...more,
  };
}
