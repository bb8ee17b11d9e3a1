import { describe, expect, it } from 'vitest';
import { type CarriedManager, ManagerSettings } from '../../../src/contract/secret-managers.js';
import { DelegatePolicy, PolicyFile } from '../../../workers/runtime/policy.js';
import type { SecretRule } from '../../../workers/runtime/secret-rules.js';
import { failureOf } from '../support/refusals.js';

const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const auth = { method: 'token' };
const kms = ManagerSettings.parse({ kind: 'aws-kms', region: 'eu-central-1', key });
const transit = ManagerSettings.parse({
  kind: 'vault-transit',
  address: 'https://vault:8200',
  key: 'git',
  auth,
});
const kv = ManagerSettings.parse({ kind: 'vault-kv', address: 'https://vault:8200', auth });
const azure = ManagerSettings.parse({ kind: 'azure-key-vault', vault: 'https://team.vault.azure.net' });

const elsewhere = ManagerSettings.parse({
  kind: 'azure-key-vault',
  vault: 'https://team.vault.azure.net',
  authority: 'https://login.evil.example',
});
const sts = ManagerSettings.parse({
  kind: 'aws-kms',
  region: 'eu-central-1',
  key,
  endpoint: 'https://kms.internal',
  stsEndpoint: 'https://sts.evil.example',
});

const ambient = { kind: 'ambient' } as const;
const builtin = { kind: 'builtin', value: 'aHVzaA==' } as const;
const vaults = ['https://vault:8200'];
const policyOf = (...allow: SecretRule[]) => new DelegatePolicy(PolicyFile.parse({ secrets: { allow } }));
const takes = (
  policy: DelegatePolicy,
  settings: ManagerSettings,
  credential: CarriedManager['credential'] = builtin,
): boolean => {
  try {
    policy.assertManagerAllowed({ settings, credential });
    return true;
  } catch {
    return false;
  }
};

const googleKey = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
const atOwnPlace = [
  { kind: 'aws-kms', region: 'eu-central-1', key },
  { kind: 'aws-secrets-manager', region: 'eu-central-1' },
  { kind: 'gcp-kms', key: googleKey },
  { kind: 'gcp-secret-manager', project: 'p' },
  { kind: 'azure-key-vault', vault: 'https://team.vault.azure.net' },
];
const aws = [{ endpoint: 'https://evil' }, { stsEndpoint: 'https://evil' }];
const google = [{ endpoint: 'https://evil' }, { tokenEndpoint: 'https://evil' }];
const elsewhereOf: Partial<Record<SecretRule['kind'], object[]>> = {
  'aws-kms': aws,
  'aws-secrets-manager': aws,
  'gcp-kms': google,
  'gcp-secret-manager': google,
  'azure-key-vault': [
    { authority: 'https://evil' },
    ...[
      'vault.azure.net',
      'team.vault.azure.net.evil',
      'a.b.vault.azure.net',
      'evil',
      'team.vault.azure.net:8443',
    ].map((host) => ({ vault: `https://${host}` })),
  ],
};

