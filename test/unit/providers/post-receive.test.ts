// deploy/webhooks/post-receive in a real bare repository, before a real HTTP server: what arrives is what the codec believes, and
// the secret is nowhere that others can look.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { genericCodec } from '../../../src/providers/generic/webhook.js';
import type { HookHeaders } from '../../../src/providers/webhook.js';
import { root } from '../../architecture/pages.js';
import { secretsOf, verdictOn } from '../support/deliveries.js';

const HOOK = path.join(root, 'deploy/webhooks/post-receive');
const SECRET = `it's "the" $(secret) of %s \\n ${'x'.repeat(50)}`;
const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-post-receive-')));
const bare = path.join(home, 'bare.git');
const clone = path.join(home, 'clone');
const bin = path.join(home, 'bin');
const witnessed = path.join(home, 'witnessed');
const secretFile = path.join(home, 'secret');

interface Request {
  url: string;
  method: string;
  headers: HookHeaders;
  raw: Buffer;
}

let requests: Request[] = [];
let arrived: () => void = () => undefined;
let answer: (response: http.ServerResponse) => void;
const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { url = '', method = '', headers } = request;
    requests.push({ url, method, headers, raw: Buffer.concat(chunks) });
    answer(response);
    arrived();
  });
});

/** Resolves once this many requests have come. */
async function untilRequests(count: number): Promise<Request[]> {
  while (requests.length < count) await new Promise<void>((resolve) => (arrived = resolve));
  return requests;
}

const environment = {
  PATH: `${bin}:${process.env.PATH}`,
  HOME: home,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

function git(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd: folder,
    env: environment,
    // A hook that is waited for would otherwise hold this process up as well, with the server that it asks.
    timeout: 60_000,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Runs the hook as git would, without a push. */
function runHook(input: string, { shell = 'sh', secretFile: file = secretFile } = {}) {
  const setting = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'sallyport.secretFile',
    GIT_CONFIG_VALUE_0: file,
  };
  const env = { ...environment, ...setting, GIT_DIR: '.' };
  return spawnSync(shell, [HOOK], { cwd: bare, env, input, encoding: 'utf8' });
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fs.mkdirSync(bin);
  fs.mkdirSync(witnessed);
  // Each program leaves its arguments, its environment and its id, and becomes what it stands for.
  for (const program of ['curl', 'openssl', 'git', 'cat', 'printf', 'od', 'sed', 'awk']) {
    const found = spawnSync('sh', ['-c', `command -v /usr/bin/${program} || command -v /bin/${program}`]);
    const real = found.stdout.toString().trim();
    if (real === '') continue;
    const script = `#!/bin/sh
tr '\\0' '\\n' < /proc/$$/cmdline > ${witnessed}/${program}.$$
tr '\\0' '\\n' < /proc/$$/environ >> ${witnessed}/${program}.$$
exec ${real} "$@"
`;
    fs.writeFileSync(path.join(bin, program), script, { mode: 0o755 });
  }
  git(home, 'init', '-q', '--bare', '-b', 'main', bare);
  git(home, 'init', '-q', '-b', 'main', clone);
  git(clone, 'remote', 'add', 'origin', bare);
  fs.copyFileSync(HOOK, path.join(bare, 'hooks/post-receive'));
  fs.chmodSync(path.join(bare, 'hooks/post-receive'), 0o755);
});

beforeEach(() => {
  requests = [];
  answer = (response) => response.writeHead(202).end();
  fs.writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const { port } = server.address() as AddressInfo;
  git(bare, 'config', 'sallyport.url', `http://127.0.0.1:${port}/webhooks/one`);
  git(bare, 'config', 'sallyport.secretFile', secretFile);
  git(bare, 'config', 'sallyport.repository', 'https://git.example.com/configs.git');
});

afterAll(() => {
  // Those that still try again.
  for (const file of fs.readdirSync(witnessed).filter((name) => name.startsWith('curl.')))
    killIfCurl(Number(file.slice('curl.'.length)));
  server.closeAllConnections();
  server.close();
  fs.rmSync(home, { recursive: true });
});

function killIfCurl(pid: number): void {
  try {
    if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/webhooks/one')) process.kill(pid);
  } catch {
    // It has ended.
  }
}

function commit(): string {
  git(clone, 'commit', '-q', '--allow-empty', '-m', 'Change');
  return git(clone, 'rev-parse', 'HEAD');
}

const verdictOf = ({ raw, headers }: Request, secret = SECRET) =>
  verdictOn('generic', raw, headers, secretsOf(secret));
const changesOf = ({ raw, headers }: Request) => {
  const event = genericCodec.parse(raw, headers);
  return event.kind === 'refs' ? event.changes : event;
};

it('a push of several refs is one request, which the codec believes', async () => {
  const first = commit();
  git(clone, 'push', '-q', 'origin', 'main', 'main:gone', 'main:feature/größe');
  await untilRequests(1);
  requests = [];
  const second = commit();
  git(clone, 'tag', '-a', 'main', '-m', 'Named like a branch');
  const tag = git(clone, 'rev-parse', 'refs/tags/main');
  git(
    clone,
    'push',
    '-q',
    'origin',
    'refs/heads/main',
    ':gone',
    'refs/tags/main',
    'refs/heads/main:refs/heads/a"b"',
  );
  const [request] = await untilRequests(1);
  if (request === undefined) throw new Error('No request');
  expect(request).toMatchObject({ method: 'POST', url: '/webhooks/one' });
  expect([verdictOf(request), verdictOf(request, `${SECRET} `)]).toEqual(['ok', 'bad']);
  expect(genericCodec.deliveryId(request.headers, request.raw)).toMatch(/^[0-9a-f]{32}$/);
  const { repo } = genericCodec.parse(request.raw, request.headers);
  expect(repo).toEqual({ cloneUrls: ['https://git.example.com/configs.git'] });
  const byRef = new Map((changesOf(request) as { ref: string }[]).map((one) => [one.ref, one]));
  expect(Object.fromEntries(byRef)).toEqual({
    'refs/heads/main': change('refs/heads/main', 'branch', first, second),
    'refs/heads/gone': change('refs/heads/gone', 'branch', first, null),
    'refs/heads/a"b"': change('refs/heads/a"b"', 'branch', null, second),
    'refs/tags/main': change('refs/tags/main', 'tag', null, tag),
  });
  expect(requests).toHaveLength(1);

  function change(ref: string, type: string, before: string | null, after: string | null) {
    return { ref, type, before, after, forced: null };
  }
});

