// A repository that has another address at its host: who says so, what is believed, and that all that is kept of it comes along, by
// either road, whatever is being written meanwhile.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { type Answer, type Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { PushGate } from '../support/push-gate.js';
import { assertSound, fileAt, git, head, pushForeign, trailers } from '../support/repository.js';
import { type Road, roads, Stack } from '../support/stack.js';
import { proof, webhooksOf } from '../support/webhook-sender.js';

const ROOT = 'accounts/demo';
const connectors = `${ROOT}/connectors`;

let stack: Stack;
let api: Api;
beforeAll(async () => {
  stack = await Stack.start('real', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  api = stack.api;
});
afterAll(() => stack.stop());

const root = (): string => path.join(stack.home, 'repositories');
const folderOf = (name: string): string => path.join(root(), `${name}.git`);
const urlOf = (name: string): string => `${stack.host.url}/${name}.git`;
const make = (name: string): string =>
  createRepository(root(), name, { files: { 'README.md': `${name}\n` } }).folder;
const renameAtHost = (from: string, to: string): void => fs.renameSync(folderOf(from), folderOf(to));
const foreign = (name: string): string => stack.foreignUrl.replace('/demo.git', `/${name}.git`);

const connect = (id: string, road: Road, url: string): Promise<Json> => {
  const [secret, username] =
    road === 'manager'
      ? ['git-direct', stack.accounts.manager.username]
      : ['git-delegated', stack.accounts.delegate.username];
  return api.ok('PUT', `${connectors}/${id}`, { url, connectivity: road, credential: { username, secret } });
};
const rename = (id: string, url: string): Promise<Answer> =>
  api.request('POST', `${connectors}/${id}/rename`, { url });
const connectorOf = (id: string): Promise<Json> => api.ok('GET', `${connectors}/${id}`);
const trackingOf = (id: string): Promise<Json> => api.ok('GET', `${connectors}/${id}/tracking`);
const save = (connector: string, id: string, yaml: string, headers = {}): Promise<Answer> =>
  api.save(id, yaml, { connector, branch: 'main' }, headers);
/** Of an operation that has ended, or goes on. */
const operationOf = ({ body }: Answer): string => body.operationId ?? body.id;
const later = { prefer: 'respond-async' };
const copyOf = (id: string, yaml: string): Promise<Json> =>
  eventually(
    async () => {
      const { status, body } = await api.request('GET', `${ROOT}/entities/pipeline/${id}?branch=main`);
      return status === 200 && body.yaml === yaml && body;
    },
    `the copy of ${id} to be ${JSON.stringify(yaml)}`,
  );
/** Types of the entity events that were recorded, and what they are about. */
const toldOf = async (like: string): Promise<string[]> =>
  (
    await sql<{ type: string; id: string }>(
      stack.databaseUrl,
      `select type, data ->> 'id' as id from event where type like 'entity.%' and data ->> 'id' like $1 order by sequence`,
      [like],
    )
  ).map(({ type, id }) => `${type} ${id}`);

describe.each(roads)('with connectivity %s', (road) => {
  const name = (text: string): string => `${text}-${road}`;

  it('a renamed repository fails with words of what to say, and then everything comes along', async () => {
    const [connector, old, now, other] = [name('app'), name('old'), name('new'), name('other')];
    make(old);
    make(other);
    await connect(connector, road, urlOf(old));
    await api.ok('PUT', `${connectors}/${connector}/tracking`, {});
    const [a, b, c] = [name('a'), name('b'), name('c')];
    const first = await save(connector, a, 'name: a\n');
    expect(first.status, first.text).toBe(201);
    await save(connector, b, 'name: b\n');
    await pushForeign(foreign(old), { [`pipelines/${c}.yaml`]: 'name: c\n' });
    await api.ok('POST', `${connectors}/${connector}/tracking/poll`);
    await copyOf(c, 'name: c\n');
    const before = await connectorOf(connector);

    renameAtHost(old, now);
    const failed = await save(connector, a, 'name: a2\n');
    expect(failed.body).toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
    expect(failed.body.hint).toContain(`POST …/connectors/{id}/rename`);
    // What happens there meanwhile is not lost.
    await pushForeign(foreign(now), { [`pipelines/${c}.yaml`]: 'name: c2\n' });

    for (const [url, code] of [
      [urlOf(other), 'REPOSITORY_DIFFERENT'],
      [urlOf('nowhere'), 'GIT_REPOSITORY_NOT_FOUND'],
      ['https://a:b@git.example/x', 'CONNECTOR_DENIED'],
    ] as const)
      expect((await rename(connector, url)).body, url).toMatchObject({ code });
    expect(await connectorOf(connector)).toEqual(before);

    const renamed = await rename(connector, urlOf(now));
    expect(renamed.body).toMatchObject({
      url: urlOf(now),
      moved: { entities: 3, operations: 0, branches: 1, pullRequests: 0, imports: 0 },
      webhook: null,
    });
    expect(await rename(connector, urlOf(now))).toMatchObject({
      status: 200,
      body: { revision: renamed.body.revision, moved: { entities: 0 } },
    });
    await copyOf(c, 'name: c2\n');
    const again = await save(connector, a, 'name: a3\n');
    expect(again.status, again.text).toBe(200);
    expect(fileAt(folderOf(now), `pipelines/${a}.yaml`)).toBe('name: a3\n');
    await pushForeign(foreign(now), { [`pipelines/${b}.yaml`]: 'name: b2\n' });
    await api.ok('POST', `${connectors}/${connector}/tracking/poll`);
    await copyOf(b, 'name: b2\n');
    expect(await trackingOf(connector)).toMatchObject({ problem: null, renamedTo: null });
    expect(trailers(folderOf(now))).toContain(first.body.operationId);
    expect((await api.ok('GET', `${ROOT}/operations/${first.body.operationId}`)).state).toBe('succeeded');
    const drift = await api.ok('GET', `${connectors}/${connector}/drift`);
    expect(drift.sections).toMatchObject([{ branch: 'main', copies: 3, differences: [] }]);
    expect(await toldOf(`_-${road}`)).toEqual([
      `entity.created ${a}`,
      `entity.created ${b}`,
      `entity.created ${c}`,
      `entity.changed ${c}`,
      `entity.changed ${a}`,
      `entity.changed ${b}`,
    ]);
  });

  it('what is being pushed at that moment, and what waits behind it, lands once and at the new place', async () => {
    const repository = make(name('gated'));
    const gate = await PushGate.before(stack.host.url);
    try {
      const [ours, theirs] = [name('ours'), name('theirs')];
      const oldUrl = `${gate.url}/${name('gated')}.git`;
      await connect(ours, road, oldUrl);
      await connect(theirs, road, oldUrl);
      const before = await save(ours, name('g0'), 'name: g0\n');
      const kept = await save(theirs, name('t0'), 'name: t0\n');
      gate.shut();
      const flying = await save(ours, name('g1'), 'name: g1\n', later);
      await eventually(async () => gate.held.length === 1, 'a push to stand at the gate');
      const waiting = [
        await save(ours, name('g2'), 'name: g2\n', later),
        await save(theirs, name('t1'), 'name: t1\n', later),
      ];
      expect(waiting.map(({ status }) => status)).toEqual([202, 202]);
      const moved = await rename(ours, urlOf(name('gated')));
      expect(moved.body).toMatchObject({ moved: { entities: 1, operations: 2 } });
      const [own = waiting[0], other = waiting[1]] = waiting;
      for (const one of [flying, own as Answer])
        expect(await api.ended(operationOf(one))).toMatchObject({ state: 'succeeded' });
      // The push that stood there comes after all.
      gate.open();
      expect(await api.ended(operationOf(other as Answer))).toMatchObject({ state: 'succeeded' });
      const ids = [before, kept, flying, ...waiting].map(operationOf);
      expect(trailers(repository).toSorted()).toEqual(ids.toSorted());
      assertSound(repository);
      const rows = await sql(
        stack.databaseUrl,
        `select id, repository = $2 as moved from entity where id like $1 order by id`,
        [`__-${road}`, urlOf(name('gated'))],
      );
      expect(rows).toEqual(
        ['g0', 'g1', 'g2', 't0', 't1'].map((id) => ({ id: name(id), moved: id.startsWith('g') })),
      );
      // The other connector follows by itself, into the same lane.
      expect((await rename(theirs, urlOf(name('gated')))).body).toMatchObject({ moved: { entities: 2 } });
      const both = await Promise.all([
        save(ours, name('g0'), 'name: g9\n'),
        save(theirs, name('t0'), 'name: t9\n'),
      ]);
      expect(both.map(({ status }) => status)).toEqual([200, 200]);
      assertSound(repository);
    } finally {
      await gate.close();
    }
  });

  it('a host that redirects is not followed, and heard', async () => {
    make(name('elsewhere'));
    const target = urlOf(name('elsewhere'));
    const asked: string[] = [];
    const host = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      const location = `${target.replace('://', '://ada:hunter2@')}/info/refs?service=git-upload-pack`;
      response.writeHead(301, { location }).end();
    });
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    try {
      const connector = name('redirected');
      const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/before.git`;
      await connect(connector, road, url);
      const refused = await save(connector, name('moved'), 'name: moved\n');
      expect(refused.body).toMatchObject({ code: 'GIT_REPOSITORY_MOVED' });
      expect(refused.body.detail).toContain(`is at ${target};`);
      expect(refused.body.hint).toContain('/rename');
      expect(refused.text).not.toContain('hunter2');
      const heard = await eventually(
        async () => (await connectorOf(connector)).renamedTo ?? false,
        'it to be heard',
      );
      expect(heard).toMatchObject({ url: target, by: 'redirect' });
      expect((await rename(connector, heard.url)).status).toBe(200);
      expect((await save(connector, name('moved'), 'name: moved\n')).status).toBe(201);
      expect(await connectorOf(connector)).toMatchObject({ url: target, renamedTo: null });
      expect(asked.every((one) => one.startsWith('/before.git/'))).toBe(true);
    } finally {
      host.closeAllConnections();
      host.close();
    }
  });
});

it('history that was rewritten is another repository until its last commit is there again', async () => {
  const folder = make('rewritten');
  await connect('rewritten', 'manager', urlOf('rewritten'));
  expect((await save('rewritten', 'rewritten', 'name: a\n')).status).toBe(201);
  const last = head(folder);
  // A fork of before: it has the branch, and not the commit.
  make('fork');
  const refused = await rename('rewritten', urlOf('fork'));
  expect(refused.body).toMatchObject({ code: 'REPOSITORY_DIFFERENT' });
  expect(refused.body.detail).toContain(`main was at ${last}`);
  expect(refused.body.hint).toContain(last);
  git(folder, 'push', '-q', folderOf('fork'), `${last}:refs/heads/kept`);
  expect((await rename('rewritten', urlOf('fork'))).body).toMatchObject({ moved: { entities: 1 } });
});

it('places that others have at the new URL are theirs', async () => {
  make('taken');
  await connect('taking', 'manager', urlOf('taken'));
  expect((await save('taking', 'taken', 'name: a\n')).status).toBe(201);
  // The same repository by another name.
  await connect('aliased', 'manager', urlOf('taken').replace('127.0.0.1', 'localhost'));
  const place = { connector: 'aliased', branch: 'main', path: 'pipelines/taken.yaml' };
  const made = await api.save('aliased', 'name: a\n', place);
  expect(made.status, made.text).toBe(201);
  expect((await rename('aliased', urlOf('taken'))).body).toMatchObject({ code: 'ENTITY_PLACE_TAKEN' });
});

it('a webhook that tells of another name is heard, its push is looked at, and nobody goes there', async () => {
  const { post, processed } = webhooksOf(() => stack);
  make('hooked');
  await connect('hooked', 'manager', urlOf('hooked'));
  const { credential, url } = await connectorOf('hooked');
  const { username, secret } = credential;
  await api.ok('PUT', `${connectors}/hooked`, {
    url,
    connectivity: 'manager',
    provider: 'gitea',
    credential: { username, secret },
  });
  await api.ok('PUT', `${connectors}/hooked/tracking`, {});
  const { path: door, toPaste } = await api.ok('PUT', `${connectors}/hooked/webhook`, {});
  const send = async (fullName: string): Promise<void> => {
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      before: 'a'.repeat(40),
      after: 'b'.repeat(40),
      repository: {
        id: 77,
        full_name: fullName,
        clone_url: urlOf(fullName).replace('://', '://ada:hunter2@'),
      },
    });
    const headers = { 'x-gitea-event': 'push', 'x-gitea-delivery': randomUUID() };
    const { status } = await post(door, body, { ...proof(body, toPaste.secret.value), ...headers });
    expect(status).toBe(202);
  };
  await send('hooked');
  expect(await processed('hooked')).toMatchObject([{ outcome: { kind: 'acted' } }]);
  await eventually(
    async () => (await trackingOf('hooked')).followed[0]?.state === 'current',
    'it to be followed',
  );
  renameAtHost('hooked', 'hooked-anew');
  await send('hooked-anew');
  const [{ outcome }] = await processed('hooked', 2);
  expect(outcome).toMatchObject({
    kind: 'acted',
    details: ['The repository is looked at', expect.stringContaining(`${urlOf('hooked-anew')} now`)],
  });
  expect(await trackingOf('hooked')).toMatchObject({
    renamedTo: { url: urlOf('hooked-anew'), by: 'webhook' },
  });
  const failing = await eventually(
    async () => (await trackingOf('hooked')).problem ?? false,
    'the look to have failed',
  );
  expect(failing).toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
  // A refresh that broke off.
  await sql(
    stack.databaseUrl,
    `update tracked_branch set target = synced, synced = null where connector = 'hooked'`,
  );
  await pushForeign(foreign('hooked-anew'), { 'pipelines/hooked.yaml': 'name: hooked\n' });
  expect((await rename('hooked', urlOf('hooked-anew'))).status).toBe(200);
  await copyOf('hooked', 'name: hooked\n');
  await send('hooked-anew');
  expect((await processed('hooked', 3))[0].outcome.details).toEqual(['The repository is looked at']);
  expect(await trackingOf('hooked')).toMatchObject({ renamedTo: null, problem: null });
});

it('a manager that is killed has moved all of it or nothing', async () => {
  make('killed');
  await connect('killed', 'manager', urlOf('killed'));
  await save('killed', 'killed', 'name: a\n');
  await api.ok('PUT', `${connectors}/killed/tracking`, {});
  await eventually(
    async () => (await trackingOf('killed')).followed[0]?.state === 'current',
    'it to be followed',
  );
  renameAtHost('killed', 'killed-new');
  await stack.manager?.kill('SIGKILL');
  for (const [crashAt, name] of [
    ['rename.copies:after', 'killed'],
    ['rename.move:after', 'killed-new'],
  ] as const) {
    const victim = await stack.startManager(crashAt);
    api = stack.api;
    const asked = rename('killed', urlOf('killed-new')).catch(() => undefined);
    expect(await victim.ended()).toBe('SIGKILL');
    expect(await asked).toBeUndefined();
    const urls = await sql(
      stack.databaseUrl,
      `select url from connector where id = 'killed' union select repository from entity where connector_id = 'killed'
        union select repository from tracked_branch where connector = 'killed'`,
    );
    expect(urls, crashAt).toEqual([{ url: urlOf(name) }]);
  }
  await stack.startManager();
  api = stack.api;
  expect((await rename('killed', urlOf('killed-new'))).body).toMatchObject({ moved: { entities: 0 } });
  expect((await save('killed', 'killed', 'name: b\n')).status).toBe(200);
  expect(await toldOf('killed')).toEqual(['entity.created killed', 'entity.changed killed']);
});
