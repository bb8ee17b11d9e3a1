// What a connector may prove itself with. Every secret is named, never given: what holds it stays with its secret manager.
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { OutwardName } from './identifiers.js';
import { PathReferenceText } from './path-references.js';
import { Username } from './text.js';

const PEM_MAX = 65_536;
const PROXY_BYPASS_MAX = 64;

const address = (what: string) => z.string().min(1).max(2_048).meta({ description: what });

const Basic = z.strictObject({
  kind: z.literal('basic').optional(),
  username: Username,
  secret: OutwardName,
});
const Reference = z.strictObject({
  kind: z.literal('basic').optional(),
  username: Username,
  reference: PathReferenceText,
});
const Token = z.strictObject({
  kind: z.literal('token'),
  username: Username.optional().meta({
    description: 'Beside the token; default: what the provider’s hosts take',
  }),
  secret: OutwardName,
});
const OAuth2 = z.strictObject({
  kind: z.literal('oauth2'),
  tokenUrl: address('Where the refresh token is exchanged'),
  clientId: z
    .string()
    .min(1, 'is empty')
    .max(512, 'is longer than 512 characters')
    .regex(/^[\x21-\x7e]*$/, 'is not visible ASCII'),
  clientSecret: OutwardName,
  refreshToken: OutwardName,
});
const GitHubApp = z.strictObject({
  kind: z.literal('github-app'),
  appId: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'is neither the id of an app nor its client id'),
  installationId: z.string().regex(/^[1-9]\d{0,19}$/, 'is not the number of an installation'),
  privateKey: OutwardName,
  repositories: z
    .array(z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'is not the name of a repository, without its owner'))
    .min(1, 'is empty')
    .max(500, 'names more than 500 repositories')
    .optional(),
});
const AzureEntra = z.strictObject({
  kind: z.literal('azure-entra'),
  tenant: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, 'is neither an id nor a domain of a tenant'),
  clientId: z.uuid(),
  secret: OutwardName,
  authority: address('Where it signs in; default: https://login.microsoftonline.com').optional(),
});
const Ssh = z.strictObject({
  kind: z.literal('ssh'),
  username: Username.optional().meta({ description: 'Default: the user of the URL, or `git`' }),
  privateKey: OutwardName,
  passphrase: OutwardName.optional(),
});

const forApi = {
  basic: Basic,
  token: Token,
  oauth2: OAuth2,
  'github-app': GitHubApp,
  'azure-entra': AzureEntra,
} as const;
const forGit = { ...forApi, ssh: Ssh } as const;

type Forms = Record<string, z.ZodType>;

const formOf = (forms: Forms, kind: unknown): z.ZodType | undefined =>
  typeof kind === 'string' && Object.hasOwn(forms, kind) ? forms[kind] : undefined;

/** By the form that a credential of none seems to be meant as. */
function describeMisfit(forms: Forms, input: unknown): string {
  const body = z.record(z.string(), z.unknown()).safeParse(input).data;
  if (body === undefined) return 'is not an object';
  const kind = body.kind ?? 'basic';
  const form = 'reference' in body && kind === 'basic' ? Reference : formOf(forms, kind);
  if (form === undefined) return `kind: is none of ${Object.keys(forms).join(', ')}`;
  const issue = form.safeParse(input).error?.issues[0];
  return issue === undefined
    ? 'is not valid'
    : [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}

export const GitCredential = z
  .union([Basic, Reference, Token, OAuth2, GitHubApp, AzureEntra, Ssh], {
    error: ({ input }) => describeMisfit(forGit, input),
  })
  .meta({
    description:
      'What Git is shown. Secrets by name: `basic` has a user name and a password, or where a store has it; `token` a token; `oauth2`, `github-app` and `azure-entra` are exchanged for short-lived tokens; `ssh` has a private key',
  });
export type GitCredential = z.infer<typeof GitCredential>;

export const ApiCredential = z
  .union([Basic, Token, OAuth2, GitHubApp, AzureEntra], {
    error: ({ input }) => describeMisfit(forApi, input),
  })
  .meta({ description: 'What the host’s API is shown; default: what Git is shown' });
export type ApiCredential = z.infer<typeof ApiCredential>;

const Pem = z
  .string()
  .max(PEM_MAX, `is longer than ${PEM_MAX} characters`)
  .refine(isCertificates, 'is not one or more certificates in PEM');

export const Trust = z
  .strictObject({
    ca: Pem.optional().meta({ description: 'Certificates in PEM that are believed, besides the usual' }),
    clientCertificate: Pem.optional().meta({ description: 'In PEM; what a host that asks is shown' }),
    clientKey: OutwardName.optional().meta({
      description: 'Secret with the certificate’s private key in PEM',
    }),
    proxyUrl: address('HTTP proxy, without user-info').optional(),
    proxyUsername: Username.optional(),
    proxyPassword: OutwardName.optional().meta({ description: 'Secret with the proxy’s password' }),
    noProxy: z
      .array(
        z.string().regex(/^[A-Za-z0-9.:/_-]{1,253}$/, 'is not a host, a .domain or a range of addresses'),
      )
      .max(PROXY_BYPASS_MAX)
      .optional()
      .meta({ description: 'Hosts that are reached without the proxy' }),
  })
  .refine((trust) => (trust.clientCertificate === undefined) === (trust.clientKey === undefined), {
    error: 'has a client certificate without its key, or a key without its certificate',
  })
  .refine(
    (trust) =>
      trust.proxyUrl !== undefined ||
      !['proxyUsername', 'proxyPassword', 'noProxy'].some((name) => name in trust),
    {
      error: 'says something of a proxy, and names none',
    },
  )
  .refine((trust) => (trust.proxyUsername === undefined) === (trust.proxyPassword === undefined), {
    error: 'has the proxy’s user name without its password, or the password without the user name',
  })
  .meta({
    description:
      'For hosts that not everybody believes, that ask who comes, or that are behind a proxy. Certificates are always verified',
  });
export type Trust = z.infer<typeof Trust>;

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function isCertificates(text: string): boolean {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0 || text.replace(BLOCK, '').includes('-----')) return false;
  return blocks.every((block) => {
    try {
      return new X509Certificate(block).subject !== undefined;
    } catch {
      return false;
    }
  });
}
