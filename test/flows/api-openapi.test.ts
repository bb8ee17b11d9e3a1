// The API's own description: sound, complete, and true of every route's real answers.

import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actions } from '../../src/api/actions.js';
import { accessCalls } from '../support/access-routes.js';
import { accountRoutes, agreedRoutes, freeRoutes } from '../support/agreed-routes.js';
import { compareWithAudit } from '../support/audited-calls.js';
import { cancelOf } from '../support/cancel-routes.js';
import { ApiDocument, DocumentedApi, type Route } from '../support/documented-api.js';
import { eventRoutes } from '../support/event-routes.js';
import { IdentityProvider } from '../support/identity-provider.js';
import { askOfMoves } from '../support/move-routes.js';
import { runCommand } from '../support/processes.js';
import { askOfPulls } from '../support/pull-routes.js';
import {
  delegateCalls,
  importCalls,
  managerCalls,
  type RouteCall,
  scopeCalls,
  secretOperationCalls,
  trackingCalls,
} from '../support/route-calls.js';
import { enrolmentRequest } from '../support/seals.js';
import { Stack } from '../support/stack.js';
import { askOfWebhooks } from '../support/webhook-routes.js';

const provider = new IdentityProvider();
let stack: Stack;
let api: DocumentedApi;
let document: ApiDocument;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    settings: {
      SALLYPORT_PUBLIC_URL: 'https://sallyport.example',
      SALLYPORT_IDENTITY_ALLOW_HTTP: 'true',
      SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'true',
    },
  });
  await provider.start(['https://sallyport.example/api/v1/sign-in-callback']);
  const env = { DATABASE_URL: stack.databaseUrl };
  const { stdout } = await runCommand('src/token.js', ['--account', 'demo', '--name', 'documented'], { env });
  api = (await DocumentedApi.open(stack.api)).with(stdout.trim());
  ({ document } = api);
});
afterAll(async () => {
  await stack?.stop();
  await provider.stop();
});

const SCOPES = [
  '/accounts/{account}',
  '/accounts/{account}/orgs/{org}',
  '/accounts/{account}/orgs/{org}/projects/{project}',
];

