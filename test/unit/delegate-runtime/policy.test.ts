import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DelegatePolicy, readPolicy } from '../../../workers/runtime/policy.js';
import { failureOf } from '../support/refusals.js';

let folder = '';
let file = '';
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-policy-'));
  file = path.join(folder, 'policy.yaml');
});
beforeEach(() => {
  fs.rmSync(file, { recursive: true, force: true });
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const read = (yaml: string): DelegatePolicy => {
  fs.writeFileSync(file, yaml);
  return readPolicy(file, { required: true });
};
const problemOf = (run: () => unknown): string => {
  const failure = failureOf(run);
  expect(failure.code).toBe('CONFIGURATION_INVALID');
  return (failure.data as { problems: string[] }).problems.join('\n').replaceAll(file, 'FILE');
};
const fingerprint = `SHA256:${'A'.repeat(43)}`;
const other = `SHA256:${'B'.repeat(43)}`;
const KMS = 'kind: aws-kms, region: eu-west-1';
const KEY = '1234abcd-12ab-34cd-56ef-1234567890ab';

describe('a policy file', () => {
  it.each(['', '# nothing yet\n', '{}', 'null'])('of %j allows what the settings allow', (yaml) => {
    const policy = read(yaml);
    expect(policy.gitAllowed).toBeNull();
    expect(policy.tasksMax(7)).toBe(7);
    expect(policy.wrappedBy).toBeUndefined();
    policy.assertGitAllowed('https://anything.example/a/b');
    policy.assertMayReceiveKeys(fingerprint);
  });

  it('holds each of its rules', () => {
    const policy = read(`
git:
  allow: [git.example/team/**, '*.internal:8443', ssh.example/*/one]
tasks: { max: 3 }
limits: { gitDiskMib: 256 }
groupKeys: { wrappedBy: { settings: { ${KMS}, key: ${KEY} } } }
handOver:
  allow: ['${fingerprint}']
`);
    expect(policy.gitAllowed).toEqual(['git.example/team/**', '*.internal:8443', 'ssh.example/*/one']);
    expect([1, 3, 8].map((asked) => policy.tasksMax(asked))).toEqual([1, 3, 3]);
    expect(policy.wrappedBy).toEqual({ settings: { kind: 'aws-kms', region: 'eu-west-1', key: KEY } });
    expect(policy.atMost('gitDiskMib', 2_048)).toBe(256);
    expect(policy.atMost('gitDiskMib', 64)).toBe(64);
    expect(policy.atMost('gitCacheMib', 64)).toBe(64);
    policy.assertGitAllowed('https://git.example/team/a.git');
    policy.assertGitAllowed('https://a.internal:8443/x');
    policy.assertGitAllowed('git@ssh.example:any/one.git');
    policy.assertMayReceiveKeys(fingerprint);
  });

  it('names the rule by which it refuses, and what it would have to say', () => {
    const policy = read(`git: { allow: [git.example/team/**] }\nhandOver: { allow: ['${fingerprint}'] }`);
    expect(failureOf(() => policy.assertGitAllowed('https://git.example:8443/other/x.git'))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'git.allow', reason: 'no pattern names git.example:8443/other/x' },
    });
    expect(failureOf(() => policy.assertGitAllowed('file:///etc/passwd'))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'git.allow', reason: 'the address is no repository’s' },
    });
    expect(failureOf(() => policy.assertMayReceiveKeys(other))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'handOver.allow', reason: `it does not list ${other}` },
    });
  });

  it('of empty lists allows nothing', () => {
    const policy = read('git: { allow: [] }\nhandOver: { allow: [] }');
    expect(failureOf(() => policy.assertGitAllowed('https://git.example/a')).code).toBe(
      'DELEGATE_POLICY_REFUSED',
    );
    expect(failureOf(() => policy.assertMayReceiveKeys(fingerprint)).code).toBe('DELEGATE_POLICY_REFUSED');
  });

  it.each(['', 'release: {}', `release: { groups: ['${other}'], toManager: false }`])(
    'lets no secret go where it does not say so: %s',
    (text) => {
      const policy = read(text);
      expect(failureOf(() => policy.assertMayRelease(fingerprint))).toMatchObject({
        code: 'DELEGATE_POLICY_REFUSED',
        data: { rule: 'release.groups', reason: `it does not list ${fingerprint}` },
      });
      expect(failureOf(() => policy.assertMayReveal())).toMatchObject({
        code: 'DELEGATE_POLICY_REFUSED',
        data: { rule: 'release.toManager' },
      });
    },
  );

  it('lets secrets go to the groups that it lists, and to the manager where it says so', () => {
    const policy = read(`release: { groups: ['${fingerprint}'], toManager: true }`);
    policy.assertMayRelease(fingerprint);
    policy.assertMayReveal();
    expect(failureOf(() => policy.assertMayRelease(other)).code).toBe('DELEGATE_POLICY_REFUSED');
  });
});

