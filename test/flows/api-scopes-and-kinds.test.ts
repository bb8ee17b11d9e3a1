// Scopes from their making to their end, and the kinds of an account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { DocumentedApi } from '../support/documented-api.js';
import { runCommand } from '../support/processes.js';
import { fileAt } from '../support/repository.js';
import { Stack } from '../support/stack.js';

/** Nobody ever listens on this port: connections are refused. */
const NOWHERE = 'http://127.0.0.1:1/x.git';

let stack: Stack;
let api: DocumentedApi;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  api = await DocumentedApi.open(stack.api);
});
afterAll(() => stack.stop());

const ORG = 'accounts/demo/orgs/acme';
const PROJECT = `${ORG}/projects/web`;
const into = { connector: 'direct', branch: 'main' };

describe('an account', () => {
  it('goes with its kinds, tokens and record of operations: who makes it again finds nothing of it', async () => {
    const token = async (): Promise<Api> => {
      const env = { DATABASE_URL: stack.databaseUrl };
      const { stdout } = await runCommand('src/token.js', ['--account', 'passing'], { env });
      return new Api(stack.api.url, stdout.trim());
    };
    const first = await token();
    await first.ok('PUT', 'accounts/passing/kinds/note', { schema: {}, pathTemplate: '{id}.yaml' });
    await first.ok('PUT', 'accounts/passing/connectors/here', {
      url: stack.repositoryUrl,
      connectivity: 'manager',
    });
    const git = { connector: 'here', branch: 'main' };
    const save = { yaml: 'a: 1\n', git };
    const refused = await first.request('PUT', 'accounts/passing/entities/note/one', save);
    expect(refused.body.code).toBe('GIT_AUTH_REJECTED');
    await first.ok('DELETE', 'accounts/passing/connectors/here');
    await first.ok('DELETE', 'accounts/passing');
    expect((await first.request('GET', 'accounts/passing')).status).toBe(401);
    const second = await token();
    expect(await second.ok('GET', 'accounts/passing/operations')).toEqual({
      operations: [],
      nextCursor: null,
    });
    expect((await second.request('GET', 'accounts/passing/kinds/note')).status).toBe(404);
  });
});

