// Files that are committed already come under Sallyport by either road: reported first, then applied, as often as one likes; and
// whatever saves and pushes do meanwhile, the copy is what Git has.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, eventually, type Json } from '../support/api.js';
import { expectCopied } from '../support/copies.js';
import { sql } from '../support/database.js';
import { fileAt, git, head, pushForeign } from '../support/repository.js';
import { connectorOf, roads, Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
beforeAll(async () => {
  stack = await Stack.start('embedded', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  api = stack.api;
  await api.ok('PUT', 'accounts/demo/kinds/part', {
    pathTemplate: 'parts/{id}.yaml',
    schema: { type: 'object', properties: { size: { type: 'integer' } } },
    identity: { id: '/metadata/name' },
  });
  await api.ok('PUT', 'accounts/demo/orgs/eu', {});
});
afterAll(() => stack.stop());

const connectors = 'accounts/demo/connectors';
const PATIENCE_MS = 150_000;
const push = (files: Record<string, string | null>): Promise<string> =>
  pushForeign(stack.foreignUrl, files, 'main');
/** A push that lost the race is tried again, as anybody would. */
const insist = (files: Record<string, string>): Promise<string> =>
  eventually(() => push(files).catch(() => false as const), 'a push to win');
const find = (id: string, kind = 'part'): Promise<Json> =>
  api
    .request('GET', `accounts/demo/entities/${kind}/${id}?branch=main`)
    .then(({ status, body }) => (status === 200 ? body : null));
const isAt = (imports: string, one: Json, states: string[]): Promise<Json> =>
  eventually(
    async () => {
      const found = await api.ok('GET', `${imports}/${one.id}`);
      return states.includes(found.state) && found;
    },
    `import to be ${states.join(' or ')}`,
    PATIENCE_MS,
  );
/** What became of a save, however long it waits for its lane on a busy machine. */
async function endOf(asked: Promise<Answer>): Promise<string> {
  const { status, body, text } = await asked;
  if (status === 202) return (await api.ended(body.id, PATIENCE_MS)).state;
  return { 200: 'succeeded', 201: 'succeeded', 409: 'conflict' }[status] ?? `${status} ${text}`;
}
const pick = (one: Json, keys: string[]): Json => Object.fromEntries(keys.map((key) => [key, one[key]]));
const filesOf = async (imports: string, one: Json, query = ''): Promise<Json[]> =>
  (await api.ok('GET', `${imports}/${one.id}/files?limit=1000${query}`)).files;
const brief = (files: Json[]): Record<string, unknown[]> =>
  Object.fromEntries(files.map((file) => [file.path, [file.outcome, file.entity, file.problem?.code]]));

describe.each(roads)('with connectivity %s', (road) => {
  const imports = `${connectors}/${connectorOf[road]}/imports`;
  const folder = `parts/${road}`;
  const at = (name: string): string => `${folder}/${name}.yaml`;
  const begin = (body: object): Promise<Json> => api.ok('POST', imports, { branch: 'main', ...body });
  const run = async (body: object): Promise<Json> =>
    isAt(imports, await begin(body), ['reported', 'done', 'failed']);
  const patterns = [{ pattern: `${folder}/**/{id}.yaml`, kind: 'part' }];

  it('reports what each file would become, does it, and finds it the same again', async () => {
    const name = (id: string): string => `${road}_${id}`;
    await push({
      [at(name('new'))]: 'size: 1\n',
      [at(name('bad'))]: 'size: 1\nother: 2\nsize: x\n',
      [at(name('unfit'))]: '\nsize: big\n',
      [at(name('named'))]: 'size: 1\nmetadata: { name: wrong }\n',
      [`${folder}/a/${name('two')}.yaml`]: 'size: 1\n',
      [`${folder}/b/${name('two')}.yaml`]: 'size: 2\n',
      [at('no identifier')]: 'size: 1\n',
      [`${folder}/readme.md`]: 'No entity\n',
      [`${folder}2/other.yaml`]: 'size: 1\n',
      // Longer than a row could name.
      [`${folder}/${`${randomBytes(120).toString('hex')}/`.repeat(12)}long.yaml`]: 'size: 1\n',
    });
    const into = { connector: connectorOf[road], branch: 'main' };
    const save = (id: string, yaml: string, path: string): Promise<Json> =>
      api.ok('PUT', `accounts/demo/entities/part/${name(id)}`, { yaml, git: { ...into, path } });
    await save('same', 'size: 1\n', at(name('same')));
    await save('changed', 'size: 1\n', at(name('changed')));
    await save('odd', 'size: 1\n', `${folder}/odd place.yaml`);
    await save('moved', 'size: 1\n', at(name('moved')));
    await push({
      [at(name('changed'))]: 'size: 2\n',
      [at(name('moved'))]: null,
      [`${folder}/c/${name('moved')}.yaml`]: 'size: 1\n',
      [`${folder}/d/${name('same')}.yaml`]: 'size: 1\n',
    });
    const report = await run({ folder, patterns, dryRun: true });
    const expected = {
      [`${folder}/a/${name('two')}.yaml`]: ['create', name('two'), undefined],
      [`${folder}/b/${name('two')}.yaml`]: ['elsewhere', name('two'), 'ENTITY_ELSEWHERE'],
      [`${folder}/c/${name('moved')}.yaml`]: ['update', name('moved'), undefined],
      [`${folder}/d/${name('same')}.yaml`]: ['elsewhere', name('same'), 'ENTITY_ELSEWHERE'],
      [at(name('bad'))]: ['invalid', name('bad'), 'YAML_REFUSED'],
      [at(name('changed'))]: ['update', name('changed'), undefined],
      [at(name('named'))]: ['mismatch', name('named'), 'ENTITY_IDENTITY_MISMATCH'],
      [at(name('new'))]: ['create', name('new'), undefined],
      [at('no identifier')]: ['refused', null, 'FILE_UNFIT'],
      [`${folder}/odd place.yaml`]: ['same', name('odd'), undefined],
      [at(name('same'))]: ['same', name('same'), undefined],
      [at(name('unfit'))]: ['invalid', name('unfit'), 'ENTITY_INVALID'],
    };
    expect(report).toMatchObject({
      state: 'reported',
      counts: { create: 2, update: 2, same: 2, invalid: 2, mismatch: 1, elsewhere: 2, taken: 0, refused: 1 },
      progress: { total: 12, done: 12 },
    });
    const files = await filesOf(imports, report);
    expect(brief(files)).toEqual(expected);
    expect(Object.fromEntries(files.map(({ path, problem }) => [path, problem?.detail]))).toMatchObject({
      [at(name('bad'))]: expect.stringMatching(/^Line 3, column 1: /),
      [at(name('unfit'))]: expect.stringContaining('line 2, column 7'),
      [at(name('named'))]: expect.stringMatching(/^Line 2, column 19: .*"wrong", but it is ".*_named"$/),
    });
    expect(await find(name('new'))).toBeNull();
    expect((await find(name('changed'))).yaml).toBe('size: 1\n');

    await api.ok('POST', `${imports}/${report.id}/apply`);
    const done = await isAt(imports, report, ['done', 'failed']);
    expect([done.state, done.counts]).toEqual(['done', report.counts]);
    expect(await find(name('new'))).toMatchObject({
      yaml: 'size: 1\n',
      git: { path: at(name('new')), connector: connectorOf[road] },
      operationId: null,
    });
    expect((await find(name('changed'))).yaml).toBe('size: 2\n');
    expect((await find(name('moved'))).git.path).toBe(`${folder}/c/${name('moved')}.yaml`);
    expect(await find(name('bad'))).toBeNull();
    expect(await find(name('named'))).toBeNull();

    const again = await run({ folder, patterns });
    expect(again.counts).toMatchObject({ create: 0, update: 0, same: 6 });
    expect(await told(name('new'))).toEqual([['entity.created', 'import']]);
    expect((await filesOf(imports, again, '&outcome=mismatch')).map(({ entity }) => entity)).toEqual([
      name('named'),
    ]);
  });

  it('takes files as the entities that the request names', async () => {
    const [free, theirs] = [`adopted/${road} one.yaml`, `adopted/${road}-theirs.yaml`];
    await push({ [free]: 'size: 1\n', [theirs]: 'size: 2\n' });
    const files = [
      { path: free, kind: 'part', id: `${road}_free`, scope: 'accounts/demo/orgs/eu' },
      { path: theirs, kind: 'part', id: `${road}_theirs` },
      { path: `adopted/${road}-none.yaml`, kind: 'part', id: 'none' },
      { path: `adopted/${road}-far.yaml`, kind: 'part', id: 'far', scope: 'accounts/demo/orgs/none' },
    ];
    await push({ [`adopted/${road}-far.yaml`]: 'size: 1\n' });
    const done = await run({ files });
    expect(brief(await filesOf(imports, done))).toEqual({
      [free]: ['create', `${road}_free`, undefined],
      [theirs]: ['create', `${road}_theirs`, undefined],
      [`adopted/${road}-none.yaml`]: ['refused', 'none', 'FILE_UNFIT'],
      [`adopted/${road}-far.yaml`]: ['refused', 'far', 'FILE_UNFIT'],
    });
    const other = await run({ files: [{ path: theirs, kind: 'part', id: `${road}_other` }] });
    expect(brief(await filesOf(imports, other))).toEqual({
      [theirs]: ['taken', `${road}_other`, 'ENTITY_PLACE_TAKEN'],
    });
    const saved = await api.request('PUT', `accounts/demo/orgs/eu/entities/part/${road}_free`, {
      yaml: 'size: 3\n',
      git: { branch: 'main' },
    });
    expect([saved.status, fileAt(stack.repository, free)]).toEqual([200, 'size: 3\n']);
  });

  it('takes a whole branch: what lies where the kinds put it, and nothing else', async () => {
    const branch = `whole/${road}`;
    const id = `${road}_whole`;
    const root = git(stack.repository, 'rev-list', '--max-parents=0', 'main').trim();
    git(stack.repository, 'branch', branch, root);
    const ofOrg = `eu/pipelines/${id}.yaml`;
    const files = { [ofOrg]: 'name: eu\n', [at(id)]: 'size: 1\n', [`parts/${id}.yaml`]: 'size: 2\n' };
    const bad = { [`pipelines/${id}_bad.yaml`]: 'name: [\n', [`nowhere/pipelines/${id}.yaml`]: 'name: no\n' };
    const commit = await pushForeign(stack.foreignUrl, { ...files, ...bad }, branch);
    const text = `select scope, kind, path, convert_from(yaml, 'UTF8') as yaml from entity where branch = $1 order by path`;
    const copies = (): Promise<Json[]> => sql(stack.databaseUrl, text, [branch]);
    const report = await run({ branch, dryRun: true });
    expect(report).toMatchObject({
      state: 'reported',
      folder: null,
      commitId: commit,
      progress: { total: 4 },
    });
    expect(brief(await filesOf(imports, report))).toEqual({
      [ofOrg]: ['create', id, undefined],
      [`nowhere/pipelines/${id}.yaml`]: ['refused', id, 'FILE_UNFIT'],
      [`parts/${id}.yaml`]: ['create', id, undefined],
      [`pipelines/${id}_bad.yaml`]: ['invalid', `${id}_bad`, 'YAML_REFUSED'],
    });
    expect(await copies()).toEqual([]);
    await api.ok('POST', `${imports}/${report.id}/apply`);
    const done = await isAt(imports, report, ['done', 'failed']);
    expect([done.state, done.counts]).toEqual(['done', report.counts]);
    expect(await copies()).toEqual([
      { scope: 'accounts/demo/orgs/eu', kind: 'pipeline', path: ofOrg, yaml: 'name: eu\n' },
      { scope: 'accounts/demo', kind: 'part', path: `parts/${id}.yaml`, yaml: 'size: 2\n' },
    ]);
    expect((await run({ branch })).counts).toMatchObject({ create: 0, same: 2, invalid: 1, refused: 1 });
  });

  it('refuses what names another entity when it is saved, too', async () => {
    const git = { connector: connectorOf[road], branch: 'main' };
    const answer = await api.request('PUT', `accounts/demo/entities/part/${road}_saved`, {
      yaml: 'metadata:\n  name: other\n',
      git,
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'ENTITY_IDENTITY_MISMATCH']);
    expect(answer.body.detail).toMatch(/^Line 2, column 9: /);
  });
});

describe('an import of many files', () => {
  const imports = `${connectors}/direct/imports`;
  const COUNT = 450;
  const fill = (folder: string, count = COUNT): Promise<string> =>
    insist(
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`${folder}/${folder}_${i}.yaml`, `size: ${i}\n`]),
      ),
    );
  const wish = (folder: string) => ({
    branch: 'main',
    folder,
    patterns: [{ pattern: `${folder}/{id}.yaml`, kind: 'part' }],
  });

  it('that races saves and pushes overwrites nothing, and leaves what Git has', async () => {
    await fill('raced');
    await api.ok('PUT', `${connectors}/direct/tracking`, { files: wish('raced').patterns });
    const begun = await api.ok('POST', imports, wish('raced'));
    const into = { connector: 'direct', branch: 'main' };
    const pathOf = (i: number): string => `raced/raced_${i * 18}.yaml`;
    const saves = Array.from({ length: 24 }, (_, i) => {
      const body = { yaml: `size: ${1_000 + i}\n`, git: { ...into, path: pathOf(i) } };
      return endOf(api.request('PUT', `accounts/demo/entities/part/raced_${i * 18}`, body));
    });
    const pushed = [0, 6, 12, 18];
    for (const i of pushed) await insist({ [pathOf(i)]: `size: ${2_000 + i}\n` });
    const ends = await Promise.all(saves);
    // One that did not know the file yet may find it there: that is a conflict, and Git's own content stays.
    expect(ends.filter((end) => end !== 'succeeded' && end !== 'conflict')).toEqual([]);
    expect(ends).toContain('succeeded');
    const ended = await isAt(imports, begun, ['done', 'failed']);
    expect([ended.state, ended.problem]).toEqual(['done', null]);
    await api.ok('POST', `${connectors}/direct/tracking/poll`);
    await eventually(
      async () => {
        const { followed } = await api.ok('GET', `${connectors}/direct/tracking`);
        return followed[0]?.state === 'current' && followed[0].synced === head(stack.repository);
      },
      'main to be current',
      PATIENCE_MS,
    );
    expect(await expectCopied(stack, 'raced')).toBe(COUNT);
    const lost = ends.filter((end, i) => {
      const others = pushed.includes(i) ? [2_000 + i] : [];
      const own = end === 'succeeded' ? [1_000 + i] : [i * 18].slice(others.length);
      return ![...own, ...others].some((size) => fileAt(stack.repository, pathOf(i)) === `size: ${size}\n`);
    });
    expect(lost).toEqual([]);
    await api.request('DELETE', `${connectors}/direct/tracking`);
  });

  it('is let go of, and keeps what it has done', async () => {
    await fill('let');
    const report = await api.ok('POST', imports, { ...wish('let'), dryRun: true });
    const applied = await api.request('POST', `${imports}/${report.id}/apply`);
    expect([202, 409]).toContain(applied.status);
    const cancelled = await api.ok('POST', `${imports}/${report.id}/cancel`);
    expect(cancelled).toMatchObject({ state: 'cancelled', finishedAt: expect.any(String) });
    const after = await api.request('POST', `${imports}/${report.id}/apply`);
    expect([after.status, after.body.code]).toEqual([409, 'IMPORT_NOT_REPORTED']);
    const rest = await isAt(imports, await api.ok('POST', imports, wish('let')), ['done']);
    expect(rest.counts.create + rest.counts.same).toBe(COUNT);
  });

  it('waits longer every time for a lane that another has, and not for ever', async () => {
    await fill('busy', 3);
    await isAt(imports, await api.ok('POST', imports, wish('busy')), ['done']);
    const lane = (set: string): Promise<unknown> =>
      sql(stack.databaseUrl, `update lane set ${set} where branch = 'main'`);
    await lane(`holder = gen_random_uuid(), lease_expires_at = now() + interval '1 hour'`);
    const begun = await api.ok('POST', imports, wish('busy'));
    const pause = `extract(epoch from due_at - now()) > 0.7 and claimed_until is null`;
    await eventually(
      async () =>
        (await sql(stack.databaseUrl, `select 1 from import where id = $1 and ${pause}`, [begun.id])).length >
        0,
      'it to wait for longer',
    );
    expect((await isAt(imports, begun, ['applying'])).problem.code).toBe('TRACKING_BUSY');
    const old = `failing_since = now() - interval '1 day', due_at = now()`;
    await sql(stack.databaseUrl, `update import set ${old} where id = $1`, [begun.id]);
    expect((await isAt(imports, begun, ['failed'])).problem.code).toBe('TRACKING_BUSY');
    await lane('holder = null, lease_expires_at = null');
    const done = await isAt(imports, await api.ok('POST', imports, wish('busy')), ['done']);
    expect(done.counts.same).toBe(3);
  });

  it('of a branch that is not there fails and says so', async () => {
    const begun = await api.ok('POST', imports, { branch: 'nowhere' });
    const failed = await isAt(imports, begun, ['failed']);
    expect(failed.problem.code).toBe('GIT_REF_NOT_FOUND');
  });
});

