// `npm run -s webhook -- inspect`, as a process.
import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from '../../architecture/pages.js';
import { runCommand } from '../../support/processes.js';
import { bytesOf, deliveries, proofOf } from '../support/deliveries.js';

const SECRET = 'the-secret-of-the-hook';
const lines = deliveries.map(({ host, name, headers, body }, index) => {
  const raw = bytesOf(body);
  return JSON.stringify({
    id: `${index} ${host}/${name}`,
    host,
    headers: { ...headers, ...proofOf(host, raw, SECRET) },
    bodyBase64: raw.toString('base64'),
    secrets: ['another', SECRET],
  });
});
const expected = deliveries.map(({ host, name, golden: { deliveryId, event } }, index) => {
  const { repo, ...rest } = event;
  const { hostRepoId, ...named } = repo;
  return {
    id: `${index} ${host}/${name}`,
    verified: true,
    deliveryId,
    event: rest,
    repo: { ...(hostRepoId === undefined ? {} : { id: hostRepoId }), ...named },
  };
});
const answersOf = (stdout: string): unknown[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('answers every line in its order, what is no delivery too, and never shows a secret', async () => {
  const child = spawn('npm', ['run', '-s', 'webhook', '--', 'inspect'], { cwd: root, stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.stdin.end([`{"id":"broken","secrets":["${SECRET}"]`, ...lines, '', `{"id":7,"host":"x"}`].join('\n'));
  expect(await ended).toBe(0);
  expect(answersOf(output)).toEqual([
    expect.objectContaining({ id: null, code: 'LINE_INVALID' }),
    ...expected,
    expect.objectContaining({ id: null, code: 'LINE_INVALID' }),
    expect.objectContaining({ id: 7, code: 'HOST_UNKNOWN' }),
  ]);
  expect(output).not.toContain(SECRET);
});

it('passes lines over that are too long, in bounded memory, and goes on', async () => {
  const long = Buffer.alloc(70 * 1024 * 1024, 'x');
  const newline = Buffer.from('\n');
  const input = Buffer.concat([
    long,
    newline,
    Buffer.from(`${lines[0]}\r\n`),
    long,
    long,
    newline,
    Buffer.from(`${lines[1]}\n`),
  ]);
  const env = { NODE_OPTIONS: '--max-old-space-size=200' };
  const { code, stdout, stderr } = await runCommand('src/webhook.js', ['inspect'], { env, input });
  expect([code, stderr]).toEqual([0, '']);
  const tooLong = { id: null, verified: false, code: 'LINE_INVALID', why: 'The line has more than 64 MiB' };
  expect(answersOf(stdout)).toEqual([tooLong, expected[0], tooLong, expected[1]]);
});

it('says how it is used', async () => {
  for (const args of [[], ['look'], ['inspect', 'x']]) {
    const { code, stdout, stderr } = await runCommand('src/webhook.js', args, {
      env: {},
      input: `${lines[0]}\n`,
    });
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringMatching(/^Usage: npm run -s webhook -- inspect/),
    ]);
  }
});

it('ends in peace when nobody reads on', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" dist/src/webhook.js inspect | head -n 1`], {
    cwd: root,
    stdio: 'pipe',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  child.stdin.on('error', () => undefined).end(`${lines.join('\n')}\n`.repeat(50));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, stderr, answersOf(stdout)]).toEqual([0, '', [expected[0]]]);
});
