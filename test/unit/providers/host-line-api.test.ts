// What one line to a host's API takes of a server that means no good, and of one that is only slow.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { plainNetwork } from '../../../src/git/network.js';
import { Failure } from '../../../src/kernel/failure.js';
import { HostLine, nextLink, pauseBefore } from '../../../src/providers/host-line.js';
import { HostRates } from '../../../src/providers/host-rates.js';
import { failureFrom } from '../support/refusals.js';

const MIB = 1024 * 1024;
const ask = { attempt: 'look', path: '/things' };
let answer: http.RequestListener;
let asked: http.IncomingMessage[] = [];
const servers = [0, 1].map(() =>
  http.createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  }),
);
const originOf = (at: number): string => {
  const address = servers[at]?.address() as AddressInfo | undefined;
  return `http://127.0.0.1:${address?.port}`;
};
beforeAll(async () => {
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const open = (deadlineMs = 5_000, allowPrivate = true): HostLine =>
  new HostLine({
    api: `${originOf(0)}/api`,
    headers: { authorization: 'Bearer secret-token' },
    network: plainNetwork(allowPrivate),
    deadline: {
      signal: AbortSignal.timeout(deadlineMs),
      cancel: undefined,
      totalMs: deadlineMs,
      endsAt: performance.now() + deadlineMs,
    },
    rates: new HostRates(),
    rateKey: 'k',
    refusals: [],
    pauseMs: 1,
  });
const Things = z.array(z.int());
const reply = (body: string | Buffer, headers: http.OutgoingHttpHeaders = {}): void => {
  answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
};

describe('an answer', () => {
  it('may be compressed', async () => {
    reply(gzipSync('[1,2]'), { 'content-encoding': 'gzip' });
    expect(await open().get(Things, ask)).toEqual([1, 2]);
    expect(asked[0]?.headers).toMatchObject({
      'accept-encoding': 'gzip',
      authorization: 'Bearer secret-token',
    });
  });

  it.each([
    ['too large', Buffer.alloc(9 * MIB, ' '), {}],
    ['too large once it is inflated', gzipSync(Buffer.alloc(9 * MIB, ' ')), { 'content-encoding': 'gzip' }],
    ['compressed in another way', '[1]', { 'content-encoding': 'br' }],
    ['damaged', gzipSync('[1,2]').subarray(0, 12), { 'content-encoding': 'gzip' }],
  ])('that is %s is not taken', async (_, body, headers) => {
    reply(body, headers);
    expect(await failureFrom(open().get(Things, ask))).toMatchObject({ code: 'HOST_API_GARBLED' });
  });

  it('that never ends is left at the deadline', async () => {
    answer = (_, response) => void response.writeHead(200).write('[');
    expect(await failureFrom(open(100).get(Things, ask))).toMatchObject({
      code: 'HOST_API_UNREACHABLE',
      data: { reason: 'no answer within 0.1 s', attempt: 'look' },
    });
  });

  it('never changes what objects are', async () => {
    reply('{"__proto__": {"polluted": true}, "id": 1}');
    expect(await open().get(z.object({ id: z.int() }), ask)).toEqual({ id: 1 });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

it('an address that may not be dialled gets nothing', async () => {
  expect(await failureFrom(open(5_000, false).get(Things, ask))).toMatchObject({
    code: 'GIT_ADDRESS_DENIED',
  });
  expect(asked).toEqual([]);
});

it('what changes something is sent once, where its answer is lost', async () => {
  answer = (request) => request.socket.destroy();
  expect(await failureFrom(open().post(Things, ask, { a: 1 }))).toMatchObject({
    code: 'HOST_API_UNREACHABLE',
  });
  expect(asked).toHaveLength(1);
  expect(await failureFrom(open().get(Things, ask))).toMatchObject({ code: 'HOST_API_UNREACHABLE' });
  expect(asked).toHaveLength(4);
});

it('what is not there is deleted', async () => {
  answer = (_, response) => response.writeHead(404).end('{}');
  await expect(open().delete(ask)).resolves.toBeUndefined();
  answer = (_, response) => response.writeHead(403).end('{}');
  expect(await failureFrom(open().delete(ask))).toMatchObject({ code: 'HOST_API_FORBIDDEN' });
});

describe('pages', () => {
  const all = async (line: HostLine): Promise<number[]> => {
    const found: number[] = [];
    const pages = line.pages(Things, { ...ask, query: { size: 2 } }, ({ headers }) => nextLink(headers));
    for await (const page of pages) found.push(...page);
    return found;
  };

  it('are read one after the other', async () => {
    answer = (request, response) => {
      const page = Number(new URL(request.url ?? '', originOf(0)).searchParams.get('page') ?? 1);
      const link = page < 3 ? { link: `</api/things?page=${page + 1}>; rel="next"` } : {};
      response.writeHead(200, link).end(`[${page}]`);
    };
    expect(await all(open())).toEqual([1, 2, 3]);
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/things?size=2',
      '/api/things?page=2',
      '/api/things?page=3',
    ]);
  });

  it.each([
    ['another server', () => `${originOf(1)}/api/things?page=2`],
    ['another place of the server', () => `${originOf(0)}/elsewhere`],
    ['the outside of the API', () => '/api/../elsewhere'],
    ['no address', () => 'http://['],
  ])('at %s are not asked for, and the credential goes nowhere', async (_, link) => {
    answer = (__, response) => response.writeHead(200, { link: `<${link()}>; rel="next"` }).end('[1]');
    expect(await failureFrom(all(open()))).toMatchObject({ code: 'HOST_API_GARBLED' });
    expect(asked).toHaveLength(1);
  });

  it('without an end are left', async () => {
    answer = (_, response) => response.writeHead(200, { link: '</api/things>; rel="next"' }).end('[1]');
    expect(await failureFrom(all(open()))).toMatchObject({ code: 'HOST_API_UNSUPPORTED' });
    expect(asked).toHaveLength(20);
  });
});

it.each([
  ['<https://a/b?page=2>; rel="next"', 'https://a/b?page=2'],
  ['<https://a/1>; rel="prev", <https://a/3>; rel="next", <https://a/9>; rel="last"', 'https://a/3'],
  ['<https://a/3>; title="x"; rel=next', 'https://a/3'],
  ['<https://a/1>; rel="last"', null],
  ['', null],
  ['<'.repeat(8_000), null],
])('the next page of %.60s is %s', (link, next) => {
  expect(nextLink({ link })).toBe(next);
});

describe('before it is asked again', () => {
  const at = { host: 'h', attempt: 'look' };
  const limited = (ms: number) =>
    new Failure('HOST_API_RATE_LIMITED', { ...at, retryAfterMs: ms }) as Failure;
  const fault = new Failure('HOST_API_FAULT', { ...at, status: 502 }) as Failure;
  const slow = new Failure('HOST_API_FAULT', { ...at, status: 503, retryAfterMs: 60_000 }) as Failure;
  const refused = new Failure('HOST_API_REFUSED', { ...at, reason: '' }) as Failure;
  it.each([
    ['a short wait for a read', limited(900), true, 0, true],
    ['a short wait for a change', limited(900), false, 0, true],
    ['a long wait', limited(90_000), true, 0, false],
    ['a fault of a read', fault, true, 1, true],
    ['a fault of a read, thrice', fault, true, 2, false],
    ['a fault of a change', fault, false, 0, false],
    ['a fault that lasts', slow, true, 0, false],
    ['a refusal', refused, true, 0, false],
  ])('%s', (_, failure, isRead, again, isAsked) => {
    expect(pauseBefore(failure, { isRead, again, pauseMs: 1 }) !== null).toBe(isAsked);
  });
});
