// The door as a Git host meets it, and what users see of it: over HTTP, with a real database, by one manager.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { Stack } from '../support/stack.js';
import { type Made, proof, push, ROOT, type Sent, webhooksOf } from '../support/webhook-sender.js';

const PUBLIC = 'https://sallyport.example/in';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0, settings: { SALLYPORT_PUBLIC_URL: PUBLIC } });
});
afterAll(() => stack.stop());

const { make, post, deliver, hookOf, deliveriesOf, processed } = webhooksOf(() => stack);

describe('a webhook that is made', () => {
  it('shows its secret once, and what to paste', async () => {
    await stack.api.ok('PUT', `${ROOT}/connectors/shown`, {
      url: 'https://git.example.com/team/shown.git',
      connectivity: 'manager',
      provider: 'gitlab',
    });
    const made = await stack.api.request('PUT', `${ROOT}/connectors/shown/webhook`, {});
    expect(made.status, made.text).toBe(201);
    const { path, url, toPaste, secrets, state, health } = made.body;
    expect(path).toMatch(/^\/webhooks\/[A-Za-z0-9_-]{43}$/);
    expect(url).toBe(`${PUBLIC}${path}`);
    expect(toPaste).toMatchObject({
      url,
      contentType: 'application/json',
      where: expect.stringContaining('Webhooks'),
    });
    expect(toPaste.events).toContain('Push events');
    expect(toPaste.secret.value).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secrets).toEqual([{ scope: ROOT, secret: toPaste.secret.name, made: true }]);
    expect({ state, ...health }).toMatchObject({
      state: 'silent',
      lastDeliveryAt: null,
      refused: 0,
      waiting: 0,
    });

    const again = await stack.api.request('PUT', `${ROOT}/connectors/shown/webhook`, {});
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ path, secrets, toPaste: { secret: { value: null } } });
    expect((await hookOf('shown')).toPaste.secret.value).toBe(null);
  });

  it('keeps its secret in no table, and in no log', async () => {
    const { secret } = await make('canary', 'gitlab');
    const body = '{}';
    const answer = await post((await hookOf('canary')).path, body, {
      'x-gitlab-token': secret,
      'x-gitlab-event': 'Push Hook',
      'x-odd': secret,
    });
    expect(answer.status).toBe(202);
    await processed('canary');
    const rows = await sql(stack.databaseUrl, `select row_to_json(webhook_delivery) from webhook_delivery`);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(stack.logs()).not.toContain(secret);
  });

  it('is refused without a connector, and for secrets that prove nothing', async () => {
    const put = (secrets?: string[], connector = 'shown'): Promise<Answer> =>
      stack.api.request(
        'PUT',
        `${ROOT}/connectors/${connector}/webhook`,
        secrets === undefined ? {} : { secrets },
      );
    await stack.api.ok('PUT', `${ROOT}/secret-managers/store`, {
      settings: { kind: 'vault-kv', address: 'https://vault.example', auth: { method: 'token' } },
      credential: 'git-direct',
    });
    const far = { manager: 'store', kind: 'text', reference: { path: 'team/far', field: 'value' } };
    await stack.api.ok('PUT', `${ROOT}/secrets/far`, far);
    expect((await put(undefined, 'nobody')).body).toMatchObject({ code: 'NOT_FOUND' });
    expect((await put(['nowhere'])).body).toMatchObject({ code: 'NOT_FOUND' });
    expect((await put([])).body).toMatchObject({ code: 'REQUEST_INVALID' });
    expect((await put(['git-direct', 'git-direct', 'git-direct'])).body).toMatchObject({
      code: 'REQUEST_INVALID',
    });
    expect((await put(['far'])).body).toMatchObject({ code: 'WEBHOOK_SECRET_UNFIT' });
    const [{ secret }] = (await hookOf('shown')).secrets;
    expect((await stack.api.request('PUT', `${ROOT}/secrets/${secret}`, far)).body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining('connectors/shown/webhook'),
    });
  });

  it('holds its secrets: none is deleted while a delivery may be proven by it', async () => {
    const { connector } = await make('holding');
    await stack.api.ok('PUT', `${ROOT}/secrets/own-proof`, { manager: 'builtin', value: 'own-proof-value' });
    await stack.api.ok('PUT', `${ROOT}/connectors/${connector}/webhook`, { secrets: ['own-proof'] });
    const refused = await stack.api.request('DELETE', `${ROOT}/secrets/own-proof`);
    expect(refused.body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`connectors/${connector}/webhook`),
    });
    expect(await stack.api.ok('GET', `${ROOT}/secrets/own-proof/uses`)).toMatchObject({
      uses: [{ what: 'webhook', scope: ROOT, id: connector }],
    });
    expect((await stack.api.request('DELETE', `${ROOT}/connectors/${connector}`)).body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining('/webhook'),
    });
    await stack.api.ok('DELETE', `${ROOT}/connectors/${connector}/webhook`);
    await stack.api.ok('DELETE', `${ROOT}/secrets/own-proof`);
    await stack.api.ok('DELETE', `${ROOT}/connectors/${connector}`);
  });

  it('takes its own secret with it, and the door is shut', async () => {
    const made = await make('leaving');
    const { secrets } = await hookOf('leaving');
    await stack.api.ok('DELETE', `${ROOT}/connectors/leaving/webhook`);
    expect((await deliver(made)).status).toBe(404);
    expect((await stack.api.request('GET', `${ROOT}/secrets/${secrets[0].secret}`)).status).toBe(404);
    expect((await stack.api.request('GET', `${ROOT}/connectors/leaving/webhook`)).status).toBe(404);
  });
});

