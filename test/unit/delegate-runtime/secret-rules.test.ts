import { describe, expect, it } from 'vitest';
import { ManagerSettings } from '../../../src/contract/secret-managers.js';
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

const policyOf = (...allow: SecretRule[]) => new DelegatePolicy(PolicyFile.parse({ secrets: { allow } }));
const takes = (policy: DelegatePolicy, settings: ManagerSettings): boolean => {
  try {
    policy.assertManagerAllowed(settings);
    return true;
  } catch {
    return false;
  }
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
    ['the key with its mount', { kind: 'vault-transit', keys: ['transit/git'] }, transit, true],
    ['the key without its mount', { kind: 'vault-transit', keys: ['git'] }, transit, false],
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

  it('are refused by the name of the rule', () => {
    expect(failureOf(() => policyOf().assertManagerAllowed(kms))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'secrets.allow', reason: 'no rule names this aws-kms' },
    });
  });
});

describe('which paths of a store a delegate uses', () => {
  const policy = policyOf({ kind: 'vault-kv', paths: ['secret/team/**', 'secret/one'] });
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
  ['a star in the middle', { kind: 'vault-kv', paths: ['secret/*/x'] }],
  ['a kind there is not', { kind: 'keyring' }],
  ['something more', { kind: 'vault-kv', path: ['x'] }],
])('a rule with %s is not one', (_, rule) => {
  expect(PolicyFile.safeParse({ secrets: { allow: [rule] } }).success).toBe(false);
});
