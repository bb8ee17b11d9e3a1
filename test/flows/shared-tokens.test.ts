// Connectors that name one refresh token, at an endpoint that ends it with every exchange and a Git host that takes the last token
// alone: with two managers, two delegates of a group, and whoever is killed in between.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Api, eventually, type Json } from '../support/api.js';
import { holding, isAwaited, sql } from '../support/database.js';
import { type RunningProcess, startManager } from '../support/processes.js';
import { fileAt, git } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { type Authorisation, TokenGate, TokenServer } from '../support/token-server.js';

const SCOPE = 'accounts/demo';
const roads = ['manager', 'delegate'] as const;
type Road = (typeof roads)[number];

let stack: Stack;
let other: RunningProcess;
let tokens: TokenServer;
const authorisations = {} as Record<Road, Authorisation>;
const gates = {} as Record<Road, TokenGate>;

const basicOf = (token: string): string => `Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}`;

/** In front of the Git host. */
function openGate(road: Road, isWelcome: (authorization: string) => boolean): Promise<TokenGate> {
  const { username, password } = stack.accounts[road];
  return TokenGate.open(stack.host.url.replace('://', `://${username}:${password}@`), isWelcome);
}

const put = (path: string, body: unknown): Promise<Json> => stack.api.ok('PUT', path, body);
const apis = (): Api[] => [stack.api, new Api(other.url, stack.token)];
const startOther = async (): Promise<void> => {
  other = await startManager({ env: stack.managerEnvironment() });
};

async function keep(road: Road, id: string, value: string): Promise<void> {
  const builtin = { manager: 'builtin', value };
  await put(`${SCOPE}/secrets/${id}`, road === 'manager' ? builtin : await stack.sealForDelegate(id, value));
}

const keepRefreshToken = (road: Road): Promise<void> =>
  keep(road, `refresh-${road}`, authorisations[road].refreshToken);

const connectorOf = (road: Road, more: object = {}): object => ({
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

const connectorsOf = (road: Road): string[] => [`one-${road}`, `two-${road}`];

let count = 0;
function save(connector: string, api = stack.api, headers = {}): Promise<Answer> {
  const id = `made-${(count += 1)}`;
  // Each to a branch of its own: they run beside each other.
  return api.save(id, `name: ${id}\n`, { connector, branch: connector, message: `Save ${id}` }, headers);
}

/** By every manager, with every connector, at once. */
const saveByAll = (road: Road): Promise<Answer[]> =>
  Promise.all(apis().flatMap((api) => connectorsOf(road).map((connector) => save(connector, api))));

async function waitingFor({ body }: Answer, what: RegExp): Promise<void> {
  const waitsFor = async (): Promise<string> =>
    (await stack.api.ok('GET', `${SCOPE}/operations/${body.id}`)).waitsFor ?? '';
  await eventually(async () => what.test(await waitsFor()), `a save to wait for ${what.source}`);
}

/** Names of the delegates of the group, the one to be asked first before the other. */
async function chosen(eligible = false): Promise<[string, string]> {
  const { delegates } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'one-delegate' });
  const group = delegates.filter((one: Json) => one.group === 'local' && (one.eligible || !eligible));
  return group.map(({ name }: Json) => name);
}

const statusOf = (answers: Answer[]): (number | string)[] =>
  answers.map(({ status, text }) => (status === 201 ? status : text));

beforeAll(async () => {
  tokens = await TokenServer.open();
  stack = await Stack.start('real', { delegates: 2 });
  await startOther();
  for (const road of roads) {
    const known = tokens.authorise();
    authorisations[road] = known;
    gates[road] = await openGate(road, (authorization) => authorization === basicOf(known.accessToken));
    await keep(road, `client-${road}`, known.clientSecret);
    await keepRefreshToken(road);
    for (const id of connectorsOf(road)) {
      git(stack.repository, 'branch', id, 'main');
      await put(`${SCOPE}/connectors/${id}`, connectorOf(road));
    }
  }
});
afterAll(async () => {
  await other?.kill();
  await stack?.stop();
  for (const road of roads) await gates[road]?.close();
  await tokens?.close();
});

