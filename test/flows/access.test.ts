// Who may do what: every route with every role, in the scope it was given in and in others; who gives it; and sessions.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountRoutes, agreedRoutes } from '../support/agreed-routes.js';
import { type Answer, Api, eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { DocumentedApi } from '../support/documented-api.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: DocumentedApi;

const ACCOUNT = 'accounts/demo';
const ORG = `${ACCOUNT}/orgs/team`;
const PROJECT = `${ORG}/projects/app`;
const OTHER_ORG = `${ACCOUNT}/orgs/other`;
const scopes = [ACCOUNT, ORG, PROJECT, OTHER_ORG];

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  api = await DocumentedApi.open(stack.api);
  for (const scope of scopes.slice(1)) await api.ok('PUT', scope, {});
  await api.ok('PUT', `${ACCOUNT}/roles/auditor`, { permissions: ['audit.view', 'secret.manage'] });
  // What holds something is not deleted by whoever may delete it.
  for (const scope of scopes)
    await api.ok('PUT', `${scope}/entities/pipeline/kept`, { yaml: 'name: kept\n', store: 'inline' });
});
afterAll(() => stack.stop());

const tokenFor = async (scope: string, role: string): Promise<string> =>
  (await api.ok('POST', `${scope}/tokens`, { name: role, role })).token;
const as = async (scope: string, role: string): Promise<DocumentedApi> =>
  api.with(await tokenFor(scope, role));

/** What each role allows, said once more. */
const allowed: Record<string, RegExp> = {
  viewer: /^(scope|entity|kind|connector|secret|delegate|event|subscription)\.view$/,
  editor:
    /^((scope|entity|kind|connector|secret|delegate|event|subscription)\.view|entity\.edit|connector\.use)$/,
  admin: /^[a-z]+\.[a-z]+$/,
  auditor: /^(audit\.view|secret\.manage)$/,
};

const isIn = (outer: string, scope: string): boolean => scope === outer || scope.startsWith(`${outer}/`);

function isAllowed(role: string, given: string, needs: string, scope: string): boolean {
  const [permission = '', below] = needs.split(' ');
  if (!allowed[role]?.test(permission)) return false;
  return isIn(given, scope) || (below === 'below' && isIn(scope, given));
}

/** With ids that fit, of things that are not there. */
const addressOf = (road: string): string =>
  road
    .replace(
      /\/(imports|moves|operations|pull-requests|secret-operations|delegate-tokens|tokens)\/\{id\}/,
      '/$1/8c0e8a2c-14e4-4b4f-9d6b-0c54e0c5a111',
    )
    .replace('/delegates/{id}', '/delegates/d0123456789abcdef')
    .replace('{delivery}', '8c0e8a2c-14e4-4b4f-9d6b-0c54e0c5a111')
    .replace(/\{\w+\}/g, 'none');

