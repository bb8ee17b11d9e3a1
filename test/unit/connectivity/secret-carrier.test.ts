import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assertWhole, joinErrands } from '../../../src/connectivity/secret-carrier.js';
import { ManagerSettings, secretManagerKindsOutside } from '../../../src/contract/secret-managers.js';
import type { Errand } from '../../../src/delegates/dispatcher.js';
import type { Scope } from '../../../src/scopes/scope.js';
import type { SecretManagerRecord } from '../../../src/secrets/secret-managers.repository.js';
import { failureOf } from '../support/refusals.js';

const account = 'accounts/acme' as Scope;
const project = 'accounts/acme/orgs/shop/projects/web' as Scope;
const git: Errand = { scope: project, group: null, tags: [], url: 'https://git.example/acme/web.git' };
const keyring = ManagerSettings.parse({ kind: 'keyring' });

function managerOf(
  more: Partial<SecretManagerRecord>,
  settings: Partial<ManagerSettings> = keyring,
): SecretManagerRecord {
  const whole = { scope: account, id: 'team', group: null, tags: [], credential: null, revision: 'r' };
  return { ...whole, settings: settings as ManagerSettings, ...more };
}

describe('what a connector and the secret manager of its credential ask of one delegate', () => {
  it.each(secretManagerKindsOutside)('is the scope of the secret manager where it is %s', (kind) => {
    expect(joinErrands(git, managerOf({}, { kind }))).toEqual({ ...git, scope: account });
  });

  it('is the scope of the connector where it is a keyring', () => {
    expect(joinErrands(git, managerOf({}))).toEqual(git);
  });

  it.each(['keyring', 'vault-kv'] as const)('is the tags of both, each once: %s', (kind) => {
    const tagged = { ...git, tags: ['linux', 'dmz'] };
    const { tags } = joinErrands(tagged, managerOf({ tags: ['dmz', 'hsm'] }, { kind }));
    expect(tags).toEqual(['linux', 'dmz', 'hsm']);
  });

  it.each([
    [null, null, null],
    ['north', null, 'north'],
    [null, 'north', 'north'],
    ['north', 'north', 'north'],
  ])('is the group of either: %s and %s', (connectors, managers, group) => {
    expect(joinErrands({ ...git, group: connectors }, managerOf({ group: managers })).group).toBe(group);
  });

  it('is not two groups', () => {
    const failure = failureOf(() => joinErrands({ ...git, group: 'south' }, managerOf({ group: 'north' })));
    expect(failure.code).toBe('SECRET_MANAGER_UNFIT');
    expect(failure.message).toContain('north');
  });
});

describe('what is stored of a secret', () => {
  const reference = {
    format: 'sallyport-reference-1' as const,
    version: randomUUID(),
    path: 'team/git',
    field: null,
    storeVersion: null,
  };

  it('is sent as it is', () => {
    expect(() => assertWhole({ id: 'git', stored: reference })).not.toThrow();
  });

  it.each([
    ['no version', { ...reference, version: '' }],
    ['no path', { ...reference, path: '' }],
    ['more than it may have', { ...reference, value: 'x' }],
    ['the form of something else', { ...reference, format: 'sallyport-1' as never }],
  ])('is sent to nobody with %s', (_, stored) => {
    expect(failureOf(() => assertWhole({ id: 'git', stored })).code).toBe('SECRET_UNREADABLE');
  });
});
