// Who gets in: every route of the API's own description, with no token and with every wrong one.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { Api } from '../support/api.js';
import { sql } from '../support/database.js';
import { ApiDocument, type Route } from '../support/documented-api.js';
import { runCommand } from '../support/processes.js';
import { sendRaw } from '../support/raw-http.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let routes: Route[];

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  ({ routes } = await ApiDocument.read(stack.api));
});
afterAll(() => stack.stop());

const HEALTH = 'health';

/** `/api/v1/accounts/{account}/secrets/{id}` → `accounts/demo/secrets/x` */
const addressOf = ({ path }: Route, account = 'demo'): string =>
  path
    .replace('/api/v1/', '')
    .replace('{account}', account)
    .replace(/\/operations\/\{id\}/, '/operations/8c0e8a2c-14e4-4b4f-9d6b-0c54e0c5a111')
    .replace(/\{\w+\}/g, 'x');

const newToken = async (account: string): Promise<string> => {
  const env = { DATABASE_URL: stack.databaseUrl };
  const { stdout } = await runCommand('src/token.js', ['--account', account], { env });
  return stdout.trim();
};

const expire = (token: string): Promise<unknown> =>
  sql(stack.databaseUrl, `update token set expires_at = now() - interval '1 second' where hash = $1`, [
    createHash('sha256').update(token).digest(),
  ]);

/** What the routes that belong to an account answer, each once. */
async function knock(api: Api, write: (address: string) => string = (address) => address) {
  const own = routes.filter(({ path }) => path.includes('{account}'));
  const answers: Record<string, string> = {};
  for (const route of own) {
    const methods = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
    for (const method of methods) {
      const body = method === 'PUT' ? {} : undefined;
      const { status, headers, body: answer } = await api.request(method, write(addressOf(route)), body);
      const type = headers.get('content-type')?.split(';')[0];
      answers[`${method} ${route.path}`] = [status, method === 'HEAD' ? '' : answer.code, type].join(' ');
    }
  }
  expect(Object.keys(answers).length).toBeGreaterThan(60);
  return new Set(Object.values(answers).map((answer) => answer.replace('  ', ' ')));
}

/** Every table's rows, so that a denied request can be shown to have changed none. */
async function everything(): Promise<unknown> {
  const names = ['scope', 'kind', 'secret', 'connector', 'entity', 'operation', 'lane', 'idempotency'];
  return Promise.all(names.map((name) => sql(stack.databaseUrl, `select * from ${name} order by 1, 2`)));
}

const denied = (status: number, code: string): Set<string> =>
  new Set([`${status} ${code} application/problem+json`, `${status} application/problem+json`]);

/** As it is; with a letter of the account in percent-encoding; with every one. */
const spellings: [string, (address: string) => string][] = [
  ['plain', (address) => address],
  ['partly encoded', (address) => address.replace('accounts/demo', 'accounts/%64emo')],
  ['wholly encoded', (address) => address.replace('accounts/demo', '%61ccounts/%64%65%6D%6f')],
];

describe.each(spellings)('every route of an account, its address %s', (_, write) => {
  it.each<[string, number, string, () => Promise<string>]>([
    ['no token', 401, 'TOKEN_REJECTED', async () => ''],
    ['a token that is not known', 401, 'TOKEN_REJECTED', async () => `sp_${'A'.repeat(43)}`],
    ['what is no token', 401, 'TOKEN_REJECTED', async () => 'a b'],
    [
      'a token that has expired',
      401,
      'TOKEN_REJECTED',
      async () => {
        const token = await newToken('demo');
        await expire(token);
        return token;
      },
    ],
    ['a token of another account', 403, 'ACCESS_DENIED', () => newToken('other')],
  ])('is closed to %s', async (_name, status, code, makeToken) => {
    const token = await makeToken();
    const before = await everything();
    expect(await knock(new Api(stack.manager?.url ?? '', token), write)).toEqual(denied(status, code));
    expect(await everything()).toEqual(before);
  });

  it('is open to a token of the account', async () => {
    const api = new Api(stack.manager?.url ?? '', await newToken('demo'));
    const answer = await api.request('GET', write('accounts/demo'));
    expect(answer.body).toMatchObject({ scope: 'accounts/demo' });
  });
});

