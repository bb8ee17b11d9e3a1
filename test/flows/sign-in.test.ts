// Signing in by an identity provider: a real one, a browser that goes there and back, and all that may go wrong on the way.
import { generateKeyPairSync, sign } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { sql } from '../support/database.js';
import { DocumentedApi } from '../support/documented-api.js';
import { Browser, CLIENT, IdentityProvider } from '../support/identity-provider.js';
import { Stack } from '../support/stack.js';

const provider = new IdentityProvider();
let stack: Stack;
let api: DocumentedApi;

const ACCOUNT = 'accounts/demo';
const PROVIDERS = `${ACCOUNT}/identity-providers`;
const own = { 'sec-fetch-site': 'same-origin' };

const settings = { SALLYPORT_IDENTITY_ALLOW_HTTP: 'true', SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'true' };
const asClient = (more: object = {}) => ({
  name: 'Acme',
  issuer: provider.issuer,
  clientId: CLIENT,
  secret: 'client',
  scopes: ['profile', 'email', 'groups'],
  ...more,
});

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0, settings });
  await provider.start([`${stack.api.url}/api/v1/sign-in-callback`]);
  api = await DocumentedApi.open(stack.api);
  await api.ok('PUT', `${ACCOUNT}/secrets/client`, { manager: 'builtin', value: provider.secret });
  await api.ok('PUT', `${PROVIDERS}/acme`, asClient());
  await api.ok('PUT', `${ACCOUNT}/orgs/team`, {});
  await api.ok('PUT', `${ACCOUNT}/orgs/team/role-bindings/platform`, {
    principal: { kind: 'group', name: 'platform' },
    role: 'editor',
  });
  await api.ok('PUT', `${ACCOUNT}/role-bindings/ann`, {
    principal: { kind: 'user', name: 'Ann@Acme.example' },
    role: 'viewer',
  });
});
afterAll(async () => {
  await stack?.stop();
  await provider.stop();
});

beforeEach(() => {
  provider.users.clear();
  provider.users.set('ann', { name: 'Ann', email: 'ann@acme.example', emailVerified: true, groups: [] });
  provider.users.set('bob', {
    name: 'Bob',
    email: 'ann@acme.example',
    emailVerified: false,
    groups: ['platform'],
  });
  provider.users.set('eve', { name: 'Eve' });
});

const isPage = ({ pathname }: URL): boolean => pathname === '/';

async function signIn(user: string | undefined, { id = 'acme', returnTo = '#/accounts/demo' } = {}) {
  provider.present = user;
  const browser = new Browser();
  const start = `${api.url}/api/v1/sign-in/${id}?account=demo&returnTo=${encodeURIComponent(returnTo)}`;
  const page = await browser.follow(start, isPage);
  return { browser, page };
}

const me = async (browser: Browser) => {
  const response = await browser.get(`${api.url}/api/v1/me`, own);
  return { status: response.status, body: (await response.json()) as Record<string, never> };
};

