// The engines' command over SSH: a real sshd, whose log says how often somebody came.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitCommand } from '../support/git-command.js';
import { SshWorld } from '../support/ssh-world.js';

let world: SshWorld;
const command = new GitCommand();

beforeAll(async () => {
  world = await SshWorld.open();
});
afterAll(async () => {
  await world.close();
  command.close();
});

const files = { 'a.yaml': 'a: 1\n' };
const countLogins = (): number =>
  fs.readFileSync(path.join(world.root, 'sshd.log'), 'utf8').split('Accepted publickey').length - 1;
const login = (key = world.key, knownHosts = world.knownHosts()): string[] => [
  '--user',
  world.remote('').username,
  '--key-file',
  command.write('key', key),
  '--known-hosts',
  command.write('known-hosts', knownHosts),
];

describe('git, over SSH', () => {
  it.each([
    ['head', [], { branch: 'main' }],
    ['read', ['--path', 'a.yaml'], { content: 'a: 1\n' }],
    ['commit', ['--path', 'x', '--delete'], { case: 'existing-branch', status: 'landed' }],
    [
      'check',
      [],
      { stages: ['reach', 'authenticate', 'read', 'write'].map((stage) => ({ stage, ok: true })) },
    ],
  ])('%s counts its connections, and says nothing of bytes', async (name, args, result) => {
    const { remote } = world.create({ files });
    const before = countLogins();
    const { code, stderr, report } = await command.run([name, remote.url, ...login(), ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(report).toMatchObject({ ok: true, engine: 'native', bytesUp: null, bytesDown: null, result });
    expect(report.requests).toBe(countLogins() - before);
    expect(report.requests).toBeGreaterThan(0);
    expect(report.host).toMatchObject({ agent: expect.stringMatching(/^git\//), protocol: 2 });
  });

  it('takes the key from standard input', async () => {
    const { remote } = world.create({ files });
    const args = ['head', remote.url, ...login()].with(5, '-');
    expect(await command.run(args, { input: world.key })).toMatchObject({ code: 0, report: { ok: true } });
  });

  it('names what failed', async () => {
    const { remote, reference } = world.create({ files });
    const stranger = await command.run(['head', remote.url, ...login(world.wrongPassword)]);
    expect(stranger).toMatchObject({ code: 1, report: { code: 'GIT_AUTH_REJECTED', requests: 1 } });
    const { port } = world.host;
    const other = await command.run(['head', remote.url, ...login(world.key, world.knownHosts(port + 1))]);
    expect(other).toMatchObject({ code: 1, report: { code: 'GIT_HOST_KEY_REJECTED' } });
    fs.rmSync(reference.folder, { recursive: true });
    const gone = await command.run(['head', remote.url, ...login()]);
    expect(gone).toMatchObject({ code: 1, report: { code: 'GIT_REPOSITORY_NOT_FOUND' } });
  });

  const url = 'ssh://127.0.0.1:1/x.git';
  it.each([
    ['needs --key-file and --known-hosts', ['head', url, '--user', 'git']],
    ['no --password-file', ['head', url, '--user', 'git', '--password-file', 'x']],
    ['who logs in', ['head', url, '--key-file', 'x', '--known-hosts', 'x']],
    ['are for SSH alone', ['head', 'http://127.0.0.1:1/x.git', '--known-hosts', 'x']],
    [
      'cannot be read: ENOENT',
      ['head', 'git@127.0.0.1:x', '--key-file', '/nowhere', '--known-hosts', '/nowhere'],
    ],
  ])('is told: %s', async (problem, args) => {
    const { code, report } = await command.run(args);
    expect({ code, failure: report.code }).toEqual({ code: 2, failure: 'COMMAND_INVALID' });
    expect(report.message).toContain(problem);
  });
});
