// Entities that no repository has: saved, read, listed and deleted in Sallyport alone, with all that saves to Git promise; and never
// in both places, whoever comes at the same time.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../src/git/blob-id.js';
import { type Answer, type Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { head, pushForeign } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
beforeAll(async () => {
  stack = await Stack.start(oneBackend[0] as 'real', {
    delegates: 0,
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
  });
  api = stack.api;
});
afterAll(() => stack.stop());

const entities = 'accounts/demo/entities';
const at = (id: string): string => `${entities}/pipeline/${id}`;
const into = { connector: 'direct', branch: 'main' };
const keep = (id: string, yaml: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.request('PUT', at(id), { yaml, store: 'inline' }, headers);
const etagOf = (yaml: string): string => `"${blobIdOf(Buffer.from(yaml))}"`;
const operationsOf = async (id: string): Promise<Json[]> =>
  (await api.ok('GET', 'accounts/demo/operations?limit=1000')).operations.filter(
    (one: Json) => one.entity === id,
  );
const eventsOf = async (id: string, count: number): Promise<Json[]> =>
  eventually(async () => {
    const { events } = await api.ok('GET', 'accounts/demo/events?after=start&limit=1000');
    const found = events.filter((one: Json) => one.subject.endsWith(`/${id}`) && /entity/.test(one.type));
    return found.length >= count && found;
  }, `${count} events of ${id}`);
const twice = (): Promise<object[]> =>
  sql(stack.databaseUrl, 'select scope, kind, id from inline_entity join entity using (scope, kind, id)');

describe('an entity that is kept inline', () => {
  it('is created, read, changed and deleted, each with its operation and its event', async () => {
    const made = await keep('whole', 'name: one\n');
    expect([made.status, made.headers.get('etag')]).toEqual([201, etagOf('name: one\n')]);
    expect(made.body).toMatchObject({ store: 'inline', git: null, yaml: 'name: one\n', invalid: null });
    const read = await api.request('GET', at('whole'));
    expect(read.headers.get('etag')).toBe(etagOf('name: one\n'));
    expect(read.body).toEqual({
      ...made.body,
      freshness: { source: 'inline', state: 'current', checkedAt: null, head: null },
    });
    const headers = { 'if-match': etagOf('name: one\n') };
    const changed = await api.request('PUT', `${at('whole')}?store=inline`, 'name: two\n', headers);
    expect([changed.status, changed.body.yaml]).toEqual([200, 'name: two\n']);
    const stays = await api.request('PUT', at('whole'), { yaml: 'name: three\n', git: {} });
    expect([stays.status, stays.body.store]).toEqual([200, 'inline']);
    expect((await api.request('PUT', at('whole'), 'name: three\n')).status).toBe(200);
    const gone = await api.request('DELETE', at('whole'));
    expect([gone.status, gone.body.store, gone.body.git]).toEqual([200, 'inline', null]);
    expect((await api.request('GET', at('whole'))).status).toBe(404);

    const operations = await operationsOf('whole');
    expect(operations.map(({ action, state, store, git }) => [action, state, store, git])).toEqual([
      ['delete', 'succeeded', 'inline', null],
      ...Array.from({ length: 4 }, () => ['save', 'succeeded', 'inline', null]),
    ]);
    expect(await api.ok('GET', `accounts/demo/operations/${made.body.operationId}`)).toMatchObject({
      yaml: 'name: one\n',
      blobId: blobIdOf(Buffer.from('name: one\n')),
      finishedAt: expect.any(String),
    });
    const [row] = await sql<Json>(stack.databaseUrl, 'select requested_by from operation where id = $1', [
      made.body.operationId,
    ]);
    expect(row.requested_by).not.toBeNull();
    // The same document again is nothing new.
    expect((await eventsOf('whole', 4)).map(({ type, data }) => [type, data])).toEqual([
      ['sallyport.entity.created', toldOf('whole', 'name: one\n', made.body.operationId)],
      ['sallyport.entity.changed', toldOf('whole', 'name: two\n', changed.body.operationId)],
      ['sallyport.entity.changed', toldOf('whole', 'name: three\n', stays.body.operationId)],
      ['sallyport.entity.deleted', toldOf('whole', null, gone.body.operationId)],
    ]);
  });

  const toldOf = (id: string, yaml: string | null, operationId: string) => ({
    kind: 'pipeline',
    id,
    store: 'inline',
    blobId: yaml === null ? null : blobIdOf(Buffer.from(yaml)),
    cause: 'save',
    operationId,
  });

  it('is validated as any other, and nothing is written of what is refused', async () => {
    expect((await keep('bad', 'name: 5\n')).body.code).toBe('ENTITY_INVALID');
    expect((await keep('bad', 'name: [\n')).body.code).toBe('YAML_REFUSED');
    const unknown = await api.request('PUT', `${entities}/nothing/bad`, { yaml: 'a: 1\n', store: 'inline' });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND']);
    const nowhere = `accounts/demo/orgs/none/entities/pipeline/bad`;
    const lost = await api.request('PUT', nowhere, { yaml: 'name: a\n', store: 'inline' });
    expect(lost.body.code).toBe('SCOPE_NOT_FOUND');
    expect(await operationsOf('bad')).toEqual([]);
  });

  it('with a stale If-Match is a conflict that holds all three versions', async () => {
    await keep('stale', 'name: one\n');
    await keep('stale', 'name: two\n');
    const late = await keep('stale', 'name: mine\n', { 'if-match': etagOf('name: one\n') });
    expect([late.status, late.body.code]).toEqual([409, 'ENTITY_CONFLICT']);
    expect(late.body.hint).toContain(etagOf('name: two\n'));
    const version = (yaml: string) => ({ blobId: blobIdOf(Buffer.from(yaml)), yaml });
    expect(late.body.versions).toEqual({
      base: version('name: one\n'),
      theirs: version('name: two\n'),
      ours: version('name: mine\n'),
    });
    expect((await api.ok('GET', at('stale'))).yaml).toBe('name: two\n');
    const kept = await api.ok('GET', `accounts/demo/operations/${late.body.operationId}`);
    expect(kept).toMatchObject({ state: 'conflict', yaml: 'name: mine\n' });
    const again = await keep('stale', 'name: two\n', { 'if-match': etagOf('name: one\n') });
    expect(again.status).toBe(200);
    const deletion = await api.request('DELETE', at('stale'), undefined, {
      'if-match': etagOf('name: one\n'),
    });
    expect([deletion.status, deletion.body.versions.ours]).toEqual([409, { blobId: null, yaml: null }]);
    const unknown = await keep('never', 'name: a\n', { 'if-match': etagOf('name: b\n') });
    expect(unknown.body.versions).toMatchObject({ base: { yaml: null }, theirs: { blobId: null } });
    const second = await keep('stale', 'name: a\n', { 'if-none-match': '*' });
    expect([second.status, second.body.code]).toEqual([412, 'ENTITY_EXISTS']);
  });

  it('of many saves from one version takes exactly one', async () => {
    await keep('crowded', 'name: base\n');
    const headers = { 'if-match': etagOf('name: base\n') };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => keep('crowded', `name: n${n}\n`, headers)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) => keep('first', `name: n${n}\n`, { 'if-none-match': '*' })),
    );
    expect(Object.groupBy(made, ({ status }) => status)).toMatchObject({
      201: { length: 1 },
      412: { length: 19 },
    });
  });

  it('does once what comes twice with one idempotency key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => keep('once', 'name: once\n', headers)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.operationId}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect(await operationsOf('once')).toHaveLength(1);
    await keep('once', 'name: later\n');
    const late = await keep('once', 'name: once\n', headers);
    expect([late.status, late.body.operationId]).toEqual([201, answers[0]?.body.operationId]);
    expect((await api.ok('GET', at('once'))).yaml).toBe('name: later\n');
    expect((await keep('once', 'name: other\n', headers)).body.code).toBe('IDEMPOTENCY_KEY_REUSED');
    const conflict = { 'idempotency-key': randomUUID(), 'if-match': etagOf('name: once\n') };
    const [one, other] = [
      await keep('once', 'name: x\n', conflict),
      await keep('once', 'name: x\n', conflict),
    ];
    expect([one.status, other.status, other.body.operationId]).toEqual([409, 409, one.body.operationId]);
  });

  it('is on no branch, and cannot be compared', async () => {
    await keep('branchless', 'name: a\n');
    expect((await api.request('GET', `${at('branchless')}?branch=main`)).status).toBe(404);
    expect((await api.request('GET', `${at('branchless')}?branch=main&freshness=verify`)).status).toBe(404);
    expect((await api.ok('GET', `${at('branchless')}?freshness=reload`)).freshness.source).toBe('inline');
    const compared = await api.request('GET', `${at('branchless')}/compare?from=main&to=main`);
    expect([compared.status, compared.body.code]).toEqual([409, 'ENTITY_INLINE']);
  });

  it('is listed with those that are in Git, in the order in which they were first saved', async () => {
    await api.ok('PUT', 'accounts/demo/orgs/pages', {});
    const scope = 'accounts/demo/orgs/pages/entities';
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const [index, id] of names.entries())
      await api.ok('PUT', `${scope}/pipeline/${id}`, {
        yaml: `name: ${id}\n`,
        ...(index % 2 === 0 ? { store: 'inline' } : { git: into }),
      });
    await api.ok('PUT', `${scope}/pipeline/a`, { yaml: 'name: again\n' });
    const all = async (query: string): Promise<string[]> => {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: Json = await api.ok('GET', `${scope}?limit=2${query}${cursor && `&cursor=${cursor}`}`);
        seen.push(...page.entities.map(({ id, store }: Json) => `${id} ${store}`));
        cursor = page.nextCursor;
      }
      return seen;
    };
    expect(await all('')).toEqual(['a inline', 'b git', 'c inline', 'd git', 'e inline']);
    expect(await all('&store=inline')).toEqual(['a inline', 'c inline', 'e inline']);
    expect(await all('&store=git')).toEqual(['b git', 'd git']);
    expect(await all('&branch=main')).toEqual(['b git', 'd git']);
    expect(await all('&kind=other')).toEqual([]);
    const used = await api.request('DELETE', 'accounts/demo/orgs/pages');
    expect([used.status, used.body.code]).toEqual([409, 'STILL_IN_USE']);
  });

  it('keeps a scope in use until it is deleted', async () => {
    await api.ok('PUT', 'accounts/demo/orgs/kept', {});
    const own = 'accounts/demo/orgs/kept/entities/pipeline/only';
    await api.ok('PUT', own, { yaml: 'name: a\n', store: 'inline' });
    expect((await api.request('DELETE', 'accounts/demo/orgs/kept')).body.code).toBe('STILL_IN_USE');
    await api.ok('DELETE', own);
    expect((await api.request('DELETE', 'accounts/demo/orgs/kept')).status).toBe(204);
  });

  it('is there after the manager was killed', async () => {
    const before = await keep('lasting', 'name: lasting\n');
    await stack.manager?.kill('SIGKILL');
    await stack.startManager();
    api = stack.api;
    expect(await api.ok('GET', at('lasting'))).toMatchObject({
      yaml: 'name: lasting\n',
      operationId: before.body.operationId,
    });
  });
});

