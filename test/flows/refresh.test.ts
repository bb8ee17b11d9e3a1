// The way back: a push by anybody becomes a refreshed copy, by either road, without anybody asking through the API.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../src/git/blob-id.js';
import { type Api, eventually, type Json } from '../support/api.js';
import { CountingLine } from '../support/counting-line.js';
import { sql } from '../support/database.js';
import { assertSound, git, gitOverNetwork, head, pushForeign } from '../support/repository.js';
import { connectorOf, roads, Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

let stack: Stack;
let api: Api;
beforeAll(async () => {
  stack = await Stack.start('embedded', {
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
  });
  api = stack.api;
  git(stack.repository, 'config', 'receive.denyNonFastForwards', 'false');
});
afterAll(() => stack.stop());

// The delegate’s road is gone by interleavings.test.ts in every run, and by this where there is time.
describe.each(sampled(roads, 2))('with connectivity %s', (road) => {
  const tracking = `accounts/demo/connectors/${connectorOf[road]}/tracking`;
  const name = (id: string): string => `${road}_${id}`;
  const fileOf = (id: string): string => `pipelines/${name(id)}.yaml`;
  const find = (id: string, branch = 'main'): Promise<Json> =>
    api
      .request('GET', `accounts/demo/entities/pipeline/${name(id)}?branch=${branch}`)
      .then(({ status, body }) => (status === 200 ? body : null));
  const look = (): Promise<Json> => api.ok('POST', `${tracking}/poll`);
  const push = async (files: Record<string, string | null>, branch = 'main'): Promise<string> => {
    const commit = await pushForeign(stack.foreignUrl, files, branch);
    await look();
    return commit;
  };
  /** Work in a clone of somebody else's. */
  const inClone = async (work: (clone: string) => Promise<void>): Promise<void> => {
    const clone = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-clone-'));
    try {
      await gitOverNetwork(clone, 'clone', '-q', stack.foreignUrl, '.');
      await work(clone);
    } finally {
      fs.rmSync(clone, { recursive: true, force: true });
    }
    await look();
  };
  /** The copy once it holds this text, or is gone. */
  const shows = (id: string, yaml: string | null, branch = 'main'): Promise<Json> =>
    eventually(
      async () => {
        const found = await find(id, branch);
        return (found?.yaml ?? null) === yaml && [found];
      },
      `${name(id)} on ${branch} to be ${JSON.stringify(yaml)}`,
    ).then(([found]) => found);
  const problems = (): Promise<Json[]> => api.ok('GET', `${tracking}/problems`).then(({ files }) => files);
  const follow = (body: object): Promise<Json> => api.ok('PUT', tracking, body);
  /** Until the copy of the branch is at its head. */
  const settled = (branch = 'main'): Promise<Json> =>
    eventually(async () => {
      const { followed } = await api.ok('GET', tracking);
      const found = followed.find((one: Json) => one.branch === branch);
      return found?.state === 'current' && found.synced === head(stack.repository, branch) && found;
    }, `${branch} to be current`);

  beforeAll(async () => {
    for (const other of roads.filter((one) => one !== road))
      await api.request('DELETE', `accounts/demo/connectors/${connectorOf[other]}/tracking`);
  });
  beforeEach(() => follow({ branches: ['main', 'feature/*'] }));

  it('shows what a push created, changed and deleted', async () => {
    await push({ [fileOf('one')]: 'name: 1\n', [fileOf('two')]: 'name: 2\n' });
    const created = await shows('one', 'name: 1\n');
    expect(created).toMatchObject({
      git: { path: fileOf('one'), connector: connectorOf[road] },
      operationId: null,
    });
    await shows('two', 'name: 2\n');
    const commit = await push({ [fileOf('one')]: 'name: one\n' });
    expect((await shows('one', 'name: one\n')).git.commitId).toBe(commit);
    await push({ [fileOf('two')]: null });
    await shows('two', null);
    expect((await settled()).problem).toBeNull();
  });

  it('takes a file that moved for the same entity, its content changed or not', async () => {
    await follow({ files: [{ pattern: `${road}-moves/**/{id}.yaml`, kind: 'pipeline' }] });
    const at = (folder: string): string => `${road}-moves/${folder}/${name('mover')}.yaml`;
    await push({ [at('a')]: 'name: mover\n' });
    await shows('mover', 'name: mover\n');
    await push({ [at('a')]: null, [at('b/c')]: 'name: mover\n' });
    const moved = await eventually(async () => {
      const found = await find('mover');
      return found?.git.path === at('b/c') && found;
    }, 'the copy to have moved');
    expect(moved.yaml).toBe('name: mover\n');
    await push({ [at('b/c')]: null, [at('a')]: 'name: changed\n' });
    expect((await shows('mover', 'name: changed\n')).git.path).toBe(at('a'));
    const events = await told('mover');
    expect(events.map(({ type, data }) => [type, data.from])).toEqual([
      ['entity.created', undefined],
      ['entity.moved', at('a')],
      ['entity.moved', at('b/c')],
    ]);
  });

  it('keeps what is no valid document beside its neighbours, with the place of the fault', async () => {
    await push({ [fileOf('bad')]: 'name: a\nname: b\n', [fileOf('good')]: 'name: good\n' });
    await shows('good', 'name: good\n');
    const bad = await shows('bad', 'name: a\nname: b\n');
    expect(bad.invalid).toMatchObject({
      code: 'YAML_REFUSED',
      detail: expect.stringMatching(/^Line 2, column 1: /),
    });
    expect((await told('bad')).map(({ type }) => type)).toEqual(['entity.created', 'entity.invalid']);
    await push({ [fileOf('bad')]: 'name: mended\n' });
    expect((await shows('bad', 'name: mended\n')).invalid).toBeNull();
  });

  it('reports what can be no entity, until it is gone', async () => {
    const odd = `pipelines/${road} odd name.yaml`;
    await inClone(async (clone) => {
      fs.writeFileSync(path.join(clone, odd), 'name: odd\n');
      fs.symlinkSync('README.md', path.join(clone, fileOf('link')));
      fs.writeFileSync(path.join(clone, fileOf('long')), `name: ${'x'.repeat(1024 * 1024)}\n`);
      git(clone, 'add', '-A');
      git(clone, 'commit', '-qm', 'Odd files');
      await gitOverNetwork(clone, 'push', '-q', 'origin', 'HEAD:refs/heads/main');
    });
    await settled();
    const found = await problems();
    expect(found.map((one) => [one.path, one.verdict, one.problem.code])).toEqual([
      [odd, 'invalid', 'FILE_UNFIT'],
      [fileOf('link'), 'invalid', 'FILE_UNFIT'],
      [fileOf('long'), 'invalid', 'YAML_REFUSED'],
    ]);
    expect(await find('long')).toBeNull();
    await push({ [odd]: null, [fileOf('link')]: null, [fileOf('long')]: null });
    await settled();
    expect(await problems()).toEqual([]);
  });

  it('refuses from Git what its rules do not allow, and says by which', async () => {
    await push({ [fileOf('kept')]: 'name: kept\n' });
    await shows('kept', 'name: kept\n');
    const locked = { kinds: ['pipeline'], create: false, change: false, delete: false };
    await follow({ rules: [{ kinds: ['other'] }, locked] });
    await push({ [fileOf('kept')]: 'name: changed\n', [fileOf('new')]: 'name: new\n' });
    await settled();
    const found = await problems();
    expect(found.map((one) => [one.path, one.problem.code, one.problem.detail.includes('rule 2')])).toEqual([
      [fileOf('kept'), 'CHANGE_REFUSED', true],
      [fileOf('new'), 'CHANGE_REFUSED', true],
    ]);
    expect((await find('kept')).yaml).toBe('name: kept\n');
    expect(await find('new')).toBeNull();
    await push({ [fileOf('kept')]: null });
    await settled();
    expect((await find('kept')).yaml).toBe('name: kept\n');
    expect((await told('kept')).map(({ type }) => type)).toEqual([
      'entity.created',
      'entity.refused',
      'entity.refused',
    ]);
    await follow({});
    await shows('kept', null);
    await shows('new', 'name: new\n');
    expect(await problems()).toEqual([]);
  });

  it('follows new branches, force-pushes and deleted branches, and no tags', async () => {
    const branch = `feature/${road}`;
    await push({ [fileOf('forked')]: 'name: forked\n' });
    await shows('forked', 'name: forked\n');
    await inClone(async (clone) => {
      await gitOverNetwork(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
      await gitOverNetwork(clone, 'push', '-qf', 'origin', `HEAD:refs/tags/feature/${road}-tag`);
      await gitOverNetwork(clone, 'push', '-q', 'origin', `HEAD:refs/heads/other/${road}`);
    });
    await shows('forked', 'name: forked\n', branch);
    expect(await find('forked', `other/${road}`)).toBeNull();
    expect(await find('forked', `feature/${road}-tag`)).toBeNull();
    await push({ [fileOf('forked')]: 'name: there\n' }, branch);
    await shows('forked', 'name: there\n', branch);
    await inClone(async (clone) => {
      git(clone, 'commit', '-q', '--amend', '--allow-empty', '-m', 'Another history');
      fs.writeFileSync(path.join(clone, fileOf('forced')), 'name: forced\n');
      git(clone, 'rm', '-q', fileOf('forked'));
      git(clone, 'add', '-A');
      git(clone, 'commit', '-qm', 'Forced');
      await gitOverNetwork(clone, 'push', '-qf', 'origin', `HEAD:refs/heads/${branch}`);
    });
    await shows('forced', 'name: forced\n', branch);
    await shows('forked', null, branch);
    git(stack.repository, 'branch', '-D', branch);
    await look();
    await shows('forced', null, branch);
    expect((await find('forked')).yaml).toBe('name: forked\n');
  });

  it('counts its own commits as known, and tells of a save once', async () => {
    await settled();
    const saved = await api.save(name('own'), 'name: own\n', {
      connector: connectorOf[road],
      branch: 'main',
    });
    expect(saved.status).toBe(201);
    const { followed } = await look();
    expect(followed).toContainEqual(
      expect.objectContaining({ branch: 'main', state: 'current', synced: saved.body.git.commitId }),
    );
    await settled();
    expect((await told('own')).map(({ type, data }) => [type, data.cause])).toEqual([
      ['entity.created', 'save'],
    ]);
  });

  it('reads the copy with its age, holds it against Git, or takes what Git says', async () => {
    const at = `accounts/demo/entities/pipeline/${name('read')}?branch=main`;
    const read = (level: string): Promise<Json> => api.ok('GET', `${at}&freshness=${level}`);
    const first = await push({ [fileOf('read')]: 'name: one\n' });
    await shows('read', 'name: one\n');
    await settled();
    expect((await read('cached')).freshness).toMatchObject({ state: 'current', head: first });
    const second = await pushForeign(stack.foreignUrl, { [fileOf('read')]: 'name: two\n' });
    const verified = await read('verify');
    expect(verified).toMatchObject({ yaml: 'name: one\n', freshness: { state: 'behind', head: second } });
    expect(verified.freshness.gitBlobId).toBe(blobIdOf(Buffer.from('name: two\n')));
    expect(await read('reload')).toMatchObject({
      yaml: 'name: two\n',
      operationId: null,
      freshness: { state: 'current', head: second },
    });
    expect((await find('read')).yaml).toBe('name: two\n');
    await follow({ rules: [{ change: false }] });
    await push({ [fileOf('read')]: 'name: three\n' });
    await settled();
    expect(await read('cached')).toMatchObject({ yaml: 'name: two\n', freshness: { state: 'held' } });
    expect(await read('reload')).toMatchObject({ yaml: 'name: two\n', freshness: { state: 'held' } });
    await pushForeign(stack.foreignUrl, { [fileOf('read')]: null });
    expect(await read('reload')).toMatchObject({ yaml: 'name: two\n', freshness: { state: 'gone' } });
  });

  it('reads on a branch that has no copy, and compares branches and commits, from Git itself', async () => {
    const entity = `accounts/demo/entities/pipeline/${name('compared')}`;
    const branch = `unfollowed/${road}`;
    const first = await push({ [fileOf('compared')]: 'name: one\n' });
    await shows('compared', 'name: one\n');
    await inClone((clone) => gitOverNetwork(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`));
    await push({ [fileOf('compared')]: 'name: two\n' }, branch);
    const missing = await api.request('GET', `${entity}?branch=${branch}`);
    expect([missing.status, missing.body.code]).toEqual([404, 'NOT_FOUND']);
    const there = await api.ok('GET', `${entity}?branch=${branch}&freshness=verify`);
    expect(there).toMatchObject({ yaml: 'name: two\n', git: { branch }, freshness: { state: 'current' } });
    expect(await api.ok('GET', `${entity}/compare?from=${first}&to=${branch}`)).toMatchObject({
      same: false,
      from: { commitId: first, yaml: 'name: one\n' },
      to: { yaml: 'name: two\n', path: fileOf('compared') },
    });
    expect(await api.ok('GET', `${entity}/compare?from=main&to=${first}`)).toMatchObject({ same: true });
    const initial = git(stack.repository, 'rev-list', '--max-parents=0', 'main').trim();
    expect((await api.ok('GET', `${entity}/compare?from=${initial}&to=main`)).from.yaml).toBeNull();
    for (const [query, status, code] of [
      ['from=main&to=none', 422, 'GIT_REF_NOT_FOUND'],
      [`from=main&to=${'0'.repeat(39)}1`, 422, 'GIT_OBJECT_NOT_FOUND'],
      ['from=main', 400, 'REQUEST_INVALID'],
      ['from=main&to=-x', 400, 'REQUEST_INVALID'],
    ] as const) {
      const refused = await api.request('GET', `${entity}/compare?${query}`);
      expect([query, refused.status, refused.body.code]).toEqual([query, status, code]);
    }
  });

  it('lets saves and pushes to one branch cross, and loses neither', async () => {
    const into = { connector: connectorOf[road], branch: 'main' };
    const pushes = (async () => {
      // A push that lost the race is tried again, as anybody would.
      for (let i = 0; i < 6; i++)
        await eventually(
          () => push({ [fileOf(`pushed${i}`)]: `name: p${i}\n` }).catch(() => false as const),
          'a push to win',
        );
    })();
    const saves = await Promise.all(
      Array.from({ length: 12 }, (_, i) => api.save(name(`saved${i}`), `name: s${i}\n`, into)),
    );
    await pushes;
    expect(saves.map(({ status }) => status)).toEqual(saves.map(() => 201));
    await settled();
    await equalsGit();
  });

  it('brings a push of hundreds of files, part by part', async () => {
    const files = Array.from({ length: 450 }, (_, i) => [fileOf(`many${i}`), `name: m${i}\n`]);
    await push(Object.fromEntries(files));
    expect((await settled()).state).toBe('current');
    await equalsGit();
    await push(Object.fromEntries(files.map(([file]) => [file, null])));
    expect((await settled()).state).toBe('current');
    await equalsGit();
  });

  it('shows what was pushed while the manager was down', async () => {
    await settled();
    await stack.manager?.kill('SIGTERM');
    await pushForeign(stack.foreignUrl, { [fileOf('absent')]: 'name: absent\n' });
    await stack.startManager();
    api = stack.api;
    await look();
    await shows('absent', 'name: absent\n');
    assertSound(stack.repository);
  });

  /** Every tracked file of the branch is in the copy byte for byte, and nothing else is. */
  async function equalsGit(branch = 'main'): Promise<void> {
    const listed = git(stack.repository, 'ls-tree', '-r', `refs/heads/${branch}`, 'pipelines/')
      .split('\n')
      .map((line) => /^100644 blob ([0-9a-f]+)\t(pipelines\/[A-Za-z0-9_$-]+\.yaml)$/.exec(line))
      .flatMap((match) => (match === null ? [] : [[match[2] ?? '', match[1] ?? '']]));
    const copies = new Map<string, string>();
    let cursor = '';
    do {
      const page = await api.ok('GET', `accounts/demo/entities?branch=${branch}&limit=1000${cursor}`);
      for (const one of page.entities) copies.set(one.git.path, blobIdOf(Buffer.from(one.yaml)));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    const ofFolder = [...copies].filter(([file]) => file.startsWith('pipelines/'));
    expect(Object.fromEntries(ofFolder)).toEqual(Object.fromEntries(listed));
  }

  /** The events about an entity, in order. */
  async function told(id: string): Promise<Json[]> {
    const found = await sql(
      stack.databaseUrl,
      'select type, data from event where subject = $1 order by sequence',
      [`entities/pipeline/${name(id)}`],
    );
    return found;
  }
});

it('costs one listing of refs and one request for objects, however many files were pushed', async () => {
  const { origin, pathname } = new URL(stack.repositoryUrl);
  const line = await CountingLine.open(origin);
  const tracking = 'accounts/demo/connectors/wired/tracking';
  const files = (text: string, count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`wire/w${i}.yaml`, `name: ${text}${i}\n`]));
  const arrived = (commit: string): Promise<unknown> =>
    eventually(async () => {
      const { followed } = await api.ok('GET', tracking);
      return followed[0]?.state === 'current' && followed[0].synced === commit;
    }, `the copy to be at ${commit}`);
  try {
    await api.ok('PUT', 'accounts/demo/connectors/wired', {
      url: `${line.url}${pathname}`,
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    const first = await pushForeign(stack.foreignUrl, files('a', 450));
    await api.ok('PUT', tracking, { files: [{ pattern: 'wire/{id}.yaml', kind: 'pipeline' }] });
    await arrived(first);
    for (const [text, count] of [
      ['b', 1],
      ['c', 450],
    ] as const) {
      const commit = await pushForeign(stack.foreignUrl, files(text, count));
      line.reset();
      await api.ok('POST', `${tracking}/poll`);
      await arrived(commit);
      expect(line.names).toEqual(['POST ls-refs', 'POST fetch']);
    }
    const last = await api.ok('GET', 'accounts/demo/entities/pipeline/w449?branch=main');
    expect(last).toMatchObject({ yaml: 'name: c449\n', git: { connector: 'wired' } });
  } finally {
    await api.request('DELETE', 'accounts/demo/connectors/wired');
    await line.close();
  }
});
