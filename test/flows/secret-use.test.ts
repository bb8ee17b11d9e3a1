// Who may say where a secret goes. Somebody with a right to connectors and none to secrets tries to have them sent to himself.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api, eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { type Road, roads, Stack } from '../support/stack.js';
import { TokenServer } from '../support/token-server.js';

const ACCOUNT = 'accounts/demo';
const ORG = `${ACCOUNT}/orgs/team`;

/** Takes whatever it is sent, and gives what keeps a client talking. */
class Thief {
  /** Heads and bodies, whatever they were encoded in. */
  readonly heard: string[] = [];
  readonly #server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const head = JSON.stringify(request.headers);
      const shown = [...head.matchAll(/Basic ([\w+/=]+)/g)].map(([, text = '']) =>
        Buffer.from(text, 'base64').toString(),
      );
      this.heard.push(head, decodeURIComponent(body), ...shown);
      const isToken = request.url?.includes('token') === true;
      response.writeHead(isToken ? 200 : 401, {
        'content-type': 'application/json',
        'www-authenticate': 'Basic realm="git"',
      });
      response.end(JSON.stringify({ access_token: 'bait', token_type: 'bearer', expires_in: 60 }));
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const thief = new Thief();
let stack: Stack;
let tokens: TokenServer;
/** By road: what the thief must not hear. */
const values: Record<Road, string[]> = { manager: [], delegate: [] };
let api: Api;

beforeAll(async () => {
  await thief.start();
  tokens = await TokenServer.open();
  stack = await Stack.start('embedded', { settings: { SALLYPORT_PUBLIC_URL: 'https://sallyport.example' } });
  ({ api } = stack);
  const permissions = ['connector.view', 'connector.use', 'connector.manage', 'subscription.manage'];
  await api.ok('PUT', `${ACCOUNT}/roles/wirer`, { permissions });
  await api.ok('PUT', ORG, {});
  for (const road of roads) {
    const known = tokens.authorise();
    for (const [id, value] of [
      [`client-${road}`, known.clientSecret],
      [`refresh-${road}`, known.refreshToken],
      [`password-${road}`, randomBytes(12).toString('hex')],
    ] as const) {
      values[road].push(value);
      const body =
        road === 'manager' ? { manager: 'builtin', value } : await stack.sealForDelegate(id, value);
      await api.ok('PUT', `${ACCOUNT}/secrets/${id}`, body);
    }
    await api.ok('PUT', `${ACCOUNT}/connectors/oauth-${road}`, oauth(road));
    await api.ok('PUT', `${ACCOUNT}/connectors/basic-${road}`, basic(road));
  }
});
afterAll(async () => {
  await stack?.stop();
  await tokens.close();
  await thief.close();
});
beforeEach(() => {
  thief.heard.length = 0;
});

const basic = (road: Road, more: object = {}) => ({
  url: stack.repositoryUrl,
  connectivity: road,
  credential: { username: 'ada', secret: `password-${road}` },
  ...more,
});
const oauth = (road: Road, { tokenUrl = tokens.tokenUrl, ...more }: { tokenUrl?: string } = {}) => ({
  url: stack.repositoryUrl,
  connectivity: road,
  provider: 'gitlab',
  credential: {
    kind: 'oauth2',
    tokenUrl,
    clientId: 'client',
    clientSecret: `client-${road}`,
    refreshToken: `refresh-${road}`,
  },
  ...more,
});

const withRole = async (role: string, scope = ACCOUNT): Promise<Api> =>
  new Api(api.url, (await api.ok('POST', `${scope}/tokens`, { name: role, role })).token);

type Attack = (road: Road) => { scope?: string; id: string; method?: string; below?: string; body: object };

const attacks: [string, Attack][] = [
  [
    'where its token comes from is another host',
    (road) => ({ id: `oauth-${road}`, body: oauth(road, { tokenUrl: `${thief.url}/token` }) }),
  ],
  [
    'its repository is at another host',
    (road) => ({ id: `basic-${road}`, body: basic(road, { url: `${thief.url}/demo.git` }) }),
  ],
  [
    'all goes by way of a proxy',
    (road) => ({ id: `basic-${road}`, body: basic(road, { trust: { proxyUrl: thief.url } }) }),
  ],
  [
    'it is renamed to another host',
    (road) => ({
      id: `basic-${road}`,
      method: 'POST',
      below: '/rename',
      body: { url: `${thief.url}/demo.git` },
    }),
  ],
  [
    'a connector of his own names it',
    (road) => ({ id: `own-${road}`, body: basic(road, { url: `${thief.url}/demo.git` }) }),
  ],
  [
    'a connector of a scope further in names it',
    (road) => ({ scope: ORG, id: `own-${road}`, body: basic(road, { url: `${thief.url}/demo.git` }) }),
  ],
];

describe.each(roads)('a secret of the %s', (road) => {
  it.each(attacks)('does not go where somebody says who may not use it: %s', async (_, attack) => {
    const { scope = ACCOUNT, id, method = 'PUT', below = '', body } = attack(road);
    const wirer = await withRole('wirer', scope);
    const answer = await wirer.request(method, `${scope}/connectors/${id}${below}`, body);
    await wirer.request('POST', `${scope}/connectors/${id}/check`);
    const heard = thief.heard.join('\n');
    expect(values[road].filter((value) => heard.includes(value))).toEqual([]);
    expect(answer, answer.text).toMatchObject({ status: 403, body: { code: 'PERMISSION_MISSING' } });
  });
});

describe('whoever may not use secrets', () => {
  const connectors = `${ACCOUNT}/connectors`;
  const denied = { status: 403, body: { code: 'PERMISSION_MISSING' } };

  it('changes of a connector what leaves its secrets where they go', async () => {
    const wirer = await withRole('wirer');
    const other = { url: stack.repositoryUrl.replace('demo', 'other') };
    for (const [road, more] of [
      ['manager', {}],
      ['manager', other],
      ['manager', {}],
      ['delegate', { tags: ['eu'] }],
      ['delegate', {}],
    ] as [Road, object][]) {
      const put = await wirer.request('PUT', `${connectors}/basic-${road}`, basic(road, more));
      expect(put.status, put.text).toBe(200);
    }
    // The host knows the password no better than before; it was asked.
    const renamed = await wirer.request('POST', `${connectors}/basic-manager/rename`, other);
    expect(renamed.body.code, renamed.text).toBe('GIT_AUTH_REJECTED');
  });

  it('makes one that names none', async () => {
    const wirer = await withRole('wirer');
    const open = { url: stack.repositoryUrl, connectivity: 'manager' };
    expect((await wirer.request('PUT', `${connectors}/open`, open)).status).toBe(201);
    const there = { ...open, url: `${thief.url}/open.git` };
    expect((await wirer.request('PUT', `${connectors}/open`, there)).status).toBe(200);
  });

  it('has it sent no webhook’s secret: neither a named one, nor one that was named before', async () => {
    const wirer = await withRole('wirer');
    const hook = { secrets: ['client-manager'] };
    const away = { url: `${thief.url}/a/b.git`, connectivity: 'manager', provider: 'gitea' };
    const here = { ...away, url: `${stack.host.url}/a/b.git` };
    expect((await wirer.request('PUT', `${connectors}/hooked`, here)).status).toBe(201);
    expect(await wirer.request('PUT', `${connectors}/hooked/webhook`, hook)).toMatchObject(denied);
    expect((await wirer.request('PUT', `${connectors}/hooked/webhook`, {})).status).toBe(201);
    expect((await wirer.request('PUT', `${connectors}/hooked`, away)).status).toBe(200);
    await api.ok('PUT', `${connectors}/hooked`, here);
    await api.ok('PUT', `${connectors}/hooked/webhook`, hook);
    expect((await wirer.request('PUT', `${connectors}/hooked/webhook`, hook)).status).toBe(200);
    expect(await wirer.request('PUT', `${connectors}/hooked`, away)).toMatchObject(denied);
    const rename = `${connectors}/hooked/rename`;
    expect(await wirer.request('POST', rename, { url: away.url })).toMatchObject(denied);
    expect(thief.heard).toEqual([]);
  });

  it('names none again that somebody has taken away in that moment', async () => {
    const wirer = await withRole('wirer');
    const hook = { secrets: ['client-manager'] };
    const body = { url: `${stack.host.url}/a/c.git`, connectivity: 'manager', provider: 'gitea' };
    await api.ok('PUT', `${connectors}/raced`, body);
    await api.ok('PUT', `${connectors}/raced/webhook`, hook);
    const meanwhile = new pg.Client({ connectionString: stack.databaseUrl });
    await meanwhile.connect();
    await meanwhile.query("begin; update connector set url = url || 'x' where id = 'raced'");
    const put = wirer.request('PUT', `${connectors}/raced/webhook`, hook);
    const waiting =
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%connector%'";
    await eventually(async () => (await sql(stack.databaseUrl, waiting)).length > 0, 'the request to wait');
    await meanwhile.query("delete from webhook where connector_id = 'raced'; commit");
    await meanwhile.end();
    expect(await put).toMatchObject(denied);
    expect((await api.request('GET', `${connectors}/raced/webhook`)).status).toBe(404);
  });

  it('names none for a subscription, and needs none for it', async () => {
    const wirer = await withRole('wirer');
    const told = { url: 'https://receiver.example/told', types: ['entity.*'] };
    const named = { ...told, secret: 'client-manager' };
    expect(await wirer.request('PUT', `${ACCOUNT}/subscriptions/told`, named)).toMatchObject(denied);
    expect((await wirer.request('PUT', `${ACCOUNT}/subscriptions/told`, told)).status).toBe(201);
  });

  it('names none for a secret manager or an identity provider, whatever else they may', async () => {
    const permissions = ['secret.view', 'secret.manage', 'access.manage', 'connector.manage'];
    await api.ok('PUT', `${ACCOUNT}/roles/keeper`, { permissions });
    const keeper = await withRole('keeper');
    const provider = { issuer: 'https://login.example', clientId: 'c', secret: 'client-manager' };
    expect(await keeper.request('PUT', `${ACCOUNT}/identity-providers/own`, provider)).toMatchObject(denied);
    const store = {
      settings: { kind: 'vault-kv', address: thief.url, auth: { method: 'approle', roleId: 'r' } },
      credential: 'client-manager',
    };
    expect(await keeper.request('PUT', `${ACCOUNT}/secret-managers/own`, store)).toMatchObject(denied);
    await api.ok('PUT', `${ACCOUNT}/secret-managers/store`, store);
    const reference = 'vault-kv://store/team/git#password';
    const referring = {
      url: `${thief.url}/a.git`,
      connectivity: 'delegate',
      credential: { username: 'a', reference },
    };
    expect(await keeper.request('PUT', `${connectors}/referring`, referring)).toMatchObject(denied);
  });

  it('is on record for having tried', async () => {
    const { entries } = await api.ok('GET', `${ACCOUNT}/audit?outcome=denied&action=connector.put`);
    expect(entries[0]).toMatchObject({ actor: { kind: 'token' }, code: 'PERMISSION_MISSING' });
    expect(JSON.stringify(entries)).toContain('wirer');
  });
});

describe('whoever may use the secrets of a scope', () => {
  it('says where they go, those further out excepted', async () => {
    const permissions = ['connector.view', 'connector.manage', 'secret.use'];
    await api.ok('PUT', `${ACCOUNT}/roles/connects`, { permissions });
    await api.ok('PUT', `${ORG}/secrets/own`, { manager: 'builtin', value: 'own' });
    const [all, inner] = [await withRole('connects'), await withRole('connects', ORG)];
    const outer = basic('manager', { url: `${stack.host.url}/outer.git` });
    const own = { ...outer, credential: { username: 'ada', secret: 'own' } };
    expect((await all.request('PUT', `${ACCOUNT}/connectors/theirs`, outer)).status).toBe(201);
    expect((await inner.request('PUT', `${ORG}/connectors/own`, own)).status).toBe(201);
    const refused = await inner.request('PUT', `${ORG}/connectors/outer`, outer);
    expect(refused.body).toMatchObject({
      code: 'PERMISSION_MISSING',
      detail: expect.stringMatching(/secret\.use in accounts\/demo\b/),
    });
  });

  it('refers to no path of a secret manager further out, by a secret of its own as little as by a connector', async () => {
    const permissions = ['connector.manage', 'secret.manage', 'secret.use'];
    await api.ok('PUT', `${ACCOUNT}/roles/refers`, { permissions });
    const store = {
      settings: { kind: 'vault-kv', address: thief.url, auth: { method: 'approle', roleId: 'r' } },
    };
    await api.ok('PUT', `${ACCOUNT}/secret-managers/outer`, { ...store, credential: 'client-manager' });
    await api.ok('PUT', `${ORG}/secrets/approle`, { manager: 'builtin', value: 'own' });
    await api.ok('PUT', `${ORG}/secret-managers/inner`, { ...store, credential: 'approle' });
    const inner = await withRole('refers', ORG);
    const refer = (manager: string) =>
      inner.request('PUT', `${ORG}/secrets/referring`, { manager, reference: { path: 'team/git' } });
    for (const name of ['outer', 'account.outer'])
      expect((await refer(name)).body).toMatchObject({
        code: 'PERMISSION_MISSING',
        detail: expect.stringMatching(/secret\.use in accounts\/demo\b/),
      });
    expect((await inner.request('GET', `${ORG}/secrets/referring`)).status).not.toBe(200);
    expect((await refer('inner')).status).toBe(201);
    const all = await withRole('refers');
    const referring = { manager: 'outer', reference: { path: 'team/git' } };
    expect((await all.request('PUT', `${ORG}/secrets/referring`, referring)).status).toBe(200);
  });
});
