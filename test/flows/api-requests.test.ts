// What a request may not be: its JSON, its query, its headers.
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
const into = { connector: 'direct', branch: 'main' };
const json = { 'content-type': 'application/json' };

const head_ = (method: string, address: string, headers?: Record<string, string>): string =>
  requestHead(stack.token, method, address, headers);

const save =
  (body: unknown, headers = {}) =>
  () =>
    api.request('PUT', ENTITY, body, headers);
const bare =
  (query: string, yaml: string | Buffer = 'name: x\n', headers = {}) =>
  () =>
    api.request('PUT', `${ENTITY}?${query}`, yaml, headers);

describe('JSON', () => {
  const whole = JSON.stringify({ yaml: 'name: x\n', git: into });

  it.each([
    ['nothing', '', 'expected object'],
    ['null', 'null', 'expected object'],
    ['a list', '[]', 'expected object'],
    ['a text', JSON.stringify(whole), 'expected object'],
    ['no document', JSON.stringify({ git: into }), 'yaml: '],
    ['no place', JSON.stringify({ yaml: 'name: x\n' }), 'git.connector is required'],
    ['a place that is none', JSON.stringify({ yaml: 'name: x\n', git: null }), 'git: '],
    ['a store that is none', JSON.stringify({ yaml: 'name: x\n', store: 'here' }), 'store: '],
    ['a number for a document', JSON.stringify({ yaml: 1, git: into }), 'yaml: '],
    ['a mapping for a document', JSON.stringify({ yaml: { name: 'x' }, git: into }), 'yaml: '],
    ['a list for a place', JSON.stringify({ yaml: 'a: 1', git: [] }), 'git: '],
    ['a number for a branch', JSON.stringify({ yaml: 'a: 1', git: { ...into, branch: 1 } }), 'git.branch: '],
    [
      'null for what is left out',
      JSON.stringify({ yaml: 'a: 1', git: { ...into, path: null } }),
      'git.path: ',
    ],
    [
      'a text for an author',
      JSON.stringify({ yaml: 'a: 1', git: { ...into, author: 'Ada' } }),
      'git.author: ',
    ],
    ['a field it does not have', `${whole.slice(0, -1)},"force":true}`, 'Unrecognized key: "force"'],
    [
      'a field that is only read',
      `${whole.slice(0, -1)},"operationId":"x"}`,
      'Unrecognized key: "operationId"',
    ],
    [
      'one deeper',
      JSON.stringify({ yaml: 'a: 1', git: { ...into, commitId: 'x' } }),
      'git: Unrecognized key: "commitId"',
    ],
    ['__proto__', `${whole.slice(0, -1)},"__proto__":{"x":1}}`, '__proto__'],
    ['__proto__ in escapes', `${whole.slice(0, -1)},"\\u005f_proto\\u005F_" : {"x":1}}`, '__proto__'],
    ['__proto__ one deeper', `{"yaml":"a: 1","git":{"__proto__":{"branch":"main"}}}`, '__proto__'],
    [
      'constructor',
      `${whole.slice(0, -1)},"constructor":{"prototype":{"x":1}}}`,
      'Unrecognized key: "constructor"',
    ],
    ['prototype', `${whole.slice(0, -1)},"prototype":{}}`, 'Unrecognized key: "prototype"'],
    ['something behind it', `${whole} x`, 'not JSON'],
    ['another one behind it', `${whole}${whole}`, 'not JSON'],
    ['a comma too much', `${whole.slice(0, -1)},}`, 'not JSON'],
    ['a comment', `/* x */${whole}`, 'not JSON'],
    ['single quotes', `{'yaml':'a: 1','git':{}}`, 'not JSON'],
    ['a byte order mark', `\ufeff${whole}`, 'not JSON'],
    ['NaN', `{"yaml":NaN}`, 'not JSON'],
    ['a line end in a text', `{"yaml":"a: 1\n"}`, 'not JSON'],
    ['half of it', whole.slice(0, 20), 'not JSON'],
    ['deep lists', `{"yaml":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'nested more than 256 levels'],
    ['deep objects', '{"a":'.repeat(100_000), 'nested more than 256 levels'],
  ])('with %s is refused', async (_, body, detail) => {
    await expectRefused(save(body, json), 400, 'REQUEST_INVALID', detail);
  });

  it('in another encoding is refused', async () => {
    const send = () => api.request('PUT', ENTITY, Buffer.from(whole, 'utf16le'), json);
    await expectRefused(send, 400, 'REQUEST_INVALID', 'not JSON');
  });

  it('with a name of megabytes is refused in a few words', async () => {
    const body = `{"${'x'.repeat(3_000_000)}":1}`;
    await expectRefused(save(body, json), 400, 'REQUEST_INVALID', 'Unrecognized key');
    const many = JSON.stringify(
      Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key-${n}`, n])),
    );
    await expectRefused(save(many, json), 400, 'REQUEST_INVALID', 'Unrecognized key');
  });

  it('may hold brackets, quotes and __proto__ in its texts', async () => {
    const yaml = `name: ${JSON.stringify(`${'[{"'.repeat(300)} "__proto__": \\`)}\n`;
    const saved = await api.save('brackets', yaml, into);
    expect(saved.status, saved.text).toBe(201);
    expect(saved.body.yaml).toBe(yaml);
  });

  it('of no length is no body, and not missed where none is needed', async () => {
    expect((await api.request('DELETE', 'accounts/demo/orgs/none', '', json)).status).toBe(404);
  });
});