describe('what differs from Git although nobody pushed', () => {
  const tracked = `${connectors}/direct`;
  const drift = async (): Promise<Json> => {
    const { sections } = await api.ok('GET', `${tracked}/drift?branch=main`);
    return sections[0];
  };
  const own = ({ differences }: Json): unknown[] =>
    differences
      .filter(({ path }: Json) => path.startsWith('drift/'))
      .map(({ kind, path, entity, problem }: Json) => [kind, path, entity, problem?.code]);
  const current = (): Promise<Json> =>
    eventually(async () => {
      const { followed } = await api.ok('GET', `${tracked}/tracking`);
      return followed[0]?.synced === head(stack.repository) && followed[0].state === 'current';
    }, 'main to be current');

  it('is reported by a comparison of everything, and repaired', async () => {
    await insist({
      ...Object.fromEntries(
        ['kept', 'changed', 'gone', 'relabelled'].map((id) => [`drift/${id}.yaml`, `size: 1\n`]),
      ),
      'drift/bad.yaml': 'size: x\n',
    });
    const files = [{ pattern: 'drift/{id}.yaml', kind: 'part' }];
    const rules = [{ create: true, change: true, delete: false }];
    await api.ok('PUT', `${tracked}/tracking`, { files, rules });
    await current();
    expect(own(await drift())).toEqual([['invalid', 'drift/bad.yaml', 'bad', 'ENTITY_INVALID']]);

    const by = (text: string): Promise<unknown> => sql(stack.databaseUrl, text);
    await by(`update entity set yaml = 'size: 7' where path = 'drift/changed.yaml'`);
    await by(`update entity set blob_id = repeat('0', 40) where path = 'drift/relabelled.yaml'`);
    await by(`delete from entity where path = 'drift/gone.yaml'`);
    const columns = `scope, kind, branch, connector_scope, connector_id, repository, yaml, blob_id, commit_id`;
    await by(`insert into entity (id, path, ${columns})
      select 'added', 'drift/added.yaml', ${columns} from entity where path = 'drift/kept.yaml'`);
    const before = await drift();
    expect(own(before)).toEqual([
      ['surplus', 'drift/added.yaml', 'added', undefined],
      ['invalid', 'drift/bad.yaml', 'bad', 'ENTITY_INVALID'],
      ['corrupt', 'drift/changed.yaml', 'changed', undefined],
      ['missing', 'drift/gone.yaml', 'gone', undefined],
      ['corrupt', 'drift/relabelled.yaml', 'relabelled', undefined],
    ]);
    expect(before).toMatchObject({
      tracked: true,
      head: head(stack.repository),
      synced: head(stack.repository),
    });

    const pushed = head(stack.repository);
    const { branches } = await api.ok('POST', `${tracked}/drift/repair`, { branch: 'main' });
    expect(branches).toEqual([
      expect.objectContaining({ branch: 'main', restored: 1, created: 1, refused: 1, invalid: 1 }),
    ]);
    expect(own(await drift())).toEqual([
      ['refused', 'drift/added.yaml', 'added', 'CHANGE_REFUSED'],
      ['invalid', 'drift/bad.yaml', 'bad', 'ENTITY_INVALID'],
    ]);
    expect((await find('changed')).yaml).toBe('size: 1\n');
    expect((await find('gone')).yaml).toBe('size: 1\n');
    await api.ok('PUT', `${tracked}/tracking`, { files });
    await api.ok('POST', `${tracked}/drift/repair`, {});
    expect(own(await drift())).toEqual([['invalid', 'drift/bad.yaml', 'bad', 'ENTITY_INVALID']]);
    expect(await find('added')).toBeNull();
    expect(head(stack.repository)).toBe(pushed);
  });
});