describe('a delivery', () => {
  it('is answered 202 and shown with what it led to', async () => {
    const made = await make('told');
    expect(await deliver(made, push('refs/heads/main'), { id: 'first-one' })).toMatchObject({
      status: 202,
      body: null,
    });
    const [shown] = await processed('told');
    expect(shown).toMatchObject({
      deliveryId: 'first-one',
      verified: true,
      why: null,
      state: 'done',
      event: 'refs/heads/main',
      outcome: { kind: 'noted', details: [] },
      duplicates: 0,
      replays: 0,
    });
    const whole = await stack.api.ok('GET', `${ROOT}/connectors/told/webhook/deliveries/${shown.id}`);
    expect(whole.headers).toMatchObject({ 'x-sallyport-delivery': 'first-one' });
    expect(Object.keys(whole.headers).filter((name) => /signature|authorization/.test(name))).toEqual([]);
    expect(whole.told.changes).toHaveLength(1);
    expect(await hookOf('told')).toMatchObject({
      state: 'working',
      health: { refusedSince: null, waiting: 0 },
    });
  });

  it('that came before is answered alike, and nothing happens twice', async () => {
    const made = await make('twice');
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => deliver(made, push(), { id: 'same' })),
    );
    expect(statuses.map(({ status }) => status)).toEqual(Array(10).fill(202));
    const all = await processed('twice');
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ deliveryId: 'same', duplicates: 9 });
  });

  it('is processed again when that is asked for, under the same id', async () => {
    const made = await make('again');
    await deliver(made);
    const [{ id }] = await processed('again');
    const address = `${ROOT}/connectors/again/webhook/deliveries/${id}`;
    expect(await stack.api.ok('POST', `${address}/replay`)).toMatchObject({ id, replays: 1 });
    const [shown, ...others] = await processed('again');
    expect(others).toEqual([]);
    expect(shown).toMatchObject({ id, state: 'done', replays: 1, replayedAt: expect.any(String) });
    const nowhere = `${ROOT}/connectors/again/webhook/deliveries/${randomUUID()}/replay`;
    expect((await stack.api.request('POST', nowhere)).status).toBe(404);
  });

  it.each([
    ['of no refs at all', push('', { ref: undefined, changes: [] }), 'noted', 'refs that it does not tell'],
    ['that pings', '{"event":"ping"}', 'ping', 'ping'],
    ['of something else', '{"event":"star"}', 'ignored', 'an event that is ignored'],
    ['that is no JSON', '{', 'malformed', null],
    ['that is JSON of another form', '[1]', 'malformed', null],
    [
      'of another repository',
      push('refs/heads/main', { repository: { urls: ['https://git.example.com/other/one.git'] } }),
      'other-repository',
      'refs/heads/main',
    ],
  ])('%s is taken, and its outcome says what it is', async (what, body, kind, event) => {
    const name = `kind_${what.replace(/\W/g, '_')}`;
    const made = await make(name);
    expect((await deliver(made, body)).status).toBe(202);
    const [shown] = await processed(name);
    expect(shown).toMatchObject({ state: 'done', event, outcome: { kind } });
  });

  it('is found page by page, newest first', async () => {
    const made = await make('paged');
    for (const id of ['one', 'two', 'three']) await deliver(made, push(), { id });
    await processed('paged', 3);
    const address = `${ROOT}/connectors/paged/webhook/deliveries`;
    const first = await stack.api.ok('GET', `${address}?limit=2`);
    const second = await stack.api.ok('GET', `${address}?limit=2&cursor=${first.nextCursor}`);
    const ids = [...first.deliveries, ...second.deliveries].map(({ deliveryId }) => deliveryId);
    expect(ids).toEqual(['three', 'two', 'one']);
    expect(second.nextCursor).toBe(null);
  });

  it('with a large body is taken, and its body not kept once it was read', async () => {
    const made = await make('large');
    const body = push('refs/heads/big', { filler: 'x'.repeat(3 * 1024 * 1024) });
    expect((await deliver(made, body)).status).toBe(202);
    const [shown] = await processed('large');
    expect(shown).toMatchObject({ bodyBytes: body.length, event: 'refs/heads/big' });
    const rows = await sql(stack.databaseUrl, `select body from webhook_delivery where id = $1`, [shown.id]);
    expect(rows).toEqual([{ body: null }]);
    await stack.api.ok('POST', `${ROOT}/connectors/large/webhook/deliveries/${shown.id}/replay`);
    expect(await processed('large')).toMatchObject([{ event: 'refs/heads/big', replays: 1 }]);
  });
});