it('no program is given the secret, as an argument or in its environment', async () => {
  runHook(`${'a'.repeat(40)} ${'b'.repeat(40)} refs/heads/main\n`);
  await untilRequests(1);
  const seen = fs.readdirSync(witnessed).map((file) => fs.readFileSync(path.join(witnessed, file), 'utf8'));
  const programs = new Set(fs.readdirSync(witnessed).map((file) => file.split('.')[0]));
  expect(programs).toEqual(new Set(['curl', 'openssl', 'git']));
  const forms = [SECRET, SECRET.slice(0, 12), 'x'.repeat(12)].flatMap((one) => [
    one,
    Buffer.from(one).toString('hex'),
    Buffer.from(one).toString('base64').slice(0, 14),
  ]);
  expect(forms.filter((form) => seen.some((text) => text.includes(form)))).toEqual([]);
  expect(seen.join('\n')).toContain('/webhooks/one');
  expect(seen.join('\n')).toContain('dgst');
});

const shells = ['dash', 'bash', 'busybox', 'ksh'].filter(
  (shell) => spawnSync(shell, ['-c', ':']).status === 0,
);

const secrets = [
  'x',
  // What printf and the shell would take for theirs.
  `%s%n \\0 \\n $HOME \`id\` "'*?[a]`,
  ' a  b\t',
  'größe 名前 👍',
  // As long as a block of the digest, and longer.
  'y'.repeat(64),
  'z'.repeat(65),
  'ß'.repeat(64),
  // Bytes that the padding makes 0 and %.
  '6\\\u0013y',
];

it.each(shells)('run by %s, it signs by secrets of every form', async (shell) => {
  const files = secrets.map((secret, index) => {
    const file = path.join(home, `secret-${index}`);
    fs.writeFileSync(file, secret);
    return file;
  });
  for (const [index, file] of files.entries()) {
    const input = `${'a'.repeat(40)} ${'b'.repeat(40)} refs/heads/${index}\n`;
    const { status, stdout, stderr } = runHook(input, { shell, secretFile: file });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  }
  const found = await untilRequests(secrets.length);
  const verdicts = secrets.map((secret, index) => {
    const request = found.find(({ raw }) => raw.includes(`refs/heads/${index}"`));
    return request && verdictOf(request, secret);
  });
  expect(verdicts).toEqual(secrets.map(() => 'ok'));
});

it('more refs than fit are said to be unknown, in no more time', async () => {
  const line = (index: number) => `${'0'.repeat(64)} ${'b'.repeat(64)} refs/heads/b${index}\n`;
  const lines = Array.from({ length: 1_001 }, (_, index) => line(index));
  runHook(lines.slice(1).join(''));
  const [most] = await untilRequests(1);
  expect(most && [verdictOf(most), (changesOf(most) as unknown[]).length]).toEqual(['ok', 1_000]);
  runHook(lines.join(''));
  const [, more] = await untilRequests(2);
  expect(more && [verdictOf(more), changesOf(more)]).toEqual(['ok', 'unknown']);
});

it('a busy manager is asked again', async () => {
  answer = (response) => {
    answer = (next) => next.writeHead(202).end();
    response.writeHead(503, { 'retry-after': '1' }).end();
  };
  runHook(`${'a'.repeat(40)} ${'b'.repeat(40)} refs/heads/main\n`);
  const [first, second] = await untilRequests(2);
  expect(second?.raw.equals(first?.raw ?? Buffer.alloc(0))).toBe(true);
  expect(second?.headers['x-sallyport-delivery']).toBe(first?.headers['x-sallyport-delivery']);
});

describe('a push is not held up and does not fail', () => {
  const push = () => {
    commit();
    const start = performance.now();
    git(clone, 'push', '-q', 'origin', 'refs/heads/main');
    return performance.now() - start;
  };

  it.each<[string, () => void]>([
    ['when the manager does not answer', () => (answer = () => undefined)],
    ['when nobody listens', () => git(bare, 'config', 'sallyport.url', 'http://127.0.0.1:1/webhooks/one')],
    ['when there is no secret', () => fs.rmSync(secretFile)],
    ['when the secret is empty', () => fs.writeFileSync(secretFile, '\n')],
    ['when there is no URL', () => git(bare, 'config', '--unset', 'sallyport.url')],
    ['when the URL is none', () => git(bare, 'config', 'sallyport.url', '--help')],
  ])('%s', (_what, spoil) => {
    spoil();
    expect(push()).toBeLessThan(5_000);
    expect(git(bare, 'rev-parse', 'refs/heads/main')).toBe(git(clone, 'rev-parse', 'HEAD'));
  });

  it('and without a secret nothing is sent', async () => {
    fs.writeFileSync(secretFile, '\n');
    push();
    fs.writeFileSync(secretFile, SECRET);
    push();
    const [request] = await untilRequests(1);
    expect(request && [verdictOf(request), requests.length]).toEqual(['ok', 1]);
  });
});
