// Keys of both sides over SSH: which hosts the native engine believes, which private keys it takes, and that it shows none.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Remote } from '../../src/git/git.js';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { chainOn, change, makeStep } from '../support/git-suite.js';
import type { TestRemote } from '../support/git-world.js';
import { LeakSearch, ProcessWatch } from '../support/leaks.js';
import { makeKey, SshWorld } from '../support/ssh-world.js';

let world: SshWorld;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-native-'));

beforeAll(async () => {
  world = await SshWorld.open();
  // Agents of other tests live elsewhere.
  process.env.TMPDIR = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-tmp-'));
});
afterAll(async () => {
  await world.close();
  fs.rmSync(os.tmpdir(), { recursive: true, force: true });
  fs.rmSync(root, { recursive: true, force: true });
});

const engine = (
  { url, username, password, knownHosts }: TestRemote,
  more: Partial<Remote & { allowPrivate: boolean }> = {},
) => {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  const { allowPrivate = true, ...other } = more;
  return new NativeGit({ url, credential, knownHosts, ...other }, { root, allowHttp: false, allowPrivate });
};
const files = { 'a.yaml': 'a: 1\n' };
const agentFolders = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('sallyport-ssh-'));
const serverLog = () => fs.readFileSync(path.join(world.root, 'sshd.log'), 'utf8');

describe('a host', () => {
  test.each<[string, (own: string) => string]>([
    ['that shows another key', () => world.knownHosts(world.host.port, makeKey(root, 'other-host').public)],
    ['that is not listed', (own) => own.replace('127.0.0.1', 'git.example')],
    ['that is listed at another port', (own) => own.replace(/:\d+/, ':22')],
    ['that is listed without its port', (own) => own.replace(/\[(.*)\]:\d+/, '$1')],
    ['whose key is revoked', (own) => `@revoked ${own}${own}`],
  ])('%s is not believed, and told nothing', async (_, change_) => {
    const { remote } = world.create({ files });
    const before = serverLog().length;
    const git = engine(remote, { knownHosts: change_(remote.knownHosts ?? '') });
    await expect(git.head('main')).rejects.toMatchObject({
      code: 'GIT_HOST_KEY_REJECTED',
      disposition: 'stop',
      hint: expect.stringContaining('knownHosts'),
    });
    expect(serverLog().slice(before)).not.toMatch(/Accepted|Failed|authenticating/);
    const { stages } = await git.check();
    expect(stages).toMatchObject([{ stage: 'reach', ok: false, failure: { code: 'GIT_HOST_KEY_REJECTED' } }]);
  });

  test('is believed by one line of several', async () => {
    const { remote, reference } = world.create({ files });
    const own = remote.knownHosts ?? '';
    const stranger = world.knownHosts(world.host.port, makeKey(root, 'stranger-host', '-t', 'ecdsa').public);
    expect(await engine(remote, { knownHosts: `# both\n${stranger}\n${own}` }).head('main')).toBe(
      reference.head('main'),
    );
  });

  test('of an address that is not allowed is not dialled', async () => {
    const { remote } = world.create({ files });
    const before = serverLog().length;
    for (const url of [remote.url, remote.url.replace('127.0.0.1', 'localhost')]) {
      const git = engine({ ...remote, url }, { allowPrivate: false });
      await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
    }
    expect(serverLog().slice(before)).toBe('');
  });

  test('is dialled at the address that was checked, under the name that it was given', async () => {
    const { remote, reference } = world.create({ files });
    const named = {
      ...remote,
      url: remote.url.replace('127.0.0.1', 'LocalHost'),
      knownHosts: remote.knownHosts?.replace('127.0.0.1', 'localhost') ?? '',
    };
    expect(await engine(named).head('main')).toBe(reference.head('main'));
    await expect(
      engine({ ...named, knownHosts: remote.knownHosts ?? '' }).head('main'),
    ).rejects.toMatchObject({
      code: 'GIT_HOST_KEY_REJECTED',
    });
  });

  test('is not spoken to without known hosts, or under another user than the credential’s', async () => {
    const { remote } = world.create({ files });
    const withUser = remote.url.replace('ssh://', 'ssh://somebody@');
    for (const git of [
      engine(remote, { knownHosts: undefined }),
      engine(remote, { knownHosts: ' \n' }),
      engine(remote, { url: withUser }),
      engine({ ...remote, username: '-oProxyCommand=id' }),
    ])
      await expect(git.head('main')).rejects.toMatchObject({ code: 'CONNECTOR_DENIED' });
  });
});