const isChange = ({ method, path }: Route): boolean => method !== 'GET' && path.endsWith('/{kind}/{id}');

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document.json.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate(structuredClone(document.json))).toMatchObject({ valid: true });
  });

  it('has exactly the agreed routes, each with what it needs', () => {
    const under = (prefix: string, routes: typeof agreedRoutes) =>
      routes.flatMap(([road, methods]) =>
        Object.entries(methods).map(([method, needs]) => `${method} /api/v1${prefix}${road}: ${needs}`),
      );
    const agreed = [
      ...SCOPES.flatMap((scope) => under(scope, agreedRoutes)),
      ...under('/accounts/{account}', accountRoutes),
      ...under('', freeRoutes),
    ];
    const found = document.routes.map(
      ({ method, path, operation }) => `${method} ${path}: ${operation['x-needs']}`,
    );
    expect(found.toSorted()).toEqual(agreed.toSorted());
  });

  it('names every operation once', () => {
    const ids = document.routes.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-zA-Z][\w-]*$/.test(id))).toEqual([]);
  });

  it('declares the parameters of every path, all of them required, and no others', () => {
    for (const { path, operation } of document.routes) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((one: { in: string }) => one.in === 'path');
      expect(declared.map(({ name }: { name: string }) => name)).toEqual(named);
      expect(declared.every(({ required }: { required: boolean }) => required)).toBe(true);
    }
  });

  it('has a schema that compiles wherever there is one, its references within the document', () => {
    let count = 0;
    const references: unknown[] = [];
    const texts = new Set<string>();
    const walk = (node: unknown, steps: string[]): void => {
      if (node === null || typeof node !== 'object') return;
      if ('$ref' in node) references.push(node.$ref);
      for (const [key, item] of Object.entries(node)) {
        if (key === 'schema') {
          // The three forms of a scope have theirs in common.
          const text = JSON.stringify(item);
          if (!texts.has(text)) document.compile([...steps, key]);
          texts.add(text);
          count += 1;
        }
        walk(item, [...steps, key]);
      }
    };
    for (const [path, item] of Object.entries(document.json.paths)) walk(item, ['paths', path]);
    for (const name of Object.keys(document.json.components.schemas))
      document.compile(['components', 'schemas', name]);
    expect(count).toBeGreaterThan(200);
    expect(references.length).toBeGreaterThan(200);
    expect(references.filter((one) => !String(one).startsWith('#/'))).toEqual([]);
  });

  it('asks for a token or a session everywhere, and leaves it open where nobody has to sign in', () => {
    expect(document.json.components.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: 'sallyport-session' },
    });
    expect(document.json.security).toEqual([{ bearer: [] }, { session: [] }]);
    const own = document.routes.filter(({ operation }) => operation.security !== undefined);
    const optional = [{ bearer: [] }, { session: [] }, {}];
    expect(
      Object.fromEntries(own.map(({ method, path, operation }) => [`${method} ${path}`, operation.security])),
    ).toEqual({
      'GET /api/v1/health': optional,
      'DELETE /api/v1/session': optional,
      'GET /api/v1/sign-in': [{}],
      'GET /api/v1/sign-in/{id}': [{}],
      'GET /api/v1/sign-in-callback': [{}],
    });
  });

  it('takes both forms of a save', () => {
    const saves = document.routes.filter((route) => isChange(route) && route.method === 'PUT');
    expect(saves).toHaveLength(3);
    for (const { operation } of saves) {
      expect(Object.keys(operation.requestBody.content)).toEqual(['application/json', 'application/yaml']);
      expect(operation.requestBody.content['application/yaml'].schema.type).toBe('string');
      const query = operation.parameters.filter((one: { in: string }) => one.in === 'query');
      expect(query.map(({ name }: { name: string }) => name)).toEqual([
        'store',
        'connector',
        'branch',
        'newBranchFrom',
        'path',
        'message',
        'authorName',
        'authorEmail',
        'pullRequest',
        'pullRequestInto',
        'pullRequestTitle',
        'pullRequestBody',
        'pullRequestReviewers',
        'pullRequestDraft',
      ]);
    }
  });

  it('takes JSON alone wherever else there is a body', () => {
    const others = document.routes.filter(
      (route) => !isChange(route) && route.operation.requestBody !== undefined,
    );
    // In each scope itself, a connector, its renaming, its tracking, its webhook, an import, a repair, a move, a secret, its manager, two about a key, an
    // operation on secrets, a rotation, a delegate token and a question, a subscription and two about it, an API token and a binding; a
    // kind; a role; an identity provider; an enrolment.
    expect(others).toHaveLength(3 * 21 + 4);
    for (const { operation } of others)
      expect(Object.keys(operation.requestBody.content)).toEqual(['application/json']);
  });

  it('names the headers of a change', () => {
    for (const { operation } of document.routes.filter(isChange)) {
      const headers = operation.parameters.filter((one: { in: string }) => one.in === 'header');
      expect(headers.map(({ name, required }: Record<string, unknown>) => [name, required])).toEqual([
        ['If-Match', false],
        ['If-None-Match', false],
        ['Idempotency-Key', false],
        ['Prefer', false],
      ]);
    }
  });

  it('says that a change may be answered with 202 and where the operation is', () => {
    for (const { operation } of document.routes.filter(isChange))
      expect(operation.responses['202'].headers).toHaveProperty('Location');
  });

  it('has problem+json for every problem and JSON for everything else', () => {
    for (const { operation } of document.routes)
      for (const [status, { content }] of Object.entries<{ content?: object }>(operation.responses)) {
        const isProblem =
          Number(status) >= 400 && !(status === '503' && operation.operationId === 'get-health');
        const isLines = status === '200' && operation.operationId.endsWith('-audit-export');
        const type = isProblem ? 'application/problem+json' : `application/${isLines ? 'x-ndjson' : 'json'}`;
        expect(Object.keys(content ?? {}), `${operation.operationId} ${status}`).toEqual(
          ['204', '302'].includes(status) ? [] : [type],
        );
      }
  });

  it('lets nobody read a secret', () => {
    const { properties } = document.json.components.schemas.Secret;
    expect(Object.keys(properties).toSorted()).toEqual([
      'createdAt',
      'id',
      'kind',
      'manager',
      'managerScope',
      'scope',
      'updatedAt',
      'version',
    ]);
  });
});

