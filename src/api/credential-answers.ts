// What is told of a connector's credential: settings, and which secrets it names; never what they hold.
import { z } from 'zod';

const named = <P extends string>(part: P) =>
  ({ [part]: z.string(), [`${part}Scope`]: z.string() }) as Record<P | `${P}Scope`, z.ZodString>;

export const ConnectorCredential = z
  .union([
    z.strictObject({ username: z.string(), ...named('secret') }),
    z.strictObject({
      username: z.string(),
      reference: z.string(),
      manager: z.string(),
      managerScope: z.string(),
    }),
    z.strictObject({ kind: z.literal('token'), username: z.string().optional(), ...named('secret') }),
    z.strictObject({
      kind: z.literal('oauth2'),
      tokenUrl: z.string(),
      clientId: z.string(),
      ...named('clientSecret'),
      ...named('refreshToken'),
    }),
    z.strictObject({
      kind: z.literal('github-app'),
      appId: z.string(),
      installationId: z.string(),
      repositories: z.array(z.string()).optional(),
      ...named('privateKey'),
    }),
    z.strictObject({
      kind: z.literal('azure-entra'),
      tenant: z.string(),
      clientId: z.string(),
      authority: z.string().optional(),
      ...named('secret'),
    }),
    z.strictObject({
      kind: z.literal('ssh'),
      username: z.string().optional(),
      ...named('privateKey'),
      passphrase: z.string().optional(),
      passphraseScope: z.string().optional(),
    }),
  ])
  .meta({ description: 'Without a kind: a user name and a password' });

export const TrustAnswer = z.strictObject({
  ca: z.string().optional(),
  clientCertificate: z.string().optional(),
  clientKey: z.string().optional(),
  clientKeyScope: z.string().optional(),
  proxyUrl: z.string().optional(),
  proxyUsername: z.string().optional(),
  proxyPassword: z.string().optional(),
  proxyPasswordScope: z.string().optional(),
  noProxy: z.array(z.string()).optional(),
});
