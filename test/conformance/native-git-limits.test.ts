// What the native engine may use: time, disk, memory and processes, and the folder it shares with other delegates.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import type { NativeGitOptions } from '../../workers/native-git/operation.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { GitWorld, type TestRemote, type TestRepository, type World } from '../support/git-world.js';
import { filesBelow, HeldLine, processesOf, repositoriesOf } from '../support/held-line.js';
import { SshWorld } from '../support/ssh-world.js';
import { blob, copy, deltaOf, encodeEntry, onOffset, packOf } from '../unit/support/packs.js';

const MIB = 1024 * 1024;
const worlds: Record<string, World> = {};
let root: string;

beforeAll(async () => {
  worlds.HTTP = await GitWorld.open();
  worlds.SSH = await SshWorld.open();
});
afterAll(async () => {
  for (const world of Object.values(worlds)) await world.close();
});
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-native-'));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const worldOf = (protocol: string): World => worlds[protocol] as World;
const engine = (
  { url, username, password, knownHosts }: TestRemote,
  more: Partial<NativeGitOptions> = {},
): NativeGit => {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  const options = { root, allowHttp: true, allowPrivate: true, ...more };
  return new NativeGit({ url, credential, knownHosts }, options);
};
const headOf = ({ reference }: TestRepository) => reference.head('main') ?? '';
const large = (mebibytes: number) => ({ 'a.yaml': 'a: 1\n', 'large.bin': randomBytes(mebibytes * MIB) });

/** A repository behind a line that holds every answer from its first byte, or from a later one. */
async function makeHeld(protocol: string, bytesLeft: number) {
  const repository = worldOf(protocol).create({ files: large(4) });
  const line = await HeldLine.open(worldOf(protocol).host.url);
  const port = new URL(line.through(worldOf(protocol).host.url)).port;
  const knownHosts = repository.remote.knownHosts?.replace(/:\d+/, `:${port}`);
  const remote = { ...repository.remote, url: line.through(repository.remote.url) };
  line.bytesLeft = bytesLeft;
  return { repository, line, remote: knownHosts === undefined ? remote : { ...remote, knownHosts } };
}

describe.each(['HTTP', 'SSH'])('over %s, a host that falls silent', (protocol) => {
  test.each([0, 3_000, 2 * MIB])(
    'after %d bytes is left at the deadline, with every process',
    async (bytes) => {
      const { repository, line, remote } = await makeHeld(protocol, bytes);
      const git = engine(remote, { deadlineMs: 4_000 });
      await expect(git.read(headOf(repository), ['large.bin'])).rejects.toMatchObject({
        // A host that does not even greet is given up by ssh itself, a little earlier.
        code: protocol === 'SSH' && bytes === 0 ? 'GIT_UNREACHABLE' : 'GIT_TIMEOUT',
      });
      expect(processesOf(root)).toEqual([]);
      await line.close();
    },
  );

  test.each([0, 2 * MIB])('after %d bytes is left when the operation is cancelled', async (bytes) => {
    const { repository, line, remote } = await makeHeld(protocol, bytes);
    const stop = new AbortController();
    const git = engine(remote, { signal: stop.signal });
    const reading = git.read(headOf(repository), ['large.bin']).catch((error: unknown) => error);
    await line.held;
    expect(processesOf(root).length).toBeGreaterThan(1);
    stop.abort();
    expect(await reading).toMatchObject({ code: 'GIT_CANCELLED', disposition: 'retry' });
    expect(processesOf(root)).toEqual([]);
    expect(repositoriesOf(root).flatMap((folder) => filesBelow(folder, /\.lock$|^tmp_/))).toEqual([]);
    await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_CANCELLED' });
    line.bytesLeft = null;
    expect(await engine(remote).head('main')).toBe(headOf(repository));
    await line.close();
  });
});

