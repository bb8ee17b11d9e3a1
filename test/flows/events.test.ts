// What changes is told as it happens: to whoever follows the stream or asks for pages, and to nobody else.
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EventsRepository } from '../../src/events/events.repository.js';
import { toEventCursor } from '../../src/events/position.js';
import { Storage } from '../../src/storage/database.js';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { allShown, EventStream } from '../support/event-stream.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

describe('the stream', () => {
  let stack: Stack;
  const streams: EventStream[] = [];
  beforeAll(async () => {
    stack = await Stack.start('embedded', { settings: { SALLYPORT_EVENT_STREAMS_MAX: '3' } });
    await stack.api.ok('PUT', 'accounts/demo/orgs/web', { displayName: 'web' });
    await stack.api.ok('PUT', 'accounts/demo/orgs/web/projects/shop', { displayName: 'shop' });
    await stack.api.ok('PUT', 'accounts/demo/orgs/back', { displayName: 'back' });
  });
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.close();
  });
  afterAll(() => stack.stop());

  const follow = async (path: string, headers: Record<string, string> = {}): Promise<EventStream> => {
    const stream = await eventually(async () => {
      const opened = await EventStream.open(stack, path, headers);
      // Those that were closed a moment ago may still count.
      return opened.problem?.code === 'EVENT_STREAMS_FULL' ? undefined : opened;
    }, 'a stream');
    streams.push(stream);
    return stream;
  };
  const connector = (scope: string, id: string): Promise<Json> =>
    stack.api.ok('PUT', `${scope}/connectors/${id}`, { url: stack.repositoryUrl, connectivity: 'manager' });

  it('tells of a connector, of a save and of its operation within a second', async () => {
    const stream = await follow('accounts/demo/events');
    expect(stream.status).toBe(200);
    expect(stream.headers.get('x-accel-buffering')).toBe('no');
    expect(stream.headers.get('cache-control')).toBe('no-store');
    await eventually(async () => stream.lastId !== '', 'the stream to have caught up');
    await connector('accounts/demo', 'told');
    // What others do in the same server may hold it back.
    await allShown(stack.databaseUrl);
    const at = Date.now();
    const [created] = await stream.first(1);
    expect(Date.now() - at).toBeLessThan(1_500);
    expect(created).toMatchObject({
      event: 'sallyport.connector.created',
      data: {
        specversion: '1.0',
        source: '/api/v1/accounts/demo',
        type: 'sallyport.connector.created',
        subject: 'connectors/told',
        datacontenttype: 'application/json',
        data: { id: 'told', connectivity: 'manager', provider: 'generic' },
      },
    });
    await connector('accounts/demo', 'told');
    await stack.api.ok('DELETE', 'accounts/demo/connectors/told');
    const saved = await stack.api.save('told', 'name: told\n', {
      connector: 'direct',
      branch: 'main',
      path: 'told.yaml',
    });
    expect(saved.status).toBe(201);
    await stream.first(5);
    expect(stream.told.slice(0, 3)).toEqual([
      'connector.created connectors/told',
      'connector.changed connectors/told',
      'connector.deleted connectors/told',
    ]);
    expect(
      stream.told
        .slice(3)
        .map((one) => one.replace(/[0-9a-f-]{36}/, 'ID'))
        .toSorted(),
    ).toEqual(['entity.created entities/pipeline/told', 'operation.succeeded operations/ID']);
  });

  it('tells a scope of itself and of what is below it alone', async () => {
    const [inner, other] = [
      await follow('accounts/demo/orgs/web/events?after=start'),
      await follow('accounts/demo/orgs/back/events?after=start'),
    ];
    const project = await follow('accounts/demo/orgs/web/projects/shop/events?after=start');
    await connector('accounts/demo', 'outer');
    await connector('accounts/demo/orgs/back', 'back');
    await connector('accounts/demo/orgs/web', 'web');
    await connector('accounts/demo/orgs/web/projects/shop', 'shop');
    await inner.first(2);
    await project.first(1);
    await other.first(1);
    expect(inner.told).toEqual(['connector.created connectors/web', 'connector.created connectors/shop']);
    expect(project.told).toEqual(['connector.created connectors/shop']);
    expect(other.told).toEqual(['connector.created connectors/back']);
  });

  it('tells another account nothing', async () => {
    const scope = `accounts/other`;
    await sql(stack.databaseUrl, `insert into scope (path, account, display_name) values ($1, $1, 'other')`, [
      scope,
    ]);
    await sql(
      stack.databaseUrl,
      `insert into event (account, scope, type, subject, data) values ($1, $1, 'connector.created', 'connectors/x', '{}')`,
      [scope],
    );
    const page = await stack.api.ok('GET', 'accounts/demo/events?after=start&limit=1000');
    expect(page.events.length).toBeGreaterThan(5);
    expect(
      page.events.filter(({ source }: Json) => !/^\/api\/v1\/accounts\/demo(\/|$)/.test(source)),
    ).toEqual([]);
    const denied = await EventStream.open(stack, `${scope}/events`);
    expect(denied.problem).toMatchObject({ status: 403, code: 'ACCESS_DENIED' });
    expect((await EventStream.open(stack, 'accounts/demo/orgs/nowhere/events')).problem).toMatchObject({
      code: 'SCOPE_NOT_FOUND',
    });
  });

  it('gives pages of the same, by type, kind and branch', async () => {
    const page = (query: string): Promise<Json> =>
      stack.api.ok('GET', `accounts/demo/events?after=start${query}`);
    const all = await page('&limit=1000');
    expect(all.more).toBe(false);
    const short: Json[] = [];
    for (let after = 'start', more = true; more; ) {
      const next = await stack.api.ok('GET', `accounts/demo/events?limit=2&after=${after}`);
      short.push(...next.events);
      ({ nextCursor: after, more } = next);
    }
    expect(short).toEqual(all.events);
    const typed = await page('&types=entity.*,connector.deleted&limit=1000');
    expect(new Set(typed.events.map(({ type }: Json) => type))).toEqual(
      new Set(['sallyport.entity.created', 'sallyport.connector.deleted']),
    );
    expect((await page('&kind=pipeline&branch=main&limit=1000')).events.length).toBe(2);
    expect((await page('&kind=service')).events).toEqual([]);
    expect((await page('&branch=dev')).events).toEqual([]);
    // Who asks for now gets nothing, and the cursor to go on from.
    const now = await stack.api.ok('GET', 'accounts/demo/events');
    expect(now.events).toEqual([]);
    await connector('accounts/demo', 'later');
    const later = await eventually(async () => {
      const found = await stack.api.ok('GET', `accounts/demo/events?after=${now.nextCursor}`);
      return found.events.length > 0 ? found : undefined;
    }, 'what came later');
    expect(later.events).toMatchObject([{ subject: 'connectors/later' }]);
  });

  it.each([
    ['after=never'],
    ['after='],
    ['types=entity'],
    ['types=entity.*,nothing.*'],
    ['kind=not/a/kind'],
    ['branch=..'],
    ['limit=0'],
    ['cursor=x'],
  ])('refuses ?%s', async (query) => {
    const answer = await stack.api.request('GET', `accounts/demo/events?${query}`);
    expect(answer.body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  });

  it('refuses a last id that is none, and more streams than an account may have', async () => {
    const odd = await EventStream.open(stack, 'accounts/demo/events', { 'last-event-id': 'odd' });
    expect(odd.problem).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    for (let n = 0; n < 3; n += 1) await follow('accounts/demo/events');
    const full = await EventStream.open(stack, 'accounts/demo/events');
    expect(full.problem).toMatchObject({ status: 429, code: 'EVENT_STREAMS_FULL' });
    streams.splice(0)[0]?.close();
    await follow('accounts/demo/events');
  });

  it('says that a cursor is gone before anything else', async () => {
    const { nextCursor } = await stack.api.ok('GET', 'accounts/demo/events?after=start&limit=1');
    await sql(
      stack.databaseUrl,
      `update event set created_at = now() - interval '31 days' where sequence <= 3`,
    );
    const events = new EventsRepository(await opened());
    await events.prune(30, 100);
    const gone = await EventStream.open(stack, 'accounts/demo/events', { 'last-event-id': nextCursor });
    expect(gone.problem).toMatchObject({ status: 410, code: 'EVENTS_GONE' });
    expect((await stack.api.request('GET', `accounts/demo/events?after=${nextCursor}`)).status).toBe(410);
    expect((await stack.api.request('GET', 'accounts/demo/events?after=start')).status).toBe(200);
    const future = toEventCursor({ transaction: '9000000000000', sequence: 1 });
    expect((await stack.api.request('GET', `accounts/demo/events?after=${future}`)).status).toBe(410);
  });
  let storage: Storage | undefined;
  const opened = async (): Promise<Storage> => (storage ??= new Storage(stack.databaseUrl));
  afterAll(() => storage?.close());

  it('is the same for a client that comes back to a manager that was killed, without loss or doubling', async () => {
    const before = await follow('accounts/demo/events?types=connector.*');
    await eventually(async () => before.lastId !== '', 'the stream to have caught up');
    await connector('accounts/demo', 'before1');
    await connector('accounts/demo', 'before2');
    await before.first(2);
    const [first] = before.events;
    await stack.manager?.kill('SIGKILL');
    await eventually(async () => before.ended !== undefined, 'the stream to end');
    await stack.startManager();
    await connector('accounts/demo', 'between');
    const last = before.lastId;
    const after = await follow('accounts/demo/events?types=connector.*', { 'last-event-id': last });
    const behind = await follow('accounts/demo/events?types=connector.*', {
      'last-event-id': first?.id ?? '',
    });
    await after.first(1);
    await connector('accounts/demo', 'after');
    await after.first(2);
    await behind.first(3);
    const ids = (stream: EventStream): string[] => stream.events.map(({ data }) => data.data.id);
    expect(ids(before)).toEqual(['before1', 'before2']);
    expect(ids(after)).toEqual(['between', 'after']);
    expect(ids(behind)).toEqual(['before2', 'between', 'after']);
  });

  it('does not wait for a client that reads nothing, which later goes on from where it was', async () => {
    const start = (await stack.api.ok('GET', 'accounts/demo/events')).nextCursor;
    const { port } = new URL(stack.manager?.url ?? '');
    const slow = net.connect(Number(port), '127.0.0.1').on('error', () => undefined);
    slow.write(
      `GET /api/v1/accounts/demo/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${stack.token}\r\n\r\n`,
    );
    await new Promise((resolve) => slow.once('data', resolve));
    slow.pause();
    // More than socket, buffer and queue hold.
    await sql(
      stack.databaseUrl,
      `insert into event (account, scope, type, subject, data)
       select 'accounts/demo', 'accounts/demo', 'connector.changed', 'connectors/many',
         jsonb_build_object('id', n, 'filling', repeat('x', 4000)) from generate_series(1, 6000) as n`,
    );
    const quick = await follow(`accounts/demo/events?after=${start}&types=connector.changed`);
    await eventually(async () => quick.events.length >= 6_000, 'the quick client to have all');
    expect(quick.events.map(({ data }) => data.data.id)).toEqual(
      Array.from({ length: 6_000 }, (_, n) => n + 1),
    );
    let text = '';
    slow.on('data', (chunk) => (text += chunk.toString('latin1')));
    slow.resume();
    await eventually(async () => text.includes('"id":6000,'), 'the slow client to have all');
    expect(text.match(/\nevent: /g)?.length).toBe(6_000);
    slow.destroy();
    expect(stack.logs()).not.toMatch(/"level":(50|60)/);
  });

  it('ends when its token is no longer good', async () => {
    const name = randomUUID();
    await sql(
      stack.databaseUrl,
      `insert into token (id, account, scope, role, name, hash, expires_at)
       values ($1, 'accounts/demo', 'accounts/demo', 'viewer', 'short', sha256(convert_to($2, 'UTF8')), now() + interval '6 seconds')`,
      [randomUUID(), `sp_${name}`],
    );
    const stream = await EventStream.open(
      { manager: stack.manager, token: `sp_${name}` },
      'accounts/demo/events',
    );
    expect(stream.status).toBe(200);
    await eventually(async () => stream.ended !== undefined, 'the stream to end');
    expect(stream.ended).toBe('the end');
  });

  it('tells of delegates: what is wanted of them, and whether they are there, once', async () => {
    const stream = await follow('accounts/demo/events?types=delegate.*');
    await eventually(async () => stream.lastId !== '', 'the stream to have caught up');
    const [{ id }] = (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates;
    for (const wish of ['disable', 'disable', 'enable'])
      await stack.api.ok('POST', `accounts/demo/delegates/${id}/${wish}`);
    const newcomer = await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/newcomer` });
    await stream.first(4);
    await newcomer.kill('SIGTERM');
    await stream.first(5);
    const newcomerId = stream.events[2]?.data.data.id;
    expect(stream.told).toEqual([
      `delegate.disabled delegates/${id}`,
      `delegate.enabled delegates/${id}`,
      `delegate.enrolled delegates/${newcomerId}`,
      `delegate.online delegates/${newcomerId}`,
      `delegate.offline delegates/${newcomerId}`,
    ]);
    expect(stream.events[4]?.data.data).toMatchObject({ name: 'newcomer', group: 'local', why: 'stopped' });
  });

  it('tells of a push: what came, changed, moved and went, what is invalid and where, what is refused and by which rule', async () => {
    const tracking = 'accounts/demo/connectors/direct/tracking';
    const push = async (files: Record<string, string | null>): Promise<string> => {
      const commit = await pushForeign(stack.foreignUrl, files);
      await stack.api.ok('POST', `${tracking}/poll`);
      return commit;
    };
    await stack.api.ok('PUT', 'accounts/demo/kinds/shut', {
      pathTemplate: '{org}/{project}/shut/{id}.yaml',
      schema: { type: 'object' },
    });
    await stack.api.ok('PUT', tracking, {
      files: [
        { pattern: 'pushed/**/{id}.yaml', kind: 'pipeline' },
        { pattern: 'shut/{id}.yaml', kind: 'shut' },
      ],
      rules: [{ kinds: ['other'] }, { kinds: ['shut'], create: false }],
    });
    const stream = await follow('accounts/demo/events?types=entity.*');
    await eventually(async () => stream.lastId !== '', 'the stream to have caught up');
    await push({
      'pushed/altered.yaml': 'name: a\n',
      'pushed/mover.yaml': 'name: mover\n',
      'pushed/leaver.yaml': 'name: leaver\n',
    });
    await stream.first(3);
    const commitId = await push({
      'pushed/altered.yaml': 'name: b\n',
      'pushed/mover.yaml': null,
      'pushed/there/mover.yaml': 'name: mover\n',
      'pushed/leaver.yaml': null,
      'pushed/broken.yaml': 'name: a\nname: b\n',
      'shut/outsider.yaml': 'name: outsider\n',
    });
    await stream.first(9);
    expect(stream.told.slice(0, 3).toSorted()).toEqual([
      'entity.created entities/pipeline/altered',
      'entity.created entities/pipeline/leaver',
      'entity.created entities/pipeline/mover',
    ]);
    expect(stream.told.slice(3).toSorted()).toEqual([
      'entity.changed entities/pipeline/altered',
      'entity.created entities/pipeline/broken',
      'entity.deleted entities/pipeline/leaver',
      'entity.invalid entities/pipeline/broken',
      'entity.moved entities/pipeline/mover',
      'entity.refused entities/shut/outsider',
    ]);
    const about = new Map(stream.events.slice(3).map(({ event, data }) => [event, data.data]));
    for (const data of about.values())
      expect(data).toMatchObject({ branch: 'main', connector: 'direct', cause: 'git', commitId });
    expect(about.get('sallyport.entity.moved')).toMatchObject({
      path: 'pushed/there/mover.yaml',
      from: 'pushed/mover.yaml',
    });
    expect(about.get('sallyport.entity.invalid')).toMatchObject({
      code: 'YAML_REFUSED',
      data: { line: 2, column: 1 },
    });
    expect(about.get('sallyport.entity.refused')).toMatchObject({
      code: 'CHANGE_REFUSED',
      data: { path: 'shut/outsider.yaml', change: 'created', rule: 2 },
    });
  });

  it('ends cleanly, and at once, when the manager drains', async () => {
    const stream = await follow('accounts/demo/events');
    await eventually(async () => stream.lastId !== '', 'the stream to have caught up');
    const at = Date.now();
    await stack.manager?.kill('SIGTERM');
    expect(await stack.manager?.ended(), stack.logs().slice(-3000)).toBe('0');
    expect(Date.now() - at).toBeLessThan(10_000);
    await eventually(async () => stream.ended !== undefined, 'the stream to end');
    expect(stream.ended).toBe('the end');
  });
});
