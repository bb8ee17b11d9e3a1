// What a save may not be: one example at least of every rule of the input policy, refused at the door without a trace.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import { refusalsOf } from '../support/refusals.js';
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

const save =
  (body: unknown, headers = {}) =>
  () =>
    api.request('PUT', ENTITY, body, headers);
const bare =
  (query: string, yaml: string | Buffer = 'name: x\n', headers = {}) =>
  () =>
    api.request('PUT', `${ENTITY}?${query}`, yaml, headers);
const git = (fields: object) => save({ yaml: 'name: x\n', git: { ...into, ...fields } });

describe('identifiers', () => {
  const bad = [
    'a.b',
    '1a',
    '-a',
    'a%20b',
    '%C3%A9',
    'a%2Fb',
    'a%00b',
    '%2E%2Ex',
    'a%0d%0ab',
    'x'.repeat(129),
  ];

  it.each(bad)('of an entity may not be %s', async (id) => {
    const send = () =>
      api.request('PUT', `accounts/demo/entities/pipeline/${id}`, { yaml: 'a: 1', git: into });
    await expectRefused(send, 400, 'REQUEST_INVALID', 'id: is not an identifier');
  });

  it.each(bad)('of a kind may not be %s', async (kind) => {
    const send = () => api.request('PUT', `accounts/demo/entities/${kind}/x`, { yaml: 'a: 1', git: into });
    await expectRefused(send, 400, 'REQUEST_INVALID', 'kind: is not an identifier');
  });

  it.each(['', 'a b', '../x', 'é', 'x'.repeat(129)])('of a connector may not be %j', async (connector) => {
    await expectRefused(git({ connector }), 400, 'REQUEST_INVALID', 'git.connector: is not an identifier');
    await expectRefused(
      bare(`branch=main&connector=${encodeURIComponent(connector)}`),
      400,
      'REQUEST_INVALID',
    );
  });

  it.each(['constructor', '__proto__', 'hasOwnProperty', '_', 'A$-9'])('may be %s', async (id) => {
    const saved = await api.save(id, 'name: x\n', into);
    expect(saved.status, saved.text).toBe(201);
    expect(saved.body).toMatchObject({ id, git: { path: `pipelines/${id}.yaml` } });
    expect((await api.request('DELETE', `accounts/demo/entities/pipeline/${id}`)).status).toBe(200);
  });

  it.each([
    ['a scope', 'accounts/demo/orgs/none/entities/pipeline/x', 'SCOPE_NOT_FOUND'],
    ['a kind', 'accounts/demo/entities/none/x', 'NOT_FOUND'],
  ])('that name %s which is not there are not found', async (_, address, code) => {
    const send = () => api.request('PUT', address, { yaml: 'name: x\n', git: into });
    await expectRefused(send, 404, code, 'none');
  });

  it('that name a connector which is not there are not found', async () => {
    await expectRefused(git({ connector: 'none' }), 404, 'NOT_FOUND', 'connector none');
  });
});

