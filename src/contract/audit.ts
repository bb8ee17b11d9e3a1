// Why a secret is opened, as a task tells it, and what a delegate puts on record whenever it opens one.
import { z } from 'zod';
import { ACTOR_MAX } from '../kernel/actor.js';

/** What a secret is opened for. */
export const purposeKinds = [
  'save',
  'refresh',
  'connector-check',
  'secret-manager-check',
  'secret-value',
  'secret-operation',
  'secret-refresh',
  'pull-request',
  'webhook',
] as const;

/** What a secret is opened for on this side alone, so that no task tells it. */
export const ownPurposeKinds = [...purposeKinds, 'event-delivery', 'sign-in'] as const;

/** Most operations that one push carries, and so most callers. */
const CAUSES_MAX = 100;

export const Purpose = z.strictObject({
  kind: z.enum(purposeKinds),
  /** What it is for, as in the API: `accounts/a/connectors/c`. */
  subject: z.string().max(1_024),
  /** Ids of the operations that are carried out. */
  operations: z.array(z.string().max(64)).max(CAUSES_MAX),
  /** The tokens whose requests caused it; `sallyport` for work of its own accord. */
  actors: z.array(z.string().max(ACTOR_MAX)).max(CAUSES_MAX),
});
export type Purpose = z.infer<typeof Purpose>;

/** Of whatever this side opens. */
export type OwnPurpose = Omit<Purpose, 'kind'> & { kind: (typeof ownPurposeKinds)[number] };

/** What nobody's request of this moment caused. */
export const OWN_ACCORD = 'sallyport';

export const auditOutcomes = ['opened', 'refused'] as const;

/** An attempt of a delegate to open a secret. */
export const AuditRecord = z.strictObject({
  /** One more than that of the record before, in the same file. */
  sequence: z.int().min(1),
  id: z.uuid(),
  /** By the delegate's clock. Milliseconds since 1970. */
  at: z.int(),
  task: z.string().max(64),
  taskName: z.string().max(64),
  scope: z.string().max(1_024),
  secret: z.string().max(256),
  version: z.string().max(64),
  /** Which version of which key wrapped it; null for a value that a store has, or that a client sealed. */
  keyId: z.string().max(512).nullable(),
  /** Of a value that a store has, as the store names it; null where the latest was asked for. */
  storeVersion: z.string().max(256).nullable(),
  /** The secret manager that keeps it; null for the keyring. */
  managerScope: z.string().max(1_024).nullable(),
  manager: z.string().max(256).nullable(),
  /** Null where the task told none. */
  purpose: Purpose.nullable(),
  outcome: z.enum(auditOutcomes),
  /** Why it was refused; null otherwise. */
  code: z.string().max(64).nullable(),
});
export type AuditRecord = z.infer<typeof AuditRecord>;
