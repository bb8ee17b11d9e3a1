// Who came in, by what, and who left: on record with the session, or there is none.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { Browser, CLIENT, IdentityProvider } from '../support/identity-provider.js';
import { Stack } from '../support/stack.js';

const ACCOUNT = 'accounts/demo';
const ORG = `${ACCOUNT}/orgs/team`;
const own = { 'sec-fetch-site': 'same-origin' };
const settings = { SALLYPORT_IDENTITY_ALLOW_HTTP: 'true', SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'true' };

const provider = new IdentityProvider();
let stack: Stack;
let api: Api;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0, settings });
  ({ api } = stack);
  await provider.start([`${api.url}/api/v1/sign-in-callback`]);
  await api.ok('PUT', `${ACCOUNT}/secrets/client`, { manager: 'builtin', value: provider.secret });
  await api.ok('PUT', `${ACCOUNT}/identity-providers/acme`, {
    name: 'Acme',
    issuer: provider.issuer,
    clientId: CLIENT,
    secret: 'client',
    scopes: ['profile', 'email', 'groups'],
  });
  await api.ok('PUT', ORG, {});
  const principal = { kind: 'group', name: 'platform' };
  await api.ok('PUT', `${ORG}/role-bindings/platform`, { principal, role: 'editor' });
});
afterAll(async () => {
  await stack?.stop();
  await provider.stop();
});

beforeEach(() => {
  provider.users.set('ann', { name: 'Ann', groups: ['platform'] });
  provider.users.set('eve', { name: 'Eve' });
  provider.users.set('new', { name: 'Newcomer' });
});

const list = async (query: string): Promise<Json[]> =>
  (await api.ok('GET', `${ACCOUNT}/audit?limit=1000&${query}`)).entries;
const sessions = (query = ''): Promise<Json[]> => list(`action=session.*${query}`);
const count = async (table: 'session' | 'member'): Promise<number> =>
  (await sql(stack.databaseUrl, `select 1 from ${table}`)).length;

const newToken = async (name: string): Promise<{ id: string; token: string }> =>
  api.ok('POST', `${ORG}/tokens`, { name, role: 'viewer' });
const begin = async (token: string): Promise<string> => {
  const { status, headers, text } = await new Api(api.url, token).request('POST', 'session');
  expect(status, text).toBe(204);
  return (headers.get('set-cookie') ?? '').split(';')[0] as string;
};
/** As the page does: with its cookie alone. */
const byCookie = (cookie: string) => ({
  request: (method: string, address: string) =>
    new Api(api.url, '').request(method, address, undefined, { cookie, ...own }),
});
const signIn = async (user: string | undefined): Promise<{ browser: Browser; page: URL }> => {
  provider.present = user;
  const browser = new Browser();
  const start = `${api.url}/api/v1/sign-in/acme?account=demo`;
  return { browser, page: await browser.follow(start, ({ pathname }) => pathname === '/') };
};
const failedBy = ({ hash }: URL): string | null => new URLSearchParams(hash.split('?')[1]).get('failed');

describe('whoever shows a token', () => {
  it('comes and goes on record, in the scope of the token', async () => {
    const { id, token } = await newToken('comes');
    const cookie = await begin(token);
    expect((await byCookie(cookie).request('DELETE', 'session')).status).toBe(204);
    const entries = await sessions('&actor=comes');
    const told = { actor: { kind: 'token', id }, scope: ORG, target: `tokens/${id}`, outcome: 'done' };
    expect(entries).toMatchObject([
      { ...told, action: 'session.end', data: null },
      { ...told, action: 'session.begin', data: { expiresAt: expect.stringMatching(/Z$/) } },
    ]);
    expect(JSON.stringify(entries)).not.toContain(cookie.split('=')[1]);
  });

  it('is not on record as leaving twice, nor once the time of the session is over', async () => {
    const { token } = await newToken('over');
    const cookie = await begin(token);
    await sql(stack.databaseUrl, 'update session set expires_at = now()');
    expect((await byCookie(cookie).request('DELETE', 'session')).body.code).toBe('SESSION_REJECTED');
    const withToken = await new Api(api.url, token).request('DELETE', 'session', undefined, {
      cookie,
      ...own,
    });
    expect(withToken.status).toBe(204);
    expect((await sessions('&actor=over')).map(({ action }) => action)).toEqual(['session.begin']);
  });

  it('is on record as the one whose session it is, where the cookie is another one’s', async () => {
    const [one, other] = [await newToken('one'), await newToken('other')];
    const cookie = await begin(one.token);
    const ended = await new Api(api.url, other.token).request('DELETE', 'session', undefined, {
      cookie,
      ...own,
    });
    expect(ended.status).toBe(204);
    expect((await sessions('&actor=one')).map(({ action }) => action)).toEqual([
      'session.end',
      'session.begin',
    ]);
    expect(await sessions('&actor=other')).toEqual([]);
  });

  it('is on record as leaving where the oldest of a hundred sessions gives way', async () => {
    const { token } = await newToken('many');
    const first = await begin(token);
    for (let more = 1; more < 100; more++) await begin(token);
    expect((await byCookie(first).request('GET', 'me')).status).toBe(200);
    expect(await sessions('&actor=many')).toHaveLength(100);
    await begin(token);
    expect((await byCookie(first).request('GET', 'me')).body.code).toBe('SESSION_REJECTED');
    const [begun, ended, ...earlier] = await sessions('&actor=many');
    expect([begun?.action, ended?.action]).toEqual(['session.begin', 'session.end']);
    expect(ended).toMatchObject({ outcome: 'done', target: begun?.target, data: { gaveWay: true } });
    expect(new Set(earlier.map(({ action }) => action))).toEqual(new Set(['session.begin']));
  });

  it('that is revoked or made up adds nothing', async () => {
    const { id, token } = await newToken('gone');
    await api.ok('DELETE', `${ORG}/tokens/${id}`);
    const before = (await sessions()).length;
    for (const shown of [token, `sp_${'A'.repeat(43)}`])
      expect((await new Api(api.url, shown).request('POST', 'session')).status).toBe(401);
    expect(await sessions('&actor=gone')).toEqual([]);
    expect(await sessions()).toHaveLength(before);
  });
});