const calls = [
  ...scopes.flatMap((scope) => agreedRoutes.map((route) => ({ scope, route }))),
  ...accountRoutes.map((route) => ({ scope: ACCOUNT, route })),
].flatMap(({ scope, route: [road, methods] }) =>
  Object.entries(methods).flatMap(([method, needs]) =>
    (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((one) => ({
      scope,
      method: one,
      needs,
      path: `${scope}${addressOf(road)}`,
    })),
  ),
);

const isDenied = ({ status, body }: Answer, method: string): boolean =>
  status === 403 && (method === 'HEAD' || body.code === 'PERMISSION_MISSING');

const plain = (path: string): string => path;
const encoded = (path: string): string => path.replace('/demo', '/%64emo').replace('/team', '/t%65am');
const everybody = [ACCOUNT, ORG, PROJECT].flatMap((given) =>
  Object.keys(allowed).map((role): [string, string] => [role, given]),
);

describe.each<[string, typeof plain, [string, string][]]>([
  ['plain', plain, everybody],
  [
    'in percent-encoding',
    encoded,
    [
      ['viewer', ORG],
      ['admin', ORG],
    ],
  ],
])('every route, its address %s', (_, write, callers) => {
  it.each(callers)('answers %s of %s as far as the role goes', async (role, given) => {
    const caller = new Api(api.url, await tokenFor(given, role));
    const wrong: string[] = [];
    let denied = 0;
    for (const { method, path, scope, needs } of calls) {
      const body = ['PUT', 'POST'].includes(method) ? { not: 'valid' } : undefined;
      const answer = await caller.request(method, write(path), body);
      const expected = !isAllowed(role, given, needs, scope);
      if (isDenied(answer, method) !== expected) wrong.push(`${method} ${path} (${needs}): ${answer.status}`);
      if (expected) denied += 1;
    }
    expect(wrong).toEqual([]);
    expect(denied === 0).toBe(role === 'admin' && given === ACCOUNT);
    expect(denied).toBeLessThan(calls.length);
  });
});

it('names what is lacking and where, before a body is looked at', async () => {
  const viewer = await as(ORG, 'viewer');
  const { status, body } = await viewer.request('PUT', `${PROJECT}/entities/pipeline/x`, {
    yaml: 'a: 1',
    store: 'inline',
  });
  expect([status, body]).toEqual([
    403,
    expect.objectContaining({
      code: 'PERMISSION_MISSING',
      detail: `This takes the permission entity.edit in ${PROJECT}`,
      hint: expect.stringContaining('/api/v1/me'),
    }),
  ]);
  expect((await viewer.request('GET', `${PROJECT}/entities/pipeline/kept`)).status).toBe(200);
});

it.each([
  'accounts/demo%2Forgs%2Fteam/entities',
  'accounts/demo/orgs/team%2Fprojects%2Fapp/entities',
  'accounts/demo/orgs/t%00/entities',
])('reaches nothing by %s', async (address) => {
  const { status } = await new Api(api.url, await tokenFor(ORG, 'admin')).request('GET', address);
  expect([400, 403]).toContain(status);
});

describe('whoever asks', () => {
  it('is told who they are and what they may do', async () => {
    const editor = await as(ORG, 'editor');
    expect(await editor.ok('GET', 'me')).toEqual({
      actor: { kind: 'token', id: expect.any(String), name: 'editor' },
      account: 'demo',
      bindings: [{ scope: ORG, role: 'editor', permissions: expect.arrayContaining(['entity.edit']) }],
      expiresAt: expect.any(String),
    });
  });

  it('sees the scopes around and below theirs, and no others', async () => {
    const paths = async (caller: DocumentedApi) =>
      (await caller.ok('GET', `${ACCOUNT}/scopes`)).scopes.map(({ scope }: { scope: string }) => scope);
    expect(await paths(await as(ORG, 'viewer'))).toEqual([ACCOUNT, ORG, PROJECT]);
    expect(await paths(api)).toEqual(expect.arrayContaining(scopes));
    const auditor = await as(ORG, 'auditor');
    expect((await auditor.request('GET', `${ACCOUNT}/scopes`)).body.code).toBe('PERMISSION_MISSING');
  });

  it('sees them page by page, each after the one it lies in', async () => {
    const pagesOf = async (caller: DocumentedApi, limit: number): Promise<string[][]> => {
      const pages: string[][] = [];
      for (let cursor = ''; ; ) {
        const page = await caller.ok('GET', `${ACCOUNT}/scopes?limit=${limit}${cursor}`);
        pages.push(page.scopes.map(({ scope }: { scope: string }) => scope));
        if (page.nextCursor === null) return pages;
        cursor = `&cursor=${page.nextCursor}`;
      }
    };
    const whole = await pagesOf(api, 1000);
    expect(whole).toHaveLength(1);
    const paged = await pagesOf(api, 2);
    expect(paged.flat()).toEqual(whole[0]);
    expect(paged.slice(0, -1).every((page) => page.length === 2)).toBe(true);
    expect(whole[0]).toEqual(whole[0]?.toSorted());
    expect(await pagesOf(await as(PROJECT, 'viewer'), 1)).toEqual([[ACCOUNT], [ORG], [PROJECT]]);
    const end = Buffer.from(PROJECT).toString('base64url');
    expect((await (await as(PROJECT, 'viewer')).ok('GET', `${ACCOUNT}/scopes?cursor=${end}`)).scopes).toEqual(
      [],
    );
  });

  it.each(['limit=0', 'limit=1001', 'cursor=x', 'cursor=YWNjb3VudHM', 'page=2'])(
    'is refused the list of scopes with %s',
    async (query) => {
      expect((await api.request('GET', `${ACCOUNT}/scopes?${query}`)).body.code).toBe('REQUEST_INVALID');
    },
  );
});

describe('giving', () => {
  it('takes each permission that is given', async () => {
    await api.ok('PUT', `${ACCOUNT}/roles/keeper`, {
      permissions: ['access.manage', 'access.view', 'entity.view'],
    });
    const keeper = await as(ORG, 'keeper');
    const refused = [
      await keeper.request('POST', `${ORG}/tokens`, { name: 'more', role: 'admin' }),
      await keeper.request('PUT', `${ORG}/role-bindings/more`, {
        principal: { kind: 'user', name: 'a@b.example' },
        role: 'viewer',
      }),
      await keeper.request('POST', `${ACCOUNT}/tokens`, { name: 'more', role: 'keeper' }),
      await keeper.request('PUT', `${ACCOUNT}/roles/keeper`, { permissions: ['secret.force'] }),
    ];
    expect(refused.map(({ body }) => body.code)).toEqual(Array(4).fill('PERMISSION_MISSING'));
    const { token } = await keeper.ok('POST', `${PROJECT}/tokens`, { name: 'same', role: 'keeper' });
    expect((await api.with(token).request('GET', `${PROJECT}/entities`)).status).toBe(200);
    expect((await api.with(token).request('GET', `${ORG}/entities`)).status).toBe(403);
  });

  it('shows a token once, and revokes it at once', async () => {
    const made = await api.ok('POST', `${PROJECT}/tokens`, { name: 'brief', role: 'viewer', days: 1 });
    const listed = await api.ok('GET', `${PROJECT}/tokens`);
    expect(JSON.stringify(listed)).not.toContain(made.token);
    expect(listed.tokens[0]).toMatchObject({
      id: made.id,
      role: 'viewer',
      createdBy: expect.stringMatching(/^admin \(/),
    });
    expect(
      await sql(stack.databaseUrl, 'select 1 from token where token::text like $1', [`%${made.token}%`]),
    ).toEqual([]);
    const caller = api.with(made.token);
    expect((await caller.request('GET', PROJECT)).status).toBe(200);
    await api.ok('DELETE', `${PROJECT}/tokens/${made.id}`);
    expect((await caller.request('GET', PROJECT)).body.code).toBe('TOKEN_REJECTED');
    expect((await api.request('DELETE', `${ORG}/tokens/${made.id}`)).status).toBe(404);
  });

  it('changes a role for everybody who has it, from the next request on', async () => {
    await api.ok('PUT', `${ACCOUNT}/roles/shifting`, { permissions: ['entity.view'] });
    const caller = await as(ORG, 'shifting');
    expect((await caller.request('GET', `${ORG}/entities`)).status).toBe(200);
    await api.ok('PUT', `${ACCOUNT}/roles/shifting`, { permissions: ['kind.view'] });
    expect((await caller.request('GET', `${ORG}/entities`)).status).toBe(403);
    const kept = await api.request('DELETE', `${ACCOUNT}/roles/shifting`);
    expect(kept.body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`${ORG}/tokens/`),
    });
  });

  it('ends with the scope', async () => {
    const gone = `${ACCOUNT}/orgs/passing`;
    await api.ok('PUT', gone, {});
    const caller = await as(gone, 'admin');
    await api.ok('PUT', `${gone}/role-bindings/b`, {
      principal: { kind: 'group', name: 'g' },
      role: 'viewer',
    });
    expect((await caller.request('DELETE', gone)).status).toBe(204);
    expect((await caller.request('GET', gone)).body.code).toBe('TOKEN_REJECTED');
    await api.ok('PUT', gone, {});
    expect(await api.ok('GET', `${gone}/role-bindings`)).toEqual({ bindings: [] });
  });

  it('makes tokens on the manager’s own machine as well, and refuses what is no role or no scope of the account', async () => {
    const env = { DATABASE_URL: stack.databaseUrl };
    const make = (...args: string[]) => runCommand('src/token.js', ['--account', 'demo', ...args], { env });
    const { stdout } = await make('--scope', ORG, '--role', 'viewer');
    const me = await api.with(stdout.trim()).ok('GET', 'me');
    expect(me.bindings).toMatchObject([{ scope: ORG, role: 'viewer' }]);
    const wrong = [
      await make('--role', 'none'),
      await make('--scope', 'accounts/another'),
      await make('--scope', `${ACCOUNT}/orgs/none`),
    ];
    expect(wrong.map(({ code, stdout: text }) => [code, text])).toEqual(Array(3).fill([1, '']));
    expect(wrong.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining('There is no role none'),
      expect.stringContaining('Usage:'),
      expect.stringContaining(`${ACCOUNT}/orgs/none`),
    ]);
  });
});