describe('a policy file is not valid', () => {
  it.each([
    ['its top', '- git'],
    ['its top', 'text'],
    ['its top', 'gti: { allow: [] }'],
    ['git', 'git:'],
    ['git.allow', 'git: {}'],
    ['git', 'git: { allow: [], deny: [] }'],
    ['git.allow', 'git: { allow: git.example }'],
    ['git.allow.1', 'git: { allow: [git.example, 5] }'],
    ['git.allow', `git: { allow: [${'a.example, '.repeat(257)}] }`],
    ['git.allow.0', "git: { allow: [''] }"],
    ['git.allow.0', "git: { allow: ['*'] }"],
    ['git.allow.0', "git: { allow: ['**'] }"],
    ['git.allow.0', "git: { allow: ['https://git.example/a'] }"],
    ['git.allow.0', "git: { allow: ['git.*.example'] }"],
    ['git.allow.0', "git: { allow: ['git.example/'] }"],
    ['git.allow.0', "git: { allow: ['git.example/a//b'] }"],
    ['git.allow.0', "git: { allow: ['git.example/a*'] }"],
    ['git.allow.0', "git: { allow: ['git.example/**/b'] }"],
    ['git.allow.0', "git: { allow: ['git.example/a b'] }"],
    ['git.allow.0', "git: { allow: ['git.example:x/a'] }"],
    ['git.allow.0', "git: { allow: ['git@git.example:a/b'] }"],
    ['tasks.max', 'tasks: {}'],
    ['tasks.max', 'tasks: { max: 0 }'],
    ['tasks.max', 'tasks: { max: 257 }'],
    ['tasks.max', 'tasks: { max: 1.5 }'],
    ['tasks.max', 'tasks: { max: "3" }'],
    ['handOver.allow', 'handOver: {}'],
    ['release', 'release: { managers: true }'],
    ['release.groups.0', 'release: { groups: [SHA256:short] }'],
    ['release.toManager', 'release: { toManager: yes please }'],
    ['groupKeys.wrappedBy', 'groupKeys: {}'],
    ['groupKeys.wrappedBy.settings.kind', 'groupKeys: { wrappedBy: { settings: { kind: keyring } } }'],
    ['groupKeys.wrappedBy.settings.kind', 'groupKeys: { wrappedBy: { settings: { kind: vault-kv } } }'],
    ['groupKeys.wrappedBy.settings.key', `groupKeys: { wrappedBy: { settings: { ${KMS}, key: alias/a } } }`],
    ['groupKeys.wrappedBy', `groupKeys: { wrappedBy: { settings: { ${KMS}, key: ${KEY} }, credential: x } }`],
    ['handOver.allow.0', 'handOver: { allow: [SHA256:short] }'],
    ['handOver.allow.0', `handOver: { allow: ['${fingerprint}='] }`],
  ])('at %s: %s', (where, yaml) => {
    expect(problemOf(() => read(yaml))).toMatch(
      new RegExp(`^The policy file FILE is not valid at ${where}: .`),
    );
  });

  it.each([
    ['a key twice', 'git: { allow: [] }\ngit: { allow: [git.example] }'],
    ['what is no YAML', 'git: [unclosed'],
    ['two documents', 'git: { allow: [] }\n---\n{}'],
  ])('with %s', (_, yaml) => {
    expect(problemOf(() => read(yaml))).toMatch(/^The policy file FILE cannot be read: ./);
  });
});

describe('where there is no policy file', () => {
  it('everything is allowed unless one was asked for', () => {
    expect(readPolicy(file, { required: false }).gitAllowed).toBeNull();
    expect(problemOf(() => readPolicy(file, { required: true }))).toMatch(
      /^The policy file FILE cannot be read: ENOENT/,
    );
  });

  it('but something else in its place, nothing is taken as allowed', () => {
    fs.mkdirSync(file);
    expect(problemOf(() => readPolicy(file, { required: false }))).toMatch(/cannot be read: EISDIR/);
    fs.rmdirSync(file);
    fs.symlinkSync(path.join(folder, 'nowhere'), file);
    expect(problemOf(() => readPolicy(file, { required: false }))).toMatch(/cannot be read: ENOENT/);
    fs.rmSync(file);
    fs.writeFileSync(path.join(folder, 'plain'), '');
    const below = path.join(folder, 'plain', 'policy.yaml');
    expect(problemOf(() => readPolicy(below, { required: false }))).toMatch(/cannot be read: ENOTDIR/);
  });
});

describe('the API of a Git host', () => {
  const rules =
    'git: { allow: [github.com/acme/*, git.example/team/**, forge.example/**, api.forge.example] }';
  it.each([
    ['https://github.com/acme/app.git', 'https://api.github.com'],
    ['git@github.com:acme/app.git', 'https://api.github.com'],
    ['https://git.example/team/app.git', 'https://git.example/api/v4'],
    ['ssh://git@git.example/team/app.git', 'https://git.example/api/v4'],
    ['https://forge.example/a/b', 'https://api.forge.example'],
  ])('may be asked about %s at %s', (repository, api) => {
    expect(() => read(rules).assertApiAllowed(repository, api)).not.toThrow();
  });

  it.each([
    ['https://github.com/other/app.git', 'https://api.github.com', 'no pattern names github.com/other/app'],
    [
      'https://git.example/team/app.git',
      'https://git.example:8443/api',
      'no pattern names the API at git.example:8443',
    ],
    [
      'https://git.example/team/app.git',
      'https://collector.example',
      'no pattern names the API at collector.example',
    ],
    [
      'https://git.example/team/app.git',
      'https://api.github.com',
      'no pattern names the API at api.github.com',
    ],
  ])('may not be asked about %s at %s', (repository, api, reason) => {
    expect(failureOf(() => read(rules).assertApiAllowed(repository, api))).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'git.allow', reason },
    });
  });

  it('may be asked anywhere where there are no rules for Git', () => {
    expect(() => read('').assertApiAllowed('https://git.example/a', 'https://api.example')).not.toThrow();
  });
});
