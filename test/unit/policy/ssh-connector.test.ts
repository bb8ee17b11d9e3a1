import { describe, expect, it } from 'vitest';
import { KnownHosts } from '../../../src/policy/known-hosts.js';
import { type ConnectorParts, requireFitting } from '../../../src/policy/ssh-connector.js';
import { failureOf } from '../support/refusals.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAmmK0OIG8oJ5nvQ6G1tx1QVQVZ3eGaI2QF6wcEWRQSS';
const parts = (more: Partial<ConnectorParts> = {}): ConnectorParts => ({
  url: 'ssh://git@git.example/a.git',
  connectivity: 'delegate',
  credential: { username: 'git' },
  knownHosts: `git.example ${KEY}`,
  ...more,
});

describe('an SSH connector', () => {
  it.each<[string, Partial<ConnectorParts>]>([
    ['whole', {}],
    ['in the form of scp', { url: 'git@git.example:a.git' }],
    [
      'with its user in the credential alone',
      { url: 'ssh://git.example/a.git', credential: { username: 'ada' } },
    ],
    ['of https', { url: 'https://git.example/a.git', knownHosts: undefined }],
  ])('that fits: %s', (_, more) => {
    expect(() => requireFitting(parts(more))).not.toThrow();
  });

  it.each<[string, Partial<ConnectorParts>]>([
    ['Set connectivity to delegate', { connectivity: 'manager' }],
    ['keyring secret that holds the private key', { credential: undefined }],
    ['lines of known_hosts', { knownHosts: undefined }],
    ['the user of the URL', { credential: { username: 'ada' } }],
    ['letters, digits', { url: 'ssh://git.example/a.git', credential: { username: '-oProxyCommand=id' } }],
    ['Leave knownHosts out', { url: 'https://git.example/a.git' }],
  ])('that does not fit is told: %s', (mend, more) => {
    const failure = failureOf(() => requireFitting(parts(more)));
    expect(failure).toMatchObject({ code: 'CONNECTOR_UNFIT' });
    expect(failure.hint).toContain(mend);
  });
});

describe('known hosts', () => {
  it.each([
    `git.example ${KEY}`,
    `[git.example]:2222,[192.0.2.1]:2222 ${KEY} with a comment\r\n`,
    `# from the operator\n\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${KEY}\n`,
    `@cert-authority *.example ${KEY}`,
    `@revoked * ${KEY}\ngit.example ${KEY}`,
  ])('may be %j', (text) => {
    expect(KnownHosts.safeParse(text).success).toBe(true);
  });

  it.each([
    '',
    '# nothing',
    'git.example',
    KEY,
    'git.example ssh-ed25519 AAAA',
    'git.example ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAmmK0OIG8oJ5nvQ6G1tx1QVQVZ3eGaI2QF6wcEWRQSS',
    `git.example ${KEY}\nProxyCommand id`,
    `@other git.example ${KEY}`,
    `git.example ${KEY}\u0000`,
    `git.example ${KEY}\u001b[2J`,
  ])('may not be %j', (text) => {
    expect(KnownHosts.safeParse(text).success).toBe(false);
  });
});
