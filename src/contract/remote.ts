// How a repository and its credential travel to a delegate: the secret goes as ciphertext that only the delegate opens.
import { z } from 'zod';
import { Envelope } from '../envelope/envelope.js';

/** A secret on its way: the envelope and the names it was bound to when it was sealed. */
export const SealedSecret = z.strictObject({
  /** The scope that holds the secret, as in the API: `accounts/a[/orgs/o[/projects/p]]`. */
  scope: z.string(),
  id: z.string(),
  manager: z.enum(['builtin', 'keyring']),
  envelope: Envelope,
});
export type SealedSecret = z.infer<typeof SealedSecret>;

export const SealedRemote = z.strictObject({
  url: z.string(),
  credential: z.strictObject({ username: z.string(), secret: SealedSecret }).optional(),
  /** Host keys of an SSH repository, as in known_hosts. */
  knownHosts: z.string().optional(),
});
export type SealedRemote = z.infer<typeof SealedRemote>;
