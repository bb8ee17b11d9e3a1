// A connector that is exchanged for short-lived tokens, on both roads, in front of a Git host that takes the current token alone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { ExchangedCredential, exchangedKinds } from '../support/exchanged-credential.js';
import { foundIn, memoryOf } from '../support/process-memory.js';
import { startManager } from '../support/processes.js';
import { fileAt, git } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { type Authorisation, TokenGate, TokenServer } from '../support/token-server.js';

const SCOPE = 'accounts/demo';
const roads = ['manager', 'delegate'] as const;
type Road = (typeof roads)[number];

let stack: Stack;
let tokens: TokenServer;
const authorisations = {} as Record<Road, Authorisation>;
const gates = {} as Record<Road, TokenGate>;
/** Every value that must be nowhere. */
const canaries = new Set<string>();
const exchanged = exchangedKinds.flatMap((kind) =>
  roads.map((road) => ({ kind, road, id: `${kind}-${road}` })),
);
const credentials = new Map<string, ExchangedCredential>();

const put = (path: string, body: unknown): Promise<Json> => stack.api.ok('PUT', `${SCOPE}/${path}`, body);
const get = (path: string): Promise<Json> => stack.api.ok('GET', `${SCOPE}/${path}`);

async function keep(road: Road, id: string, value: string): Promise<void> {
  for (const line of linesOf(value)) canaries.add(line);
  const kind = value.startsWith('-----BEGIN') ? 'ssh-key' : 'text';
  const body =
    road === 'manager' ? { manager: 'builtin', kind, value } : await stack.sealForDelegate(id, value);
  await put(`secrets/${id}`, body);
}

/** Of a private key the lines that make it one. */
const linesOf = (value: string): string[] =>
  value.split('\n').filter((line) => !/^(-----.*|.{0,15})$/.test(line));

const behind = (road: Road): string => {
  const { username, password } = stack.accounts[road];
  return stack.host.url.replace('://', `://${username}:${password}@`);
};

const connectorOf = (road: Road, more: object = {}) => ({
  url: `${gates[road].url}/demo.git`,
  connectivity: road,
  provider: 'gitlab',
  credential: {
    kind: 'oauth2',
    tokenUrl: tokens.tokenUrl,
    clientId: authorisations[road].clientId,
    clientSecret: `client-${road}`,
    refreshToken: `refresh-${road}`,
  },
  ...more,
});

const checkOf = (connector: string, api = stack.api): Promise<Json> =>
  api.ok('POST', `${SCOPE}/connectors/${connector}/check`);
const check = (road: Road, api = stack.api): Promise<Json> => checkOf(`tokens-${road}`, api);

let count = 0;
function saveBy(connector: string, id = `made-${(count += 1)}`, headers = {}): Promise<Answer> {
  // Each to a branch of its own: they run beside each other.
  const branch = credentials.has(connector) ? connector : 'main';
  const place = { connector, branch, message: `Save ${id}` };
  return stack.api.save(id, `name: ${id}\n`, place, headers);
}
async function save(road: Road): Promise<Answer> {
  const answer = await saveBy(`tokens-${road}`);
  const { accessToken, refreshToken } = authorisations[road];
  for (const one of [accessToken, refreshToken]) if (one !== '') canaries.add(one);
  return answer;
}

beforeAll(async () => {
  tokens = await TokenServer.open();
  stack = await Stack.start('embedded', {
    settings: { SALLYPORT_PUBLIC_URL: 'https://sallyport.example' },
  });
  for (const road of roads) {
    const known = tokens.authorise();
    authorisations[road] = known;
    gates[road] = await TokenGate.open(behind(road), (authorization) => {
      const isOf = (token: string): boolean =>
        authorization === `Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}`;
      if (isOf(known.accessToken)) known.use();
      return isOf(known.accessToken);
    });
    await keep(road, `client-${road}`, known.clientSecret);
    await keep(road, `refresh-${road}`, known.refreshToken);
    await put(`connectors/tokens-${road}`, connectorOf(road));
  }
  for (const { kind, road, id } of exchanged) {
    const one = await ExchangedCredential.open(kind, behind(road));
    credentials.set(id, one);
    git(stack.repository, 'branch', id, 'main');
    await keep(road, `key-${id}`, one.secret);
    const connector = { url: `${one.gate.url}/demo.git`, connectivity: road, ...one.connector(`key-${id}`) };
    await put(`connectors/${id}`, connector);
  }
});
afterAll(async () => {
  await stack?.stop();
  for (const road of roads) await gates[road]?.close();
  for (const one of credentials.values()) await one.close();
  await tokens?.close();
});