describe('a user', () => {
  it('comes back to where they wanted to go, with a session and the role that their verified address has', async () => {
    const { browser, page } = await signIn('ann');
    expect(page.href).toBe(`${api.url}/#/accounts/demo`);
    const { body } = await me(browser);
    expect(body).toMatchObject({
      actor: { kind: 'user', name: 'Ann', email: 'ann@acme.example' },
      account: 'demo',
      bindings: [{ scope: ACCOUNT, role: 'viewer' }],
    });
  });

  it('has what their groups have, and nothing by an address that nobody has verified', async () => {
    const { browser } = await signIn('bob');
    const { body } = await me(browser);
    expect(body).toMatchObject({ bindings: [{ scope: `${ACCOUNT}/orgs/team`, role: 'editor' }] });
    expect(body['actor']).not.toHaveProperty('email');
    expect((await browser.get(`${api.url}/api/v1/${ACCOUNT}/entities`, own)).status).toBe(403);
    expect((await browser.get(`${api.url}/api/v1/${ACCOUNT}/orgs/team/entities`, own)).status).toBe(200);
  });

  it('whom nobody gave a role sees nothing, and is on the list of members', async () => {
    const { browser } = await signIn('eve');
    expect((await me(browser)).body).toMatchObject({ bindings: [] });
    expect((await browser.get(`${api.url}/api/v1/${ACCOUNT}`, own)).status).toBe(403);
    const { members } = await api.ok('GET', `${ACCOUNT}/members`);
    expect(members[0]).toMatchObject({ name: 'Eve', email: null, groups: [], provider: 'acme' });
  });

  it('who signs in again is the same member, as the provider describes them by then', async () => {
    const first = await signIn('bob');
    const { body: before } = await me(first.browser);
    provider.users.set('bob', { name: 'Robert', groups: [] });
    const second = await signIn('bob');
    const { body: after } = await me(second.browser);
    expect(after['actor']).toMatchObject({
      id: (before['actor'] as unknown as { id: string }).id,
      name: 'Robert',
    });
    expect((await me(first.browser)).body).toMatchObject({ bindings: [] });
  });

  it('is named in the records of what they did', async () => {
    provider.users.set('bob', { name: 'Bob', groups: ['platform'] });
    const { browser } = await signIn('bob');
    const scope = `${ACCOUNT}/orgs/team`;
    const cookie = browser.cookiesFor(new URL(`${api.url}/api/v1/${scope}`));
    const saved = await new Api(api.url, '').request(
      'PUT',
      `${scope}/entities/pipeline/by-bob`,
      { yaml: 'name: x\n', store: 'inline' },
      { cookie, ...own },
    );
    expect(saved.status, saved.text).toBe(201);
    const rows = await sql(stack.databaseUrl, 'select requested_by from operation where scope = $1', [scope]);
    expect(rows).toEqual([{ requested_by: expect.stringMatching(/^Bob \([0-9a-f]{8}\)$/) }]);
  });

  it('is signed out when they are deleted, or their provider is', async () => {
    const { browser } = await signIn('ann');
    const { members } = await api.ok('GET', `${ACCOUNT}/members`);
    const { id } = members.find(({ name }: { name: string }) => name === 'Ann');
    await api.ok('DELETE', `${ACCOUNT}/members/${id}`);
    expect((await me(browser)).body).toMatchObject({ code: 'SESSION_REJECTED' });
    await api.ok('PUT', `${PROVIDERS}/passing`, asClient());
    const other = await signIn('eve', { id: 'passing' });
    expect((await me(other.browser)).status).toBe(200);
    await api.ok('DELETE', `${PROVIDERS}/passing`);
    expect((await me(other.browser)).body).toMatchObject({ code: 'SESSION_REJECTED' });
  });

  it('of a public client needs no secret', async () => {
    await api.ok('PUT', `${PROVIDERS}/public`, { issuer: provider.issuer, clientId: 'public' });
    const { browser } = await signIn('ann', { id: 'public' });
    expect((await me(browser)).body).toMatchObject({ actor: { name: 'Ann' } });
  });
});

