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

describe('a pack', () => {
  /** All objects of a repository in one pack, as git writes it. */
  const makePack = (): { pack: Buffer; objects: number } => {
    const { reference } = world.create({ files: { 'a.yaml': 'a: 1\n', 'b/c.yaml': 'c\n'.repeat(500) } });
    reference.push('main', { 'b/c.yaml': `${'c\n'.repeat(500)}d\n` });
    const objects = reference.git(['rev-list', '--objects', '--all']).split('\n').length;
    reference.git(['repack', '-adfq']);
    const folder = path.join(reference.folder, 'objects/pack');
    const [name = ''] = fs.readdirSync(folder).filter((file) => file.endsWith('.pack'));
    return { pack: fs.readFileSync(path.join(folder, name)), objects };
  };
  const examine = (pack: Buffer) => command.run(['pack', command.write('pack', pack)]);

  it('is read under the limits of the engine', async () => {
    const { pack, objects } = makePack();
    const { code, stderr, report } = await examine(pack);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(report).toEqual({
      ok: true,
      objects,
      types: { commit: 2, tree: objects - 5, blob: 3, tag: 0 },
      bytes: pack.length,
      code: null,
      ms: expect.any(Number),
    });
  });

  const start = Buffer.from('PACK\0\0\0\u0002', 'latin1');
  it.each<[string, string, (pack: Buffer) => Buffer]>([
    ['is cut off', 'GIT_ANSWER_INVALID', (pack) => pack.subarray(0, -30)],
    [
      'has another checksum',
      'GIT_ANSWER_INVALID',
      (pack) => Buffer.concat([pack.subarray(0, -20), Buffer.alloc(20)]),
    ],
    ['is no pack', 'GIT_ANSWER_INVALID', (pack) => pack.subarray(1)],
    [
      'claims two million objects',
      'GIT_LIMIT_EXCEEDED',
      (pack) => Buffer.concat([start, Buffer.from('001e8480', 'hex'), pack.subarray(12)]),
    ],
  ])('that %s is %s', async (_, failure, spoil) => {
    const { code, stderr, report } = await examine(spoil(makePack().pack));
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(report).toMatchObject({ ok: false, objects: null, code: failure, ms: expect.any(Number) });
    expect(report.hint).toMatch(/\S/);
  });

  it('larger than an answer may be is not even begun', async () => {
    const file = command.write('huge', 'PACK');
    fs.truncateSync(file, 300 * 1024 * 1024);
    const { code, report } = await command.run(['pack', file]);
    expect({ code, failure: report.code }).toEqual({ code: 1, failure: 'GIT_LIMIT_EXCEEDED' });
  });
});

/** A file of the tree and whatever it imports: as much as the command needs, since compiling the rest takes most of a minute. */
function withImports(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  for (const [, imported = ''] of text.matchAll(/(?:from|import|import\() ?'(\.[^']+)\.js'/g))
    withImports(path.join(path.dirname(file), `${imported}.ts`), found);
  return found;
}

describe('a tree without a build', () => {
  it('is built first, once, with no word of it on standard output', { timeout: 240_000 }, async () => {
    const folder = path.join(command.home, 'tree');
    const settings = ['package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];
    for (const file of [...settings, ...withImports('workers/git.ts')])
      fs.cpSync(path.join(root, file), path.join(folder, file));
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
    ['A file is missing', ['pack']],
    ['cannot be read: ENOENT', ['pack', '/nowhere/at/all']],
    ['cannot be read: EISDIR', ['pack', '/']],
    ["Unknown option '--native'", ['pack', '/', '--native']],
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
    // Node's advice on how to quote is not for whoever types a command of ours.
    expect(report.message).not.toContain('To specify');
    expect(report.hint).toContain('Usage: npm run -s git -- ');
    expect(stdout).not.toContain('hunter2');
  });
});
