// The playground's Git host under the hands of a real git and of rude clients.
import { type ExecFileException, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRepository, type GitHost, startGitHost } from '../../src/playground/git-host.js';

const account = { username: 'demo', password: 'pw:ü-1' };
let root: string;
let host: GitHost;

beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-host-'));
  host = await startGitHost({
    root,
    port: 0,
    accounts: [account, { username: 'second', password: 'other' }],
  });
});

afterAll(async () => {
  await host.close();
  fs.rmSync(root, { recursive: true, force: true });
});

describe('the playground’s Git host', () => {
  test('seeds the same commit from the same files', () => {
    const files = { 'a/b.yaml': 'x: 1\n', 'ü "quoted".txt': Buffer.from([0, 255]) };
    expect(createRepository(root, 'seed-1', { files }).head).toBe(
      createRepository(root, 'seed-2', { files }).head,
    );
    expect(createRepository(root, 'seed-3', { files, timestamp: 1 }).head).toMatch(/^[0-9a-f]{40}$/);
    expect(createRepository(root, 'seed-empty').head).toBeNull();
  });

  test('serves clone and push to a git with the right password', async () => {
    createRepository(root, 'demo', { files: { 'a/b.yaml': 'x: 1\n' } });
    const clone = path.join(root, 'clone');
    await git(['clone', '-q', `${withUser(account)}/demo.git`, clone]);
    expect(fs.readFileSync(path.join(clone, 'a/b.yaml'), 'utf8')).toBe('x: 1\n');
    fs.writeFileSync(path.join(clone, 'big.bin'), Buffer.alloc(3_000_000, 'x1y2z3'));
    await git(['-C', clone, 'add', '.']);
    await git(['-C', clone, 'commit', '-qm', 'more']);
    // Chunked: git sends what exceeds http.postBuffer without a length.
    await git(['-C', clone, '-c', 'http.postBuffer=65536', 'push', '-q', 'origin', 'main']);
    expect(await git(['-C', clone, 'ls-remote', 'origin', 'refs/heads/main'])).toContain(
      (await git(['-C', clone, 'rev-parse', 'HEAD'])).trim(),
    );
  });

  test('serves filtered fetches in protocol version 2', async () => {
    createRepository(root, 'partial', { files: { 'a.yaml': 'x: 1\n' } });
    const bare = path.join(root, 'blobless');
    await git(['clone', '-q', '--bare', '--filter=blob:none', `${withUser(account)}/partial.git`, bare]);
    expect(await git(['-C', bare, 'rev-list', '--objects', '--missing=print', '--all'])).toContain('\n?');
    const answer = await fetch(`${host.url}/partial.git/info/refs?service=git-upload-pack`, {
      headers: { authorization: basic(account), 'git-protocol': 'version=2' },
    });
    expect(await answer.text()).toContain('version 2');
  });

  test('closes although a client left in the middle of a long answer', async () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-host-'));
    const own = await startGitHost({ root: home, port: 0, accounts: [] });
    const files = { 'big.bin': randomBytes(8_000_000) };
    const { head } = createRepository(home, 'long', { files });
    const line = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
    const leave = new AbortController();
    const answer = await fetch(`${own.url}/long.git/git-upload-pack`, {
      method: 'POST',
      headers: { 'git-protocol': 'version=2', 'content-type': 'application/x-git-upload-pack-request' },
      body: `${line('command=fetch\n')}0001${line(`want ${head}\n`)}${line('done\n')}0000`,
      signal: leave.signal,
    });
    await answer.body?.getReader().read();
    leave.abort();
    await own.close();
    fs.rmSync(home, { recursive: true });
    expect(answer.status).toBe(200);
  });

  test('reads gzip request bodies', async () => {
    const { head } = createRepository(root, 'zipped', { files: { 'a.yaml': 'x: 1\n' } });
    const line = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
    const answer = await fetch(`${host.url}/zipped.git/git-upload-pack`, {
      method: 'POST',
      headers: {
        authorization: basic(account),
        'git-protocol': 'version=2',
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
      },
      body: gzipSync(`${line('command=ls-refs\n')}0000`),
    });
    expect(await answer.text()).toContain(`${head} refs/heads/main`);
  });

  test.each([
    ['no credential', undefined],
    ['a wrong password', basic({ username: 'demo', password: 'wrong' })],
    ['another account’s password', basic({ username: 'demo', password: 'other' })],
    ['another scheme', 'Bearer abc'],
    ['not base64', 'Basic ***'],
  ])('answers 401 with a challenge to %s', async (_, authorization) => {
    createRepository(root, 'closed');
    const answer = await fetch(`${host.url}/closed.git/info/refs?service=git-upload-pack`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  test.each([
    ['a repository that is not there', '/absent.git/info/refs?service=git-upload-pack', 404],
    ['a way out of the root', '/%2e%2e/%2e%2e/etc/passwd', 404],
    ['broken percent-encoding', '/%zz.git/info/refs', 400],
    ['a NUL', '/a%00.git/info/refs', 400],
  ])('answers %s with an error', async (_, address, status) => {
    const answer = await fetch(host.url + address, { headers: { authorization: basic(account) } });
    expect(answer.status).toBe(status);
  });

  test('refuses a push where the repository says so', async () => {
    createRepository(root, 'read-only', { config: { 'http.receivepack': 'false' } });
    const answer = await fetch(`${host.url}/read-only.git/info/refs?service=git-receive-pack`, {
      headers: { authorization: basic(account) },
    });
    expect(answer.status).toBe(403);
  });

  test('serves a folder that belongs to another user', async () => {
    const { folder } = createRepository(root, 'foreign', { files: { 'a.yaml': 'x: 1\n' } });
    if (process.getuid?.() === 0) fs.chownSync(folder, 65_534, 65_534);
    expect(await git(['ls-remote', `${withUser(account)}/foreign.git`])).toContain('refs/heads/main');
  });

  test('kills the backend of a client that goes away, and closes without waiting for it', async () => {
    createRepository(root, 'left');
    const own = await startGitHost({ root, port: 0, accounts: [] });
    const socket = net.connect(own.port, '127.0.0.1');
    socket.write('POST /left.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n');
    socket.write('Content-Type: application/x-git-receive-pack-request\r\n\r\n00a4');
    await until(() => backends('left.git') > 0);
    socket.destroy();
    await until(() => backends('left.git') === 0);
    await own.close();
  });

  test('lets a request in flight finish when it closes', async () => {
    createRepository(root, 'slow', { files: { 'a.yaml': 'x: 1\n' } });
    const own = await startGitHost({ root, port: 0, accounts: [] });
    const socket = net.connect(own.port, '127.0.0.1');
    const body = '0014command=ls-refs\n0000';
    socket.write(`POST /slow.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n`);
    socket.write('Git-Protocol: version=2\r\nContent-Type: application/x-git-upload-pack-request\r\n\r\n');
    await until(() => backends('slow.git') > 0);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => (answer += text));
    const closed = own.close();
    socket.write(body);
    await closed;
    expect(answer).toContain('refs/heads/main');
    await expect(fetch(own.url)).rejects.toThrow();
  });
});

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function withUser({ username, password }: { username: string; password: string }): string {
  return host.url.replace('://', `://${username}:${encodeURIComponent(password)}@`);
}

/** Backends that serve this repository, by their environment. */
function backends(name: string): number {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`PATH_INFO=/${name}`)
      );
    } catch {
      return false;
    }
  }).length;
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('It did not happen within a minute');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function git(args: string[]): Promise<string> {
  const person = ['-c', 'user.name=Test', '-c', 'user.email=test@sallyport.invalid'];
  return new Promise((resolve, reject) => {
    execFile('git', [...person, ...args], (error: ExecFileException | null, out, complaint) =>
      error === null ? resolve(out) : reject(new Error(complaint, { cause: error })),
    );
  });
}