describe('what is described of a request', () => {
  const bodies = (suffix: string) =>
    document.compile([
      'paths',
      `/api/v1/accounts/{account}${suffix}`,
      'put',
      'requestBody',
      'content',
      'application/json',
      'schema',
    ]);

  it.each<[string, unknown, boolean]>([
    ['/entities/{kind}/{id}', { yaml: 'a: 1', git: { connector: 'direct', branch: 'main' } }, true],
    ['/entities/{kind}/{id}', { yaml: 'a: 1', git: { connector: 'a b' } }, false],
    ['/entities/{kind}/{id}', { yaml: 'a: 1', git: {}, more: 1 }, false],
    ['/entities/{kind}/{id}', { git: {} }, false],
    ['/secrets/{id}', { manager: 'builtin', value: 'x' }, true],
    ['/secrets/{id}', { manager: 'keyring', value: 'x' }, false],
    ['/secrets/{id}', { manager: 'builtin', kind: 'ssh-key', value: 'x' }, false],
    ['/secrets/{id}', { manager: 'builtin', kind: 'file', value: '/w==' }, true],
    ['/secret-managers/{id}', { settings: { kind: 'keyring' }, group: 'g', tags: ['eu'] }, true],
    ['/secret-managers/{id}', { settings: { kind: 'builtin' } }, false],
    ['/secret-managers/{id}', { settings: { kind: 'keyring' }, credential: { value: 'x' } }, false],
    ['/connectors/{id}', { url: 'https://a/b', connectivity: 'delegate', group: 'g' }, true],
    ['/connectors/{id}', { url: 'https://a/b', connectivity: 'manager', group: 'g' }, false],
    ['/kinds/{kind}', { schema: {}, pathTemplate: '{id}.yaml' }, true],
    ['/kinds/{kind}', { schema: true, pathTemplate: '{id}.yaml' }, false],
    ['', {}, true],
    ['', { displayName: 1 }, false],
  ])('%s with %j: %s, as the API itself says', async (suffix, body, isFine) => {
    expect(bodies(suffix)(body)).toBe(isFine);
    const address = `accounts/demo${suffix.replace('{kind}/{id}', 'pipeline/described').replace(/\{\w+\}/, 'described')}`;
    const { status } = await api.request('PUT', address, body);
    expect(status === 400).toBe(!isFine);
  });
});