describe('paths', () => {
  it.each([
    ['', 'does not have 1 to 1024 bytes'],
    ['../x.yaml', '. or ..'],
    ['a/../../x.yaml', '. or ..'],
    ['./x.yaml', '. or ..'],
    ['/etc/x.yaml', 'begins or ends with /'],
    ['a//x.yaml', 'holds //'],
    ['.git/x.yaml', 'could take for .git'],
    ['a/.GiT/x.yaml', 'could take for .git'],
    ['git~1/x.yaml', 'could take for .git'],
    ['.g\u200cit/x.yaml', 'could take for .git'],
    ['a\\x.yaml', 'holds a backslash'],
    ['a\u0000.yaml', 'holds a control character'],
    ['a\n.yaml', 'holds a control character'],
    ['x.txt', 'does not end in .yaml or .yml'],
    ['x.yaml/', 'does not end in .yaml or .yml'],
    ['con.yaml', 'takes for a device'],
    ['a:b.yaml', 'with a colon'],
    ['a./x.yaml', 'ends in a dot or a space'],
    [`${'x'.repeat(252)}.yaml`, 'more than 255 bytes'],
    [`${'x/'.repeat(510)}x.yaml`, 'does not have 1 to 1024 bytes'],
  ])('may not be %j', async (file, rule) => {
    await expectRefused(git({ path: file }), 400, 'REQUEST_INVALID', `git.path: `);
    await expectRefused(git({ path: file }), 400, 'REQUEST_INVALID', rule);
    await expectRefused(bare(`${QUERY}&path=${encodeURIComponent(file)}`), 400, 'REQUEST_INVALID', rule);
  });

  it('are kept as they are given', async () => {
    const file = 'Ünï/e\u0301 – 日本/🏰 x.y.yml';
    const saved = await git({ path: file })();
    expect(saved.status, saved.text).toBe(201);
    expect(saved.body.git.path).toBe(file);
    expect((await api.ok('GET', ENTITY)).git.path).toBe(file);
    expect((await api.request('DELETE', ENTITY)).status).toBe(200);
  });
});

describe('branches', () => {
  const bad = [
    '',
    'HEAD',
    '@',
    'a..b',
    '-x',
    'x.lock',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a@{1}',
    '/a',
    'a/',
    'a\u0007',
    'é'.repeat(126),
  ];
  it.each([...bad, '0'.repeat(40)])('may not be %j', async (branch) => {
    await expectRefused(git({ branch }), 400, 'REQUEST_INVALID', 'git.branch: ');
    await expectRefused(git({ newBranchFrom: branch }), 400, 'REQUEST_INVALID', 'git.newBranchFrom: ');
    await expectRefused(
      bare(`connector=direct&branch=${encodeURIComponent(branch)}`),
      400,
      'REQUEST_INVALID',
      'branch: ',
    );
    const read = await api.request('GET', `${ENTITY}?branch=${encodeURIComponent(branch)}`);
    expect(read.status).toBe(400);
  });
});

describe('messages and authors', () => {
  it.each([
    ['', 'does not have 1 byte to 64 KiB'],
    [' \n\t ', 'does not have 1 byte to 64 KiB'],
    ['x'.repeat(65_537), 'does not have 1 byte to 64 KiB'],
    ['a\u001b[2Jb', 'holds a control character'],
    ['a\u0000b', 'holds a control character'],
    ['a\u009b31mb', 'holds a control character'],
    ['\ud800', 'holds half a surrogate pair'],
  ])('a message may not be %j', async (message, rule) => {
    await expectRefused(git({ message }), 400, 'REQUEST_INVALID', `git.message: ${rule}`);
  });

  it('nor in a query', async () => {
    await expectRefused(
      bare(`${QUERY}&message=a%1b%5b2J`),
      400,
      'REQUEST_INVALID',
      'message: holds a control character',
    );
  });

  it.each([
    [{ name: '', email: 'a@b' }, 'git.author.name: '],
    [{ name: 'Ada <ada@b>', email: 'a@b' }, 'git.author.name: holds < >'],
    [{ name: 'Ada\ncommitter Eve', email: 'a@b' }, 'git.author.name: '],
    [{ name: 'Ada', email: 'a@b\u0000' }, 'git.author.email: '],
    [{ name: 'Ada', email: 'x'.repeat(1_025) }, 'git.author.email: '],
    [{ name: 'Ada' }, 'git.author.email: '],
    [{ name: 'Ada', email: 'a@b', date: '2000-01-01' }, 'git.author: Unrecognized key'],
  ])('an author may not be %j', async (author, detail) => {
    await expectRefused(git({ author }), 400, 'REQUEST_INVALID', detail);
  });

  it('an author’s name goes with an e-mail address in a query too', async () => {
    await expectRefused(
      bare(`${QUERY}&authorName=Ada`),
      400,
      'REQUEST_INVALID',
      'authorName and authorEmail go together',
    );
  });
});