test('a push that is cancelled under way leaves its outcome open, and the same chain finds it', async () => {
  const repository = worldOf('HTTP').create({ files: { 'a.yaml': 'a: 1\n' } });
  const pipe = (name: string) => path.join(repository.reference.folder, name);
  execFileSync('mkfifo', [pipe('begun'), pipe('goes-on')]);
  repository.reference.refuseWith('pre-receive', '');
  const hook = `#!/bin/sh\necho >"${pipe('begun')}"\nread -r _ <"${pipe('goes-on')}"\nexit 0\n`;
  fs.writeFileSync(pipe('hooks/pre-receive'), hook);
  const stop = new AbortController();
  const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
  const pushing = engine(repository.remote, { signal: stop.signal }).commit(chain);
  const failure = pushing.catch((error: unknown) => error);
  await fs.promises.readFile(pipe('begun'));
  stop.abort();
  expect(await failure).toMatchObject({ code: 'GIT_OUTCOME_UNKNOWN', disposition: 'retry' });
  fs.rmSync(pipe('hooks/pre-receive'));
  // Whether or not somebody still listens.
  await fs.promises.writeFile(pipe('goes-on'), '\n', { flag: 'r+' });
  expectLanded(repository, chain, await engine(repository.remote).commit(chain));
  expect(repository.reference.history('main')).toHaveLength(2);
});

describe('the disk', () => {
  test('holds so many bytes of repositories, and those unused for the longest time go', async () => {
    const diskBytesMax = 5 * MIB;
    const repositories = [1, 2, 3].map(() => worldOf('HTTP').create({ files: large(2) }));
    const folders: string[] = [];
    const read = async (repository: TestRepository) => {
      const [file] = await engine(repository.remote, { diskBytesMax }).read(headOf(repository), [
        'large.bin',
      ]);
      expect(file?.content).toHaveLength(2 * MIB);
    };
    const [first, second, third] = repositories as [TestRepository, TestRepository, TestRepository];
    for (const repository of [first, second]) {
      await read(repository);
      folders.push(...repositoriesOf(root).filter((folder) => !folders.includes(folder)));
    }
    await read(first);
    await read(third);
    expect(repositoriesOf(root)).toHaveLength(2);
    expect(repositoriesOf(root)).toContain(folders[0]);
    expect(repositoriesOf(root)).not.toContain(folders[1]);
    await read(second);
    expect(fs.readdirSync(root).filter((name) => name.startsWith('trash-'))).toEqual([]);
  });

  test('is never cleared of a repository in use', async () => {
    const { repository, line, remote } = await makeHeld('HTTP', 2 * MIB);
    const reading = engine(remote).read(headOf(repository), ['large.bin']);
    await line.held;
    const [used = ''] = repositoriesOf(root);
    for (const size of [1, 2]) {
      const other = worldOf('HTTP').create({ files: large(size) });
      await engine(other.remote, { diskBytesMax: 4_096 }).read(headOf(other), ['a.yaml']);
    }
    expect(repositoriesOf(root)).toEqual([used]);
    line.bytesLeft = null;
    await line.close();
    await expect(reading).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
  });

  test('takes no pack that is larger than all of it', async () => {
    const repository = worldOf('HTTP').create({ files: large(4) });
    const git = engine(repository.remote, { diskBytesMax: MIB });
    await expect(git.read(headOf(repository), ['large.bin'])).rejects.toMatchObject({
      code: 'GIT_LIMIT_EXCEEDED',
      data: { limit: 'bytes of one pack', max: MIB },
    });
    expect(await git.head('main')).toBe(headOf(repository));
  });
});

describe('a pack that grows', () => {
  test('to more memory than an object may take is refused by its own code', async () => {
    const base = blob(Buffer.alloc(15 * MIB));
    // 15 MiB a command, 3 GiB in all, out of a few kilobytes.
    const delta = deltaOf(base.content.length, Array(205).fill(copy(0, 15 * MIB)));
    const pack = packOf([base, onOffset(encodeEntry(base).length, delta)]);
    expect(pack.length).toBeLessThan(MIB);
    const host = await serveOnePack(pack);
    const git = engine({ url: `${host.url}/bomb.git`, username: 'ada', password: 'hidden-1' });
    await expect(git.list('0123456789'.repeat(4), '')).rejects.toMatchObject({
      code: 'GIT_LIMIT_EXCEEDED',
      data: { limit: 'bytes in memory' },
      disposition: 'stop',
    });
    expect(processesOf(root)).toEqual([]);
    await host.close();
  });
});

