// The one call by which a delegate joins: it shows its token and public keys, and learns whom to believe and where its
// queue is.
import { z } from 'zod';
import { PublicKey, Signature } from '../sealing/sealed-message.js';
import { SelfDescription } from './presence.js';

export const EnrolmentRequest = z.strictObject({
  self: SelfDescription,
  /** Public keys the delegate made for itself. */
  identityKey: PublicKey,
  sealingKey: PublicKey,
  /** Keys for the group, counted only for its first delegate; `signature` is the group identity's for the sealing key. */
  group: z.strictObject({ identityKey: PublicKey, sealingKey: PublicKey, signature: Signature }),
  /** By the delegate's identity, of `proofText`. */
  proof: Signature,
});
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

/** What a delegate signs to show that the keys are its own, and meant for the holder of this token. */
export const proofText = (token: string, { identityKey, sealingKey }: EnrolmentKeys): string =>
  JSON.stringify([token, identityKey, sealingKey]);
type EnrolmentKeys = Pick<EnrolmentRequest, 'identityKey' | 'sealingKey'>;

export const QueueAccess = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('redis'),
    /** `redis://host:port`, without user-info. */
    url: z.string(),
    username: z.string(),
    password: z.string(),
  }),
  /** The embedded default: the queue is in the manager's database, which a delegate on the same machine knows. */
  z.strictObject({ kind: z.literal('postgres') }),
]);
export type QueueAccess = z.infer<typeof QueueAccess>;

export const Enrolment = z.strictObject({
  deployment: z.string(),
  delegate: z.string(),
  group: z.strictObject({
    id: z.string(),
    name: z.string(),
    scope: z.string(),
    identityKey: PublicKey,
    sealingKey: PublicKey,
    signature: Signature,
  }),
  /** Public keys of the manager. */
  manager: z.strictObject({ identityKey: PublicKey, sealingKey: PublicKey }),
  queue: QueueAccess,
});
export type Enrolment = z.infer<typeof Enrolment>;
