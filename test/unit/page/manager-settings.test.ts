import { describe, expect, it } from 'vitest';
import { ManagerSettings } from '../../../src/contract/secret-managers.js';
import {
  type ManagerKind,
  readSettings,
  settingsOf,
  type Values,
  withValue,
  writeSettings,
} from '../../../web/secrets/manager-settings.js';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const approle: Values = { 'auth.method': 'approle', 'auth.roleId': 'r', 'auth.mount': 'apps' };
const key = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
const arn = 'arn:aws:kms:eu-central-1:123456789012:key/01234567-0123-0123-0123-0123456789ab';
const id = '01234567-89ab-4def-8123-456789abcdef';
const aws: Values = {
  region: 'eu-central-1',
  endpoint: 'https://a.example',
  stsEndpoint: 'https://b.example',
  ca: pem,
  'role.arn': 'arn:aws:iam::123456789012:role/sallyport',
  'role.externalId': 'e',
};
const google: Values = { endpoint: 'https://a.example', tokenEndpoint: 'https://b.example', ca: pem };
const vault: Values = { address: 'https://vault.example:8200', namespace: 'n', ca: pem };

/** All that a kind can be set with. */
const whole: Record<ManagerKind, Values> = {
  keyring: {},
  'aws-kms': { ...aws, key: arn },
  'aws-secrets-manager': { ...aws, prefix: 'p' },
  'gcp-kms': { ...google, key },
  'gcp-secret-manager': { ...google, project: 'p', prefix: 'p' },
  'azure-key-vault': {
    vault: 'https://team.vault.azure.net',
    tenant: id,
    client: id,
    authority: 'https://login.example',
    prefix: 'p',
    ca: pem,
  },
  'vault-kv': { ...vault, ...approle, mount: 'kv', prefix: 'p' },
  'vault-transit': { ...vault, ...approle, mount: 't', key: 'k' },
};
const kinds = Object.keys(settingsOf) as ManagerKind[];

describe.each(kinds)('the form of %s', (kind) => {
  it('writes what the contract takes, and reads it again', () => {
    const written = ManagerSettings.parse(writeSettings(kind, whole[kind]));
    expect(readSettings(written as Parameters<typeof readSettings>[0])).toEqual({ kind, ...whole[kind] });
  });

  it('has a field for whatever the contract knows', () => {
    const option = ManagerSettings.options.find(({ shape }) => shape.kind.value === kind);
    const outer = Object.keys(option?.shape ?? {}).filter((name) => name !== 'kind');
    const fields = new Set(settingsOf[kind].map(({ name }) => name.split('.')[0]));
    expect(fields).toEqual(new Set(outer));
    const unset = settingsOf[kind].filter(({ name }) => !(name in whole[kind]) && name !== 'auth.role');
    expect(unset).toEqual([]);
  });
});

describe('ways to sign in', () => {
  it('leave nothing of another behind', () => {
    const values = withValue({ ...vault, ...approle }, 'auth.method', 'kubernetes');
    const written = writeSettings('vault-kv', { ...values, 'auth.role': 'sallyport' });
    expect(written).toMatchObject({ auth: { method: 'kubernetes', role: 'sallyport' } });
    expect(JSON.stringify(written)).not.toContain('apps');
  });

  it('are a token where nothing is said', () => {
    expect(ManagerSettings.parse(writeSettings('vault-transit', { ...vault, key: 'k' }))).toMatchObject({
      auth: { method: 'token' },
      mount: 'transit',
    });
  });
});
