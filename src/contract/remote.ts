// How a repository and its credential travel to a delegate, always inside a sealed task.
import { z } from 'zod';
import { Envelope } from '../envelope/envelope.js';
import { StoredSecret } from '../envelope/secret-manager.js';
import { CarriedManager } from './secret-managers.js';

/** A secret on its way: what only the delegate can open, or the value where the builtin manager holds it. */
export const CarriedSecret = z.discriminatedUnion('manager', [
  z.strictObject({
    manager: z.literal('keyring'),
    /** The scope that holds the secret, as in the API: `accounts/a[/orgs/o[/projects/p]]`. */
    scope: z.string(),
    id: z.string(),
    envelope: Envelope,
  }),
  z.strictObject({ manager: z.literal('builtin'), value: z.base64() }),
  /** Any other secret manager’s. */
  z.strictObject({
    manager: z.literal('outside'),
    scope: z.string(),
    id: z.string(),
    stored: StoredSecret,
    keptBy: CarriedManager,
  }),
]);
export type CarriedSecret = z.infer<typeof CarriedSecret>;

export const CarriedRemote = z.strictObject({
  url: z.string(),
  credential: z.strictObject({ username: z.string(), secret: CarriedSecret }).optional(),
  /** Host keys of an SSH repository, as in known_hosts. */
  knownHosts: z.string().optional(),
});
export type CarriedRemote = z.infer<typeof CarriedRemote>;