/** The events about an entity, in order, and what caused them. */
async function told(id: string): Promise<unknown[][]> {
  const found = await sql(
    stack.databaseUrl,
    'select type, data from event where subject = $1 order by sequence',
    [`entities/part/${id}`],
  );
  return found.map(({ type, data }) => [type, data.cause]);
}

it('are listed by connector, newest first, page by page', async () => {
  const list = (query = ''): Promise<Json> => api.ok('GET', `${connectors}/listed/imports${query}`);
  await api.ok('PUT', `${connectors}/listed`, { url: stack.repositoryUrl, connectivity: 'manager' });
  expect(await list()).toEqual({ imports: [], nextCursor: null });
  const made: string[] = [];
  for (const folder of ['one', 'two', 'three'])
    made.unshift(
      (await api.ok('POST', `${connectors}/listed/imports`, { branch: 'main', folder, dryRun: true })).id,
    );
  const first = await list('?limit=2');
  const rest = await list(`?limit=2&cursor=${first.nextCursor}`);
  expect([...first.imports, ...rest.imports].map(({ id }: Json) => id)).toEqual(made);
  expect(rest.nextCursor).toBeNull();
  const same = ['id', 'scope', 'connector', 'branch', 'folder', 'dryRun', 'requestedBy', 'createdAt'];
  const whole = await api.ok('GET', `${connectors}/listed/imports/${made[0]}`);
  expect(pick(first.imports[0], same)).toEqual(pick(whole, same));
  expect((await api.request('GET', `${connectors}/none/imports`)).status).toBe(404);
});
