// The settings of every kind of secret manager that a delegate serves, and how one travels to it, inside a sealed task.
import { z } from 'zod';

const Name = (max = 255) => z.string().min(1).max(max);
/** Of a private deployment or a regional endpoint; nothing but scheme, host and port. */
const Endpoint = z
  .string()
  .max(255)
  .regex(/^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?$/, 'is not scheme://host[:port]');
/** Azure is asked for tokens and values over TLS alone. */
const SecureEndpoint = Endpoint.refine((endpoint) => endpoint.startsWith('https://'), 'is not https');
/** PEM of the certificate authorities to believe instead of the system’s; it is shown to readers, so nothing else may be in it. */
const Ca = z
  .string()
  .max(65_536)
  .regex(
    /^(?:-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END CERTIFICATE-----(?:\s+|$))+$/,
    'is not PEM of certificates alone',
  );
/** One part of a path in a store, or several with slashes between them. */
const Path = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9_.=@-]+(?:\/[A-Za-z0-9_.=@-]+)*$/, 'is not a path of letters, digits and _.=@-')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'climbs');
const Region = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'is not a region');
const Served = { endpoint: Endpoint.optional(), ca: Ca.optional() };
/** On AWS credentials are exchanged at another service than secrets. */
const AwsServed = { ...Served, stsEndpoint: Endpoint.optional() };
/** On Google Cloud a service account gets its tokens at another service than secrets. */
const GcpServed = { ...Served, tokenEndpoint: Endpoint.optional() };

/** Whose rights an ambient identity takes on: `arn:aws:iam::…:role/…`. */
const AwsRole = z.strictObject({
  arn: z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'is not the ARN of a role'),
  externalId: Name(1_224).optional(),
});

/** How to sign in to Vault or OpenBao. A token and an AppRole’s secret id are the credential; Kubernetes is ambient. */
const VaultAuth = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('token') }),
  z.strictObject({ method: z.literal('approle'), mount: Path.default('approle'), roleId: Name() }),
  z.strictObject({ method: z.literal('kubernetes'), mount: Path.default('kubernetes'), role: Name() }),
]);
const Vault = { address: Endpoint, namespace: Path.optional(), ca: Ca.optional(), auth: VaultAuth };

const settings = {
  keyring: z.strictObject({ kind: z.literal('keyring') }),
  'aws-kms': z.strictObject({
    kind: z.literal('aws-kms'),
    region: Region,
    /** ARN or id of a symmetric key; an alias would let the key be exchanged unseen. */
    key: z
      .string()
      .regex(
        /^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/)?(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
        'is neither the ARN nor the id of a key',
      ),
    role: AwsRole.optional(),
    ...AwsServed,
  }),
  'gcp-kms': z.strictObject({
    kind: z.literal('gcp-kms'),
    key: z
      .string()
      .regex(
        /^projects\/[a-z0-9:.-]{1,63}\/locations\/[a-z0-9-]{1,63}\/keyRings\/[\w-]{1,63}\/cryptoKeys\/[\w-]{1,63}$/,
        'is not projects/…/locations/…/keyRings/…/cryptoKeys/…',
      ),
    ...GcpServed,
  }),
  'vault-transit': z.strictObject({
    kind: z.literal('vault-transit'),
    mount: Path.default('transit'),
    /** Name of a key that was made with derived=true. */
    key: z.string().regex(/^[\w.-]{1,128}$/, 'is not the name of a key'),
    ...Vault,
  }),
  'vault-kv': z.strictObject({
    kind: z.literal('vault-kv'),
    /** Of a KV engine of version 2. */
    mount: Path.default('secret'),
    /** What values written through Sallyport are put under. */
    prefix: Path.default('sallyport'),
    ...Vault,
  }),
  'aws-secrets-manager': z.strictObject({
    kind: z.literal('aws-secrets-manager'),
    region: Region,
    /** A name has 512 characters at most. */
    prefix: Path.max(256).default('sallyport'),
    role: AwsRole.optional(),
    ...AwsServed,
  }),
  'gcp-secret-manager': z.strictObject({
    kind: z.literal('gcp-secret-manager'),
    project: z.string().regex(/^[a-z0-9:.-]{1,63}$/, 'is not the id of a project'),
    prefix: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'holds more than letters, digits, _ and -')
      .default('sallyport'),
    ...GcpServed,
  }),
  'azure-key-vault': z.strictObject({
    kind: z.literal('azure-key-vault'),
    vault: SecureEndpoint,
    /** Needed with a client secret; a workload identity knows its own. */
    tenant: z.uuid().optional(),
    client: z.uuid().optional(),
    /** Where to sign in, for a sovereign cloud. */
    authority: SecureEndpoint.optional(),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,32}$/, 'holds more than letters, digits and -')
      .default('sallyport'),
    ca: Ca.optional(),
  }),
} as const;

export const ManagerSettings = z.discriminatedUnion('kind', [
  settings.keyring,
  settings['aws-kms'],
  settings['gcp-kms'],
  settings['vault-transit'],
  settings['vault-kv'],
  settings['aws-secrets-manager'],
  settings['gcp-secret-manager'],
  settings['azure-key-vault'],
]);
/** Of those that wrap keys, and keep nothing themselves. */
export const KmsSettings = z.discriminatedUnion('kind', [
  settings['aws-kms'],
  settings['gcp-kms'],
  settings['vault-transit'],
]);
export type KmsSettings = z.infer<typeof KmsSettings>;
export const secretManagerKindsOutside = [
  'aws-kms',
  'gcp-kms',
  'vault-transit',
  'vault-kv',
  'aws-secrets-manager',
  'gcp-secret-manager',
  'azure-key-vault',
] as const satisfies readonly ManagerSettings['kind'][];

export type ManagerSettings = z.infer<typeof ManagerSettings>;
export type SettingsOf<K extends ManagerSettings['kind']> = Extract<ManagerSettings, { kind: K }>;

/** A secret manager on its way to a delegate. */
export const CarriedManager = z.strictObject({
  scope: z.string(),
  id: z.string(),
  /** Changes with every write. */
  revision: z.string(),
  settings: ManagerSettings,
  /** The delegate’s own identity, or the value of a builtin secret. */
  credential: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ambient') }),
    z.strictObject({ kind: z.literal('builtin'), value: z.base64() }),
  ]),
});
export type CarriedManager = z.infer<typeof CarriedManager>;
