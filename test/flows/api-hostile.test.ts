// Bodies without end, what is no request at all, and whatever else chance comes up with: refused, and nobody else notices.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import { requestHead, sendRaw } from '../support/raw-http.js';
import { refusalsOf, tracesIn } from '../support/refusals.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: DocumentedApi;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  api = await DocumentedApi.open(stack.api);
});
afterAll(() => stack.stop());

const expectRefused = refusalsOf(() => stack);
const ENTITY = 'accounts/demo/entities/pipeline/x';
const QUERY = 'connector=direct&branch=main';
const json = { 'content-type': 'application/json' };

const head_ = (method: string, address: string, headers?: Record<string, string>): string =>
  requestHead(stack.token, method, address, headers);

const save =
  (body: unknown, headers = {}) =>
  () =>
    api.request('PUT', ENTITY, body, headers);

describe('bodies', () => {
  const MAX = 6 * 1024 * 1024 + 64 * 1024;

  it('that say that they are too large are not read', async () => {
    const large = head_('PUT', ENTITY, { 'Content-Length': String(MAX + 1), Connection: 'close' });
    const answer = await sendRaw(stack.api.url, [large]);
    expect(answer).toMatchObject({ status: 413, contentType: expect.stringContaining('problem+json') });
    expect(JSON.parse(answer.body).code).toBe('BODY_TOO_LARGE');
  });

  it('that do not say it are cut off where they become too large', async () => {
    const before = await tracesIn(stack);
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    const chunked = head_('PUT', ENTITY, { 'Transfer-Encoding': 'chunked', Connection: 'close' });
    const answer = await sendRaw(stack.api.url, [chunked, ...Array(8).fill(chunk)]);
    // What is still under way may cut off the answer too.
    expect([0, 413]).toContain(answer.status);
    expect(await tracesIn(stack)).toEqual(before);
  });

  it('as large as they may be are read, and judged by what they hold', async () => {
    await expectRefused(save(`{"file":"${'x'.repeat(MAX - 11)}"}`, json), 400, 'REQUEST_INVALID', 'yaml: ');
  });

  it('in a coding that nobody asked for are not JSON', async () => {
    const send = () => api.request('PUT', ENTITY, '{}', { ...json, 'content-encoding': 'gzip' });
    await expectRefused(send, 400, 'REQUEST_INVALID');
  });

  it('are not waited for where none is expected to end', async () => {
    const answer = await sendRaw(stack.api.url, [
      head_('PUT', ENTITY, { 'Content-Length': '10', 'Transfer-Encoding': 'chunked' }),
      '0\r\n\r\n',
    ]);
    expect(answer).toMatchObject({ status: 400, contentType: expect.stringContaining('problem+json') });
  });
});

