// Events go to receivers by themselves: signed, in order, at least once, whatever receivers and managers do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { allShown } from '../support/event-stream.js';
import { answer, Receiver, signaturesBy } from '../support/receiver.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.open();
  stack = await Stack.start('embedded', {
    delegates: 0,
    settings: {
      SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP: 'true',
      SALLYPORT_SUBSCRIPTIONS_ALLOWED_RANGES: '127.0.0.1',
      SALLYPORT_SUBSCRIPTIONS_DEADLINE_SECONDS: '1',
      SALLYPORT_SUBSCRIPTIONS_RETRY_SECONDS: '2',
    },
  });
  await stack.api.ok('PUT', 'accounts/demo/orgs/web', { displayName: 'web' });
});
afterAll(async () => {
  await stack.stop();
  await receiver.close();
});

const types = ['connector.*'];
const road = (id: string, scope = 'accounts/demo'): string => `${scope}/subscriptions/${id}`;
/** A subscription whose receiver is at the path of its name, to what is new. */
const subscribe = async (id: string, more: object = {}, scope?: string): Promise<Json> => {
  await allShown(stack.databaseUrl);
  return stack.api.ok('PUT', road(id, scope), { url: `${receiver.url}/${id}`, types, ...more });
};
const seen = (id: string): Promise<Json> => stack.api.ok('GET', road(id));
const state = (id: string, wanted: string): Promise<Json> =>
  eventually(async () => {
    const one = await seen(id);
    return one.state === wanted ? one : undefined;
  }, `subscription ${id} to be ${wanted}`);
const attempts = async (id: string): Promise<Json[]> =>
  (await stack.api.ok('GET', `${road(id)}/attempts`)).attempts;
const end = async (...ids: string[]): Promise<void> => {
  for (const id of ids) await stack.api.ok('DELETE', road(id));
};
const connector = (id: string, scope = 'accounts/demo'): Promise<Json> =>
  stack.api.ok('PUT', `${scope}/connectors/${id}`, { url: stack.repositoryUrl, connectivity: 'manager' });
const subjects = (id: string): string[] => receiver.at(`/${id}`).map(({ event }) => event.subject);
const many = (name: string, count: number): Promise<unknown> =>
  sql(
    stack.databaseUrl,
    `insert into event (account, scope, type, subject, data)
     select 'accounts/demo', 'accounts/demo', 'connector.changed', 'connectors/' || $1 || n, '{}'
     from generate_series(1, $2::int) as n`,
    [name, count],
  );

