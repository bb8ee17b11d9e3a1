// The way back where Git holds what a database does not, and where a branch is turned back, or gone, while somebody is at it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../src/git/blob-id.js';
import { type Api, eventually, type Json } from '../support/api.js';
import { CountingLine } from '../support/counting-line.js';
import { sql } from '../support/database.js';
import { git, head, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
const connector = 'accounts/demo/connectors/direct';
const tracking = `${connector}/tracking`;

beforeAll(async () => {
  stack = await Stack.start('embedded', {
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
    delegates: 0,
  });
  api = stack.api;
});
afterAll(() => stack.stop());

const stateOf = async (branch: string): Promise<Json> =>
  (await api.ok('GET', tracking)).followed.find((one: Json) => one.branch === branch);
const settled = (branch = 'main'): Promise<Json> =>
  eventually(async () => {
    const found = await stateOf(branch);
    return found?.state === 'current' && found.synced === head(stack.repository, branch) && found;
  }, `${branch} to be current`);

const files = [{ pattern: 'meanwhile/{id}.yaml', kind: 'pipeline' }];
const at = (id: string): string => `meanwhile/${id}.yaml`;
const entity = (id: string): string => `accounts/demo/entities/pipeline/${id}`;
const textOf = async (id: string): Promise<string | null> =>
  (await api.request('GET', `${entity(id)}?branch=main`)).body.yaml ?? null;
const push = (changes: Record<string, string | null>): Promise<string> =>
  pushForeign(stack.foreignUrl, changes);
const save = (id: string, yaml: string): Promise<Json> =>
  api.ok('PUT', entity(id), { yaml, git: { connector: 'direct', branch: 'main', path: at(id) } });
const look = async (): Promise<void> => {
  await api.ok('POST', `${tracking}/poll`);
  await settled();
};
/** By force, wherever it was. */
const turnTo = (commit: string): string => git(stack.repository, 'update-ref', 'refs/heads/main', commit);
/** As if a refresh had been interrupted. */
const interrupt = (synced: string, target: string, appliedTo: string | null = null): Promise<unknown> =>
  sql(
    stack.databaseUrl,
    `update tracked_branch set synced = $1, target = $2, applied_to = $3 where branch = 'main'`,
    [synced, target, appliedTo],
  );

describe('a document whose fault is in no text that the database keeps', () => {
  beforeAll(async () => {
    await api.ok('PUT', 'accounts/demo/kinds/named', {
      pathTemplate: 'named/{id}.yaml',
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      identity: { id: '/name' },
    });
    await api.ok('PUT', tracking, { files: [{ pattern: 'named/{id}.yaml', kind: 'named' }] });
  });

  it('is told of, and holds up nothing that was pushed with it', async () => {
    const half = 'x'.repeat(199);
    await pushForeign(stack.foreignUrl, {
      'named/a.yaml': 'name: a\n',
      'named/key.yaml': 'name: key\n"a\\0b": 5\n',
      'named/name.yaml': 'name: "a\\0b"\n',
      'named/long.yaml': `name: ${half}👍👍\n`,
      'named/twice.yaml': `name: twice\n${half.slice(120)}👍: a\n${half.slice(120)}👍: b\n`,
      'named/z.yaml': 'name: z\n',
    });
    await api.ok('POST', `${tracking}/poll`);
    await settled();
    const read = async (id: string): Promise<Json> =>
      (await api.ok('GET', `accounts/demo/entities/named/${id}?branch=main`)).invalid;
    expect(await read('a')).toBeNull();
    expect(await read('z')).toBeNull();
    const stored = await sql(
      stack.databaseUrl,
      `select id, invalid ->> 'code' as code, coalesce(invalid -> 'data' ->> 'found', invalid -> 'data' ->> 'problem',
         invalid -> 'data' -> 'problems' -> 0 ->> 'path') as text
       from entity where kind = 'named' and invalid is not null order by id`,
    );
    expect(stored.map(({ id, code, text }) => [id, code, text])).toEqual([
      ['key', 'ENTITY_INVALID', '/a\u2400b'],
      ['long', 'ENTITY_IDENTITY_MISMATCH', half],
      ['name', 'ENTITY_IDENTITY_MISMATCH', 'a\u2400b'],
      ['twice', 'YAML_REFUSED', `key ${JSON.stringify(half.slice(120))} stands twice in one mapping`],
    ]);
  });
});

describe('what the copy has of a commit that its branch was turned back behind', () => {
  let [followed, one, two, time] = ['', '', '', 0];
  beforeAll(() => api.ok('PUT', tracking, { files }));
  beforeEach(async () => {
    time += 1;
    [one, two] = [`name: one ${time}\n`, `name: two ${time}\n`];
    followed = await push({ [at('old')]: one });
    await look();
  });

  it('goes, where a save had landed on a push that nobody had looked at', async () => {
    await push({ [at('unseen')]: 'name: unseen\n' });
    await save('lost', 'name: lost\n');
    turnTo(followed);
    await push({ [at('other')]: 'name: other\n' });
    await look();
    expect(await textOf('lost')).toBeNull();
    expect(await textOf('other')).toBe('name: other\n');
  });

  it('goes, where a save had landed while a refresh was on its way', async () => {
    const target = await push({ [at('old')]: two });
    await interrupt(followed, target);
    await save('lost', 'name: lost\n');
    turnTo(target);
    await push({ [at('other')]: 'name: another\n' });
    await look();
    expect(await textOf('lost')).toBeNull();
    expect(await textOf('old')).toBe(two);
  });

  it('goes, where somebody had read it anew, although the branch is where it was followed to', async () => {
    await push({ [at('old')]: two });
    await api.ok('GET', `${entity('old')}?branch=main&freshness=reload`);
    expect(await textOf('old')).toBe(two);
    turnTo(followed);
    await api.ok('POST', `${tracking}/poll`);
    await eventually(async () => (await textOf('old')) === one, 'what the branch holds to be back');
    expect(await settled()).toMatchObject({ synced: followed });
  });

  it('goes, where another connector had followed the branch there', async () => {
    const second = 'accounts/demo/connectors/second';
    const { username } = stack.accounts.manager;
    await api.ok('PUT', second, {
      url: stack.repositoryUrl,
      connectivity: 'manager',
      credential: { username, secret: 'git-direct' },
    });
    const there = await push({ [at('old')]: two });
    await api.ok('PUT', `${second}/tracking`, { files });
    await eventually(
      async () => (await api.ok('GET', `${second}/tracking`)).followed[0]?.synced === there,
      'the other one to have followed it',
    );
    expect(await textOf('old')).toBe(two);
    await api.ok('DELETE', `${second}/tracking`);
    turnTo(followed);
    await api.ok('POST', `${tracking}/poll`);
    await eventually(async () => (await textOf('old')) === one, 'what the branch holds to be back');
    expect(await settled()).toMatchObject({ synced: followed });
  });
});

describe('a way whose end the host gives no more', () => {
  it('leaves nothing of what it brought', async () => {
    await api.ok('PUT', tracking, { files });
    const followed = await push({ [at('half')]: 'name: whole\n' });
    await look();
    const yaml = Buffer.from('name: half\n');
    await sql(
      stack.databaseUrl,
      `update entity set yaml = $1, blob_id = $2, commit_id = repeat('1', 40) where id = 'half'`,
      [yaml, blobIdOf(yaml)],
    );
    await interrupt(followed, '1'.repeat(40), at('half'));
    await push({ [at('next')]: 'name: next\n' });
    await look();
    expect(await textOf('half')).toBe('name: whole\n');
    expect(await textOf('next')).toBe('name: next\n');
  });

  it('is no longer gone, where its trees are known and its files are not', async () => {
    const { origin, pathname } = new URL(stack.repositoryUrl);
    const line = await CountingLine.open(origin);
    const wired = 'accounts/demo/connectors/wired';
    const known = async (): Promise<Json> => (await api.ok('GET', `${wired}/tracking`)).followed[0];
    try {
      await api.ok('PUT', wired, {
        url: `${line.url}${pathname}`,
        connectivity: 'manager',
        credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
      });
      const before = head(stack.repository);
      const lost = 'name: lost for ever\n';
      const target = await push({ 'wired/lost.yaml': lost });
      line.refuses = { name: 'POST fetch', status: 500, asking: blobIdOf(Buffer.from(lost)) };
      await api.ok('PUT', `${wired}/tracking`, { files: [{ pattern: 'wired/{id}.yaml', kind: 'pipeline' }] });
      await eventually(async () => (await known())?.problem?.code === 'GIT_HOST_ERROR', 'it to break off');
      turnTo(before);
      git(stack.repository, 'gc', '-q', '--prune=now');
      expect(() => git(stack.repository, 'cat-file', '-e', target)).toThrow();
      await push({ 'wired/kept.yaml': 'name: kept\n' });
      line.refuses = null;
      await api.ok('POST', `${wired}/tracking/poll`);
      await eventually(
        async () => (await known()).synced === head(stack.repository),
        'the branch to be followed to where it is',
      );
      expect(await textOf('kept')).toBe('name: kept\n');
      expect(await textOf('lost')).toBeNull();
    } finally {
      await api.request('DELETE', wired);
      await line.close();
    }
  });
});

describe('a branch that could not be followed, and is gone', () => {
  it.each([
    ['after it had been followed', `synced = listed, revision = revision`],
    ['before it ever was', `synced = null, target = null, revision = null`],
  ])('is followed no more, %s', async (_, how) => {
    await api.ok('PUT', tracking, { files, branches: ['main', 'gone/*'] });
    git(stack.repository, 'branch', 'gone/soon', 'main');
    await api.ok('POST', `${tracking}/poll`);
    await settled('gone/soon');
    await sql(
      stack.databaseUrl,
      `update tracked_branch set ${how}, faults = 1, fault = '{"code": "INTERNAL", "data": {"reference": "r"}}'
       where branch = 'gone/soon'`,
    );
    git(stack.repository, 'branch', '-D', 'gone/soon');
    await api.ok('POST', `${tracking}/poll`);
    await eventually(async () => (await stateOf('gone/soon')) === undefined, 'nothing to be followed');
  });
});