describe('what is no request', () => {
  it.each<[string, string]>([
    ['garbage', '\u0000\u0001\u0002 garbage\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
    ['a method that is none', 'FETCH /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a header without a name', 'GET /api/v1/health HTTP/1.1\r\n: x\r\n\r\n'],
    ['a header over two lines', 'GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nC\r\n\r\n'],
    [
      'two lengths',
      'PUT /api/v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ],
    ['a length that is none', 'PUT /api/v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nx'],
  ])('%s is answered with a problem, and the connection is closed', async (_, text) => {
    const answer = await sendRaw(stack.api.url, [Buffer.from(text, 'latin1')]);
    expect(answer.status).toBe(400);
    expect(answer.contentType).toContain('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
  });

  it('a header of 2 MiB is refused, and nobody else notices', async () => {
    const giant = `GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(2 * 1024 * 1024)}\r\n\r\n`;
    const [answer, ...others] = await Promise.all([
      sendRaw(stack.api.url, [giant]),
      ...Array.from({ length: 20 }, () => api.request('GET', 'accounts/demo')),
    ]);
    // The rest of it is still under way when it is refused, which may cut off the answer.
    expect([0, 400]).toContain(answer?.status);
    expect(others.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it.each([['a header just too long', { 'x-long': 'x'.repeat(17_000) }, 'longer than 16384 bytes']])(
    '%s is refused with the limit',
    async (_, headers, detail) => {
      await expectRefused(
        () => api.request('GET', 'accounts/demo', undefined, headers),
        400,
        'REQUEST_INVALID',
        detail,
      );
    },
  );

  it.each([
    ['an address just too long', `accounts/demo?${'x'.repeat(17_000)}`, 'longer than 16384 bytes'],
    ['an address that is no UTF-8', 'accounts/%ff', 'percent-encoding'],
    ['an address in a broken encoding', 'accounts/%zz', 'percent-encoding'],
    ['a part of an address that is too long', `accounts/${'x'.repeat(600)}`, 'too long'],
  ])('%s is refused with the limit', async (_, address, detail) => {
    await expectRefused(() => api.request('GET', address), 400, 'REQUEST_INVALID', detail);
  });

  it.each(['GET', 'POST', 'PATCH', 'OPTIONS', 'TRACE'])(
    '%s of what there is not is not found',
    async (method) => {
      const answer = await sendRaw(stack.api.url, [
        head_(method, 'accounts/demo/nothing', { Connection: 'close', 'Content-Length': '0' }),
      ]);
      expect(answer).toMatchObject({ status: 404, contentType: expect.stringContaining('problem+json') });
      expect(JSON.parse(answer.body)).toMatchObject({
        code: 'ROUTE_NOT_FOUND',
        hint: expect.stringContaining('openapi'),
      });
    },
  );
});

describe('whatever is sent', () => {
  const { token, url } = { token: () => stack.token, url: () => stack.api.url };
  const segment = fc.oneof(
    fc.constantFrom(
      'accounts',
      'demo',
      'orgs',
      'projects',
      'entities',
      'pipeline',
      'connectors',
      'direct',
      'secrets',
    ),
    fc.constantFrom(
      'operations',
      'kinds',
      'check',
      '__proto__',
      'constructor',
      '..',
      '%2e%2e',
      '%00',
      '%ff',
      '%',
    ),
    fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map(encodeURIComponent.bind(null) as (text: string) => string),
  );
  const known = fc.constantFrom(
    'accounts/demo/entities/pipeline/fuzzed',
    'accounts/demo/kinds/fuzzed',
    'accounts/demo/secrets/fuzzed',
    'accounts/demo/connectors/fuzzed',
    'accounts/demo/orgs/fuzzed',
    'accounts/demo/entities',
    'accounts/demo/operations',
  );
  const address = fc.oneof(
    known,
    fc.array(segment, { maxLength: 8 }).map((parts) => parts.join('/')),
  );
  const query = fc.oneof(
    fc.constant(''),
    fc.constantFrom(`?${QUERY}`, '?limit=1&cursor=MQ', '?branch=main&branch=main', '?__proto__[x]=1'),
    fc.webQueryParameters().map((text) => `?${text}`),
  );
  const bodyLike = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc
      .record({ yaml: fc.string({ unit: 'binary' }), git: fc.object({ maxDepth: 1 }) })
      .map((one) => JSON.stringify(one)),
    fc
      .record({ schema: fc.object(), pathTemplate: fc.constant('fuzzed/{id}.yaml') })
      .map((one) => JSON.stringify(one)),
    fc
      .record({ manager: fc.constantFrom('builtin', 'keyring'), value: fc.string({ unit: 'binary' }) })
      .map((one) => JSON.stringify(one)),
    fc
      .record({ url: fc.webUrl(), connectivity: fc.constantFrom('manager', 'delegate') })
      .map((one) => JSON.stringify(one)),
    fc.record({ displayName: fc.string({ unit: 'binary' }) }).map((one) => JSON.stringify(one)),
    fc.string({ unit: 'binary' }),
  );
  const headerValue = fc.string({
    unit: fc.constantFrom(...'"*abc0,;= \t/~\u00e9'.split('')),
    maxLength: 60,
  });
  const headers = fc.record(
    {
      'content-type': fc.oneof(fc.constantFrom('application/json', 'application/yaml'), headerValue),
      'if-match': headerValue,
      'if-none-match': headerValue,
      'idempotency-key': headerValue,
      prefer: fc.oneof(fc.constant('wait=0'), headerValue),
    },
    { requiredKeys: ['content-type'] },
  );

  it('is never a fault of Sallyport’s own', async () => {
    const method = fc.constantFrom('GET', 'PUT', 'PUT', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH');
    await fc.assert(
      fc.asyncProperty(method, address, query, bodyLike, headers, async (verb, place, search, body, more) => {
        const bodiless = verb === 'GET' || verb === 'HEAD';
        const response = await fetch(`${url()}/api/v1/${place}${search}`, {
          method: verb,
          headers: { ...more, prefer: more.prefer ?? 'wait=0', authorization: `Bearer ${token()}` },
          ...(bodiless ? {} : { body }),
        });
        const text = await response.text();
        expect(response.status, `${verb} ${place}${search}: ${text}`).toBeLessThan(500);
        if (response.status < 400 || verb === 'HEAD') return;
        expect(JSON.parse(text)).toMatchObject({ code: expect.any(String), status: response.status });
      }),
      { numRuns: 1000 },
    );
  });
});

it('nothing of this was a fault of Sallyport’s own', () => {
  expect(stack.logs()).not.toContain('unexpected fault');
});