describe('whoever comes by an identity provider', () => {
  it('is on record as a member, with the provider and the roles they have', async () => {
    const { browser } = await signIn('ann');
    const cookie = browser.cookiesFor(new URL(`${api.url}/api/v1/session`));
    expect((await byCookie(cookie).request('DELETE', 'session')).status).toBe(204);
    const [ended, begun] = await sessions('&actor=Ann');
    const { id } = begun.actor;
    const told = { actor: { kind: 'user', id, name: 'Ann' }, scope: ACCOUNT, target: `members/${id}` };
    expect(begun).toMatchObject({
      ...told,
      action: 'session.begin',
      data: { provider: 'acme', roles: [`editor in ${ORG}`] },
    });
    expect(ended).toMatchObject({ ...told, action: 'session.end' });
  });

  it('without a role is on record as such, and with what they were denied', async () => {
    const { browser } = await signIn('eve');
    const cookie = browser.cookiesFor(new URL(`${api.url}/api/v1/me`));
    for (let times = 0; times < 5; times++)
      expect((await byCookie(cookie).request('GET', ACCOUNT)).status).toBe(403);
    expect(await list('actor=Eve')).toMatchObject([
      { action: 'read', outcome: 'denied', code: 'PERMISSION_MISSING' },
      { action: 'session.begin', outcome: 'done', data: { roles: [] } },
    ]);
  });

  it('whom the provider does not name adds nothing', async () => {
    const before = await list('action=*');
    const { page } = await signIn(undefined);
    expect(failedBy(page)).toBe('SIGN_IN_FAILED');
    const named = (await list('action=*')).filter(({ action }) => !action.startsWith('secret.'));
    expect(named).toEqual(before.filter(({ action }) => !action.startsWith('secret.')));
  });
});

it('a session that would outlive itself by another one is refused, on record once a minute', async () => {
  const { id, token } = await newToken('outlives');
  const cookie = await begin(token);
  for (let times = 0; times < 5; times++)
    expect((await byCookie(cookie).request('POST', 'session')).body.code).toBe('TOKEN_REJECTED');
  expect(await sessions('&actor=outlives&outcome=refused')).toMatchObject([
    { action: 'session.begin', code: 'TOKEN_REJECTED', actor: { kind: 'token', id }, target: 'session' },
  ]);
});

describe('without an entry nobody comes or goes', () => {
  const rename = (from: string, to: string): Promise<unknown> =>
    sql(stack.databaseUrl, `alter function ${from}(text, text[]) rename to ${to}`);

  it('neither by a token nor by a provider, and both do once it can be written again', async () => {
    const { token } = await newToken('waits');
    const cookie = await begin(token);
    const before = { session: await count('session'), member: await count('member') };
    await rename('audit_append', 'audit_away');
    const begun = await new Api(api.url, token).request('POST', 'session');
    const ended = await byCookie(cookie).request('DELETE', 'session');
    const { browser, page } = await signIn('new');
    await rename('audit_away', 'audit_append');
    for (const answer of [begun, ended]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'AUDIT_UNWRITABLE' } });
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
    expect(failedBy(page)).toBe('AUDIT_UNWRITABLE');
    expect(browser.cookiesFor(new URL(`${api.url}/api/v1/me`))).toBe('');
    expect({ session: await count('session'), member: await count('member') }).toEqual(before);
    expect((await byCookie(cookie).request('GET', 'me')).status).toBe(200);
    expect((await signIn('new')).page.hash).toBe('#/');
    expect((await byCookie(cookie).request('DELETE', 'session')).status).toBe(204);
    expect(await sessions('&actor=Newcomer')).toHaveLength(1);
  });
});