describe('which secret managers a delegate asks', () => {
  it('are all where its policy says nothing, and none where the list is empty', () => {
    expect([kms, transit, kv, azure].map((one) => takes(new DelegatePolicy({}), one))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([kms, transit, kv, azure].map((one) => takes(policyOf(), one))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('always have its own keyring among them', () => {
    expect(takes(policyOf(), ManagerSettings.parse({ kind: 'keyring' }))).toBe(true);
  });

  it.each<[string, SecretRule, ManagerSettings, boolean]>([
    ['the kind alone', { kind: 'aws-kms' }, kms, true],
    ['another kind', { kind: 'gcp-kms' }, kms, false],
    ['the very key', { kind: 'aws-kms', keys: [key] }, kms, true],
    [
      'every key of an account',
      { kind: 'aws-kms', keys: ['arn:aws:kms:eu-central-1:111122223333:key/**'] },
      kms,
      true,
    ],
    ['the beginning of the key', { kind: 'aws-kms', keys: [key.slice(0, -1)] }, kms, false],
    [
      'keys of another account',
      { kind: 'aws-kms', keys: ['arn:aws:kms:eu-central-1:999999999999:key/**'] },
      kms,
      false,
    ],
    [
      'an endpoint that the settings do not name',
      { kind: 'aws-kms', addresses: ['https://kms.internal'] },
      kms,
      false,
    ],
    ['the address', { kind: 'vault-transit', addresses: ['https://vault:8200'] }, transit, true],
    [
      'the key with its mount',
      { kind: 'vault-transit', addresses: vaults, keys: ['transit/git'] },
      transit,
      true,
    ],
    [
      'the key without its mount',
      { kind: 'vault-transit', addresses: vaults, keys: ['git'] },
      transit,
      false,
    ],
    [
      'the key without its namespace',
      { kind: 'vault-transit', addresses: vaults, keys: ['transit/git'] },
      { ...transit, namespace: 'team' } as ManagerSettings,
      false,
    ],
    [
      'the key with its namespace',
      { kind: 'vault-transit', addresses: vaults, keys: ['team/transit/git'] },
      { ...transit, namespace: 'team' } as ManagerSettings,
      true,
    ],
    ['another port', { kind: 'vault-transit', addresses: ['https://vault:8201'] }, transit, false],
    ['the vault', { kind: 'azure-key-vault', addresses: ['https://team.vault.azure.net'] }, azure, true],
    [
      'the vault, where it signs in elsewhere',
      { kind: 'azure-key-vault', addresses: ['https://team.vault.azure.net'] },
      elsewhere,
      false,
    ],
    [
      'both',
      { kind: 'azure-key-vault', addresses: ['https://team.vault.azure.net', 'https://login.evil.example'] },
      elsewhere,
      true,
    ],
    [
      'the endpoint, where it takes its role elsewhere',
      { kind: 'aws-kms', addresses: ['https://kms.internal'] },
      sts,
      false,
    ],
    ['another vault', { kind: 'azure-key-vault', addresses: ['https://evil.vault.azure.net'] }, azure, false],
  ])('by %s', (_, rule, settings, isAllowed) => {
    expect(takes(policyOf(rule), settings)).toBe(isAllowed);
  });

  it.each(atOwnPlace)('by a rule without addresses at the provider’s own place alone: %j', (settings) => {
    const own = ManagerSettings.parse(settings);
    const { kind } = own as { kind: SecretRule['kind'] };
    for (const credential of [ambient, builtin]) {
      expect(takes(policyOf({ kind }), own, credential)).toBe(true);
      for (const more of elsewhereOf[kind] ?? []) {
        const moved = ManagerSettings.parse({ ...settings, ...more });
        expect(takes(policyOf({ kind }), moved, credential), JSON.stringify(more)).toBe(false);
      }
    }
  });

  it('are refused by the name of the rule', () => {
    expect(
      failureOf(() => policyOf().assertManagerAllowed({ settings: kms, credential: builtin })),
    ).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'secrets.allow', reason: 'no rule names this aws-kms' },
    });
  });
});

describe('the identity of a delegate without rules for secrets', () => {
  const policy = new DelegatePolicy({});

  it.each(atOwnPlace)('is shown at the provider’s own place alone: %j', (settings) => {
    const { kind } = settings as { kind: SecretRule['kind'] };
    expect(takes(policy, ManagerSettings.parse(settings), ambient)).toBe(true);
    for (const more of elsewhereOf[kind] ?? []) {
      const moved = ManagerSettings.parse({ ...settings, ...more });
      expect(takes(policy, moved, ambient), JSON.stringify(more)).toBe(false);
      expect(takes(policy, moved, builtin), JSON.stringify(more)).toBe(true);
    }
  });

  it.each([
    ['vault-kv', {}],
    ['vault-transit', { key: 'git' }],
  ] as const)('is shown to no %s that no rule lists', (kind, more) => {
    const kubernetes = { method: 'kubernetes', role: 'delegate' };
    const settings = ManagerSettings.parse({ kind, address: vaults[0], auth: kubernetes, ...more });
    expect(failureOf(() => policy.assertManagerAllowed({ settings, credential: ambient }))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: {
        rule: 'secrets.allow',
        reason: expect.stringContaining('the delegate’s identity is only shown'),
      },
    });
    expect(takes(policyOf({ kind, addresses: vaults }), settings, ambient)).toBe(true);
    expect(takes(policyOf({ kind, addresses: ['https://other:8200'] }), settings, ambient)).toBe(false);
  });
});

describe('which paths of a store a delegate uses', () => {
  const policy = policyOf({
    kind: 'vault-kv',
    addresses: vaults,
    paths: ['secret/team/**', 'secret/one'],
  });
  it.each([
    ['team/a', true],
    ['team/a/b', true],
    ['one', true],
    ['one/more', false],
    ['teams/a', false],
    ['team', false],
    ['team/../other', false],
    ['team//a', false],
    ['team/./a', false],
  ])('%s: %s', (path, isAllowed) => {
    const run = () => policy.assertPathAllowed(kv, path);
    expect(isAllowed ? run() : failureOf(run).code).toBe(isAllowed ? undefined : 'DELEGATE_POLICY_REFUSED');
  });

  it('have the namespace of Vault and the project of Google Cloud before them', () => {
    const within = ManagerSettings.parse({ ...kv, namespace: 'team' });
    expect(failureOf(() => policy.assertPathAllowed(within, 'one')).code).toBe('DELEGATE_POLICY_REFUSED');
    policyOf({ kind: 'vault-kv', addresses: vaults, paths: ['team/secret/one'] }).assertPathAllowed(
      within,
      'one',
    );
    const google = policyOf({ kind: 'gcp-secret-manager', paths: ['projects/p/secrets/one'] });
    const [own, other] = ['p', 'q'].map((project) =>
      ManagerSettings.parse({ kind: 'gcp-secret-manager', project }),
    ) as [ManagerSettings, ManagerSettings];
    google.assertPathAllowed(own, 'one');
    expect(failureOf(() => google.assertPathAllowed(other, 'one')).code).toBe('DELEGATE_POLICY_REFUSED');
  });

  it('are named by the very rule that names the store', () => {
    const two = policyOf(
      { kind: 'vault-kv', addresses: ['https://vault:8200'], paths: ['secret/a/**'] },
      { kind: 'vault-kv', addresses: ['https://other:8200'], paths: ['secret/b/**'] },
    );
    two.assertPathAllowed(kv, 'a/x');
    expect(failureOf(() => two.assertPathAllowed(kv, 'b/x')).code).toBe('DELEGATE_POLICY_REFUSED');
  });
});

it.each([
  ['a star in the middle', { kind: 'vault-kv', addresses: vaults, paths: ['secret/*/x'] }],
  ['a Vault and no address', { kind: 'vault-kv' }],
  ['a key of a Vault and no address', { kind: 'vault-transit', keys: ['transit/git'] }],
  ['a kind there is not', { kind: 'keyring' }],
  ['something more', { kind: 'vault-kv', addresses: vaults, path: ['x'] }],
])('a rule with %s is not one', (_, rule) => {
  expect(PolicyFile.safeParse({ secrets: { allow: [rule] } }).success).toBe(false);
});