describe('documents', () => {
  it.each<[string, string | Buffer, string]>([
    ['that are empty', '', 'Line 1, column 1: '],
    ['that are no mapping', '# x\n- a\n', 'Line 2, column 1: the root is not a mapping'],
    ['of which there are two', 'a: 1\n---\nb: 2\n', 'Line 2, column 1: it holds several documents'],
    ['with a key twice', 'a: 1\nb:\n  c: 1\n  c: 2\n', 'Line 4, column 3: key "c" stands twice'],
    ['that are not closed', 'a: [1,\n', 'Line 2, column 1: '],
    ['with a tab as indentation', 'a:\n\tb: 1\n', 'Line 2, column 1: '],
    ['with a tag of their own', 'a: 1\nb: !ruby/object:Gem x\n', 'Line 2, column 21: tag !ruby/object:Gem'],
    ['with a NUL', 'a: 1\nb: x\u0000y\n', 'Line 2, column 5: it holds the character U+0000'],
    ['with what a terminal obeys', 'a: \u001b[2J\n', 'Line 1, column 4: it holds the character U+001B'],
    ['with an alias that has no anchor', 'a: 1\nb: *x\n', 'Line 2, column 4: '],
    ['with an alias that contains itself', 'a: &x\n  b: *x\n', 'Line 2, column 6: '],
    [
      'whose aliases grow beyond measure',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\n`,
      'its aliases expand to more than 100 nodes',
    ],
    ['that are nested too deeply', `${'{a: '.repeat(65)}1${'}'.repeat(65)}`, 'nested more than 64 levels'],
    [
      'with too many keys',
      Array.from({ length: 10_001 }, (_, n) => `k${n}: 1\n`).join(''),
      'more than 10000 keys',
    ],
    ['with a key that is a mapping', '? {a: 1}\n: b\n', 'Line 1, column 3: a key is not a plain value'],
  ])('%s are refused, with their line and column', async (_, yaml, detail) => {
    await expectRefused(bare(QUERY, yaml), 422, 'YAML_REFUSED', detail);
    await expectRefused(save({ yaml, git: into }), 422, 'YAML_REFUSED', detail);
  });

  it.each<[string, Buffer]>([
    ['another encoding', Buffer.from('name: ünï\n', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffname: x\n', 'utf16le')],
    ['an overlong form', Buffer.from([0x61, 0x3a, 0x20, 0xc0, 0x80, 0x0a])],
    ['half a surrogate pair', Buffer.from([0x61, 0x3a, 0x20, 0xed, 0xa0, 0x80, 0x0a])],
  ])('in %s are refused', async (_, bytes) => {
    await expectRefused(bare(QUERY, bytes), 422, 'YAML_REFUSED', 'it is not UTF-8');
  });

  it('that do not fit their kind are refused with every place', async () => {
    await expectRefused(
      bare(QUERY, '# x\nname: 1\n'),
      422,
      'ENTITY_INVALID',
      'line 2, column 7: /name must be string',
    );
  });

  it('with half a surrogate pair in JSON are refused', async () => {
    const body = `{"yaml":"name: \\ud800\\n","git":${JSON.stringify(into)}}`;
    await expectRefused(save(body, json), 400, 'REQUEST_INVALID', 'yaml: holds half a surrogate pair');
  });

  it('one byte longer than a mebibyte are refused, not the request', async () => {
    const yaml = `name: ${'x'.repeat(1024 * 1024 - 5)}`;
    await expectRefused(bare(QUERY, yaml), 422, 'YAML_REFUSED', '1048576 bytes');
    await expectRefused(save({ yaml, git: into }), 422, 'YAML_REFUSED', '1048576 bytes');
  });
});

it('nothing of this was a fault of Sallyport’s own', () => {
  expect(stack.logs()).not.toContain('unexpected fault');
});