describe('a delivery', () => {
  it('is a signed CloudEvent, the same that the log has', async () => {
    const made = await subscribe('plain');
    expect(made.signingSecret).toMatch(/^whsec_/);
    expect(made).toMatchObject({ state: 'active', failure: null, secretScope: 'accounts/demo', kinds: null });
    expect((await seen('plain')).signingSecret).toBeUndefined();
    await connector('one');
    const [delivery] = await receiver.first('/plain', 1);
    expect(delivery?.headers['content-type']).toBe('application/cloudevents+json');
    expect(delivery?.headers['webhook-id']).toBe(delivery?.event.id);
    expect(signaturesBy(made.signingSecret, delivery as never)).toBe(1);
    const page = await stack.api.ok('GET', 'accounts/demo/events?after=start&types=connector.*&limit=1000');
    expect(page.events.at(-1)).toEqual(delivery?.event);
    // The receiver has it before its answer is on record.
    const after = await eventually(async () => {
      const one = await seen('plain');
      return one.deliveredAt !== null && one;
    }, 'the delivery to be on record');
    expect(after.cursor).toBe(delivery?.event.cursor);
    expect(await attempts('plain')).toMatchObject([
      { type: 'connector.created', status: 204, error: null, eventId: delivery?.event.id },
    ]);
    await end('plain');
  });

  it('is of what is wanted alone: by scope, type, kind and branch', async () => {
    await subscribe('inner', {}, 'accounts/demo/orgs/web');
    await subscribe('typed', { types: ['connector.deleted'] });
    await subscribe('kinds', {
      types: ['entity.*', 'operation.*', 'connector.*'],
      kinds: ['pipeline'],
      branches: ['main'],
    });
    await connector('outer');
    await connector('inner', 'accounts/demo/orgs/web');
    await stack.api.ok('DELETE', 'accounts/demo/connectors/outer');
    const git = { connector: 'direct', branch: 'main', path: 'hook.yaml' };
    expect((await stack.api.save('hook', 'name: hook\n', git)).status).toBe(201);
    await receiver.first('/kinds', 2);
    await receiver.first('/typed', 1);
    await receiver.first('/inner', 1);
    expect(subjects('inner')).toEqual(['connectors/inner']);
    expect(subjects('typed')).toEqual(['connectors/outer']);
    expect(new Set(receiver.at('/kinds').map(({ event }) => event.type.split('.')[1]))).toEqual(
      new Set(['entity', 'operation']),
    );
    expect(
      receiver
        .at('/kinds')
        .map(({ text }) => text)
        .join(),
    ).not.toContain('name: hook');
    await end('typed', 'kinds');
    await stack.api.ok('DELETE', road('inner', 'accounts/demo/orgs/web'));
  });

  it('is signed twice while its secret is rotated, and by a secret of one’s own', async () => {
    const made = await subscribe('rotated');
    const turned = await stack.api.ok('POST', `${road('rotated')}/rotate-secret`, { keepHours: 1 });
    expect(turned.previousSecret.secret).toBe(made.secret);
    await connector('rotated');
    const [both] = await receiver.first('/rotated', 1);
    expect([made, turned].map(({ signingSecret }) => signaturesBy(signingSecret, both as never))).toEqual([
      1, 1,
    ]);
    const own = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await stack.api.ok('PUT', 'accounts/demo/secrets/own', { manager: 'builtin', value: own });
    const named = await subscribe('rotated', { secret: 'own' });
    expect(named).toMatchObject({ secret: 'own', previousSecret: { secret: turned.secret } });
    expect(named.signingSecret).toBeUndefined();
    // The one of before the last is of no use any more.
    expect((await stack.api.request('GET', `accounts/demo/secrets/${made.secret}`)).status).toBe(404);
    await connector('rotated');
    const delivery = (await receiver.first('/rotated', 2))[1];
    expect([own, turned.signingSecret].map((one) => signaturesBy(one, delivery as never))).toEqual([1, 1]);
    // An edit counts from the next delivery on.
    const edited = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    await stack.api.ok('PUT', 'accounts/demo/secrets/own', { manager: 'builtin', value: edited });
    await connector('rotated');
    const last = (await receiver.first('/rotated', 3))[2];
    expect([own, edited].map((one) => signaturesBy(one, last as never))).toEqual([0, 1]);
    const uses = await stack.api.ok('GET', 'accounts/demo/secrets/own/uses');
    expect(uses.uses).toEqual([{ what: 'subscription', scope: 'accounts/demo', id: 'rotated' }]);
    expect((await stack.api.request('DELETE', 'accounts/demo/secrets/own')).body).toMatchObject({
      code: 'STILL_IN_USE',
    });
    const { records } = await stack.api.ok('GET', 'accounts/demo/secrets/own/audit');
    expect(records[0]).toMatchObject({
      purpose: 'event-delivery',
      subject: 'accounts/demo/subscriptions/rotated',
    });
    await end('rotated');
    await stack.api.ok('DELETE', 'accounts/demo/secrets/own');
    expect((await stack.api.request('GET', `accounts/demo/secrets/${turned.secret}`)).status).toBe(404);
  });
});