describe('what goes wrong', () => {
  const failedBy = async (page: URL) => new URLSearchParams(page.hash.split('?')[1]).get('failed');

  it('is told by its code on the page, and signs nobody in: a user who closes the window', async () => {
    const { browser, page } = await signIn(undefined);
    expect(page.hash).toMatch(/^#\/sign-in\?failed=SIGN_IN_FAILED&reference=/);
    expect((await me(browser)).status).toBe(401);
  });

  it('a wrong client secret, of which nothing is told or logged', async () => {
    const wrong = 'wr0ng-client-secret-canary';
    await api.ok('PUT', `${ACCOUNT}/secrets/wrong`, { manager: 'builtin', value: wrong });
    await api.ok('PUT', `${PROVIDERS}/wrong`, asClient({ secret: 'wrong' }));
    const { browser, page } = await signIn('ann', { id: 'wrong' });
    expect(await failedBy(page)).toBe('SIGN_IN_FAILED');
    expect(browser.went.join()).not.toContain(wrong);
    expect(stack.manager?.output()).toMatch(/"code":"SIGN_IN_FAILED","reason":"[^"]*it refused the client/);
    expect(stack.manager?.output()).not.toContain(wrong);
  });

  it('a browser that has not begun, or has begun something else', async () => {
    provider.present = 'ann';
    const browser = new Browser();
    const isCallback = ({ pathname }: URL) => pathname.endsWith('/sign-in-callback');
    const callback = await browser.follow(`${api.url}/api/v1/sign-in/acme?account=demo`, isCallback);
    const stranger = new Browser();
    expect(await failedBy(await stranger.follow(callback.href, isPage))).toBe('SIGN_IN_UNKNOWN');
    const other = new Browser();
    await other.get(`${api.url}/api/v1/sign-in/acme?account=demo`);
    expect(await failedBy(await other.follow(callback.href, isPage))).toBe('SIGN_IN_FAILED');
    expect((await me(other)).status).toBe(401);
    // The code is still good for whom it was meant for, once.
    expect((await browser.follow(callback.href, isPage)).hash).toBe('#/');
    const again = await browser.follow(callback.href, isPage);
    expect(await failedBy(again)).toBe('SIGN_IN_UNKNOWN');
  });

  it.each(['https://evil.example/', '//evil.example', 'accounts', '#/a b'])(
    'a place to return to that is none of the page: %s',
    async (returnTo) => {
      const { status, body } = await new Api(api.url, '').request(
        'GET',
        `sign-in/acme?account=demo&returnTo=${encodeURIComponent(returnTo)}`,
      );
      expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
    },
  );

  it('a provider that is not there any more', async () => {
    const gone = await new IdentityProvider().start([]);
    await api.ok('PUT', `${PROVIDERS}/gone`, asClient({ issuer: gone.issuer }));
    await gone.stop();
    await sql(stack.databaseUrl, `update identity_provider set client_id = 'fresh' where id = 'gone'`);
    const { status, body } = await new Api(api.url, '').request('GET', 'sign-in/gone?account=demo');
    expect([status, body.code]).toEqual([401, 'SIGN_IN_FAILED']);
    const none = await new Api(api.url, '').request('GET', 'sign-in/none?account=demo');
    expect([none.status, none.body.code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('a provider that lies', () => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const strangers = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  let change: (claims: Record<string, unknown>) => object = (claims) => claims;
  let key = keys.privateKey;
  let nonce = '';
  let issuer = '';
  const liar = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', issuer);
    const answers: Record<string, () => object> = {
      '/.well-known/openid-configuration': () => ({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
      '/keys': () => ({
        keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }],
      }),
      '/token': () => {
        const now = Math.floor(Date.now() / 1_000);
        const claims = { iss: issuer, sub: 'ann', aud: 'liar', iat: now, exp: now + 60, nonce, name: 'Ann' };
        const text = `${encode({ alg: 'RS256', kid: 'k' })}.${encode(change(claims))}`;
        const signature = sign('sha256', Buffer.from(text), key).toString('base64url');
        return { access_token: 'a', token_type: 'Bearer', id_token: `${text}.${signature}` };
      },
    };
    if (url.pathname === '/authorize') {
      nonce = url.searchParams.get('nonce') ?? '';
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', 'c');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    const answer = answers[url.pathname];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.() ?? {}));
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    await api.ok('PUT', `${PROVIDERS}/liar`, { issuer, clientId: 'liar' });
  });
  afterAll(() => {
    liar.closeAllConnections();
    liar.close();
  });

  it.each<[string, (claims: Record<string, unknown>) => object, typeof key, boolean]>([
    ['tells the truth', (claims) => claims, keys.privateKey, true],
    ['signs with another key', (claims) => claims, strangers.privateKey, false],
    ['means another client', (claims) => ({ ...claims, aud: 'other' }), keys.privateKey, false],
    ['is another issuer', (claims) => ({ ...claims, iss: 'https://other.example' }), keys.privateKey, false],
    ['answers another sign-in', (claims) => ({ ...claims, nonce: 'other' }), keys.privateKey, false],
    ['is too late', (claims) => ({ ...claims, exp: 1 }), keys.privateKey, false],
    ['names nobody', (claims) => ({ ...claims, sub: undefined }), keys.privateKey, false],
    [
      'says of an address that it is verified, in a text',
      (claims) => ({ ...claims, email: 'ann@acme.example', email_verified: 'true' }),
      keys.privateKey,
      true,
    ],
  ])('%s', async (_, changed, signedBy, isBelieved) => {
    change = changed;
    key = signedBy;
    const { browser, page } = await signIn('ann', { id: 'liar' });
    expect(page.hash.startsWith('#/accounts/demo')).toBe(isBelieved);
    const { status, body } = await me(browser);
    expect(status).toBe(isBelieved ? 200 : 401);
    expect(body['bindings']).toEqual(isBelieved ? [] : undefined);
  });
});

describe('setting one up', () => {
  it('lists the ways to sign in to whoever asks, without what is nobody’s business', async () => {
    const { body } = await new Api(api.url, '').request('GET', 'sign-in');
    expect(body.token).toBe(true);
    expect(body.oidc).toContainEqual({ account: 'demo', id: 'acme', name: 'Acme' });
    expect((await new Api(api.url, '').request('GET', 'sign-in?account=nobody')).body.oidc).toEqual([]);
    expect(JSON.stringify(body)).not.toContain(CLIENT);
  });

  it.each<[string, object, string]>([
    ['no provider', { issuer: 'http://127.0.0.1:1/' }, 'IDENTITY_PROVIDER_UNFIT'],
    ['no URL', { issuer: 'acme' }, 'IDENTITY_PROVIDER_UNFIT'],
    ['another issuer than it says of itself', { issuer: 'ISSUER/other' }, 'IDENTITY_PROVIDER_UNFIT'],
    ['a secret that is not there', { secret: 'none' }, 'NOT_FOUND'],
  ])('is refused with %s', async (_, wrong, code) => {
    const body = asClient({
      ...wrong,
      ...('issuer' in wrong ? { issuer: String(wrong.issuer).replace('ISSUER', provider.issuer) } : {}),
    });
    const answer = await api.request('PUT', `${PROVIDERS}/refused`, body);
    expect(answer.body.code, answer.text).toBe(code);
    expect((await api.request('GET', `${PROVIDERS}/refused`)).status).toBe(404);
  });

  it('keeps its secret from being deleted, and names who uses it', async () => {
    const kept = await api.request('DELETE', `${ACCOUNT}/secrets/client`);
    expect(kept.body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`${PROVIDERS}/acme`),
    });
    expect((await api.ok('GET', `${ACCOUNT}/secrets/client/access`)).identityProviders).toContain(
      `${PROVIDERS}/acme`,
    );
    const { records } = await api.ok('GET', `${ACCOUNT}/secrets/client/audit`);
    expect(records[0]).toMatchObject({
      purpose: 'sign-in',
      subject: expect.stringContaining(`${PROVIDERS}/`),
    });
  });

  it('sends whoever came from another issuer away', async () => {
    await api.ok('PUT', `${PROVIDERS}/moving`, asClient());
    const { browser } = await signIn('eve', { id: 'moving' });
    const other = await new IdentityProvider().start([]);
    await api.ok('PUT', `${PROVIDERS}/moving`, asClient({ issuer: other.issuer }));
    expect((await me(browser)).body).toMatchObject({ code: 'SESSION_REJECTED' });
    await other.stop();
  });
});

it('reaches no private address unless it may, and comes back to the public address, prefix and all', async () => {
  await stack.manager?.kill('SIGTERM');
  await stack.startManager(undefined, {
    SALLYPORT_PUBLIC_URL: 'https://sallyport.example/git',
    SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'true',
  });
  const browser = new Browser();
  const there = await browser.get(`${stack.api.url}/api/v1/sign-in/acme?account=demo`);
  const redirectUri = new URL(there.headers.get('location') ?? '').searchParams.get('redirect_uri');
  expect(redirectUri).toBe('https://sallyport.example/git/api/v1/sign-in-callback');
  await stack.manager?.kill('SIGTERM');
  await stack.startManager(undefined, { SALLYPORT_IDENTITY_ALLOW_PRIVATE: 'false' });
  const closed = await stack.api.request('PUT', `${PROVIDERS}/closed`, asClient());
  expect(closed.body).toMatchObject({
    code: 'IDENTITY_PROVIDER_UNFIT',
    detail: expect.stringContaining('not a public address'),
  });
});