/** A host of protocol version 0 that answers every fetch with this pack. */
async function serveOnePack(pack: Buffer): Promise<{ url: string; close: () => Promise<void> }> {
  const line = (bytes: string | Buffer) =>
    Buffer.concat([
      Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')),
      Buffer.from(bytes as string),
    ]);
  const abilities = 'side-band-64k ofs-delta filter allow-tip-sha1-in-want allow-reachable-sha1-in-want';
  const refs = [
    line('# service=git-upload-pack\n'),
    Buffer.from('0000'),
    line(`${'0123456789'.repeat(4)} refs/heads/main\0${abilities}\n`),
    Buffer.from('0000'),
  ];
  const pieces: Buffer[] = [line('NAK\n')];
  for (let at = 0; at < pack.length; at += 60_000)
    pieces.push(line(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + 60_000)])));
  const server = http.createServer((request, response) => {
    const isFetch = request.method === 'POST';
    const kind = isFetch ? 'result' : 'advertisement';
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${kind}` });
      response.end(Buffer.concat(isFetch ? [...pieces, Buffer.from('0000')] : refs));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, close };
}

test.each(['HTTP', 'SSH'])(
  'what one credential fetched over %s is not shown to another',
  async (protocol) => {
    const world = worldOf(protocol);
    const repository = world.create({ files: { 'a.yaml': 'a: 1\n' } });
    const { remote } = repository;
    const head = headOf(repository);
    expect(await engine(remote).list(head, '')).toHaveLength(1);
    await engine(remote).read(head, ['a.yaml']);
    const stranger = engine({ ...remote, password: world.wrongPassword });
    const looks = [
      () => stranger.list(head, ''),
      () => stranger.read(head, ['a.yaml']),
      () => stranger.changes(head, head),
    ];
    for (const look of looks) await expect(look()).rejects.toMatchObject({ code: 'GIT_AUTH_REJECTED' });
    expect(await engine(remote).list(head, '')).toHaveLength(1);
  },
);

describe('a folder that several processes share', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** A process that puts commits on a branch of its own, one after the other; its answers as it gives them. */
  function startWriter(remote: TestRemote, branch: string, commits: number) {
    const child = fork('test/support/native-writer.mjs', [], { serialization: 'advanced' });
    children.push(child);
    child.send({ remote, root, branch, commits });
    const ended = new Promise<unknown>((resolve) => child.once('message', resolve));
    return { child, ended };
  }

  test('serves them all at the same time, and each of their commits lands', async () => {
    const repository = worldOf('HTTP').create({ files: { 'a.yaml': 'a: 1\n' } });
    for (const branch of ['one', 'two', 'three']) repository.reference.point(branch, headOf(repository));
    const writers = ['one', 'two', 'three'].map((branch) => startWriter(repository.remote, branch, 4));
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual(Array(3).fill('landed'));
    for (const branch of ['one', 'two', 'three'])
      expect(repository.reference.history(branch)).toHaveLength(5);
    repository.reference.verify();
  });

  test('blocks nobody while another works, or after it was killed', async () => {
    const { repository, line, remote } = await makeHeld('HTTP', 0);
    repository.reference.point('one', headOf(repository));
    const { child } = startWriter(remote, 'one', 1);
    await line.held;
    line.bytesLeft = null;
    expect(await engine(remote).head('main')).toBe(headOf(repository));
    expect(repositoriesOf(root)).toHaveLength(2);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    // What it left is taken over, with its folder.
    const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
    expectLanded(repository, chain, await engine(remote).commit(chain));
    expect(repositoriesOf(root)).toHaveLength(2);
    await line.close();
  });
});