describe('a receiver', () => {
  it.each([
    ['answers 500', answer(500), 500, 'the receiver answered 500'],
    [
      'redirects',
      answer(302, { location: '/elsewhere' }),
      302,
      'the receiver answered 302, and redirects are not followed',
    ],
    ['hangs', () => undefined, null, 'no answer within 1 s'],
    ['closes', (response: Json) => response.socket.destroy(), null, 'the connection broke'],
    [
      'answers nonsense',
      (response: Json) => response.socket.end('nonsense\r\n\r\n'),
      null,
      'it does not speak HTTP',
    ],
  ])(
    'that %s is asked again, in order, and nobody else waits for it',
    async (_what, behaviour, status, error) => {
      receiver.will('/bad', behaviour, answer(204));
      await subscribe('bad');
      await subscribe('good');
      const from = receiver.at('/good').length;
      const badFrom = receiver.at('/bad').length;
      // Of one moment, so that the second is not late itself.
      await many('both', 2);
      const goods = (await receiver.first('/good', from + 2)).slice(from);
      const bads = (await receiver.first('/bad', badFrom + 3)).slice(badFrom);
      expect(goods.map(({ event }) => event.subject)).toEqual(['connectors/both1', 'connectors/both2']);
      expect(bads.map(({ event }) => event.subject)).toEqual([
        'connectors/both1',
        'connectors/both1',
        'connectors/both2',
      ]);
      expect(bads[0]?.headers['webhook-id']).toBe(bads[1]?.headers['webhook-id']);
      expect((goods[1] as Json).at).toBeLessThan((bads[1] as Json).at);
      const [last] = (await attempts('bad')).slice(-1);
      expect(last).toMatchObject({ status, error });
      expect(receiver.at('/elsewhere')).toEqual([]);
      await state('bad', 'active');
      await end('bad', 'good');
    },
  );

  it('that asks for patience gets it', async () => {
    receiver.will('/patient', answer(429, { 'retry-after': '2' }), answer(200));
    await subscribe('patient');
    await connector('patient');
    const [first, second] = await receiver.first('/patient', 2);
    expect((second as Json).at - (first as Json).at).toBeGreaterThanOrEqual(1_900);
    await end('patient');
  });

  it('that wants no more gets no more, until somebody says so', async () => {
    receiver.will('/gone', answer(410), answer(204));
    await subscribe('gone');
    await connector('gone1');
    const gone = await state('gone', 'disabled');
    expect(gone).toMatchObject({
      enabled: false,
      failure: { error: 'the receiver answered 410: it wants no more' },
    });
    await connector('gone2');
    await subscribe('gone');
    await receiver.first('/gone', 3);
    expect(subjects('gone')).toEqual(['connectors/gone1', 'connectors/gone1', 'connectors/gone2']);
    await end('gone');
  });

  it('that is broken for long enough is left alone, visibly, and goes on where it was once it is told to', async () => {
    receiver.will('/broken', answer(503));
    await subscribe('broken');
    await connector('broken1');
    const retrying = await state('broken', 'retrying');
    expect(Date.parse(retrying.failure.nextAttemptAt)).toBeGreaterThan(Date.now() - 1_000);
    const paused = await state('broken', 'paused');
    expect(paused.failure).toMatchObject({ error: 'the receiver answered 503', nextAttemptAt: null });
    expect(paused.failure.failures).toBeGreaterThanOrEqual(3);
    await stack.api.ok('POST', `${road('broken')}/rotate-secret`, {});
    expect(await seen('broken')).toMatchObject({ state: 'paused', failure: paused.failure });
    receiver.will('/broken', answer(204));
    const count = receiver.at('/broken').length;
    await subscribe('broken');
    expect((await receiver.first('/broken', count + 1))[count]?.event.subject).toBe('connectors/broken1');
    await end('broken');
  });

  it('is tried now, and what became of it told', async () => {
    receiver.will('/tried', answer(204), answer(500), (response) => response.socket?.destroy());
    const made = await subscribe('tried', { enabled: false });
    const test = (): Promise<Json> => stack.api.ok('POST', `${road('tried')}/test`);
    expect(await test()).toMatchObject({ type: 'subscription.test', status: 204, error: null });
    expect(await test()).toMatchObject({ status: 500, error: 'the receiver answered 500' });
    expect(await test()).toMatchObject({ status: null, error: 'the connection broke' });
    const [delivery] = receiver.at('/tried');
    expect(delivery?.event).toMatchObject({ type: 'sallyport.subscription.test', data: { id: 'tried' } });
    expect(signaturesBy(made.signingSecret, delivery as never)).toBe(1);
    expect(await seen('tried')).toMatchObject({ state: 'disabled', failure: null });
    expect(await attempts('tried')).toHaveLength(3);
    await sql(
      stack.databaseUrl,
      `insert into subscription_attempt (scope, subscription_id, event_id, type, ms)
       select scope, id, gen_random_uuid(), 'subscription.test', 1 from subscription, generate_series(1, 150) where id = $1`,
      ['tried'],
    );
    await test();
    const kept = await sql(
      stack.databaseUrl,
      `select 1 from subscription_attempt where subscription_id = $1`,
      ['tried'],
    );
    expect(kept).toHaveLength(100);
    await end('tried');
  });

  it('gets again what came after a cursor or since a moment', async () => {
    const start = new Date().toISOString();
    await subscribe('again');
    for (const id of ['again1', 'again2', 'again3']) await connector(id);
    const [first] = await receiver.first('/again', 3);
    await stack.api.ok('POST', `${road('again')}/replay`, { after: first?.event.cursor });
    await receiver.first('/again', 5);
    await stack.api.ok('POST', `${road('again')}/replay`, { since: start });
    await receiver.first('/again', 8);
    expect(
      subjects('again')
        .map((one) => one.slice(-1))
        .join(''),
    ).toBe('12323123');
    const future = Buffer.from('9000000000000.1').toString('base64url');
    const refused = await stack.api.request('POST', `${road('again')}/replay`, { after: future });
    expect(refused.body).toMatchObject({ status: 410, code: 'EVENTS_GONE' });
    await end('again');
  });

  it('that missed what is no longer kept is told of, not passed over', async () => {
    receiver.will('/late', answer(204));
    await subscribe('late', { enabled: false });
    await connector('late');
    await sql(stack.databaseUrl, `update subscription set position_transaction = '3' where id = 'late'`);
    await sql(
      stack.databaseUrl,
      `insert into event_log values ('accounts/demo', '4', 1)
       on conflict (account) do update set pruned_transaction = '4', pruned_sequence = 1`,
    );
    await subscribe('late');
    expect((await state('late', 'paused')).failure.error).toMatch(/^EVENTS_GONE/);
    expect(receiver.at('/late')).toEqual([]);
    await stack.api.ok('POST', `${road('late')}/replay`, { after: 'start' });
    await receiver.first('/late', 1);
    await end('late');
  });
});

