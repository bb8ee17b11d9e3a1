import { describe, expect, it } from 'vitest';
import type { Connector } from '../../../web/data/connectors.js';
import {
  changesBetween,
  isSsh,
  KEPT,
  rebase,
  toDraft,
  toWrite,
} from '../../../web/repositories/connector-draft.js';

const scope = 'accounts/demo/orgs/shop';
const connector = (more: object): Connector => ({
  scope,
  id: 'app',
  url: 'https://git.example/app.git',
  connectivity: 'delegate',
  group: null,
  tags: [],
  credential: null,
  apiCredential: null,
  trust: null,
  needsAuthorisation: null,
  knownHosts: null,
  provider: 'generic',
  apiUrl: null,
  revision: 'one',
  renamedTo: null,
  ...more,
});

describe('a credential that nobody touches is sent as it was read', () => {
  const here = { secretScope: scope };
  it.each<[string, object, object]>([
    ['a password', { username: 'ada', secret: 'pat', ...here }, { username: 'ada', secret: 'pat' }],
    [
      'a token of the account',
      { kind: 'token', secret: 'pat', secretScope: 'accounts/demo' },
      { kind: 'token', secret: 'account.pat' },
    ],
    [
      'a path in a store',
      { username: 'ada', reference: 'vault://kv/app#token', manager: 'kv', managerScope: 'accounts/demo' },
      { username: 'ada', reference: 'vault://kv/app#token' },
    ],
    [
      'a Microsoft Entra application',
      { kind: 'azure-entra', tenant: 't', clientId: 'c', secret: 'pat', ...here },
      { kind: 'azure-entra', tenant: 't', clientId: 'c', secret: 'pat' },
    ],
    [
      'a key with a passphrase',
      { kind: 'ssh', privateKey: 'k', privateKeyScope: scope, passphrase: 'p', passphraseScope: scope },
      { kind: 'ssh', privateKey: 'k', passphrase: 'p' },
    ],
  ])('%s', (_, credential, written) => {
    const before = connector({ credential });
    const draft = { ...toDraft(before), tags: 'near,, fast ' };
    expect(toWrite(draft, before)).toEqual({
      url: 'https://git.example/app.git',
      connectivity: 'delegate',
      provider: 'generic',
      tags: ['near', 'fast'],
      credential: written,
    });
  });
});

it('another secret takes the place of the whole, and keeps the kind of a token', () => {
  const application = connector({
    credential: {
      kind: 'github-app',
      appId: '1',
      installationId: '2',
      privateKey: 'k',
      privateKeyScope: scope,
    },
  });
  expect(toDraft(application).secret).toBe(KEPT);
  expect(toWrite({ ...toDraft(application), secret: 'pat' }, application)).toMatchObject({
    credential: { username: 'git', secret: 'pat' },
  });
  const token = connector({ credential: { kind: 'token', secret: 'pat', secretScope: scope } });
  expect(toWrite({ ...toDraft(token), secret: 'other' }, token)).toMatchObject({
    credential: { kind: 'token', secret: 'other' },
  });
});

it('over SSH it is a key, with known hosts, and over anything else without', () => {
  const draft = { ...toDraft(connector({})), knownHosts: 'h ssh-ed25519 AAAA', secret: 'key', username: '' };
  expect(toWrite({ ...draft, url: 'git@git.example:app.git' })).toMatchObject({
    knownHosts: 'h ssh-ed25519 AAAA',
    credential: { kind: 'ssh', privateKey: 'key' },
  });
  expect(toWrite(draft)).not.toHaveProperty('knownHosts');
  const addresses = ['ssh://git.example/a.git', 'git@git.example:a.git', 'https://a@git.example:1/a.git'];
  expect(addresses.map(isSsh)).toEqual([true, true, false]);
});

it('says what somebody else changed, and keeps what was typed on top of it', () => {
  const base = connector({ tags: ['near'] });
  const now = connector({ tags: ['far'], group: 'eu', revision: 'two' });
  expect(changesBetween(base, now)).toEqual(['Group', 'Tags']);
  expect(rebase({ ...toDraft(base), apiUrl: 'https://api' }, base, now)).toMatchObject({
    group: 'eu',
    tags: 'far',
    apiUrl: 'https://api',
  });
  expect(changesBetween(base, { ...base, trust: { proxyUrl: 'http://proxy' } })).toEqual([
    'what this form does not show',
  ]);
});