describe('queries', () => {
  it.each([
    ['a parameter twice', `${QUERY}&branch=main`, 'branch: '],
    ['a parameter twice, differently', `${QUERY}&branch=dev`, 'branch: '],
    ['a list', `${QUERY}&path[]=x.yaml`, 'Unrecognized key'],
    ['an object', `${QUERY}&author[name]=x`, 'Unrecognized key'],
    ['an unknown parameter', `${QUERY}&force=true`, 'Unrecognized key: "force"'],
    ['__proto__', `${QUERY}&__proto__=x`, '__proto__'],
    ['constructor', `${QUERY}&constructor=x`, 'Unrecognized key: "constructor"'],
    ['no UTF-8', `${QUERY}&message=%ff`, 'percent-encoding'],
    ['no percent-encoding', `${QUERY}&message=100%`, 'percent-encoding'],
    ['no connector for what is new', 'branch=main', 'git.connector is required'],
    ['no branch for what is new', 'connector=direct', 'git.branch is required'],
    ['an empty branch', 'connector=direct&branch=', 'branch: '],
  ])('with %s are refused', async (_, query, detail) => {
    await expectRefused(bare(query), 400, 'REQUEST_INVALID', detail);
  });

  it('do not go with JSON, where the body says it', async () => {
    const send = () => api.request('PUT', `${ENTITY}?branch=main`, { yaml: 'name: x\n', git: into });
    await expectRefused(send, 400, 'REQUEST_INVALID', 'not the query');
  });

  it.each([
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=1.5',
    'limit=1e2',
    'limit=0x10',
    'limit=',
    'limit=%201',
    'limit=1&limit=1',
  ])('a list takes no %s', async (query) => {
    for (const list of ['entities', 'operations'])
      await expectRefused(
        () => api.request('GET', `accounts/demo/${list}?${query}`),
        400,
        'REQUEST_INVALID',
        'limit: ',
      );
  });

  it.each(['limit=1', 'limit=1000'])('a list takes %s', async (query) => {
    for (const list of ['entities', 'operations'])
      expect((await api.request('GET', `accounts/demo/${list}?${query}`)).status).toBe(200);
  });

  const encode = (text: string): string => Buffer.from(text).toString('base64url');
  it.each([
    '',
    '_',
    'x',
    '%00',
    "'--",
    encode('-1'),
    encode('1e3'),
    encode('0x10'),
    encode(' 1'),
    encode('01'),
    encode('1.5'),
    encode('NaN'),
    encode('9'.repeat(20)),
    `${encode('1')}=`,
    'A'.repeat(33),
  ])('a list takes no cursor %j', async (cursor) => {
    for (const list of ['entities', 'operations'])
      await expectRefused(
        () => api.request('GET', `accounts/demo/${list}?cursor=${cursor}`),
        400,
        'REQUEST_INVALID',
        'cursor: is not a cursor of this list',
      );
  });

  it.each([
    'entities?kind=a.b',
    'entities?branch=HEAD',
    'entities?state=pending',
    'operations?state=done',
    'operations?action=save',
  ])('a list takes no %s', async (list) => {
    await expectRefused(() => api.request('GET', `accounts/demo/${list}`), 400, 'REQUEST_INVALID');
  });
});

