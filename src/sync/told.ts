// What the sync rooms tell of, as events.
import type { EventType } from '../events/event.js';
import type { NewEvent } from '../events/events.repository.js';
import type { OperationRecord } from './operations.repository.js';

interface Told {
  scope: string;
  kind: string;
  id: string;
}

interface Copied extends Told {
  branch: string;
  path: string;
}

type Outcome<P extends string> = Extract<EventType, `${P}.${string}`> extends `${P}.${infer O}` ? O : never;

/** What became of an entity's copy. `more` says by which commit and why. */
export function ofCopy(copy: Copied, change: Outcome<'entity'>, more: object): NewEvent {
  const { scope, kind, id, branch, path } = copy;
  return {
    scope,
    type: `entity.${change}`,
    subject: `entities/${kind}/${id}`,
    data: { kind, id, branch, path, ...more },
  };
}

/** What became of an entity that is inline. `more` says by whose doing. */
export function ofInline(
  { scope, kind, id }: Told,
  change: 'created' | 'changed' | 'moved' | 'deleted',
  more: object,
): NewEvent {
  return {
    scope,
    type: `entity.${change}`,
    subject: `entities/${kind}/${id}`,
    data: { kind, id, store: 'inline', ...more },
  };
}

/** What became of an operation. */
export function ofOperation(
  operation: Pick<OperationRecord, 'id' | 'scope' | 'kind' | 'entity_id' | 'branch' | 'path' | 'action'> & {
    move_id?: string | null;
  },
  outcome: Outcome<'operation'>,
  more: object,
): NewEvent {
  const { id, scope, kind, entity_id, branch, path, action, move_id = null } = operation;
  // A move tells of each entity besides.
  const about =
    action === 'move'
      ? { moveId: move_id, branch }
      : {
          kind,
          id: entity_id,
          ...(path === null ? { store: 'inline' } : { branch, path }),
        };
  return {
    scope,
    type: `operation.${outcome}`,
    subject: `operations/${id}`,
    data: { action, ...about, ...more },
  };
}