describe('one place for an entity', () => {
  it('refuses to put what is inline into Git', async () => {
    await keep('here', 'name: a\n');
    const toGit = (body: object): Promise<Answer> =>
      api.request('PUT', at('here'), { yaml: 'name: b\n', ...body });
    const refused = async (answer: Promise<Answer>): Promise<unknown[]> => {
      const { status, body } = await answer;
      return [status, body.code];
    };
    for (const git of [into, { branch: 'main' }, { path: 'x.yaml' }, { ...into, newBranchFrom: 'other' }])
      expect(await refused(toGit({ git }))).toEqual([409, 'ENTITY_INLINE']);
    expect(await refused(toGit({ store: 'git', git: {} }))).toEqual([409, 'ENTITY_INLINE']);
    expect(await refused(api.request('DELETE', `${at('here')}?branch=main`))).toEqual([409, 'ENTITY_INLINE']);
    const author = { name: 'A', email: 'a@example.org' };
    for (const git of [{ message: 'm' }, { author }, { pullRequest: {} }]) {
      expect(await refused(toGit({ git }))).toEqual([400, 'REQUEST_INVALID']);
      expect(await refused(toGit({ store: 'inline', git }))).toEqual([400, 'REQUEST_INVALID']);
    }
    expect(await refused(toGit({ store: 'inline', git: into }))).toEqual([400, 'REQUEST_INVALID']);
    expect((await api.ok('GET', at('here'))).yaml).toBe('name: a\n');
    expect(await operationsOf('here')).toHaveLength(1);
  });

  it('refuses to keep inline what is in Git, or is about to be', async () => {
    expect((await api.save('there', 'name: a\n', into)).status).toBe(201);
    const refused = await keep('there', 'name: b\n');
    expect([refused.status, refused.body.code]).toEqual([409, 'ENTITY_IN_GIT']);
    expect(refused.body.detail).toContain('through connector direct');
    expect((await api.request('DELETE', `${at('there')}?store=inline`)).body.code).toBe('ENTITY_IN_GIT');
    expect((await api.request('PUT', at('there'), { yaml: 'name: c\n' })).body.store).toBe('git');
    await api.ok('PUT', 'accounts/demo/connectors/silent', {
      url: 'http://127.0.0.1:9/none.git',
      connectivity: 'manager',
    });
    const silent = { connector: 'silent', branch: 'main' };
    expect((await api.save('coming', 'name: a\n', silent, { prefer: 'wait=0' })).status).toBe(202);
    expect((await keep('coming', 'name: b\n')).body.code).toBe('ENTITY_IN_GIT');
  });

  it('is what it gets when saves to both come at once, in every round', async () => {
    const rounds = Array.from({ length: 60 }, (_, n) => `raced${n}`);
    const race = async (id: string, n: number): Promise<string> => {
      const toGit = () => api.save(id, 'name: git\n', into);
      const inline = () => keep(id, 'name: inline\n');
      const [one, other] = n % 2 === 0 ? [toGit, inline] : [inline, toGit];
      const answers = await Promise.all([one(), other()]);
      const winner = answers.find(({ status }) => status === 201);
      const loser = answers.find(({ status }) => status === 409);
      const read = await api.ok('GET', at(id));
      expect([read.store, read.yaml]).toEqual([winner?.body.store, winner?.body.yaml]);
      return `${winner?.body.store} ${loser?.body.code}`;
    };
    const outcomes = new Set<string>();
    for (let begin = 0; begin < rounds.length; begin += 12)
      for (const outcome of await Promise.all(rounds.slice(begin, begin + 12).map(race)))
        outcomes.add(outcome);
    // Who wins is the machine's business: where one is faster throughout, the cases above have the other's turn.
    expect(['git ENTITY_IN_GIT', 'inline ENTITY_INLINE']).toEqual(expect.arrayContaining([...outcomes]));
    expect(await twice()).toEqual([]);
  });

  it('stays one when saves that leave it open meet deletions and saves to Git', async () => {
    const ids = Array.from({ length: 10 }, (_, n) => `churned${n}`);
    const round = async (id: string): Promise<void> => {
      await Promise.all([
        keep(id, 'name: inline\n'),
        api.request('PUT', at(id), { yaml: 'name: open\n' }),
        api.request('DELETE', at(id)),
        api.save(id, 'name: git\n', into),
        api.request('DELETE', at(id)),
      ]).then((answers) => expect(answers.filter(({ status }) => status >= 500)).toEqual([]));
      expect(await twice()).toEqual([]);
    };
    for (let n = 0; n < 4; n++) await Promise.all(ids.map(round));
  });
});

