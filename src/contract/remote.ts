// How a repository and its credential travel to a delegate, always inside a sealed task.
import { z } from 'zod';
import { Envelope } from '../envelope/envelope.js';

/** A stored secret: the envelope and the names it was bound to when it was sealed. */
export const SealedSecret = z.strictObject({
  /** The scope that holds the secret, as in the API: `accounts/a[/orgs/o[/projects/p]]`. */
  scope: z.string(),
  id: z.string(),
  manager: z.enum(['builtin', 'keyring']),
  envelope: Envelope,
});
export type SealedSecret = z.infer<typeof SealedSecret>;

/** A secret on its way: ciphertext that only the delegate opens, or the value where the builtin manager holds it. */
export const CarriedSecret = z.discriminatedUnion('manager', [
  SealedSecret.extend({ manager: z.literal('keyring') }),
  z.strictObject({ manager: z.literal('builtin'), value: z.base64() }),
]);
export type CarriedSecret = z.infer<typeof CarriedSecret>;

export const CarriedRemote = z.strictObject({
  url: z.string(),
  credential: z.strictObject({ username: z.string(), secret: CarriedSecret }).optional(),
  /** Host keys of an SSH repository, as in known_hosts. */
  knownHosts: z.string().optional(),
});
export type CarriedRemote = z.infer<typeof CarriedRemote>;