describe('without a token', () => {
  const anonymous = (): Api => new Api(stack.manager?.url ?? '', '');

  it.each([
    'openapi.json',
    'accounts',
    'nothing',
    '',
    'health/',
    'health/more',
    'HEALTH',
    '../v1/accounts/demo',
    'accounts/demo/../../health/../accounts/demo',
    'accounts/demo?health',
    'accounts/demo%2F..%2F..%2Fhealth',
  ])('there is nothing at %j', async (address) => {
    const answer = await anonymous().request('GET', address);
    expect(answer.status, answer.text).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      code: 'TOKEN_REJECTED',
      hint: expect.stringContaining('npm run token'),
    });
  });

  it.each(['OPTIONS', 'POST', 'PATCH', 'PUT', 'DELETE'])('%s does not open even health', async (method) => {
    expect((await anonymous().request(method, HEALTH)).status).toBe(401);
  });

  it('only whether it is up can be known, and no more', async () => {
    const answer = await anonymous().request('GET', HEALTH);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ up: true, contract: contractVersion, contractOldest });
    expect((await anonymous().request('HEAD', HEALTH)).status).toBe(200);
  });

  it('a body is not even waited for', async () => {
    const { status } = await sendRaw(stack.manager?.url ?? '', [
      'PUT /api/v1/accounts/demo/entities/pipeline/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n',
      'Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
    ]);
    expect(status).toBe(401);
  });
});

describe('a token', () => {
  it.each<[string, (token: string) => Record<string, string>, number]>([
    ['as Bearer', (token) => ({ authorization: `Bearer ${token}` }), 200],
    ['as bearer, the scheme in lower case', (token) => ({ authorization: `bearer ${token}` }), 200],
    ['without a scheme', (token) => ({ authorization: token }), 401],
    ['as Basic', (token) => ({ authorization: `Basic ${btoa(`x:${token}`)}` }), 401],
    ['with something behind it', (token) => ({ authorization: `Bearer ${token}x` }), 401],
    ['with less of it', (token) => ({ authorization: `Bearer ${token.slice(0, -1)}` }), 401],
    ['twice in one header', (token) => ({ authorization: `Bearer ${token} ${token}` }), 401],
    ['in another header', (token) => ({ 'x-api-key': token, cookie: `token=${token}` }), 401],
  ])('%s', async (_, headers, status) => {
    const api = new Api(stack.manager?.url ?? '', '');
    expect((await api.request('GET', 'accounts/demo', undefined, headers(stack.token))).status).toBe(status);
  });

  it('does not count in the address', async () => {
    const api = new Api(stack.manager?.url ?? '', '');
    const query = `token=${stack.token}&access_token=${stack.token}`;
    expect((await api.request('GET', `accounts/demo?${query}`)).status).toBe(401);
  });

  it('is stored as a hash, which is no token itself', async () => {
    const rows = await sql<{ hash: Buffer; whole: string }>(
      stack.databaseUrl,
      'select hash, token::text as whole from token',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { whole, hash } of rows) {
      expect(whole).not.toContain(stack.token);
      for (const text of [hash.toString('hex'), hash.toString('base64url')]) {
        const api = new Api(stack.manager?.url ?? '', text);
        expect((await api.request('GET', 'accounts/demo')).status).toBe(401);
      }
    }
  });

  it('of a wrong kind is refused at health too, rather than passed over', async () => {
    const answer = await new Api(stack.manager?.url ?? '', 'wrong').request('GET', HEALTH);
    expect(answer.status).toBe(401);
  });

  it('expires while it is used', async () => {
    const token = await newToken('demo');
    const api = new Api(stack.manager?.url ?? '', token);
    expect((await api.request('GET', 'accounts/demo')).status).toBe(200);
    await expire(token);
    const answer = await api.request('GET', 'accounts/demo');
    expect(answer.body).toMatchObject({ code: 'TOKEN_REJECTED', detail: expect.stringContaining('expired') });
  });

  it('reaches its own account and cannot make another', async () => {
    const answer = await stack.api.request('PUT', 'accounts/fresh', {});
    expect(answer.body.code).toBe('ACCESS_DENIED');
    expect(await sql(stack.databaseUrl, `select 1 from scope where path = 'accounts/fresh'`)).toEqual([]);
  });

  it('of an account goes with the account', async () => {
    const token = await newToken('leaving');
    const api = new Api(stack.manager?.url ?? '', token);
    expect((await api.request('DELETE', 'accounts/leaving')).status).toBe(204);
    expect((await api.request('GET', 'accounts/leaving')).status).toBe(401);
  });
});