describe('files of entities that are inline', () => {
  const tracking = 'accounts/demo/connectors/direct/tracking';
  const imports = 'accounts/demo/connectors/direct/imports';
  const fileOf = (id: string): string => `pipelines/${id}.yaml`;
  const push = (files: Record<string, string | null>): Promise<string> =>
    eventually(
      () => pushForeign(stack.foreignUrl, files, 'main').catch(() => false as const),
      'a push to win',
    );
  const problems = async (): Promise<Json[]> =>
    (await api.ok('GET', `${tracking}/problems`)).files.map(({ path, problem }: Json) => [
      path,
      problem.code,
    ]);
  const isInGit = (id: string): Promise<Json> =>
    eventually(async () => {
      const { status, body } = await api.request('GET', at(id));
      return status === 200 && body.store === 'git' && body;
    }, `${id} to be in Git`);
  const caughtUp = (): Promise<Json> =>
    eventually(async () => {
      const { followed } = await api.ok('GET', tracking);
      const found = followed.find((one: Json) => one.branch === 'main');
      return found?.state === 'current' && found.synced === head(stack.repository) && found;
    }, 'main to be current');

  it('stay what they are when they are imported, and their neighbours are taken', async () => {
    await keep('imported', 'name: inline\n');
    await push({ [fileOf('imported')]: 'name: git\n', [fileOf('beside')]: 'name: beside\n' });
    const files = [fileOf('imported'), fileOf('beside')].map((path) => ({ path }));
    const run = async (dryRun: boolean): Promise<Json> => {
      const pattern = { pattern: 'pipelines/{id}.yaml', kind: 'pipeline' };
      const body = { branch: 'main', folder: 'pipelines', patterns: [pattern], dryRun };
      const { id } = await api.ok('POST', imports, body);
      return eventually(async () => {
        const found = await api.ok('GET', `${imports}/${id}`);
        return ['reported', 'done', 'failed'].includes(found.state) && found;
      }, 'the import to end');
    };
    for (const dryRun of [true, false]) {
      const { id, state } = await run(dryRun);
      expect(state).toBe(dryRun ? 'reported' : 'done');
      const { files: all } = await api.ok('GET', `${imports}/${id}/files?limit=1000`);
      const found = all.filter(({ path }: Json) => files.some((one) => one.path === path));
      expect(found.map(({ entity, outcome, problem }: Json) => [entity, outcome, problem?.code])).toEqual([
        ['beside', 'create', undefined],
        ['imported', 'elsewhere', 'ENTITY_INLINE'],
      ]);
    }
    expect((await api.ok('GET', at('beside'))).store).toBe('git');
    expect(await api.ok('GET', at('imported'))).toMatchObject({ store: 'inline', yaml: 'name: inline\n' });
  });

  it('are problems when they are pushed, hold up nobody, and are taken once the entity is deleted', async () => {
    await keep('pushed', 'name: inline\n');
    await api.ok('PUT', tracking, { branches: ['main'] });
    await push({ [fileOf('pushed')]: 'name: git\n', [fileOf('near')]: 'name: near\n' });
    await api.ok('POST', `${tracking}/poll`);
    await isInGit('near');
    await caughtUp();
    expect(await problems()).toContainEqual([fileOf('pushed'), 'ENTITY_INLINE']);
    expect(await api.ok('GET', at('pushed'))).toMatchObject({ store: 'inline', yaml: 'name: inline\n' });
    const told = (await eventsOf('pushed', 2)).find(({ type }) => type === 'sallyport.entity.invalid');
    expect(told.data).toMatchObject({ branch: 'main', path: fileOf('pushed'), code: 'ENTITY_INLINE' });
    await api.ok('DELETE', at('pushed'));
    expect((await isInGit('pushed')).yaml).toBe('name: git\n');
    expect(await problems()).not.toContainEqual([fileOf('pushed'), 'ENTITY_INLINE']);
    expect((await keep('pushed', 'name: late\n')).body.code).toBe('ENTITY_IN_GIT');
  });

  it('are in one place each, although they are pushed while they are kept inline', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => `meeting${n}`);
    await push(Object.fromEntries(ids.map((id) => [fileOf(id), 'name: git\n'])));
    const poll = api.ok('POST', `${tracking}/poll`);
    const answers: Answer[] = [];
    for (let begin = 0; begin < ids.length; begin += 4)
      answers.push(
        ...(await Promise.all(ids.slice(begin, begin + 4).map((id) => keep(id, 'name: inline\n')))),
      );
    await poll;
    await caughtUp();
    expect(await twice()).toEqual([]);
    const listed = await problems();
    for (const [n, id] of ids.entries()) {
      const isInline = answers[n]?.status === 201;
      expect(isInline ? 201 : answers[n]?.body.code).toBe(isInline ? 201 : 'ENTITY_IN_GIT');
      expect((await api.ok('GET', at(id))).store).toBe(isInline ? 'inline' : 'git');
      expect(listed.some(([path]) => path === fileOf(id))).toBe(isInline);
    }
  });
});