describe('a delivery that is not proven', () => {
  it.each<[string, (made: Made) => Promise<Sent>, number, string]>([
    ['without a proof', ({ path }) => post(path, push()), 401, 'it has no proof'],
    ['with an empty proof', ({ path }) => post(path, push(), { 'x-hub-signature-256': '' }), 401, 'no proof'],
    ['of another secret', ({ path }) => post(path, push(), proof(push(), 'other')), 401, 'another secret'],
    ['that is no JSON, without a proof', ({ path }) => post(path, '{'), 401, 'it has no proof'],
    [
      'that is no JSON, wrongly proven',
      ({ path }) => post(path, '{', proof('{', 'x')),
      401,
      'another secret',
    ],
    [
      'of another body',
      ({ path, secret }) => post(path, push('x'), proof(push('y'), secret)),
      401,
      'another body',
    ],
    [
      'as a form',
      ({ path, secret }) =>
        post(path, 'a=1', { ...proof('a=1', secret), 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'form',
    ],
    [
      'as text',
      ({ path, secret }) => post(path, 'x', { ...proof('x', secret), 'content-type': 'text/plain' }),
      415,
      'text/plain',
    ],
    [
      'compressed',
      ({ path, secret }) => post(path, 'x', { ...proof('x', secret), 'content-encoding': 'gzip' }),
      415,
      'gzip',
    ],
  ])('%s is refused, which is all that is left of it', async (what, send, status, why) => {
    const made = await make(`bad_${what.replace(/\W/g, '_')}`);
    const { status: answered, body } = await send(made);
    expect(answered, JSON.stringify(body)).toBe(status);
    const shown = await eventually(
      async () => (await deliveriesOf(made.connector))[0],
      'the refusal to be on record',
    );
    expect(shown).toMatchObject({ verified: false, state: 'refused', deliveryId: null, outcome: null });
    expect(shown.why).toContain(why);
    await eventually(
      async () => (await hookOf(made.connector)).state === 'refusing',
      'the webhook to say so',
    );
    const replay = `${ROOT}/connectors/${made.connector}/webhook/deliveries/${shown.id}/replay`;
    expect((await stack.api.request('POST', replay)).body).toMatchObject({ code: 'WEBHOOK_REPLAY_REFUSED' });
    const rows = await sql(stack.databaseUrl, `select body, headers from webhook_delivery where id = $1`, [
      shown.id,
    ]);
    expect(rows).toEqual([{ body: null, headers: {} }]);
  });

  it('is counted, and the last few are kept', async () => {
    const made = await make('many_bad');
    await deliver(made);
    for (let at = 0; at < 45; at++) expect((await post(made.path, push())).status).toBe(401);
    const health = await eventually(async () => {
      const { health: told } = await hookOf('many_bad');
      return told.refused === 45 && told;
    }, 'all refusals to be counted');
    expect(Date.parse(health.refusedSince)).toBeLessThan(Date.parse(health.lastRefusedAt));
    const all = await deliveriesOf('many_bad');
    expect(all.filter(({ verified }) => !verified)).toHaveLength(20);
    expect(all.filter(({ verified }) => verified)).toHaveLength(1);
    await deliver(made);
    await eventually(
      async () => (await hookOf('many_bad')).state === 'working',
      'the next one to make it sound',
    );
  });

  it('comes to a 404 where no webhook is, by whatever method, like where nothing is', async () => {
    const { path } = await make('elsewhere');
    const unknown = await post(`/webhooks/${'A'.repeat(43)}`, push());
    expect(unknown).toMatchObject({ status: 404, body: { code: 'ROUTE_NOT_FOUND' } });
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect((await fetch(`${stack.api.url}${path}`, { method })).status, method).toBe(404);
  });

  it.each([
    'x',
    '..',
    '%2e%2e%2f',
    '%00',
    'constructor',
    '__proto__',
    'A'.repeat(42),
    'A'.repeat(44),
    `${'A'.repeat(42)}%0a`,
    "';drop table webhook;--",
    'é'.repeat(30),
    'A'.repeat(43).concat('?x=1'),
    'A'.repeat(600),
  ])('to the odd address %j is refused', async (address) => {
    const { status } = await post(`/webhooks/${address}`, push());
    expect([400, 401, 404]).toContain(status);
  });
});

describe('secrets', () => {
  const prove = ({ path }: Made, secret: string): Promise<number> => {
    const body = push();
    return post(path, body, { ...proof(body, secret), 'x-sallyport-delivery': randomUUID() }).then(
      ({ status }) => status,
    );
  };

  it('two are live while one takes the place of the other', async () => {
    const made = await make('rotating');
    const { secrets } = await hookOf('rotating');
    await stack.api.ok('PUT', `${ROOT}/secrets/next-proof`, {
      manager: 'builtin',
      value: 'next-proof-value',
    });
    await stack.api.ok('PUT', `${ROOT}/connectors/rotating/webhook`, {
      secrets: ['next-proof', secrets[0].secret],
    });
    expect(await prove(made, made.secret)).toBe(202);
    expect(await prove(made, 'next-proof-value')).toBe(202);
    expect(await prove(made, 'neither')).toBe(401);
    await stack.api.ok('PUT', `${ROOT}/connectors/rotating/webhook`, { secrets: ['next-proof'] });
    expect(await prove(made, made.secret)).toBe(401);
    expect(await prove(made, 'next-proof-value')).toBe(202);
    expect((await stack.api.request('GET', `${ROOT}/secrets/${secrets[0].secret}`)).status).toBe(404);
  });

  it('that is edited counts at once, and the old value no more', async () => {
    const made = await make('edited');
    const [{ secret }] = (await hookOf('edited')).secrets;
    expect(await prove(made, made.secret)).toBe(202);
    for (const value of ['another-value-1', 'another-value-2']) {
      await stack.api.ok('PUT', `${ROOT}/secrets/${secret}`, { manager: 'builtin', value });
      expect(await prove(made, made.secret)).toBe(401);
      expect(await prove(made, value)).toBe(202);
    }
  });

  it('whose opening is on record once for a burst', async () => {
    const made = await make('recorded');
    const [{ secret }] = (await hookOf('recorded')).secrets;
    await Promise.all(Array.from({ length: 20 }, () => prove(made, made.secret)));
    const { records } = await stack.api.ok('GET', `${ROOT}/secrets/${secret}/audit`);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      purpose: 'webhook',
      outcome: 'opened',
      subject: `${ROOT}/connectors/recorded/webhook`,
    });
    expect(await stack.api.ok('GET', `${ROOT}/secrets/${secret}/access`)).toMatchObject({
      webhooks: [`${ROOT}/connectors/recorded/webhook`],
    });
  });

  it('that was deleted by force proves nothing', async () => {
    const made = await make('forced');
    const [{ secret }] = (await hookOf('forced')).secrets;
    expect(await prove(made, made.secret)).toBe(202);
    await stack.api.ok('DELETE', `${ROOT}/secrets/${secret}?force=true`);
    expect(await prove(made, made.secret)).toBe(401);
  });
});