describe.each(roads)('over the road of the %s', (road) => {
  const known = (): Authorisation => authorisations[road];

  it('one exchange serves both connectors and both managers', async () => {
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect([known().given, known().asked, gates[road].refused]).toEqual([1, 1, 0]);
  });

  it('one that the host has ended is exchanged once for all of them', async () => {
    known().accessToken = 'ended';
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect([known().given, known().asked]).toEqual([2, 2]);
  });

  it('a manager that was not there uses what is at hand', async () => {
    await other.kill();
    await startOther();
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect(known().given).toBe(2);
  });

  it('what is void is asked for once, and each connector says it of itself', async () => {
    known().revoke();
    const { asked } = known();
    for (const id of connectorsOf(road))
      expect((await save(id)).body).toMatchObject({
        code: 'CREDENTIAL_NEEDS_AUTHORISATION',
        detail: expect.stringContaining(`connectors/${id} is void`),
      });
    for (const id of connectorsOf(road))
      expect((await stack.api.ok('GET', `${SCOPE}/connectors/${id}`)).needsAuthorisation).toMatchObject({
        detail: expect.stringContaining(`connectors/${id} is void`),
      });
    expect(known().asked).toBe(asked + 1);
    await keepRefreshToken(road);
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect(known().given).toBe(3);
  });

  it('a manager that is killed once it is written has lost nothing', async () => {
    known().accessToken = 'ended';
    await other.kill();
    await stack.manager?.kill();
    const victim = await stack.startManager('credentials.write-back:after');
    await save(`one-${road}`).catch(() => undefined);
    await victim.ended();
    await stack.startManager();
    await startOther();
    const { given } = known();
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    expect(known().given).toBe(given);
  });
});

it('a connector in a project shares the token, and its host is shown no other', async () => {
  await put(`${SCOPE}/orgs/acme`, {});
  await put(`${SCOPE}/orgs/acme/projects/shop`, {});
  for (const road of roads) {
    const { given } = authorisations[road];
    const { credential } = connectorOf(road) as {
      credential: { clientSecret: string; refreshToken: string };
    };
    const outer = {
      ...credential,
      clientSecret: `account.${credential.clientSecret}`,
      refreshToken: `account.${credential.refreshToken}`,
    };
    const place = `${SCOPE}/orgs/acme/projects/shop/connectors/three-${road}`;
    await put(place, connectorOf(road, { credential: outer }));
    expect(await stack.api.ok('POST', `${place}/check`)).toMatchObject({ ok: true });
    expect(authorisations[road].given).toBe(given);
  }
});

it('a group that cannot open the token gets one of its own', async () => {
  await stack.startDelegate(undefined, {}, { group: 'far' });
  const known = tokens.authorise();
  await put(`${SCOPE}/secrets/client-groups`, { manager: 'builtin', value: known.clientSecret });
  await put(`${SCOPE}/secrets/refresh-groups`, { manager: 'builtin', value: known.refreshToken });
  const { credential } = connectorOf('delegate') as { credential: object };
  const shared = {
    ...credential,
    clientId: known.clientId,
    clientSecret: 'client-groups',
    refreshToken: 'refresh-groups',
  };
  known.rotates = false;
  const gate = await openGate('delegate', (authorization) =>
    [...known.accessTokens].some((token) => authorization === basicOf(token)),
  );
  try {
    for (const group of ['local', 'far', 'local', 'far']) {
      const id = `${SCOPE}/connectors/of-${group}`;
      const more = { url: `${gate.url}/demo.git`, credential: shared, group };
      await put(id, connectorOf('delegate', more));
      expect(await stack.api.ok('POST', `${id}/check`)).toMatchObject({ ok: true });
    }
    expect(known.given).toBe(2);
  } finally {
    await gate.close();
  }
});

it('whichever group is asked first, the one with the key is found where the connector names none', async () => {
  for (const [group, folder] of [
    ['local', 'delegate'],
    ['far', 'far'],
  ] as const) {
    const known = tokens.authorise();
    const seal = async (id: string, value: string): Promise<Json> =>
      put(`${SCOPE}/secrets/${id}`, await stack.sealForDelegate(id, value, SCOPE, folder));
    await seal(`client-of-${group}`, known.clientSecret);
    await seal(`refresh-of-${group}`, known.refreshToken);
    const gate = await openGate('delegate', (authorization) => authorization === basicOf(known.accessToken));
    try {
      const credential = {
        kind: 'oauth2',
        tokenUrl: tokens.tokenUrl,
        clientId: known.clientId,
        clientSecret: `client-of-${group}`,
        refreshToken: `refresh-of-${group}`,
      };
      const id = `${SCOPE}/connectors/keyed-${group}`;
      await put(id, connectorOf('delegate', { url: `${gate.url}/demo.git`, credential }));
      expect(await stack.api.ok('POST', `${id}/check`)).toMatchObject({ ok: true });
      expect(known.given).toBe(1);
    } finally {
      await gate.close();
    }
  }
});

