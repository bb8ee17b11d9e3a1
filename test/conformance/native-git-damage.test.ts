// The native engine’s own repositories, damaged for real: every operation afterwards works, and nothing planted is obeyed.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import type { NativeGitOptions } from '../../workers/native-git/operation.js';
import { eventually } from '../support/api.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { GitWorld, type TestRemote, type TestRepository } from '../support/git-world.js';
import { filesBelow, HeldLine, processesOf, repositoriesOf } from '../support/held-line.js';

const isRoot = process.getuid?.() === 0;
let world: GitWorld;
let root: string;

beforeAll(async () => {
  world = await GitWorld.open();
});
afterAll(() => world.close());
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-native-'));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const engine = ({ url, username, password }: TestRemote, more: Partial<NativeGitOptions> = {}) => {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  return new NativeGit({ url, credential }, { root, allowHttp: true, allowPrivate: true, ...more });
};
const mebibytes = (count: number) => randomBytes(count * 1024 * 1024);
const headOf = ({ reference }: TestRepository) => reference.head('main') ?? '';

/** A repository that the engine has worked on, with a pack, loose objects and a tracked branch. */
async function makeUsed(): Promise<{ repository: TestRepository; folder: string }> {
  const repository = world.create({ files: { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n' } });
  const git = engine(repository.remote);
  await git.commit(chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]));
  await git.read(headOf(repository), ['d/b.yaml']);
  const [folder = ''] = repositoriesOf(root);
  return { repository, folder };
}

/** Everything an engine does, as on a repository it has never seen. */
async function expectSound(repository: TestRepository): Promise<void> {
  const git = engine(repository.remote);
  const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 3\n'), change('n.yaml', 'n\n')])]);
  expectLanded(repository, chain, await git.commit(chain));
  const [a, b] = await git.read(headOf(repository), ['a.yaml', 'd/b.yaml']);
  expect([a, b].map((file) => Buffer.from(file?.content ?? []).toString())).toEqual(['a: 3\n', 'b: 1\n']);
  const paths = (await git.list(headOf(repository), '')).map((entry) => entry.path);
  expect(paths).toEqual(Object.keys(repository.reference.files(headOf(repository))));
}

/** Comes when the size has not changed between twenty looks. */
async function standsStill(sizeOf: () => number): Promise<void> {
  let [size, looks] = [sizeOf(), 0];
  await eventually(async () => {
    const now = sizeOf();
    looks = now === size ? looks + 1 : 0;
    size = now;
    return looks >= 20;
  }, 'the pack to stand still');
}

const LEFT_BEHIND = /^tmp_|\.lock$/;
const packs = (folder: string, end = 'pack') => filesBelow(folder, new RegExp(`\\.${end}$`));
const cut = (file: string, part: number) => fs.truncateSync(file, Math.floor(fs.statSync(file).size * part));
const scratch = (file: string) => {
  const bytes = fs.readFileSync(file);
  fs.chmodSync(file, 0o600);
  for (let at = 12; at < bytes.length; at += 7) bytes[at] = (bytes[at] ?? 0) ^ 0x5a;
  fs.writeFileSync(file, bytes);
};
const writeAll = (folder: string, names: string[], text: string) => {
  for (const name of names) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
};

describe('a repository', () => {
  test.each<[string, (folder: string) => void]>([
    ['without HEAD', (folder) => fs.rmSync(path.join(folder, 'HEAD'))],
    ['with an empty HEAD', (folder) => fs.writeFileSync(path.join(folder, 'HEAD'), '')],
    ['without objects', (folder) => fs.rmSync(path.join(folder, 'objects'), { recursive: true })],
    ['without references', (folder) => fs.rmSync(path.join(folder, 'refs'), { recursive: true })],
    ['with packs that are cut', (folder) => packs(folder).forEach((file) => cut(file, 0.5))],
    ['with packs that are empty', (folder) => packs(folder).forEach((file) => cut(file, 0))],
    ['with packs that are scratched', (folder) => packs(folder).forEach(scratch)],
    ['with indexes that are cut', (folder) => packs(folder, 'idx').forEach((file) => cut(file, 0.5))],
    ['with packs that are gone', (folder) => packs(folder).forEach((file) => fs.rmSync(file))],
    [
      'with loose objects that are empty',
      (folder) => filesBelow(path.join(folder, 'objects'), /^[0-9a-f]{38}$/).forEach((file) => cut(file, 0)),
    ],
    [
      'with references to nothing',
      (folder) =>
        filesBelow(path.join(folder, 'refs'), /^[0-9a-f]{40}$|^built$/).forEach((file) =>
          fs.writeFileSync(file, `${'0123456789'.repeat(4)}\n`),
        ),
    ],
    ['with packed references that are none', (folder) => writeAll(folder, ['packed-refs'], 'nonsense\n')],
    ['with another configuration', (folder) => writeAll(folder, ['config'], '[core\n')],
    [
      'with what a killed process left',
      (folder) => writeAll(folder, ['sallyport-unfinished', 'HEAD.lock', 'objects/pack/tmp_pack_x'], ''),
    ],
    [
      'with left-over locks',
      (folder) =>
        writeAll(folder, ['HEAD.lock', 'config.lock', 'packed-refs.lock', 'refs/sallyport/built.lock'], ''),
    ],
  ])('%s is mended or made again', async (_, damage) => {
    const { repository, folder } = await makeUsed();
    expect(packs(folder).length).toBeGreaterThan(0);
    damage(folder);
    await expectSound(repository);
    expect(filesBelow(folder, LEFT_BEHIND)).toEqual([]);
  });

  test.each([
    ['while it receives', false],
    ['when the host has fallen silent', true],
  ])(
    'whose fetch was killed %s serves the next operation, and nothing is left of it',
    async (_, isSilent) => {
      const repository = world.create({
        files: { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n', 'large.bin': mebibytes(4) },
      });
      const line = await HeldLine.open(world.host.url);
      const git = engine({ ...repository.remote, url: line.through(repository.remote.url) });
      await git.list(headOf(repository), '');
      line.bytesLeft = 2 * 1024 * 1024;
      const reading = git.read(headOf(repository), ['large.bin']).catch((error: unknown) => error);
      const [folder = ''] = repositoriesOf(root);
      const received = () =>
        Math.max(0, ...filesBelow(folder, /^tmp_pack_/).map((file) => fs.statSync(file).size));
      await eventually(async () => filesBelow(folder, /^tmp_pack_/).length > 0, 'the pack to be on its way');
      if (isSilent) await standsStill(received);
      for (const one of processesOf(root))
        if (/\bgit (index-pack|fetch)\b/.test(one)) process.kill(Number.parseInt(one, 10), 'SIGKILL');
      expect(await reading).toMatchObject({ disposition: 'retry' });
      expect(processesOf(root)).toEqual([]);
      expect(filesBelow(folder, LEFT_BEHIND)).toEqual([]);
      line.bytesLeft = null;
      const [file] = await git.read(headOf(repository), ['large.bin']);
      expect(file?.content).toHaveLength(4 * 1024 * 1024);
      await line.close();
    },
  );

  test.skipIf(!isRoot)('on a full disk makes room for itself, or says that the disk is full', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'sallyport-test', root]);
    try {
      const [first, second, third] = [4, 6, 16].map((size) =>
        world.create({ files: { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n', 'large.bin': mebibytes(size) } }),
      ) as [TestRepository, TestRepository, TestRepository];
      const read = async ({ remote, reference }: TestRepository) =>
        (await engine(remote).read(reference.head('main') ?? '', ['large.bin']))[0]?.content.length;
      expect(await read(first)).toBe(4 * 1024 * 1024);
      // Only without the first there is room for the second.
      expect(await read(second)).toBe(6 * 1024 * 1024);
      await expect(read(third)).rejects.toMatchObject({ code: 'GIT_ENGINE_FAILED', disposition: 'retry' });
      await expect(read(third)).rejects.toThrow('the disk of the data folder is full');
      expect(await read(first)).toBe(4 * 1024 * 1024);
      await expectSound(second);
    } finally {
      execFileSync('umount', ['--lazy', root]);
    }
  });
});

describe('what is planted in the repository’s folder', () => {
  test('runs nothing, lends nothing and hides nothing', async () => {
    const { repository, folder } = await makeUsed();
    const canary = path.join(root, 'canary');
    const script = `#!/bin/sh\ntouch ${canary}\nexit 1\n`;
    const hooks = ['pre-push', 'reference-transaction', 'post-update', 'pre-auto-gc', 'fsmonitor-watchman'];
    for (const name of hooks
      .map((hook) => path.join(folder, 'hooks', hook))
      .concat(path.join(folder, 'run'))) {
      fs.mkdirSync(path.dirname(name), { recursive: true });
      fs.writeFileSync(name, script, { mode: 0o755 });
    }
    const run = path.join(folder, 'run');
    const config = `[core]\n\tbare = true\n\thooksPath = ${folder}/hooks\n\tfsmonitor = ${run}\n\tsshCommand = ${run}\n\tgitProxy = ${run}\n\taskPass = ${run}\n\talternateRefsCommand = ${run}\n[credential]\n\thelper = !${run}\n[remote "origin"]\n\tvcs = ext\n\tuploadpack = ${run}\n[uploadpack]\n\tpackObjectsHook = ${run}\n[url "ext::${run} "]\n\tinsteadOf = http\n[gc]\n\tauto = 1\n`;
    const stranger = world.create({ files: { 'secret.yaml': 'theirs: 1\n' } });
    const foreign = headOf(stranger);
    writeAll(folder, ['config', 'config.worktree'], config);
    writeAll(folder, ['objects/info/alternates'], `${stranger.reference.folder}/objects\n`);
    writeAll(folder, ['shallow', 'info/grafts'], `${headOf(repository)}\n`);
    writeAll(folder, ['info/attributes'], '* filter=x\n');
    writeAll(folder, [`refs/replace/${headOf(repository)}`], `${foreign}\n`);
    writeAll(folder, ['commondir'], `${stranger.reference.folder}\n`);
    await expect(engine(repository.remote).list(foreign, '')).rejects.toMatchObject({
      code: 'GIT_OBJECT_NOT_FOUND',
    });
    await expectSound(repository);
    expect(fs.existsSync(canary)).toBe(false);
  });
});

test('where there is no git, nobody else is blamed', async () => {
  const repository = world.create({ files: { 'a.yaml': 'a: 1\n' } });
  const head = headOf(repository);
  const programs = path.join(root, 'programs');
  fs.mkdirSync(programs);
  for (const name of ['timeout', 'flock', 'cat'])
    fs.symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), path.join(programs, name));
  vi.stubEnv('PATH', programs);
  try {
    const list = engine(repository.remote).list(head, '');
    await expect(list).rejects.toMatchObject({ code: 'GIT_ENGINE_FAILED' });
  } finally {
    vi.unstubAllEnvs();
  }
});
