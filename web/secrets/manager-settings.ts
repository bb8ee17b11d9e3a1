// What each kind of secret manager is set with, as docs/reference/secret-managers.md lists it: the fields of a form, by the names that
// the API has for them.
import type { SecretManager } from './secret-managers.js';

export type ManagerKind = SecretManager['settings']['kind'];

export interface Setting {
  /** With dots where it is within another: `auth.roleId`. */
  name: string;
  label: string;
  placeholder?: string;
  note?: string;
  isRequired?: boolean;
  /** Most people leave it as it is. */
  isSeldom?: boolean;
  /** Of several lines. */
  rows?: number;
  options?: readonly { value: string; label: string }[];
  /** Only where another one has one of these values. */
  where?: { name: string; is: readonly string[] };
}

/** By the name of the setting. */
export type Values = Record<string, string>;

const ca: Setting = {
  name: 'ca',
  label: 'Certificate authorities',
  note: 'PEM of those to believe instead of the system’s.',
  rows: 4,
  isSeldom: true,
};
const endpoint = (placeholder: string): Setting => ({
  name: 'endpoint',
  label: 'Endpoint',
  placeholder,
  isSeldom: true,
});
const prefix = (note: string): Setting => ({
  name: 'prefix',
  label: 'Prefix',
  placeholder: 'sallyport',
  note,
});
const region: Setting = { name: 'region', label: 'Region', placeholder: 'eu-central-1', isRequired: true };

const aws = (service: string): Setting[] => [
  {
    name: 'role.arn',
    label: 'Role to take on',
    placeholder: 'arn:aws:iam::123456789012:role/sallyport',
    isSeldom: true,
  },
  { name: 'role.externalId', label: 'External id of the role', isSeldom: true },
  endpoint(`https://${service}.eu-central-1.amazonaws.com`),
  {
    name: 'stsEndpoint',
    label: 'Endpoint of STS',
    placeholder: 'https://sts.eu-central-1.amazonaws.com',
    isSeldom: true,
  },
  ca,
];
const google = (service: string): Setting[] => [
  endpoint(`https://${service}.googleapis.com`),
  {
    name: 'tokenEndpoint',
    label: 'Where tokens come from',
    placeholder: 'https://oauth2.googleapis.com',
    isSeldom: true,
  },
  ca,
];

const method = 'auth.method';
const vault = (mount: Setting): Setting[] => [
  { name: 'address', label: 'Address', placeholder: 'https://vault.corp:8200', isRequired: true },
  mount,
  {
    name: method,
    label: 'Signs in by',
    options: [
      { value: 'token', label: 'A token: the credential' },
      { value: 'approle', label: 'AppRole: its secret id is the credential' },
      { value: 'kubernetes', label: 'Kubernetes: the delegate’s service account' },
    ],
  },
  { name: 'auth.roleId', label: 'Role id', isRequired: true, where: { name: method, is: ['approle'] } },
  { name: 'auth.role', label: 'Role', isRequired: true, where: { name: method, is: ['kubernetes'] } },
  {
    name: 'auth.mount',
    label: 'Mount of the sign-in',
    note: 'Left empty, the name of its method.',
    where: { name: method, is: ['approle', 'kubernetes'] },
  },
  { name: 'namespace', label: 'Namespace', isSeldom: true },
  ca,
];

export const settingsOf: Record<ManagerKind, readonly Setting[]> = {
  keyring: [],
  'aws-kms': [
    region,
    {
      name: 'key',
      label: 'Key',
      placeholder: 'arn:aws:kms:eu-central-1:123456789012:key/…',
      note: 'ARN or id of a symmetric key; an alias would let it be exchanged unseen.',
      isRequired: true,
    },
    ...aws('kms'),
  ],
  'aws-secrets-manager': [
    region,
    prefix('What the names of values written here begin with.'),
    ...aws('secretsmanager'),
  ],
  'gcp-kms': [
    {
      name: 'key',
      label: 'Key',
      placeholder: 'projects/…/locations/…/keyRings/…/cryptoKeys/…',
      note: 'A symmetric key for encryption, without a version.',
      isRequired: true,
    },
    ...google('cloudkms'),
  ],
  'gcp-secret-manager': [
    { name: 'project', label: 'Project', placeholder: 'acme-secrets', isRequired: true },
    prefix('What the ids of values written here begin with.'),
    ...google('secretmanager'),
  ],
  'azure-key-vault': [
    { name: 'vault', label: 'Vault', placeholder: 'https://team.vault.azure.net', isRequired: true },
    {
      name: 'tenant',
      label: 'Tenant',
      note: 'Its id; needed with a client’s secret, as is that of the client.',
    },
    { name: 'client', label: 'Client', note: 'Id of the application, or of an identity assigned by a user.' },
    prefix('What the names of values written here begin with.'),
    {
      name: 'authority',
      label: 'Where to sign in',
      placeholder: 'https://login.microsoftonline.com',
      isSeldom: true,
    },
    ca,
  ],
  'vault-kv': [
    ...vault({
      name: 'mount',
      label: 'Mount',
      placeholder: 'secret',
      note: 'Path of a KV engine of version 2.',
    }),
    prefix('What values written here are put under.'),
  ],
  'vault-transit': [
    {
      name: 'key',
      label: 'Key',
      placeholder: 'sallyport',
      note: 'Name of one that was made with derived=true.',
      isRequired: true,
    },
    ...vault({
      name: 'mount',
      label: 'Mount',
      placeholder: 'transit',
      note: 'Path of the transit engine.',
    }),
  ],
};

/** Those that count with these values. */
export const settingsFor = (kind: ManagerKind, values: Values): Setting[] =>
  settingsOf[kind].filter(
    ({ where }) => where === undefined || where.is.includes(valueOf(values, where.name)),
  );

export const valueOf = (values: Values, name: string): string =>
  values[name] ?? (name === method ? 'token' : '');

/** With another way to sign in, nothing is left of the one before. */
export function withValue(values: Values, name: string, value: string): Values {
  const kept = Object.entries(values).filter(([one]) => name !== method || !one.startsWith('auth.'));
  return { ...Object.fromEntries(kept), [name]: value };
}

/** As the API takes them; what was left empty is left out. */
export function writeSettings(kind: ManagerKind, values: Values): SecretManager['settings'] {
  const written: Record<string, unknown> = { kind };
  for (const { name } of settingsFor(kind, values)) {
    const value = valueOf(values, name).trim();
    if (value === '') continue;
    const [outer = '', inner] = name.split('.');
    if (inner === undefined) written[outer] = ofFile(name, value);
    else written[outer] = { ...(written[outer] as object | undefined), [inner]: value };
  }
  return written as unknown as SecretManager['settings'];
}

/** PEM ends with a line break. */
const ofFile = (name: string, value: string): string => (name === 'ca' ? `${value}\n` : value);

export function readSettings(settings: SecretManager['settings']): Values {
  const read: Values = {};
  for (const [outer, value] of Object.entries(settings)) {
    if (typeof value === 'string') read[outer] = value;
    else for (const [inner, one] of Object.entries(value as object)) read[`${outer}.${inner}`] = String(one);
  }
  return read;
}
