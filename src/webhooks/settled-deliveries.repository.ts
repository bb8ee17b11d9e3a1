// How deliveries end: with what became of them, and on record where something was done for them.
import { sql } from 'kysely';
import { SYSTEM } from '../audit/acting.js';
import { recordAs } from '../audit/record.js';
import type { HookEvent } from '../providers/webhook.js';
import type { Scope } from '../scopes/scope.js';
import type { Session } from '../storage/database.js';
import type { Outcome } from './outcome.js';

/** A larger body is not kept once it was read. */
export const keptBodyBytesMax = 256 * 1024;

export interface SettledDelivery {
  sequence: number;
  event: HookEvent | null;
  outcome: Outcome;
}

/** The first of those that something was done for together, and what. */
export interface ActedDelivery {
  scope: Scope;
  connector: string;
  id: string;
  details: string[];
}

export async function settleDeliveries(
  tx: Session,
  settled: SettledDelivery[],
  acted: ActedDelivery | undefined,
): Promise<void> {
  const { numAffectedRows = 0n } = await sql`update webhook_delivery set
      state = 'done', processed_at = now(), event = coalesce(said.event, webhook_delivery.event), outcome = said.outcome,
      body = case when body_bytes > ${keptBodyBytesMax} then null else body end
    from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as said (sequence bigint, event jsonb, outcome jsonb)
    where webhook_delivery.sequence = said.sequence and state = 'waiting'`.execute(tx);
  // Another manager may have done the same, and ended them.
  if (acted === undefined || numAffectedRows === 0n) return;
  const data = { deliveries: Number(numAffectedRows), details: acted.details };
  recordAs(tx, SYSTEM, { action: 'webhook-delivery.applied', ...placeOf(acted), data });
}

/** As the audit names it. */
export const placeOf = ({ scope, connector, id }: { scope: Scope; connector: string; id: string }) => ({
  scope,
  target: `connectors/${connector}/webhook/deliveries/${id}`,
});