describe.each(roads)('over the road of the %s', (road) => {
  const known = () => authorisations[road];
  const versionOf = async (): Promise<string> => (await get(`secrets/refresh-${road}`)).version;

  it('a save lands with a token that was just exchanged, and the refresh token’s successor is kept', async () => {
    const before = await versionOf();
    const answer = await save(road);
    expect(answer.status, answer.text).toBe(201);
    expect(known().given).toBe(1);
    expect(await versionOf()).not.toBe(before);
  });

  it('what follows uses the same token', async () => {
    const answers = [await save(road), await save(road)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(known().given).toBe(1);
    expect(await get(`connectors/tokens-${road}`)).toMatchObject({ needsAuthorisation: null });
  });

  it('a token that the host ended before its time is exchanged anew, with the successor', async () => {
    known().accessToken = 'ended';
    const answer = await save(road);
    expect(answer.status, answer.text).toBe(201);
    expect(known().given).toBe(2);
  });

  it('a refresh token that was edited counts at once', async () => {
    known().revoke();
    await keep(road, `refresh-${road}`, known().refreshToken);
    const answer = await save(road);
    expect(answer.status, answer.text).toBe(201);
    expect(known().given).toBe(3);
  });

  it('one that the host calls void is shown, and not asked for again until it changes', async () => {
    known().revoke();
    const refused = await save(road);
    expect(refused.body, refused.text).toMatchObject({ code: 'CREDENTIAL_NEEDS_AUTHORISATION', status: 422 });
    const { asked } = known();
    expect((await save(road)).body.code).toBe('CREDENTIAL_NEEDS_AUTHORISATION');
    expect((await get(`connectors/tokens-${road}`)).needsAuthorisation).toEqual({
      since: expect.any(String),
      code: 'CREDENTIAL_NEEDS_AUTHORISATION',
      detail: expect.stringContaining('invalid_grant'),
      hint: expect.any(String),
    });
    const checked = await check(road);
    expect(checked).toMatchObject({ ok: false });
    expect(checked.stages.at(-1)).toMatchObject({ ok: false, code: 'CREDENTIAL_NEEDS_AUTHORISATION' });
    expect(known().asked).toBe(asked);
    await keep(road, `refresh-${road}`, known().refreshToken);
    expect(await get(`connectors/tokens-${road}`)).toMatchObject({ needsAuthorisation: null });
    expect((await save(road)).status).toBe(201);
  });

  it('secrets that it names are not deleted, and its uses tell of it', async () => {
    const answer = await stack.api.request('DELETE', `${SCOPE}/secrets/client-${road}`);
    expect(answer.body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`tokens-${road}`),
    });
    expect(await get(`secrets/refresh-${road}/uses`)).toMatchObject({ count: 1 });
  });
});

describe('a process that is killed between the exchange and what follows', () => {
  it('the manager: with a host that waits for the new token’s use, nothing is lost', async () => {
    const known = authorisations.manager;
    known.isLenient = true;
    known.accessToken = 'ended';
    await stack.manager?.kill();
    const victim = await stack.startManager('credentials.write-back:before');
    await check('manager').catch(() => undefined);
    await victim.ended();
    await stack.startManager();
    expect(await check('manager')).toMatchObject({ ok: true });
    known.isLenient = false;
  });

  it('the delegate: nothing is lost, since the successor was on its disk before', async () => {
    authorisations.delegate.accessToken = 'ended';
    for (const delegate of stack.delegates.splice(0)) await delegate.kill('SIGTERM');
    const victim = await stack.startDelegate('delegate.keep-refresh-token:before');
    const checked = check('delegate').catch(() => undefined);
    await victim.ended();
    await stack.startDelegate();
    await checked;
    await eventually(
      async () => (await check('delegate').catch(() => undefined))?.ok === true,
      'the delegate to have the successor',
    );
    expect(await get('connectors/tokens-delegate')).toMatchObject({ needsAuthorisation: null });
  });
});

const credentialOf = (id: string): ExchangedCredential => credentials.get(id) as ExchangedCredential;
const saved = (id: string, branch: string): string | null =>
  fileAt(stack.repository, `pipelines/${id}.yaml`, branch);

/** Of one credential; another’s run beside them. */
const inTurn = { concurrent: false };

