// The tables of what goes out by itself.
import type { Generated, Selectable } from 'kysely';
import type { Json, Stamp } from './columns.js';

/** How far the events of an account are gone. */
export interface EventLogTable {
  account: string;
  pruned_transaction: string;
  pruned_sequence: number;
}

/** Where events go. */
export interface SubscriptionTable {
  /** Order in which they were made. */
  sequence: Generated<number>;
  scope: string;
  id: string;
  account: string;
  url: string;
  types: string[];
  kinds: string[] | null;
  branches: string[] | null;
  enabled: boolean;
  secret_scope: string;
  secret_id: string;
  /** Whether it was made for the subscription. */
  secret_generated: boolean;
  /** The secret before, which signs as well until then. */
  previous_scope: string | null;
  previous_id: string | null;
  previous_generated: Generated<boolean>;
  previous_until: Date | null;
  /** The last event that was delivered or passed over. */
  position_transaction: string;
  position_sequence: number;
  /** Whether it has stopped by itself. */
  paused: Generated<boolean>;
  /** What went wrong last, since it last went well. */
  fault: Json<object> | null;
  /** So many times in a row. */
  failures: Generated<number>;
  failing_since: Date | null;
  due_at: Generated<Date>;
  /** Of the claim by which a manager delivers it, until then. */
  holder: string | null;
  claimed_until: Date | null;
  delivered_at: Date | null;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

export type SubscriptionRow = Selectable<SubscriptionTable>;

export interface SubscriptionAttemptTable {
  sequence: Generated<number>;
  scope: string;
  subscription_id: string;
  event_id: string;
  type: string;
  at: Stamp;
  ms: number;
  /** What the receiver answered; null where it did not. */
  status: number | null;
  /** Null where it was delivered. */
  error: string | null;
}