describe('headers', () => {
  const blob = '0'.repeat(40);

  it.each([
    ['*', 'exactly one ETag'],
    [blob, 'exactly one ETag'],
    [`W/"${blob}"`, 'exactly one ETag'],
    [`"${blob}", "${blob}"`, 'exactly one ETag'],
    ['"x"', 'exactly one ETag'],
    [`"${blob.slice(1)}"`, 'exactly one ETag'],
    ['""', 'exactly one ETag'],
    ['', 'exactly one ETag'],
  ])('If-Match: %s guards nothing', async (value, detail) => {
    await expectRefused(bare(QUERY, 'name: x\n', { 'if-match': value }), 400, 'PRECONDITION_REFUSED', detail);
    const send = () => api.request('DELETE', ENTITY, undefined, { 'if-match': value });
    await expectRefused(send, 400, 'PRECONDITION_REFUSED', detail);
  });

  it.each([`"${blob}"`, '', '"*"', '*, *'])('If-None-Match: %s is not understood', async (value) => {
    await expectRefused(
      bare(QUERY, 'name: x\n', { 'if-none-match': value }),
      400,
      'PRECONDITION_REFUSED',
      'takes only *',
    );
  });

  it('If-Match and If-None-Match exclude each other', async () => {
    const both = { 'if-match': `"${blob}"`, 'if-none-match': '*' };
    await expectRefused(bare(QUERY, 'name: x\n', both), 400, 'PRECONDITION_REFUSED', 'exclude each other');
  });

  it.each(['', 'a b', 'é', '\t', 'x'.repeat(256), 'a,b c'])('an Idempotency-Key is not %j', async (key) => {
    const headers = { 'idempotency-key': key };
    await expectRefused(bare(QUERY, 'name: x\n', headers), 400, 'REQUEST_INVALID', 'Idempotency-Key: ');
  });

  it('an Idempotency-Key is not sent twice', async () => {
    const before = await tracesIn(stack);
    const answer = await sendRaw(stack.api.url, [
      head_('PUT', `${ENTITY}?${QUERY}`, {
        'Content-Type': 'application/yaml',
        'Content-Length': '8',
        'Idempotency-Key': 'one\r\nIdempotency-Key: two',
        Connection: 'close',
      }),
      'name: x\n',
    ]);
    expect(answer.status).toBe(400);
    expect(await tracesIn(stack)).toEqual(before);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json\tx',
    'application/json x',
    'application/json, application/yaml',
    'application/yaml\tapplication/json',
    'application/vnd.api+json',
    'json',
    '/',
    ';',
    'x'.repeat(8_000),
  ])('a content type of %s is not taken', async (type) => {
    await expectRefused(bare(QUERY, 'name: x\n', { 'content-type': type }), 415, 'MEDIA_TYPE_UNSUPPORTED');
  });

  it.each([
    'APPLICATION/JSON',
    'application/json;charset=utf-8',
    'application/json\t',
    'application/json ; charset="utf-8"',
  ])('a content type of %s is JSON, and read as such', async (type) => {
    await expectRefused(save('{"yaml":1}', { 'content-type': type }), 400, 'REQUEST_INVALID', 'yaml: ');
  });

  it.each(['application/yaml', 'application/yaml; charset=utf-8', 'text/yaml', 'application/x-yaml'])(
    'a content type of %s is a bare file, and taken for an entity alone',
    async (type) => {
      const headers = { 'content-type': type };
      await expectRefused(bare(QUERY, '- x\n', headers), 422, 'YAML_REFUSED');
      for (const address of ['orgs/o', 'secrets/x?/entities/pipeline/x', 'connectors/entities', 'kinds/x'])
        await expectRefused(
          () => api.request('PUT', `accounts/demo/${address}`, 'name: x\n', headers),
          415,
          'MEDIA_TYPE_UNSUPPORTED',
        );
    },
  );
});

it('nothing of this was a fault of Sallyport’s own', () => {
  expect(stack.logs()).not.toContain('unexpected fault');
});