it.each(roads)('a token that nobody can open any more is exchanged anew: %s', async (road) => {
  const known = authorisations[road];
  expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
  const { given } = known;
  await sql(
    stack.databaseUrl,
    `update secret_token set sealed = jsonb_set(sealed, '{version}', to_jsonb(gen_random_uuid()::text))`,
  );
  await other.kill();
  await startOther();
  const [, api] = apis() as [Api, Api];
  expect(await api.ok('POST', `${SCOPE}/connectors/one-${road}/check`)).toMatchObject({ ok: true });
  expect(known.given).toBe(given + 1);
});

const askFor = (connector: string): Promise<Answer> =>
  stack.api.request('POST', `${SCOPE}/connectors/${connector}/check`);

it.each(roads)('a host that takes no token is no reason to exchange with every call: %s', async (road) => {
  const known = authorisations[road];
  let isWelcome = false;
  const gate = await openGate(road, (shown) => isWelcome && shown === basicOf(known.accessToken));
  try {
    await put(`${SCOPE}/connectors/deaf-${road}`, connectorOf(road, { url: `${gate.url}/demo.git` }));
    const { given } = known;
    for (let at = 0; at < 3; at++) expect((await askFor(`deaf-${road}`)).body).toMatchObject({ ok: false });
    expect(known.given).toBe(given + 1);
    expect(statusOf(await saveByAll(road))).toEqual([201, 201, 201, 201]);
    isWelcome = true;
    expect((await askFor(`deaf-${road}`)).body).toMatchObject({ ok: true });
    expect(known.given).toBe(given + 1);
    known.accessToken = 'ended';
    expect((await askFor(`deaf-${road}`)).body).toMatchObject({ ok: true });
    expect(known.given).toBe(given + 2);
  } finally {
    await gate.close();
  }
});

it.each(roads)('a successor that came with a token of no use is kept all the same: %s', async (road) => {
  const known = authorisations[road];
  known.accessToken = 'ended';
  known.rotate();
  known.answer = [200, { access_token: 'abcd', token_type: 'mac', refresh_token: known.refreshToken }];
  expect((await askFor(`one-${road}`)).body.ok).not.toBe(true);
  known.answer = undefined;
  expect((await askFor(`one-${road}`)).body).toMatchObject({ ok: true });
});

const kept = () => sql(stack.databaseUrl, `select 1 from secret_token where secret_id = 'refresh-manager'`);

it.each([
  ['deleted', () => stack.api.ok('DELETE', `${SCOPE}/secrets/refresh-manager?force=true`)],
  ['replaced', () => keep('manager', 'refresh-manager', 'void')],
])('a token whose secret was %s meanwhile is not kept', async (_, write) => {
  const known = authorisations.manager;
  known.rotates = false;
  known.accessToken = 'ended';
  expect(await kept()).toHaveLength(1);
  const release = tokens.hold();
  const { given } = known;
  const asked = askFor('one-manager');
  await eventually(async () => tokens.waiting > 0, 'the endpoint to be asked');
  await write();
  release();
  expect((await asked).body.ok).not.toBe(true);
  expect(known.given).toBe(given + 1);
  expect(await kept()).toEqual([]);
  await keepRefreshToken('manager');
  expect((await askFor('one-manager')).body).toMatchObject({ ok: true });
  known.rotates = true;
});

it('a manager that stood still while another one exchanged it shows nobody what is spent', async () => {
  const known = authorisations.manager;
  known.accessToken = 'ended';
  const { asked } = known;
  const ofGrant = (statement: string) =>
    sql(stack.databaseUrl, `${statement} where secret_id = 'refresh-manager'`);
  const saved: Promise<Answer>[] = [];
  await holding(stack.databaseUrl, 'lock table secret_audit in exclusive mode', async () => {
    saved.push(save('one-manager'));
    await eventually(async () => {
      const [{ holder }] = (await ofGrant('select holder from secret_grant')) as [Json];
      return holder !== null && isAwaited(stack.databaseUrl);
    }, 'the manager to stand still');
    await ofGrant(`update secret_grant set holder = 'another', claimed_until = now() + interval '1 minute'`);
    known.rotate();
    await keepRefreshToken('manager');
    await ofGrant('update secret_grant set holder = null');
  });
  expect(statusOf(await Promise.all(saved))).toEqual([201]);
  expect(known.asked).toBe(asked + 1);
});