describe('a scope', () => {
  it('needs its parent', async () => {
    const answer = await api.request('PUT', 'accounts/demo/orgs/none/projects/web', {});
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({
      code: 'SCOPE_NOT_FOUND',
      detail: expect.stringContaining('accounts/demo/orgs/none'),
      hint: 'Create it with PUT /api/v1/accounts/demo/orgs/none',
    });
  });

  it('is made by a PUT, with or without a body, and renamed by the next', async () => {
    const made = await api.request('PUT', ORG);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ scope: ORG, displayName: 'acme' });
    const renamed = await api.request('PUT', ORG, { displayName: 'Ācme & Söhne 🏰 <b>' });
    expect(renamed.status).toBe(200);
    expect(await api.ok('GET', ORG)).toEqual({ ...made.body, displayName: 'Ācme & Söhne 🏰 <b>' });
  });

  it.each([
    ['an empty name', { displayName: '' }],
    ['a name with a line end', { displayName: 'a\nb' }],
    ['a name with what a terminal obeys', { displayName: '\u001b[2J' }],
    ['half a surrogate pair', { displayName: '\ud800' }],
    ['a name that is too long', { displayName: 'x'.repeat(257) }],
    ['a name that is no text', { displayName: 1 }],
    ['a field it does not have', { name: 'x' }],
    ['a field that is only read', { createdAt: '2026-01-01T00:00:00.000Z' }],
    ['a list', []],
    ['null', null],
  ])('refuses %s', async (_, body) => {
    const before = await api.ok('GET', ORG);
    const answer = await api.request('PUT', ORG, body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('REQUEST_INVALID');
    expect(await api.ok('GET', ORG)).toEqual(before);
  });

  it('is not deleted while it holds a scope, a secret, a connector or an entity', async () => {
    await api.ok('PUT', PROJECT, {});
    await api.ok('PUT', `${PROJECT}/secrets/one`, { manager: 'builtin', value: 'x' });
    await api.ok('PUT', `${PROJECT}/connectors/one`, { url: stack.repositoryUrl, connectivity: 'manager' });
    await api.ok('PUT', `${PROJECT}/entities/pipeline/one`, { yaml: 'name: one\n', git: into });
    expect((await api.request('DELETE', ORG)).body.code).toBe('STILL_IN_USE');
    for (const rest of ['secrets/one', 'connectors/one', 'entities/pipeline/one']) {
      const answer = await api.request('DELETE', PROJECT);
      expect(answer.status).toBe(409);
      expect(answer.body.code).toBe('STILL_IN_USE');
      await api.ok('DELETE', `${PROJECT}/${rest}`);
    }
    expect((await api.request('DELETE', PROJECT)).status).toBe(204);
    expect((await api.request('DELETE', ORG)).status).toBe(204);
  });

  it('is gone when it is deleted, and what was in it cannot be reached', async () => {
    expect((await api.request('GET', ORG)).body.code).toBe('SCOPE_NOT_FOUND');
    expect((await api.request('DELETE', ORG)).body.code).toBe('SCOPE_NOT_FOUND');
    const secret = await api.request('PUT', `${ORG}/secrets/x`, { manager: 'builtin', value: 'x' });
    expect(secret.body.code).toBe('SCOPE_NOT_FOUND');
    const url = 'https://git.example.org/x.git';
    const connector = await api.request('PUT', `${ORG}/connectors/x`, { url, connectivity: 'manager' });
    expect(connector.body.code).toBe('SCOPE_NOT_FOUND');
    const entity = await api.request('PUT', `${ORG}/entities/pipeline/x`, { yaml: 'name: x\n', git: into });
    expect(entity.body.code).toBe('SCOPE_NOT_FOUND');
  });

  it('can be made again, and is empty', async () => {
    expect((await api.request('PUT', ORG, {})).status).toBe(201);
    expect((await api.request('PUT', PROJECT, {})).status).toBe(201);
    expect((await api.ok('GET', `${PROJECT}/entities`)).entities).toEqual([]);
    const saved = await api.request('PUT', `${PROJECT}/entities/pipeline/one`, {
      yaml: 'name: again\n',
      git: into,
    });
    expect(saved.status).toBe(201);
    expect(fileAt(stack.repository, 'acme/web/pipelines/one.yaml')).toBe('name: again\n');
  });

  it('is not deleted while an operation of it waits', async () => {
    const scope = 'accounts/demo/orgs/waiting';
    await api.ok('PUT', scope, {});
    await api.ok('PUT', 'accounts/demo/connectors/nowhere', { url: NOWHERE, connectivity: 'manager' });
    const git = { connector: 'nowhere', branch: 'main' };
    const waiting = await api.request(
      'PUT',
      `${scope}/entities/pipeline/x`,
      { yaml: 'name: x\n', git },
      {
        prefer: 'wait=0',
      },
    );
    expect(waiting.status).toBe(202);
    for (const address of [scope, 'accounts/demo/connectors/nowhere']) {
      const answer = await api.request('DELETE', address);
      expect(answer.body).toMatchObject({
        code: 'STILL_IN_USE',
        detail: expect.stringContaining(`unfinished operation ${waiting.body.id}`),
      });
    }
  });

  it.each(['constructor', '__proto__', 'toString', 'a$-_9', 'x'.repeat(128)])(
    'may be called %s',
    async (name) => {
      const scope = `accounts/demo/orgs/${name}`;
      expect((await api.request('PUT', scope, {})).body).toMatchObject({ scope, displayName: name });
      expect((await api.request('GET', scope)).status).toBe(200);
      expect((await api.request('DELETE', scope)).status).toBe(204);
    },
  );

  it.each(['1a', '-a', 'a.b', 'a%20b', '%C3%A9', 'a%2Fb', 'a%00', '%2e%2e%2fx', 'x'.repeat(129)])(
    'may not be called %s',
    async (name) => {
      const answer = await api.request('PUT', `accounts/demo/orgs/${name}`, {});
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        code: 'REQUEST_INVALID',
        detail: expect.stringContaining('org: is not an identifier'),
      });
    },
  );
});

