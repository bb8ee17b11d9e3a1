// What may be said to the engines' command, and what it reads before it begins.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../architecture/pages.js';
import { GitCommand } from '../support/git-command.js';
import { GitWorld } from '../support/git-world.js';

let world: GitWorld;
const command = new GitCommand();

beforeAll(async () => {
  world = await GitWorld.open();
});
afterAll(async () => {
  await world.close();
  command.close();
});

describe('the password', () => {
  it('may come from standard input', async () => {
    const { remote } = world.create({ files: { 'a.yaml': 'a: 1\n' } });
    const args = ['head', remote.url, '--user', remote.username, '--password-file', '-'];
    expect(await command.run(args, { input: `${remote.password}\n` })).toMatchObject({
      code: 0,
      report: { ok: true },
    });
  });

  it.each([
    ['is empty', '\n'],
    ['holds more than one line', 'one\ntwo\n'],
    ['is longer than', 'x'.repeat(70_000)],
  ])('is refused when it %s', async (why, password) => {
    const args = ['head', world.host.url, '--user', 'ada', '--password-file', command.write('bad', password)];
    const { code, report } = await command.run(args);
    expect({ code, failure: report.code }).toEqual({ code: 2, failure: 'COMMAND_INVALID' });
    expect(report.message).toContain(why);
  });
});

describe('the settings', () => {
  const deny = async (name: string): Promise<unknown> =>
    (await command.run(['heads', `${world.host.url}/x.git`], { env: { [name]: 'false' } })).report.code;

  it('may take back what the command allows by itself', async () => {
    expect(await deny('SALLYPORT_GIT_ALLOW_PRIVATE')).toBe('GIT_ADDRESS_DENIED');
    expect(await deny('SALLYPORT_GIT_ALLOW_HTTP')).toBe('CONNECTOR_DENIED');
  });

  it('are refused like everywhere when they are wrong', async () => {
    const { code, report } = await command.run(['heads', world.host.url], {
      env: { SALLYPORT_GIT_DEADLINE: '3' },
    });
    expect({ code, failure: report.code }).toEqual({ code: 1, failure: 'CONFIGURATION_INVALID' });
  });
});

describe('a tree without a build', () => {
  it('is built first, once, with no word of it on standard output', async () => {
    const folder = path.join(command.home, 'tree');
    for (const name of [
      'src',
      'workers',
      'package.json',
      'nest-cli.json',
      'tsconfig.json',
      'tsconfig.build.json',
    ])
      fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const built = path.join(folder, 'dist/workers/git.js');
    const run = async (): Promise<number> => {
      expect((await command.run(['dance'], { folder })).report.code).toBe('COMMAND_INVALID');
      return fs.statSync(built).mtimeMs;
    };
    const first = await run();
    expect(await run()).toBe(first);
    fs.utimesSync(path.join(folder, 'src/git/git.ts'), new Date(), new Date());
    expect(await run()).toBeGreaterThan(first);
  });
});

describe('a command line that is not one', () => {
  const url = 'http://127.0.0.1:1/x.git';
  it.each([
    ['A command is missing', []],
    ['no command of this name', ['constructor', url]],
    ['A URL is missing', ['head']],
    ['Arguments beyond the first', ['head', url, 'hunter2']],
    ["Unknown option '--password'", ['head', url, '--password=hunter2']],
    ["Unknown option '--path'", ['heads', url, '--path', 'hunter2']],
    ['argument missing', ['head', url, '--branch']],
    ['belong together', ['head', url, '--user', 'ada']],
    ['cannot be read: ENOENT', ['head', url, '--user', 'ada', '--password-file', '/nowhere/at/all']],
    ['--branch holds ..', ['head', url, '--branch', 'a..b']],
    ['--path is missing', ['read', url]],
    ['One of --file and --delete', ['commit', url, '--path', 'x']],
    ['One of --file and --delete', ['commit', url, '--path', 'x', '--file', 'x', '--delete']],
    ['--file cannot be read: ENOENT', ['commit', url, '--path', 'x', '--file', '/nowhere/at/all']],
    ['--author is not of the form', ['commit', url, '--path', 'x', '--delete', '--author', 'Ada']],
    ['--message does not have', ['commit', url, '--path', 'x', '--delete', '--message', '']],
  ])('is told: %s', async (problem, args) => {
    const { code, stdout, stderr, report } = await command.run(args);
    expect({ code, stderr, ok: report.ok, failure: report.code }).toEqual({
      code: 2,
      stderr: '',
      ok: false,
      failure: 'COMMAND_INVALID',
    });
    expect(report.message).toContain(problem);
    expect(report.hint).toContain('Usage: npm run -s git -- ');
    expect(stdout).not.toContain('hunter2');
  });
});
