// Answers that are wrong before Git's protocol begins: statuses, headers, connections.
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Git } from '../../src/git/git.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { bodyOf, MadeRepository, type Question } from '../support/made-repository.js';
import { type Answer, drip, ScriptedHost, withoutEnd } from '../support/scripted-host.js';
import { type Arena, describeHostile } from './arena.js';

const made = new MadeRepository();
const head = made.commit(made.tree([['100644', 'a.yaml', made.put('blob', 'a: 1\n')]]));

/** The operation whose last question is this one, and what it gives. */
const asking: [Question, (git: Git) => Promise<unknown>, unknown][] = [
  ['discover', (git) => git.head('main'), head],
  ['refs', (git) => git.heads(), { branches: { main: head }, default: 'main' }],
  ['fetch', async (git) => (await git.list(head, '')).map(({ path }) => path), ['a.yaml']],
];

/**
 * What the system git makes of it, where that is not the same. `taken`: it takes the answer, whose content is right.
 */
type Native = Partial<Record<Question, ErrorCode | 'taken'>>;
type Case = [name: string, fault: (right: Answer) => Answer | null, code: ErrorCode, native?: Native];

const page = '<!doctype html><title>Sign in</title>\n';
const statuses: Case[] = (
  [
    [401, { 'WWW-Authenticate': 'Basic realm="x"' }, 'GIT_AUTH_REJECTED'],
    [401, {}, 'GIT_AUTH_REJECTED'],
    [403, {}, 'GIT_AUTH_REJECTED'],
    [404, {}, 'GIT_REPOSITORY_NOT_FOUND'],
    [410, {}, 'GIT_REPOSITORY_NOT_FOUND'],
    [409, {}, 'GIT_HOST_ERROR'],
    [418, {}, 'GIT_ANSWER_INVALID'],
    [429, {}, 'GIT_HOST_ERROR'],
    [429, { 'Retry-After': '7' }, 'GIT_HOST_ERROR'],
    [429, { 'Retry-After': 'Wed, 21 Oct 2099 07:28:00 GMT' }, 'GIT_HOST_ERROR'],
    [429, { 'Retry-After': '-99999999999999999999' }, 'GIT_HOST_ERROR'],
    [500, {}, 'GIT_HOST_ERROR'],
    [502, {}, 'GIT_HOST_ERROR'],
    [503, { 'Retry-After': '3' }, 'GIT_HOST_ERROR'],
    [504, {}, 'GIT_HOST_ERROR'],
    [599, {}, 'GIT_HOST_ERROR'],
  ] as const
).map(([status, headers, code]) => [
  `${status} ${JSON.stringify(headers)}`,
  () => ({ status, headers, body: 'No\u001b[31m\n' }),
  code,
]);

const broken: Case[] = [
  ['204', () => ({ status: 204 }), 'GIT_ANSWER_INVALID'],
  ['206', () => ({ status: 206, body: 'x' }), 'GIT_ANSWER_INVALID'],
  [
    'a sign-in page',
    () => ({ headers: { 'Content-Type': 'text/html' }, body: page }),
    'GIT_ANSWER_INVALID',
    { fetch: 'GIT_UNREACHABLE' },
  ],
  [
    'no content type',
    (right) => ({ ...right, headers: {} }),
    'GIT_ANSWER_INVALID',
    { refs: 'taken', fetch: 'taken' },
  ],
  [
    'a content type that goes on',
    (right) => ({ ...right, headers: { 'Content-Type': `${typeOf(right)}x` } }),
    'GIT_ANSWER_INVALID',
    { refs: 'taken', fetch: 'taken' },
  ],
  ['nothing at all', () => null, 'GIT_UNREACHABLE'],
  ['half a status line', (right) => ({ ...right, bytesMax: 9 }), 'GIT_UNREACHABLE'],
  [
    'half of the headers',
    (right) => ({ ...right, bytesMax: 40 }),
    'GIT_UNREACHABLE',
    { refs: 'GIT_ANSWER_INVALID', fetch: 'GIT_ANSWER_INVALID' },
  ],
  ['headers without a body', (right) => ({ ...right, bytesMax: 110 }), 'GIT_UNREACHABLE'],
  [
    'what is not HTTP',
    () => ({ head: 'SSH-2.0-OpenSSH_9.2\r\n', end: 'cut' }),
    'GIT_ANSWER_INVALID',
    { refs: 'GIT_UNREACHABLE', fetch: 'GIT_UNREACHABLE' },
  ],
  [
    'HTTP/0.9',
    (right) => ({ head: '', body: bodyOf(right), end: 'cut' }),
    'GIT_ANSWER_INVALID',
    { refs: 'GIT_UNREACHABLE', fetch: 'GIT_UNREACHABLE' },
  ],
  [
    'a flood of headers',
    (right) => ({ ...right, headers: { ...right.headers, ...flood(20_000) } }),
    'GIT_ANSWER_INVALID',
    { refs: 'GIT_UNREACHABLE', fetch: 'GIT_UNREACHABLE' },
  ],
  [
    'a header as long as a book',
    (right) => ({ ...right, headers: { ...right.headers, 'X-Long': 'x'.repeat(5_000_000) } }),
    'GIT_ANSWER_INVALID',
    { discover: 'GIT_LIMIT_EXCEEDED', refs: 'GIT_LIMIT_EXCEEDED', fetch: 'GIT_LIMIT_EXCEEDED' },
  ],
  [
    'a gzip bomb',
    (right) => ({ headers: { ...right.headers, 'Content-Encoding': 'gzip' }, body: bomb }),
    'GIT_ANSWER_INVALID',
    { fetch: 'GIT_UNREACHABLE' },
  ],
  [
    'two lengths',
    (right) => ({ ...right, head: headOf(right, 'Content-Length: 5\r\nContent-Length: 7') }),
    'GIT_UNREACHABLE',
    { refs: 'GIT_ANSWER_INVALID' },
  ],
  [
    'broken chunks',
    (right) => ({ ...right, head: headOf(right, 'Transfer-Encoding: chunked'), end: 'cut' }),
    'GIT_ANSWER_INVALID',
    { refs: 'GIT_UNREACHABLE', fetch: 'GIT_UNREACHABLE' },
  ],
];

