// The tables of webhooks, as schema.ts has the others.
import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

export interface WebhookTable {
  scope: string;
  connector_id: string;
  /** What the door finds it by. It names the webhook and proves nothing. */
  address: string;
  /** SHA-256 of it: how long a look-up takes says nothing of how near a guess was. */
  address_digest: Buffer;
  /** The host’s own id of the repository, which a renaming does not change; null until a delivery has told it. */
  host_repository_id: string | null;
  /** What the host said when the webhook was registered there; null where it was not, or by hand. */
  registration: Json<object> | null;
  /** Of all time. */
  refused: Generated<number>;
  /** The first refusal after the last delivery that was verified. */
  refused_since: Date | null;
  last_refused_at: Date | null;
  last_verified_at: Date | null;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

/** A secret that a delivery may be proven with: at most two are live. */
export interface WebhookSecretTable {
  scope: string;
  connector_id: string;
  /** 1 is the one that a registration uses. */
  position: number;
  secret_scope: string;
  secret_id: string;
  /** By Sallyport, for this webhook alone. */
  made: Generated<boolean>;
}

export type DeliveryState = 'waiting' | 'done' | 'refused';

export interface WebhookDeliveryTable {
  sequence: Generated<number>;
  id: Generated<string>;
  scope: string;
  connector_id: string;
  /** As the host calls it; null for a refused one, which may call itself anything. */
  delivery_id: string | null;
  provider: string;
  state: Generated<DeliveryState>;
  /** Why it was refused. */
  why: string | null;
  /** Address that it came from. */
  source: string;
  /** Without those that prove it. */
  headers: Json<object>;
  /** Until it is done; a small one stays for a replay. */
  body: Buffer | null;
  body_bytes: number;
  /** What the host said in it, once it was read. */
  event: Json<object> | null;
  /** What it led to. */
  outcome: Json<object> | null;
  /** How often it came again. */
  duplicates: Generated<number>;
  /** Until then one manager is at it, or it rests after a fault. */
  claimed_until: Generated<Date>;
  attempts: Generated<number>;
  /** Attempts since it came, or rested, of which nothing was heard again. */
  begun: Generated<number>;
  replays: Generated<number>;
  replayed_at: Date | null;
  received_at: Generated<Date>;
  processed_at: Date | null;
}