describe.each([
  ['an account', 'accounts/demo'],
  ['an organisation', 'accounts/demo/orgs/o'],
  ['a project', 'accounts/demo/orgs/o/projects/p'],
])('in %s', (_, scope) => {
  const statusOf = async (...request: Parameters<DocumentedApi['request']>): Promise<number> =>
    (await api.request(...request)).status;

  it('every route answers as described', async () => {
    const script = scopeCalls(scope, { connector: connector(), password: stack.accounts.manager.password });
    for (const [status, ...request] of script)
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
    const { operations } = await api.ok('GET', `${scope}/operations?limit=1000`);
    expect(operations.length).toBeGreaterThan(4);
    for (const { id } of operations) expect((await api.ended(id, 60_000, scope)).state).not.toBe('pending');
    const [conflict] = operations.filter(({ state }: { state: string }) => state === 'conflict');
    expect(await statusOf('GET', `${scope}/operations/${conflict.id}`)).toBe(200);
    expect(await cancelOf(api, scope, conflict.id)).toEqual([409, 404, 200]);
  });

  it('every route of webhooks answers as described', async () => {
    expect(await askOfWebhooks(api, stack, scope)).toEqual([]);
  });

  it('every route of delegates answers as described', async () => {
    const one = await api.ok('POST', `${scope}/delegate-tokens`, { group: 'described' });
    const enrolled = await api
      .with(one.token)
      .request('POST', 'enrolments', await enrolmentRequest(one.token, 'described'));
    expect(enrolled.status, enrolled.text).toBe(201);
    const delegate = `${scope}/delegates/${enrolled.body.delegate}`;
    const script = delegateCalls(scope, { delegate, token: one.id });
    for (const [status, ...request] of script)
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  it('every route of tracking and imports answers as described', async () => {
    await api.ok('PUT', `${scope}/connectors/tracked`, { url: stack.repositoryUrl, connectivity: 'manager' });
    const imports = await importCalls(stack.api, scope, stack.foreignUrl);
    for (const [status, ...request] of [...trackingCalls(`${scope}/connectors`), ...imports])
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  it('every route of access answers as described', async () => {
    for (const [status, ...request] of await accessCalls(api, scope, provider.issuer))
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  it('every route of moves answers as described', async () => {
    expect(await askOfMoves(api, scope)).toEqual([]);
  });

  it('every route of pull requests answers as described', async () => {
    expect(await askOfPulls(api, stack, scope)).toEqual([]);
  });

  it('every route of secret managers answers as described', async () => {
    const one = await api.ok('POST', `${scope}/delegate-tokens`, { group: 'away' });
    const enrolled = await api
      .with(one.token)
      .request('POST', 'enrolments', await enrolmentRequest(one.token, 'away'));
    const expiresAt = Date.now() + 60_000;
    const sealed = { version: randomUUID(), expiresAt, enc: 'A'.repeat(43), box: 'AAAA' };
    const unmade = { ...sealed, group: enrolled.body.group.id };
    const script: RouteCall[] = [
      ...managerCalls(scope, unmade),
      [204, 'DELETE', `${scope}/delegate-tokens/${one.id}`],
      [200, 'POST', `${scope}/delegates/${enrolled.body.delegate}/revoke`],
    ];
    for (const [status, ...request] of script)
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  it('every route of operations on secrets, and of keys, answers as described', async () => {
    const manager = `${scope}/secret-managers/ring`;
    const operations = `${scope}/secret-operations`;
    await api.ok('PUT', manager, { settings: { kind: 'keyring' } });
    const { id } = await api.ok('POST', operations, { action: 'rewrap', manager: 'ring' });
    const script = secretOperationCalls(scope, id);
    for (const [status, ...request] of script)
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  it('every route of events and subscriptions answers as described', async () => {
    for (const [status, ...request] of eventRoutes(scope))
      expect(await statusOf(...request), `${request[0]} ${request[1]}`).toBe(status);
  });

  const connector = () => ({
    url: stack.repositoryUrl,
    connectivity: 'manager',
    credential: { username: stack.accounts.manager.username, secret: 'own' },
  });
});

it('what is empty again goes, and kinds and health answer as described too', async () => {
  expect((await api.request('PUT', 'accounts/demo/kinds/own', kind)).status).toBe(201);
  expect((await api.request('PUT', 'accounts/demo/kinds/own', kind)).status).toBe(200);
  expect((await api.request('GET', 'accounts/demo/kinds/own')).status).toBe(200);
  expect((await api.request('GET', 'health')).status).toBe(200);
  expect((await api.with('').request('GET', 'health')).status).toBe(200);
  for (const scope of ['accounts/demo/orgs/o/projects/p', 'accounts/demo/orgs/o'])
    expect((await api.request('DELETE', scope)).status).toBe(204);
  expect((await api.request('DELETE', 'accounts/demo')).status).toBe(409);
});

const kind = { schema: { type: 'object' }, pathTemplate: '{id}.yaml' };

it('the audit is listed and exported as described', async () => {
  for (const address of [
    'accounts/demo/audit?limit=2',
    'accounts/demo/audit/head',
    'accounts/demo/audit/export',
  ])
    expect((await api.request('GET', address)).status).toBe(200);
  expect((await api.request('GET', 'accounts/demo/orgs/o/audit')).status).toBe(404);
});

it('every change that was answered above is on record once, and nothing else is', async () => {
  const { expected, recorded } = await compareWithAudit(api);
  expect(expected.length).toBeGreaterThan(200);
  // What is renamed above has its name already, a member takes a browser, and the end of a session its cookie.
  const named = Object.values(actions).filter(
    (action) => !['connector.rename', 'member.delete', 'session.end'].includes(action),
  );
  expect(new Set(expected.map((act) => act.split(' ')[0]))).toEqual(new Set(named));
  expect(recorded).toEqual(expected);
});

it('every success that is described has been seen above', () => {
  const described = document.routes.flatMap(({ method, path, operation }) =>
    Object.keys(operation.responses)
      .filter((status) => Number(status) < 300)
      .map((status) => `${method} ${path} ${status}`),
  );
  // An account is made by the command `token`; one that is left has nothing in it. A member takes a browser.
  const elsewhere = [
    'DELETE /api/v1/accounts/{account}/members/{id} 204',
    'PUT /api/v1/accounts/{account} 201',
    'DELETE /api/v1/accounts/{account} 204',
  ];
  expect(described.length).toBeGreaterThan(60);
  expect(described.filter((answer) => !document.seen.has(answer)).toSorted()).toEqual(elsewhere.toSorted());
});