describe('a kind', () => {
  const put = (id: string, schema: unknown, pathTemplate: unknown = 'things/{id}.yaml') =>
    api.request('PUT', `accounts/demo/kinds/${id}`, { schema, pathTemplate });
  const save = (kind: string, id: string, yaml: string) =>
    api.request('PUT', `accounts/demo/entities/${kind}/${id}`, { yaml, git: into });

  it('is answered as it was put', async () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { size: { enum: [1, 2.5, null, 'ünï'] } },
      properties: { constructor: { $ref: '#/$defs/size' } },
    };
    const made = await put('thing', schema, '{org}/things/{kind}-{id}.yml');
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: 'thing',
      schema,
      pathTemplate: '{org}/things/{kind}-{id}.yml',
      identity: null,
      revision: expect.any(String),
    });
    expect(await api.ok('GET', 'accounts/demo/kinds/thing')).toEqual(made.body);
  });

  it('puts its entities where its template says', async () => {
    const saved = await save('thing', 'one', 'constructor: 2.5\n');
    expect(saved.body.git.path).toBe('things/thing-one.yml');
    const refused = await save('thing', 'two', '# first\nconstructor: 3\n');
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      code: 'ENTITY_INVALID',
      detail: expect.stringContaining('line 2, column 14: /constructor'),
    });
  });

  it('that is replaced counts from the next save on, and not before', async () => {
    const first = await put('growing', { required: ['a'] });
    expect((await save('growing', 'one', 'a: 1\n')).status).toBe(201);
    expect((await save('growing', 'one', 'b: 1\n')).status).toBe(422);
    const second = await put('growing', { required: ['b'] });
    expect(second.status).toBe(200);
    expect(second.body.revision).not.toBe(first.body.revision);
    expect((await api.ok('GET', 'accounts/demo/entities/growing/one')).yaml).toBe('a: 1\n');
    expect((await save('growing', 'one', 'a: 2\n')).status).toBe(422);
    expect((await save('growing', 'one', 'b: 1\n')).status).toBe(200);
  });

  it('that is replaced with another template leaves its entities where they are', async () => {
    await put('moving', {}, 'old/{id}.yaml');
    await save('moving', 'one', 'a: 1\n');
    await put('moving', {}, 'new/{id}.yaml');
    expect((await save('moving', 'one', 'a: 2\n')).body.git.path).toBe('old/one.yaml');
    expect((await save('moving', 'two', 'a: 1\n')).body.git.path).toBe('new/two.yaml');
  });

  const deep = (levels: number): unknown => JSON.parse('{"not":'.repeat(levels) + '{}' + '}'.repeat(levels));

  it.each<[string, unknown, number, string]>([
    ['of an unknown type', { type: 'objekt' }, 422, 'KIND_INVALID'],
    ['with a pattern that is none', { pattern: '(' }, 422, 'KIND_INVALID'],
    ['that refers to nothing', { $ref: '#/$defs/none' }, 422, 'KIND_INVALID'],
    ['that refers to another host', { $ref: 'http://169.254.169.254/latest' }, 422, 'KIND_INVALID'],
    ['that refers to a file', { $ref: 'file:///etc/passwd' }, 422, 'KIND_INVALID'],
    ['that is asynchronous', { $async: true }, 422, 'KIND_INVALID'],
    ['that is too long', { description: 'x'.repeat(262_144) }, 422, 'KIND_INVALID'],
    ['with a NUL', { description: 'a\u0000b' }, 400, 'REQUEST_INVALID'],
    ['with a NUL in a name', { properties: { 'a\u0000': {} } }, 400, 'REQUEST_INVALID'],
    ['with half a surrogate pair', { description: '\ud800' }, 400, 'REQUEST_INVALID'],
    ['that is nested too deeply', deep(300), 400, 'REQUEST_INVALID'],
    ['that is no object', true, 400, 'REQUEST_INVALID'],
    ['that is a list', [], 400, 'REQUEST_INVALID'],
    ['that is missing', undefined, 400, 'REQUEST_INVALID'],
  ])('with a schema %s is refused and leaves nothing', async (_, schema, status, code) => {
    const answer = await put('refused', schema);
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body.code).toBe(code);
    expect((await api.request('GET', 'accounts/demo/kinds/refused')).status).toBe(404);
  });

  it('with a number that no double holds is refused rather than changed', async () => {
    const body = '{"pathTemplate":"{id}.yaml","schema":{"maximum":1e999}}';
    const answer = await api.request('PUT', 'accounts/demo/kinds/refused', body, {
      'content-type': 'application/json',
    });
    expect(answer.body.code).toBe('REQUEST_INVALID');
  });

  it('with a schema as deep as documents may be is taken', async () => {
    expect((await put('deep', deep(200))).status).toBe(201);
    expect((await save('deep', 'deep', 'a: 1\n')).status).toBe(201);
  });

  it.each([
    ['', 'does not hold {id}'],
    ['things.yaml', 'does not hold {id}'],
    ['{id}.txt', 'does not end in .yaml or .yml'],
    ['{id}', 'does not end in .yaml or .yml'],
    ['../{id}.yaml', 'has a component . or ..'],
    ['/{id}.yaml', 'begins or ends with /'],
    ['.git/{id}.yaml', 'could take for .git'],
    ['{name}/{id}.yaml', 'holds {name}'],
    ['{id}/{}.yaml', 'a brace that is no placeholder'],
    ['a\\{id}.yaml', 'holds a backslash'],
    ['a\u0000{id}.yaml', 'holds a control character'],
    [`${'a/'.repeat(600)}{id}.yaml`, 'is longer than 1024 characters'],
    [1, 'expected string'],
  ])('with the path template %j is refused', async (pathTemplate, rule) => {
    const answer = await put('refused', {}, pathTemplate);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringContaining(`pathTemplate: `),
    });
    expect(answer.body.detail).toContain(rule);
  });

  it('whose template makes a path of names that is not allowed refuses the save, not the kind', async () => {
    await put('device', {}, '{id}/x.yaml');
    const refused = await save('device', 'con', 'a: 1\n');
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: 'INPUT_REFUSED', detail: expect.stringContaining('device') });
  });

  it('whose pattern never ends does not hold up the others', async () => {
    await put('slow', { properties: { a: { pattern: '^(x+x+)+y$' } } });
    const [slow, quick] = await Promise.all([
      save('slow', 'one', `a: ${'x'.repeat(60)}\n`),
      save('thing', 'quick', 'constructor: 1\n'),
    ]);
    expect(slow.status).toBe(422);
    expect(slow.body).toMatchObject({ code: 'YAML_REFUSED', detail: expect.stringContaining('too long') });
    expect(quick.status).toBe(201);
  });

  it('belongs to the account: organisations use it and have none of their own', async () => {
    expect((await api.request('PUT', 'accounts/demo/orgs/acme/kinds/x', {})).body.code).toBe(
      'ROUTE_NOT_FOUND',
    );
    expect((await api.request('GET', 'accounts/demo/kinds/none')).body).toMatchObject({
      code: 'NOT_FOUND',
      detail: 'There is no kind none in this scope',
    });
    const none = await save('none', 'one', 'a: 1\n');
    expect(none.body).toMatchObject({ code: 'NOT_FOUND', detail: 'There is no kind none in this scope' });
  });
});