describe('an address', () => {
  it.each([
    ['https://10.0.0.1/', 'its host is not a public address'],
    ['http://169.254.169.254/latest', 'its host is not a public address'],
    ['http://localhost.:1/', 'its scheme is not allowed', 'ftp'],
    ['https://user:word@hooks.example.com/', 'it holds user-info'],
  ])('%s is refused where it is written', async (url, reason, scheme = '') => {
    const written = scheme === '' ? url : url.replace('http', scheme);
    const answered = await stack.api.request('PUT', road('odd'), { url: written, types });
    expect(answered.body).toMatchObject({ status: 422, code: 'RECEIVER_DENIED' });
    expect(answered.body.detail).toContain(reason);
    expect(answered.text).not.toContain('word@');
  });

  it('that turns out to be closed is not dialled', async () => {
    await subscribe('inside');
    // As if the name had resolved to something else since.
    await sql(stack.databaseUrl, `update subscription set url = 'http://127.0.0.2:1/' where id = 'inside'`);
    const result = await stack.api.ok('POST', `${road('inside')}/test`);
    expect(result).toMatchObject({ status: null, error: 'its address is not allowed' });
    await end('inside');
  });

  it('is refused with a secret that cannot sign, and nothing is left of it', async () => {
    await stack.api.ok('PUT', 'accounts/demo/secrets/odd', { manager: 'builtin', value: 'password' });
    const put = (body: object) =>
      stack.api.request('PUT', road('odd'), { url: `${receiver.url}/odd`, types, ...body });
    expect((await put({ secret: 'odd' })).body).toMatchObject({ status: 422, code: 'SUBSCRIPTION_UNFIT' });
    expect((await put({ secret: 'none' })).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect((await put({ types: ['nothing.*'] })).body).toMatchObject({
      status: 400,
      code: 'REQUEST_INVALID',
    });
    expect((await put({ types: [] })).body).toMatchObject({ status: 400 });
    expect((await stack.api.request('GET', road('odd'))).body).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    const elsewhere = await stack.api.request('PUT', road('odd', 'accounts/demo/orgs/none'), {
      url: receiver.url,
      types,
    });
    expect(elsewhere.body).toMatchObject({ code: 'SCOPE_NOT_FOUND' });
    const { secrets } = await stack.api.ok('GET', 'accounts/demo/secrets');
    expect(secrets.map(({ id }: Json) => id).filter((id: string) => id.startsWith('webhook-'))).toEqual([]);
  });
});

describe('managers', () => {
  it('that are several send each event once, in order', async () => {
    const first = stack.manager;
    const second = await stack.startManager(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/manager` });
    for (const id of ['fleet1', 'fleet2', 'fleet3']) await subscribe(id);
    await many('fleet', 60);
    for (const id of ['fleet1', 'fleet2', 'fleet3']) {
      await receiver.first(`/${id}`, 60);
      expect(subjects(id)).toEqual(Array.from({ length: 60 }, (_, n) => `connectors/fleet${n + 1}`));
    }
    await end('fleet1', 'fleet2', 'fleet3');
    await second.kill();
    stack.manager = first;
  });

  it('that are killed lose nothing: what was under way is sent again by the next, and then what follows', async () => {
    await subscribe('killed');
    await stack.manager?.kill();
    await many('killed', 5);
    const doomed = await stack.startManager('events.deliver:after');
    expect(await doomed.ended()).toBe('SIGKILL');
    expect(subjects('killed')).toEqual(['connectors/killed1']);
    await stack.startManager();
    await receiver.first('/killed', 6);
    expect(subjects('killed')).toEqual([1, 1, 2, 3, 4, 5].map((n) => `connectors/killed${n}`));
    expect(new Set(receiver.at('/killed').map(({ event }) => event.id)).size).toBe(5);
    await end('killed');
  });

  it('leave neither a secret nor a token in what they write', async () => {
    const made = await subscribe('quiet');
    await connector('quiet');
    await receiver.first('/quiet', 1);
    const [{ stored }] = await sql<{ stored: string }>(
      stack.databaseUrl,
      `select string_agg(event::text, '') as stored from event`,
    ).then((rows) => rows as [{ stored: string }]);
    for (const text of [stack.logs(), stored, ...receiver.deliveries.map(({ text: sent }) => sent)]) {
      expect(text).not.toContain(made.signingSecret.slice(6));
      expect(text).not.toContain(stack.accounts.manager.password);
      expect(text).not.toContain(stack.token);
    }
    await end('quiet');
  });
});