describe('a session', () => {
  const anonymous = () => new Api(api.url, '');
  const begin = async (token: string): Promise<{ cookie: string; all: string }> => {
    const { status, headers } = await new Api(api.url, token).request('POST', 'session');
    expect(status).toBe(204);
    const all = headers.get('set-cookie') ?? '';
    return { cookie: all.split(';')[0] as string, all };
  };
  const own = { 'sec-fetch-site': 'same-origin' };

  it('stands in for the token, in a cookie that no script reads and no other site sends', async () => {
    const { cookie, all } = await begin(await tokenFor(ORG, 'viewer'));
    expect(all).toMatch(/^sallyport-session=[\w-]{43}; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const me = await anonymous().request('GET', 'me', undefined, { cookie, ...own });
    expect(me.body).toMatchObject({ account: 'demo', bindings: [{ scope: ORG, role: 'viewer' }] });
    const [row] = await sql<{ whole: string }>(
      stack.databaseUrl,
      'select session::text as whole from session',
    );
    expect(row?.whole).not.toContain(cookie.split('=')[1]);
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['the page reads', 'GET', { 'sec-fetch-site': 'same-origin' }, 200],
    ['somebody types the address', 'GET', { 'sec-fetch-site': 'none' }, 200],
    ['another site reads', 'GET', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a neighbour of the same site reads', 'GET', { 'sec-fetch-site': 'same-site' }, 403],
    ['the page changes', 'PUT', { 'sec-fetch-site': 'same-origin' }, 200],
    ['another site changes', 'PUT', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a form is typed', 'PUT', { 'sec-fetch-site': 'none' }, 403],
    ['an old browser changes from the page', 'PUT', { origin: 'OWN' }, 200],
    ['an old browser changes from elsewhere', 'PUT', { origin: 'https://evil.example' }, 403],
    ['an old browser says no origin', 'PUT', {}, 403],
    ['an old browser has an opaque origin', 'PUT', { origin: 'null' }, 403],
  ])('counts by where it is used: %s', async (_, method, headers, status) => {
    const { cookie } = await begin(await tokenFor(ACCOUNT, 'admin'));
    const told = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === 'OWN' ? api.url : value]),
    );
    const body = method === 'PUT' ? { displayName: 'Team' } : undefined;
    const answer = await anonymous().request(method, ORG, body, { cookie, ...told });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body.code).toBe(status === 403 ? 'ORIGIN_REJECTED' : undefined);
  });

  it('ends when it is ended, when its token is revoked, and when its time is over', async () => {
    const made = await api.ok('POST', `${ORG}/tokens`, { name: 'browser', role: 'viewer' });
    const use = (cookie: string) => anonymous().request('GET', ORG, undefined, { cookie, ...own });
    const [first, second, third] = [
      await begin(made.token),
      await begin(made.token),
      await begin(made.token),
    ];
    const ended = await anonymous().request('DELETE', 'session', undefined, { cookie: first.cookie, ...own });
    expect([ended.status, ended.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringContaining('sallyport-session=; HttpOnly; SameSite=Strict; Max-Age=0'),
    ]);
    expect((await use(first.cookie)).body.code).toBe('SESSION_REJECTED');
    expect((await use(second.cookie)).status).toBe(200);
    await sql(
      stack.databaseUrl,
      `update session set expires_at = now() where created_at = (select max(created_at) from session)`,
    );
    expect((await use(third.cookie)).body.code).toBe('SESSION_REJECTED');
    await api.ok('DELETE', `${ORG}/tokens/${made.id}`);
    expect((await use(second.cookie)).body.code).toBe('SESSION_REJECTED');
  });

  it('begins by a token alone, not by itself', async () => {
    const { cookie } = await begin(await tokenFor(ORG, 'viewer'));
    const again = await anonymous().request('POST', 'session', undefined, { cookie, ...own });
    expect([again.status, again.body.code]).toEqual([401, 'TOKEN_REJECTED']);
  });

  it('keeps a hundred of a token', async () => {
    const made = await api.ok('POST', `${ORG}/tokens`, { name: 'many', role: 'viewer' });
    const first = await begin(made.token);
    for (let i = 0; i < 100; i++) await begin(made.token);
    const [row] = await sql<{ count: number }>(
      stack.databaseUrl,
      'select count(*)::int as count from session where token_id = $1',
      [made.id],
    );
    expect(row?.count).toBe(100);
    const { body } = await anonymous().request('GET', ORG, undefined, { cookie: first.cookie, ...own });
    expect(body.code).toBe('SESSION_REJECTED');
  });
});

it('an event stream ends when the role does not allow it any more', async () => {
  await api.ok('PUT', `${ACCOUNT}/roles/listener`, { permissions: ['event.view'] });
  const token = await tokenFor(ORG, 'listener');
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const stream = await fetch(`${api.url}/api/v1/${ORG}/events`, { headers });
  expect(stream.status).toBe(200);
  await api.ok('PUT', `${ACCOUNT}/roles/listener`, { permissions: ['kind.view'] });
  const ended = stream.text().then(() => true);
  await eventually(async () => Promise.race([ended, Promise.resolve(false)]), 'the stream to end');
});