describe('killed between the endpoint’s answer and what follows', { timeout: 120_000 }, () => {
  it('a delegate that comes again has the successor, and no other of its group shows the one before', async () => {
    const known = authorisations.delegate;
    known.accessToken = 'ended';
    for (const delegate of stack.delegates.splice(0)) await delegate.kill('SIGTERM');
    const [first, second] = await chosen();
    const inFolder = (name: string) => ({ SALLYPORT_DATA_DIR: `${stack.home}/${name}` });
    const victim = await stack.startDelegate('delegate.keep-refresh-token:before', inFolder(first));
    await stack.startDelegate(undefined, inFolder(second));
    await eventually(async () => (await chosen(true)).join() === `${first},${second}`, 'both to take tasks');
    const accepted = await save('one-delegate', stack.api, { prefer: 'wait=0' });
    expect(accepted.status, accepted.text).toBe(202);
    await victim.ended();
    const { asked } = known;
    const later = await save('two-delegate', stack.api, { prefer: 'wait=0' });
    await waitingFor(
      later,
      /that has begun it can do it \(local\/[\w-]+: it (has fallen silent|is not running)/,
    );
    expect(known.asked).toBe(asked);
    await stack.startDelegate(undefined, inFolder(first));
    for (const { body } of [accepted, later])
      expect(await stack.api.ended(body.id)).toMatchObject({ state: 'succeeded' });
    expect(known.asked).toBe(asked + 1);
  });

  it('a manager goes on with the delegate that the one before asked, and with no other', async () => {
    const known = authorisations.delegate;
    known.accessToken = 'ended';
    await other.kill();
    await stack.manager?.kill();
    const victim = await stack.startManager('credentials.write-back:before');
    const accepted = await save('one-delegate', stack.api, { prefer: 'wait=0' });
    expect(accepted.status, accepted.text).toBe(202);
    await victim.ended();
    const { asked } = known;
    const [{ begun_by: begunBy }] = (await sql(
      stack.databaseUrl,
      `select begun_by from secret_grant where secret_id = 'refresh-delegate'`,
    )) as [Json];
    await sql(stack.databaseUrl, `update delegate set state = 'disabled' where id = $1`, [begunBy]);
    await stack.startManager();
    await startOther();
    const later = await save('two-delegate', stack.api, { prefer: 'wait=0' });
    await waitingFor(later, /that has begun it can do it \(local\/[\w-]+: it was disabled/);
    expect(known.asked).toBe(asked);
    await stack.api.ok('POST', `${SCOPE}/delegates/${begunBy}/enable`);
    for (const { body } of [accepted, later])
      expect(await stack.api.ended(body.id)).toMatchObject({ state: 'succeeded' });
    expect(known.asked).toBe(asked + 1);
  });

  it('a manager that had it in memory alone has lost it: every connector says so, until it is authorised', async () => {
    const known = authorisations.manager;
    known.accessToken = 'ended';
    await other.kill();
    await stack.manager?.kill();
    const victim = await stack.startManager('credentials.write-back:before');
    const accepted = await save('one-manager', stack.api, { prefer: 'wait=0' });
    await victim.ended();
    await stack.startManager();
    await startOther();
    // Its plan was stored: a push of it may have landed, for all that anybody knows.
    await waitingFor(accepted, /one-manager is void/);
    expect((await save('two-manager')).body.code).toBe('CREDENTIAL_NEEDS_AUTHORISATION');
    await keepRefreshToken('manager');
    expect(await stack.api.ended(accepted.body.id)).toMatchObject({ state: 'succeeded' });
    const again = await save('two-manager');
    expect(again.status, again.text).toBe(201);
    expect(fileAt(stack.repository, `pipelines/made-${count}.yaml`, 'two-manager')).toBe(
      `name: made-${count}\n`,
    );
  });
});