describe.concurrent.each(exchanged)('by $kind over the road of the $road', ({ road, id }) => {
  const one = (): ExchangedCredential => credentialOf(id);

  it('several saves land with one token', inTurn, async () => {
    const answers = [await saveBy(id), await saveBy(id)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(await checkOf(id)).toMatchObject({ ok: true });
    expect([one().asked, one().refused]).toEqual([1, 0]);
  });

  it('another one is fetched when the host has ended it, and when its time is over', inTurn, async () => {
    // Long enough for a save, however busy the machine is.
    one().live(8);
    one().endToken();
    const answer = await saveBy(id);
    expect(answer.status, answer.text).toBe(201);
    expect([one().asked, one().refused]).toEqual([2, 1]);
    // What the host would still take is shown no more.
    one().takesAll = true;
    one().live(3_600);
    await eventually(async () => (await checkOf(id)).ok && one().asked === 3, 'a third token');
    one().takesAll = false;
    expect((await saveBy(id)).status).toBe(201);
    expect([one().asked, one().refused]).toEqual([3, 1]);
  });

  it(
    'a secret that is taken no more is said, and what was to be saved lands with another',
    inTurn,
    async () => {
      one().renewSecret();
      one().endToken();
      const refused = await saveBy(id, `late-${id}`);
      expect(refused.body, refused.text).toMatchObject({
        code: 'CREDENTIAL_REFUSED',
        status: 422,
        hint: expect.stringContaining('credentials.md'),
      });
      expect((await checkOf(id)).stages.at(-1)).toMatchObject({ ok: false, code: 'CREDENTIAL_REFUSED' });
      expect(saved(`late-${id}`, id)).toBeNull();
      await keep(road, `key-${id}`, one().secret);
      const answer = await saveBy(id, `late-${id}`);
      expect(answer.status, answer.text).toBe(201);
      expect(saved(`late-${id}`, id)).toBe(`name: late-${id}\n`);
    },
  );

  it('a save waits while no token is to be had', inTurn, async () => {
    one().endToken();
    one().answer([503, {}]);
    const { asked } = one();
    const accepted = await saveBy(id, `waited-${id}`, { prefer: 'wait=0' });
    expect(accepted.status, accepted.text).toBe(202);
    await eventually(async () => one().asked > asked, 'a token to be asked for');
    one().answer(undefined);
    expect(await stack.api.ended(accepted.body.id)).toMatchObject({ state: 'succeeded' });
    expect(saved(`waited-${id}`, id)).toBe(`name: waited-${id}\n`);
  });
});

it.each(roads)('an installation that is suspended says so, until it is not: %s', async (road) => {
  const id = `github-app-${road}`;
  credentialOf(id).endToken();
  credentialOf(id).answer([403, { message: 'This installation has been suspended' }]);
  const refused = await saveBy(id, `lifted-${id}`);
  expect(refused.body, refused.text).toMatchObject({
    code: 'CREDENTIAL_APP_SUSPENDED',
    hint: expect.stringContaining('suspension'),
  });
  credentialOf(id).answer(undefined);
  expect((await saveBy(id, `lifted-${id}`)).status).toBe(201);
});

it('what a delegate exchanges, and what for, is nowhere in the memory of the manager', () => {
  const ofDelegate = exchangedKinds.map((kind) => credentialOf(`${kind}-delegate`));
  const ids = ofDelegate.map(({ clientId }) => clientId);
  const values = ofDelegate.flatMap(({ secret, tokens: given }) => [
    ...linesOf(secret).slice(0, 1),
    ...[...given].slice(-1),
  ]);
  expect(values).toHaveLength(4);
  expect(foundIn(memoryOf(stack.manager?.pid ?? 0, 1_024), [...ids, ...values])).toEqual(ids);
});

it('two managers that ask at once get by with one exchange', async () => {
  const env = stack.managerEnvironment();
  const other = await startManager({ env });
  try {
    const known = authorisations.manager;
    await keep('manager', 'refresh-manager', known.refreshToken);
    const apis = [stack.api, new Api(other.url, stack.token)];
    const before = known.given;
    const release = tokens.hold();
    const checks = Array.from({ length: 6 }, (_, at) => check('manager', apis[at % 2]));
    await eventually(async () => tokens.waiting > 0, 'a manager to ask');
    // Whoever asks besides has had the time for it.
    for (const api of apis)
      for (let at = 0; at < 10; at++) await api.ok('GET', `${SCOPE}/connectors/tokens-manager`);
    expect(tokens.waiting).toBe(1);
    release();
    for (const checked of await Promise.all(checks)) expect(checked).toMatchObject({ ok: true });
    expect(known.given - before).toBe(1);
    expect(await get('connectors/tokens-manager')).toMatchObject({ needsAuthorisation: null });
  } finally {
    await other.kill();
  }
});

it('two connectors that name one refresh token get by with one exchange', async () => {
  await put('connectors/tokens-sibling', connectorOf('manager'));
  const known = authorisations.manager;
  await keep('manager', 'refresh-manager', known.refreshToken);
  const before = known.given;
  const release = tokens.hold();
  const checks = ['tokens-manager', 'tokens-sibling'].map((id) =>
    stack.api.ok('POST', `${SCOPE}/connectors/${id}/check`),
  );
  await eventually(async () => tokens.waiting > 0, 'one of them to ask');
  for (let at = 0; at < 20; at++) await get('connectors/tokens-sibling');
  expect(tokens.waiting).toBe(1);
  release();
  for (const checked of await Promise.all(checks)) expect(checked).toMatchObject({ ok: true });
  expect(known.given - before).toBe(1);
  expect(await get('connectors/tokens-sibling')).toMatchObject({ needsAuthorisation: null });
  canaries.add(known.accessToken).add(known.refreshToken);
  await stack.api.request('DELETE', `${SCOPE}/connectors/tokens-sibling`);
});

it.each(roads)('over the road of the %s an app asks to manage webhooks only where it does', async (road) => {
  const id = `github-app-${road}`;
  const { gate } = credentialOf(id);
  const more = { url: `${gate.url}/acme/demo.git`, ...credentialOf(id).connector(`key-${id}`) };
  await put(`connectors/hooks-${road}`, connectorOf(road, more));
  await put(`connectors/hooks-${road}/webhook`, {});
  // What answers has tokens and no API: what counts is what it was asked for before.
  const { body } = await stack.api.request('POST', `${SCOPE}/connectors/hooks-${road}/webhook/register`);
  expect(body).toMatchObject({ code: 'HOST_API_AUTH_REJECTED' });
  expect(credentialOf(id).wished.at(-1)).toEqual({ repository_hooks: 'write' });
  expect(credentialOf(id).wished[0]).toMatchObject({ contents: 'write', pull_requests: 'write' });
});

it('over both roads nothing of it was in a log or the database', async () => {
  for (const { tokens: given } of credentials.values()) for (const token of given) canaries.add(token);
  expect(canaries.size).toBeGreaterThan(100);
  const tables = await sql(
    stack.databaseUrl,
    `select table_schema || '.' || quote_ident(table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const dumps: Json[] = [];
  for (const { name } of tables)
    dumps.push(await sql(stack.databaseUrl, `select t::text as row from ${name} as t`));
  const text = `${stack.logs()}\n${JSON.stringify(dumps)}`;
  for (const canary of canaries) expect(text.includes(canary), canary.slice(0, 8)).toBe(false);
});

describe('at the door is refused', () => {
  it.each<[string, object, number, string]>([
    ['a kind that is none', { credential: { kind: 'cookie' } }, 400, 'kind'],
    ['a value in place of a name', { credential: { kind: 'token', secret: 'a b' } }, 400, 'secret'],
    [
      'what only another kind has',
      { credential: { kind: 'token', secret: 'x', clientId: 'y' } },
      400,
      'clientId',
    ],
    ['a key for https', { credential: { kind: 'ssh', privateKey: 'client-manager' } }, 422, 'private key'],
    ['a key for the API', { apiCredential: { kind: 'ssh', privateKey: 'client-manager' } }, 400, 'kind'],
    [
      'a secret out of reach',
      { credential: { kind: 'token', secret: 'client-delegate' } },
      422,
      'connectivity',
    ],
    ['a secret that is not there', { credential: { kind: 'token', secret: 'none' } }, 404, 'none'],
    ['certificates that are none', { trust: { ca: 'x' } }, 400, 'certificates'],
    ['a proxy with user-info', { trust: { proxyUrl: 'http://a:b@127.0.0.1:1' } }, 422, 'user-info'],
    [
      'a password without a proxy',
      { trust: { proxyUsername: 'a', proxyPassword: 'client-manager' } },
      400,
      'proxy',
    ],
    ['certificates without verification', { trust: { insecure: true } }, 400, 'insecure'],
  ])('%s', async (_, more, status, words) => {
    const answer = await stack.api.request(
      'PUT',
      `${SCOPE}/connectors/refused`,
      connectorOf('manager', more),
    );
    expect(answer.status, answer.text).toBe(status);
    expect(answer.text).toContain(words);
  });
});
