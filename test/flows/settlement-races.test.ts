// Saves whose entity comes to another repository while their push stands at its host: what is in Git is said to be there, and what
// the other repository has of the entity stays.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { type Answer, type Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { PushGate } from '../support/push-gate.js';
import { fileAt, head, pushForeign } from '../support/repository.js';
import { oneBackend, type Road, roads, Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const OURS = 'name: ours\n';
const THEIRS = 'name: theirs\n';

let stack: Stack;
let api: Api;
let gate: PushGate;
beforeAll(async () => {
  stack = await Stack.start(oneBackend[0] as 'real', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  api = stack.api;
  gate = await PushGate.before(stack.host.url);
  createRepository(`${stack.home}/repositories`, 'other', { files: { 'README.md': 'other\n' } });
  for (const road of roads)
    for (const [name, url] of [
      ['held', `${gate.url}/demo.git`],
      ['free', `${stack.host.url}/other.git`],
    ])
      await api.ok('PUT', `${SCOPE}/connectors/${name}-${road}`, {
        url,
        connectivity: road,
        credential: {
          username: stack.accounts[road].username,
          secret: road === 'manager' ? 'git-direct' : 'git-delegated',
        },
      });
});
afterAll(async () => {
  await gate?.close();
  await stack?.stop();
});

const repositoryOf = (name: string): string => `${stack.home}/repositories/${name}.git`;
const pushTo = (name: string, files: Record<string, string>): Promise<string> =>
  pushForeign(stack.foreignUrl.replace('/demo.git', `/${name}.git`), files, 'main');
const find = (id: string): Promise<Answer> =>
  api.request('GET', `${SCOPE}/entities/pipeline/${id}?branch=main`);
const events = async (id: string): Promise<Json[]> =>
  (await sql(stack.databaseUrl, 'select type, data from event order by sequence')).filter(
    ({ data }: Json) => data.id === id,
  );

async function importInto(connector: string, path: string): Promise<void> {
  const imports = `${SCOPE}/connectors/${connector}/imports`;
  const begun = await api.ok('POST', imports, {
    branch: 'main',
    patterns: [{ pattern: path.replace(/[^/]+\.yaml$/, '{id}.yaml'), kind: 'pipeline' }],
  });
  await eventually(
    async () => (await api.ok('GET', `${imports}/${begun.id}`)).state === 'done',
    'the import',
  );
}

/** The operation, once its push stands at the gate. */
async function held(begin: (headers: Record<string, string>) => Promise<Answer>): Promise<Json> {
  gate.shut();
  const accepted = await begin({ prefer: 'wait=0' });
  expect(accepted.status, accepted.text).toBe(202);
  await eventually(async () => gate.held.length > 0, 'the push to stand at the gate');
  return accepted.body;
}

describe.each(roads)('over the road of the %s', (road: Road) => {
  beforeEach(() => gate.open());

  it('a save whose entity was imported from another repository meanwhile is in Git, and leaves that one’s', async () => {
    const id = `imported-${road}`;
    const path = `${road}/${id}.yaml`;
    const place = { connector: `held-${road}`, branch: 'main', path };
    const key = { 'idempotency-key': id };
    const { id: operation } = await held((headers) => api.save(id, OURS, place, { ...headers, ...key }));
    const commit = await pushTo('other', { [path]: THEIRS });
    await importInto(`free-${road}`, path);
    gate.open();
    const elsewhere = { connector: `free-${road}`, path };
    const ended = await api.ended(operation);
    expect(ended).toMatchObject({ state: 'succeeded', elsewhere, problem: null });
    expect(ended.git).toMatchObject({ commitId: head(repositoryOf('demo')), path });
    expect(fileAt(repositoryOf('demo'), path)).toBe(OURS);
    const entity = await find(id);
    expect(entity.body).toMatchObject({ yaml: THEIRS, git: { connector: `free-${road}`, commitId: commit } });
    const again = await api.save(id, OURS, place, key);
    expect([again.status, again.body.elsewhere]).toEqual([200, elsewhere]);
    expect(again.headers.get('etag')).toBeNull();
    const told = (await events(id)).map(({ type, data }) => [type, data.connector ?? null, data.elsewhere]);
    expect(told).toEqual([
      ['entity.created', `free-${road}`, undefined],
      ['operation.succeeded', null, elsewhere],
    ]);
    const next = await api.save(id, 'name: next\n', {}, { 'if-match': `"${entity.body.blobId}"` });
    expect(next.status, next.text).toBe(200);
    expect(fileAt(repositoryOf('other'), path)).toBe('name: next\n');
  });

  it('of two that save a new entity to two repositories, the first to land makes it', async () => {
    const id = `twice-${road}`;
    const path = `${road}/${id}.yaml`;
    const to = (connector: string) => ({ connector: `${connector}-${road}`, branch: 'main', path });
    const { id: operation } = await held((headers) => api.save(id, OURS, to('held'), headers));
    const second = await api.save(id, THEIRS, to('free'));
    expect(second.status, second.text).toBe(201);
    gate.open();
    expect(await api.ended(operation)).toMatchObject({
      state: 'succeeded',
      elsewhere: { connector: `free-${road}`, path },
    });
    expect((await find(id)).body).toMatchObject({ yaml: THEIRS, git: { connector: `free-${road}` } });
    expect([fileAt(repositoryOf('demo'), path), fileAt(repositoryOf('other'), path)]).toEqual([OURS, THEIRS]);
  });

  it('a deletion takes no copy of another repository along', async () => {
    const id = `deleted-${road}`;
    const path = `${road}/${id}.yaml`;
    const made = await api.save(id, OURS, { connector: `held-${road}`, branch: 'main', path });
    expect(made.status, made.text).toBe(201);
    const { id: operation } = await held((headers) =>
      api.request('DELETE', `${SCOPE}/entities/pipeline/${id}`, undefined, headers),
    );
    // As if it had been taken from the one and into the other.
    await sql(
      stack.databaseUrl,
      `update entity set repository = '${stack.host.url}/other.git', connector_id = 'free-${road}' where id = '${id}'`,
    );
    gate.open();
    expect(await api.ended(operation)).toMatchObject({
      state: 'succeeded',
      elsewhere: { connector: `free-${road}`, path },
    });
    expect(fileAt(repositoryOf('demo'), path)).toBeNull();
    expect((await find(id)).body).toMatchObject({ yaml: OURS, git: { connector: `free-${road}` } });
    expect((await events(id)).map(({ type }) => type)).not.toContain('entity.deleted');
  });

  it('where the branch is followed, the file is shown as one that is no entity, and becomes it once the other is gone', async () => {
    const id = `followed-${road}`;
    const path = `${road}-followed/${id}.yaml`;
    const tracking = `${SCOPE}/connectors/held-${road}/tracking`;
    await api.ok('PUT', tracking, { files: [{ pattern: `${road}-followed/{id}.yaml`, kind: 'pipeline' }] });
    const follow = (): Promise<Json> => api.ok('POST', `${tracking}/poll`);
    const isCurrent = (): Promise<boolean> =>
      eventually(async () => {
        const { followed } = await api.ok('GET', tracking);
        const main = followed.find(({ branch }: Json) => branch === 'main');
        return main?.state === 'current' && main.synced === head(repositoryOf('demo'));
      }, 'the branch to be current');
    await follow();
    await isCurrent();
    const place = { connector: `held-${road}`, branch: 'main', path };
    const { id: operation } = await held((headers) => api.save(id, OURS, place, headers));
    const beside = await api.save(id, THEIRS, { ...place, connector: `free-${road}` });
    expect(beside.status, beside.text).toBe(201);
    gate.open();
    expect((await api.ended(operation)).elsewhere).toBeDefined();
    await follow();
    await isCurrent();
    const { files } = await api.ok('GET', `${tracking}/problems`);
    expect(files.map((one: Json) => [one.path, one.problem.code])).toEqual([[path, 'ENTITY_ELSEWHERE']]);
    const gone = await api.request('DELETE', `${SCOPE}/entities/pipeline/${id}`);
    expect(gone.status, gone.text).toBe(200);
    await pushTo('demo', { [`${road}-followed/beside-${road}.yaml`]: 'name: beside\n' });
    await follow();
    await isCurrent();
    expect((await find(id)).body).toMatchObject({ yaml: OURS, git: { connector: `held-${road}` } });
    await api.ok('DELETE', tracking);
  });
});
