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

/** How a token is shown; `usernameGiven`: the connector itself says the user name. */
const shown = { username: z.string(), scheme: z.enum(['basic', 'bearer']), usernameGiven: z.boolean() };

/** What a delegate is to show to a host, and what it has to exchange for that. */
export const CarriedCredential = z.union([
  /** A user name and a password, or for SSH a private key without a passphrase. */
  z.strictObject({ username: z.string(), secret: CarriedSecret }),
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('token'), ...shown, secret: CarriedSecret }),
    /** What a delegate of the group got for a refresh token and sealed with the group's keyring: no manager opens it. */
    z.strictObject({
      kind: z.literal('oauth2'),
      ...shown,
      /** The place that it is sealed for. */
      scope: z.string(),
      id: z.string(),
      token: Envelope,
    }),
    z.strictObject({
      kind: z.literal('github-app'),
      ...shown,
      apiUrl: z.string(),
      appId: z.string(),
      installationId: z.string(),
      repositories: z.array(z.string()),
      privateKey: CarriedSecret,
      /** Another one whenever the credential or its secret is. */
      fingerprint: z.string(),
    }),
    z.strictObject({
      kind: z.literal('azure-entra'),
      ...shown,
      tenant: z.string(),
      clientId: z.string(),
      authority: z.string().optional(),
      secret: CarriedSecret,
      fingerprint: z.string(),
    }),
    z.strictObject({
      kind: z.literal('ssh'),
      username: z.string(),
      privateKey: CarriedSecret,
      passphrase: CarriedSecret.optional(),
    }),
  ]),
]);
export type CarriedCredential = z.infer<typeof CarriedCredential>;

/** Whom to believe, who to be and which proxy to take, besides what the delegate does by itself. */
export const CarriedTrust = z.strictObject({
  ca: z.string().optional(),
  clientCertificate: z.string().optional(),
  clientKey: CarriedSecret.optional(),
  proxyUrl: z.string().optional(),
  proxyUsername: z.string().optional(),
  proxyPassword: CarriedSecret.optional(),
  noProxy: z.array(z.string()).optional(),
  /** Another one whenever one of its secrets is. */
  versions: z.string(),
});
export type CarriedTrust = z.infer<typeof CarriedTrust>;

/** What it takes to ask a host as a connector. Without a credential: anonymously. */
export const CarriedAccess = z.strictObject({
  credential: CarriedCredential.optional(),
  trust: CarriedTrust.optional(),
});
export type CarriedAccess = z.infer<typeof CarriedAccess>;

export const CarriedRemote = CarriedAccess.extend({
  url: z.string(),
  /** Host keys of an SSH repository, as in known_hosts. */
  knownHosts: z.string().optional(),
});
export type CarriedRemote = z.infer<typeof CarriedRemote>;