describe('a private key', () => {
  const locked = () => makeKey(root, `locked-${Math.random()}`, '-N', 'correct horse').key;

  test.each<[string, () => string, string]>([
    ['with a passphrase', locked, 'with a passphrase'],
    [
      'with a passphrase, in PEM',
      () => makeKey(root, 'pem', '-t', 'rsa', '-m', 'PEM', '-N', 'correct horse').key,
      'with a passphrase',
    ],
    [
      'with a passphrase, in PKCS 8',
      () => makeKey(root, 'pkcs8', '-t', 'rsa', '-m', 'PKCS8', '-N', 'correct horse').key,
      'with a passphrase',
    ],
    [
      'that is cut',
      () => `${world.key.slice(0, 120)}\n-----END OPENSSH PRIVATE KEY-----\n`,
      'not a private key',
    ],
    ['that is a password', () => 'hunter2-hunter2', 'not a private key'],
    ['that is the public one', () => makeKey(root, 'public').public, 'not a private key'],
    ['that is empty', () => '', 'not a private key'],
    ['of another alphabet', () => '\u0000\u00ff'.repeat(1_000), 'not a private key'],
  ])('%s is refused by name', async (_, make, reason) => {
    const password = make();
    const git = engine({ ...world.create({ files }).remote, password });
    const failure = await git.head('main').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE', disposition: 'stop' });
    expect(String(failure)).toContain(reason);
    expect((await git.check()).stages.map(({ stage, ok }) => `${stage} ${ok}`)).toEqual([
      'reach true',
      'authenticate false',
    ]);
  });

  test.each<[string, string[]]>([
    ['of OpenSSH', []],
    ['of PEM', ['-t', 'rsa', '-m', 'PEM']],
  ])('%s with a passphrase is taken by it, and by no other', async (name, options) => {
    const { key, public: line } = makeKey(root, `opened-${name}`, ...options, '-N', 'correct horse');
    const { remote, reference } = world.create({ files });
    world.authorize(line);
    const opening = (passphrase: string) => ({
      credential: {
        username: remote.username,
        open: async () => new Secret(Buffer.from(key)),
        openPassphrase: async () => new Secret(Buffer.from(passphrase)),
      },
    });
    expect(await engine(remote, opening('correct horse')).head('main')).toBe(reference.head('main'));
    for (const wrong of ['wrong horse', 'two\nlines']) {
      const failure = await engine(remote, opening(wrong))
        .head('main')
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE' });
    }
    expect(agentFolders()).toEqual([]);
  });

  test.each<[string, string[]]>([
    ['of RSA in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['of ECDSA in PKCS 8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ])('%s is taken', async (_, options) => {
    const { key, public: line } = makeKey(root, `taken-${options[1]}`, ...options);
    const { remote, reference } = world.create({ files });
    world.authorize(line);
    expect(await engine({ ...remote, password: key }).head('main')).toBe(reference.head('main'));
  });

  test('is taken with the line ends of Windows, and without the last', async () => {
    const { remote, reference } = world.create({ files });
    for (const password of [world.key.replaceAll('\n', '\r\n'), world.key.trimEnd()])
      expect(await engine({ ...remote, password }).head('main')).toBe(reference.head('main'));
  });

  test('is in no argument, environment or file while it is used, and its agent ends with the operation', async () => {
    const repository = world.create({ files });
    // Lines that are only in this key: the first one is in every key of its kind.
    const lines = world.key.split('\n').slice(2, -2);
    expect(lines.length).toBeGreaterThan(2);
    const search = new LeakSearch(lines);
    const watch = new ProcessWatch(search);
    const leaks: string[] = [];
    const looks = setInterval(() => {
      leaks.push(...search.files(root, (file) => path.basename(file).startsWith('key-')));
      for (const folder of agentFolders()) leaks.push(...search.files(path.join(os.tmpdir(), folder)));
    }, 20);
    const git = engine(repository.remote);
    const result = await git.commit(chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]));
    clearInterval(looks);
    expect(result).toMatchObject({ status: 'landed' });
    expect([...watch.stop(), ...leaks]).toEqual([]);
    expect([...watch.seen].some((name) => name.includes('push'))).toBe(true);
    expect(agentFolders()).toEqual([]);
  });
});
