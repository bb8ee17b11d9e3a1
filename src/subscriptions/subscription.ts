// A subscription, as its row says.
import type { Position } from '../events/position.js';
import type { Scope } from '../scopes/scope.js';
import type { SubscriptionRow } from '../storage/subscription-schema.js';

export interface SecretName {
  scope: Scope;
  id: string;
}

export interface Subscription {
  scope: Scope;
  id: string;
  account: Scope;
  url: string;
  types: string[];
  kinds: string[] | null;
  branches: string[] | null;
  enabled: boolean;
  secret: SecretName;
  /** The one before, which signs as well until then. */
  previousSecret: (SecretName & { until: Date }) | null;
  position: Position;
  state: 'active' | 'retrying' | 'paused' | 'disabled';
  fault: { error: string; since: Date | null; failures: number; nextAttemptAt: Date | null } | null;
  deliveredAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export function toSubscription(row: SubscriptionRow): Subscription {
  const { previous_scope, previous_id, previous_until, fault } = row;
  const state = stateOf(row);
  return {
    scope: row.scope,
    id: row.id,
    account: row.account,
    url: row.url,
    types: row.types,
    kinds: row.kinds,
    branches: row.branches,
    enabled: row.enabled,
    secret: { scope: row.secret_scope, id: row.secret_id },
    previousSecret:
      previous_scope === null || previous_id === null || previous_until === null
        ? null
        : { scope: previous_scope, id: previous_id, until: previous_until },
    position: { transaction: row.position_transaction, sequence: row.position_sequence },
    state,
    fault:
      fault === null
        ? null
        : {
            error: (fault as { error: string }).error,
            since: row.failing_since,
            failures: row.failures,
            nextAttemptAt: state === 'retrying' ? row.due_at : null,
          },
    deliveredAt: row.delivered_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function stateOf({ enabled, paused, failures }: SubscriptionRow): Subscription['state'] {
  if (!enabled) return 'disabled';
  if (paused) return 'paused';
  return failures > 0 ? 'retrying' : 'active';
}