const slow: Case[] = [
  ['silence', () => ({ head: '', end: 'stall' }), 'GIT_TIMEOUT'],
  ['silence after the headers', (right) => ({ ...right, bytesMax: 110, end: 'stall' }), 'GIT_TIMEOUT'],
  ['silence within the body', (right) => ({ ...right, bytesMax: 150, end: 'stall' }), 'GIT_TIMEOUT'],
  ['a byte in a while', (right) => ({ ...right, body: drip(bodyOf(right), 1, 300) }), 'GIT_TIMEOUT'],
  [
    'a promise that is never kept',
    () => ({ head: 'HTTP/1.1 103 Early Hints\r\n\r\n', end: 'stall' }),
    'GIT_TIMEOUT',
  ],
];

const bomb = gzipSync(Buffer.alloc(300_000_000), { level: 9 });

function typeOf({ headers = {} }: Answer): string {
  return headers['Content-Type'] ?? '';
}

/** So many headers. */
function flood(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${n}`, 'flood']));
}

function headOf(answer: Answer, framing: string, version = '1.1'): string {
  return `HTTP/${version} 200 OK\r\nContent-Type: ${typeOf(answer)}\r\n${framing}\r\n\r\n`;
}

async function expectRefused(
  arena: Arena,
  [, fault, code, native = {}]: Case,
  at: (typeof asking)[0],
  deadlineMs = 20_000,
): Promise<void> {
  const [question, work, right] = at;
  const host = await ScriptedHost.open(made.script({ [question]: fault }));
  const expected = arena.engine === 'NativeGit' ? (native[question] ?? code) : code;
  try {
    const isTaken = expected === 'taken';
    const outcome = isTaken
      ? await work(arena.git(host.url()))
      : (await arena.refusal(work, host.url(), { deadlineMs })).code;
    expect(outcome).toEqual(isTaken ? right : expected);
  } finally {
    await host.close();
  }
}

describeHostile('A host of broken HTTP', (arena) => {
  for (const at of asking) {
    for (const one of [...statuses, ...broken])
      test(`that answers ${at[0]} with ${one[0]}`, () => expectRefused(arena, one, at));
    for (const one of slow)
      test.concurrent(`that answers ${at[0]} with ${one[0]}`, () => expectRefused(arena, one, at, 2_000));
  }

  test('that speaks HTTP/1.0 is understood', async () => {
    const old = (right: Answer): Answer => ({
      ...right,
      head: headOf(right, 'Server: old', '1.0'),
      end: 'cut',
    });
    const host = await arena.host(made.script({ discover: old, refs: old, fetch: old }));
    const git = arena.git(host.url());
    for (const [, work, right] of asking) expect(await work(git)).toEqual(right);
  });

  test('whose answer never ends is left when it is too long', async () => {
    const host = await arena.host(
      made.script({
        discover: (right) => ({
          ...right,
          body: withoutEnd(
            bodyOf(right).subarray(0, -4),
            Buffer.alloc(65_516, '0015agent=sallyport/1\n'.slice(0, 21)),
          ),
        }),
      }),
    );
    const failure = await arena.refusal((git) => git.head('main'), host.url(), {
      deadlineMs: 5_000,
      limits: { answerBytes: 1_000_000 },
    });
    expect(['GIT_ANSWER_INVALID', 'GIT_LIMIT_EXCEEDED', 'GIT_TIMEOUT']).toContain(failure.code);
  });

  test('is left alone when the work is over: no connection stays in use', async () => {
    const host = await arena.host(
      made.script({ fetch: (right) => ({ ...right, bytesMax: 300, end: 'stall' }) }),
    );
    await arena.refusal((git) => git.list(head, ''), host.url(), { deadlineMs: 1_000 });
    while (host.connections > 1) await delay(10);
    expect(host.asked.length).toBeLessThanOrEqual(4);
  });
});
