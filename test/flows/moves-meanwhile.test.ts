// Moves while others are at the same branches, repositories and entities: pushes that are being followed, files that go meanwhile, a
// repository that has two URLs. Nobody waits for each other, and no file goes that is the entity's only one.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { EntityLocks } from '../support/entity-locks.js';
import { entities, holding, kind, Moving, moves, named, toGit, toInline, yamlOf } from '../support/moving.js';
import { assertSound, fileAt, git, head, pushForeign } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';

let stack: Stack;
let world: Moving;
let locks: EntityLocks;
beforeAll(async () => {
  stack = await Stack.start(oneBackend[0] as 'real', {
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' },
  });
  world = await Moving.in(stack);
  locks = new EntityLocks(stack.databaseUrl, 'accounts/demo', kind);
});
afterAll(() => stack?.stop());

const tracking = (connector: string): string => `accounts/demo/connectors/${connector}/tracking`;
const otherUrl = (): string => stack.foreignUrl.replace('demo.git', 'other.git');
const keep = (id: string): Promise<Json> =>
  stack.api.ok('PUT', `${entities}/${kind}/${id}`, { yaml: yamlOf(id), store: 'inline' });

async function follow(connector: string, pattern: string): Promise<void> {
  const files = [{ pattern, kind }];
  await stack.api.ok('PUT', tracking(connector), { branches: ['main'], files });
  await caughtUp(connector);
}

const caughtUp = (connector: string): Promise<Json> =>
  eventually(async () => {
    const folder = connector === 'direct' ? stack.repository : world.other;
    const { followed } = await stack.api.ok('GET', tracking(connector));
    const [branch] = followed;
    return branch?.state === 'current' && branch.synced === head(folder) && branch;
  }, `${connector} to be current`);

async function look(connector: string): Promise<Json> {
  await stack.api.ok('POST', `${tracking(connector)}/poll`);
  return caughtUp(connector);
}

const problems = async (connector: string): Promise<string[]> =>
  (await stack.api.ok('GET', `${tracking(connector)}/problems`)).files.map(
    ({ path, problem }: Json) => `${path} ${problem.code}`,
  );

const unfollow = async (): Promise<void> => {
  for (const one of ['direct', 'other_direct']) await stack.api.request('DELETE', tracking(one));
};

/** A part of a refresh holds its lane and the first lock, and waits for the second one before it comes to the third. */
async function refreshing(prefix: string): Promise<() => Promise<void>> {
  const ids = await locks.names(`${prefix}_pushed`, 3);
  await follow('direct', `${prefix}/{id}.yaml`);
  const release = await locks.hold(ids[1] as string);
  await pushForeign(
    stack.foreignUrl,
    Object.fromEntries(ids.map((id) => [`${prefix}/${id}.yaml`, yamlOf(id)])),
  );
  await stack.api.ok('POST', `${tracking('direct')}/poll`);
  const writer = await locks.waiting('pg_advisory_xact_lock_shared');
  return async () => {
    // It is the same one still: nobody has waited for it until it gave up.
    expect(await locks.waiting('pg_advisory_xact_lock_shared')).toBe(writer);
    await release();
    await caughtUp('direct');
    expect(stack.logs()).not.toContain('deadlock');
    for (const id of ids) expect(await world.placesOf(id)).toHaveLength(1);
  };
}

describe('a move and a push that is being followed', () => {
  afterEach(unfollow);

  it('is accepted while a part of the branch is written, and both are done', async () => {
    const [, , moved] = (await locks.names('locked', 3)) as [string, string, string];
    await world.save(moved, `locked-old/${moved}.yaml`);
    const release = await refreshing('locked');
    const answer = await world.move(
      { entities: named(moved), to: toGit({ pathTemplate: 'locked-new/{id}.yaml' }) },
      { prefer: 'wait=0' },
    );
    expect(answer.status, answer.text).toBe(202);
    await release();
    expect(await world.ended(answer.body.id)).toMatchObject({ state: 'done', counts: { done: 1 } });
    expect(await world.placesOf(moved)).toEqual([`direct main locked-new/${moved}.yaml name: ${moved}`]);
  });

  it('takes entities out of Git with their files kept while a part of their branch is written', async () => {
    const [, , moved] = (await locks.names('stuck', 3)) as [string, string, string];
    await world.save(moved, `stuck-old/${moved}.yaml`);
    const release = await refreshing('stuck');
    const move = world.move({ entities: named(moved), to: toInline, keepFiles: true });
    await locks.waiting('update lane set epoch = epoch + 1');
    await release();
    const answer = await move;
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 1]);
    expect(await world.placesOf(moved)).toEqual([`inline name: ${moved}`]);
  });

  it('takes its locks in one order when it lands, whatever the order of its entities', async () => {
    const [first, , third] = (await locks.names('landing', 3)) as [string, string, string];
    for (const id of [first, third])
      await world.save(id, `landing-old/${id}.yaml`, { connector: 'other_direct' });
    const open = holding(world.other);
    const { body: begun } = await world.move(
      { entities: named(third, first), to: toInline },
      { prefer: 'wait=0' },
    );
    const release = await refreshing('landing');
    open();
    await locks.waiting('pg_advisory_xact_lock(');
    await release();
    expect(await world.ended(begun.id)).toMatchObject({ state: 'done', counts: { done: 2 } });
  });
});

describe('a push that is being followed and an inline entity', () => {
  afterEach(unfollow);

  it('that is deleted while its file is judged: the file is taken', async () => {
    const [, , gone] = (await locks.names('shaded_pushed', 3)) as [string, string, string];
    await keep(gone);
    const release = await refreshing('shaded');
    await stack.api.ok('DELETE', `${entities}/${kind}/${gone}`);
    await release();
    expect(await world.placesOf(gone)).toEqual([`direct main shaded/${gone}.yaml name: ${gone}`]);
    expect(await problems('direct')).toEqual([]);
  });
});

/** Moves the entity of a branch to the other repository. Once it is there, the branch goes before the old file does. */
async function prune(branch: string): Promise<void> {
  const open = holding(stack.repository);
  const before = { connector: 'direct', branch, path: `${branch}/before.yaml` };
  const { status } = await stack.api.save(`${branch}_before`, 'name: x\n', before, { prefer: 'wait=0' });
  expect(status).toBe(202);
  const to = toGit({ connector: 'other_direct', path: `${branch}/a.yaml` });
  const { body: begun } = await world.move({ entities: named(branch), to }, { prefer: 'wait=0' });
  await eventually(
    async () => (await stack.api.ok('GET', `${moves}/${begun.id}`)).counts.removing === 1,
    'it to be there',
  );
  git(stack.repository, 'update-ref', '-d', `refs/heads/${branch}`);
  open();
  expect(await world.ended(begun.id)).toMatchObject({ state: 'done', counts: { done: 1 } });
}

describe('a second file of an entity that goes from its place', () => {
  afterEach(unfollow);

  /** In the other repository, which is followed. */
  async function beside(id: string, branch = 'main'): Promise<void> {
    const files = [{ pattern: 'second/{id}.yaml', kind }];
    await pushForeign(otherUrl(), { [`second/${id}.yaml`]: yamlOf(id) }, branch);
    await stack.api.ok('PUT', tracking('other_direct'), { branches: [branch], files });
    await becomes(id, 'ENTITY_ELSEWHERE');
  }

  const becomes = (id: string, code: string): Promise<boolean> =>
    eventually(
      async () => (await problems('other_direct')).includes(`second/${id}.yaml ${code}`),
      `the file to be ${code}`,
    );

  const isTaken = (id: string, branch = 'main'): Promise<boolean> =>
    eventually(async () => {
      const places = await world.placesOf(id);
      return places.includes(`other_direct ${branch} second/${id}.yaml name: ${id}`);
    }, 'the file to be taken');

  it.each([true, false])('out of Git is one of an inline one until that goes: kept %s', async (keepFiles) => {
    const id = keepFiles ? 'left_kept' : 'left_gone';
    await world.save(id, `left/${id}.yaml`);
    await beside(id);
    expect((await world.move({ entities: named(id), to: toInline, keepFiles })).body.state).toBe('done');
    await becomes(id, 'ENTITY_INLINE');
    await stack.api.ok('DELETE', `${entities}/${kind}/${id}`);
    await isTaken(id);
  });

  it('to another branch, its file kept, is the entity on its branch', async () => {
    await world.save('parted', 'parted/parted.yaml');
    await beside('parted');
    const to = toGit({ branch: 'parted', newBranchFrom: 'main', path: 'parted/parted.yaml' });
    const answer = await world.move({ entities: named('parted'), to, keepFiles: true });
    expect(answer.body.state, answer.text).toBe('done');
    await isTaken('parted');
    await pushForeign(stack.foreignUrl, { 'parted/parted.yaml': null });
  });

  it('with its branch is the entity on that branch', async () => {
    await world.save('cut', 'cut/a.yaml', { branch: 'cut', newBranchFrom: 'main' });
    git(world.other, 'branch', 'cut', 'main');
    await beside('cut', 'cut');
    await prune('cut');
    await isTaken('cut', 'cut');
    expect(await world.placesOf('cut')).toHaveLength(2);
  });
});

describe('a file that an entity came from', () => {
  afterEach(unfollow);

  it('stays where its repository is the one of the target by another URL', async () => {
    const { username } = stack.accounts.manager;
    await stack.api.ok('PUT', 'accounts/demo/connectors/alias', {
      url: stack.repositoryUrl.replace('http://', 'HTTP://'),
      connectivity: 'manager',
      credential: { username, secret: 'git-direct' },
    });
    await world.save('twin', 'twin/twin.yaml');
    await world.save('twin_too', 'twin/twin_too.yaml');
    await world.save('twin_moved', 'twin/old.yaml');
    const before = head(stack.repository);
    const to = toGit({ connector: 'alias', pathTemplate: 'twin/{id}.yaml' });
    const answer = await world.move({ entities: named('twin', 'twin_too'), to });
    expect([answer.status, answer.body.counts?.left], answer.text).toEqual([200, 2]);
    expect(head(stack.repository)).toBe(before);
    const [item] = await world.itemsOf(answer.body);
    expect([item.state, item.problem.code]).toEqual(['left', 'MOVE_FILE_LEFT']);
    expect(item.problem.detail).toContain('another URL');
    expect(await world.placesOf('twin')).toEqual(['alias main twin/twin.yaml name: twin']);
    const mixed = await world.move({ entities: named('twin_moved'), to });
    expect([mixed.body.counts?.done, fileAt(stack.repository, 'twin/old.yaml')], mixed.text).toEqual([
      1,
      null,
    ]);
    expect(fileAt(stack.repository, 'twin/twin_moved.yaml')).toBe(yamlOf('twin_moved'));
  });

  it('stays where the entity has gone from its new place meanwhile, and the others go', async () => {
    await follow('other_direct', 'fled/{id}.yaml');
    const ids = ['fled', 'fled_not'];
    for (const id of ids) await world.save(id, `fled-old/${id}.yaml`);
    const open = holding(stack.repository);
    // Whoever is at the lane is busy with this one when the removal is written down.
    const before = { connector: 'direct', branch: 'main', path: 'fled-old/before.yaml' };
    expect((await stack.api.save('before', 'name: before\n', before, { prefer: 'wait=0' })).status).toBe(202);
    const to = toGit({ connector: 'other_direct', pathTemplate: 'fled/{id}.yaml' });
    const { body: begun } = await world.move({ entities: named(...ids), to }, { prefer: 'wait=0' });
    await eventually(async () => {
      const { counts } = await stack.api.ok('GET', `${moves}/${begun.id}`);
      return counts.removing === 2;
    }, 'the entities to be at their new places');
    await pushForeign(otherUrl(), { 'fled/fled.yaml': null });
    await look('other_direct');
    open();
    expect((await world.ended(begun.id)).counts).toMatchObject({ left: 1, done: 1 });
    const [item] = await world.itemsOf(begun);
    expect([item.entity, item.state, item.problem.code]).toEqual(['fled', 'left', 'MOVE_FILE_LEFT']);
    const found = ids.map((id) => fileAt(stack.repository, `fled-old/${id}.yaml`));
    expect(found).toEqual([yamlOf('fled'), null]);
    assertSound(stack.repository);
  });

  it('is gone with its branch', async () => {
    await world.save('pruned', 'pruned/a.yaml', { branch: 'pruned', newBranchFrom: 'main' });
    await prune('pruned');
    expect(await world.placesOf('pruned')).toEqual(['other_direct main pruned/a.yaml name: pruned']);
    expect((await world.told('pruned')).map(({ type, data }) => [type, data.branch])).toEqual([
      ['entity.created', 'pruned'],
      ['entity.moved', 'main'],
      ['entity.deleted', 'pruned'],
    ]);
  });

  it('is executable at its new path where it was', async () => {
    await world.save('tool', 'tool/old.yaml');
    makeExecutable('tool/old.yaml');
    const answer = await world.move({ entities: named('tool'), to: toGit({ path: 'tool/new.yaml' }) });
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 1]);
    expect(git(stack.repository, 'ls-tree', '-r', 'main', 'tool/')).toMatch(
      /^100755 blob \w+\ttool\/new.yaml$/m,
    );
  });
});

/** A commit by somebody else that changes nothing but the mode. */
function makeExecutable(path: string): void {
  const folder = stack.repository;
  const blob = git(folder, 'rev-parse', `main:${path}`).trim();
  git(folder, 'read-tree', 'main');
  git(folder, 'update-index', '--cacheinfo', `100755,${blob},${path}`);
  const tree = git(folder, 'write-tree').trim();
  const commit = git(folder, 'commit-tree', tree, '-p', 'main', '-m', 'Make it executable').trim();
  git(folder, 'update-ref', 'refs/heads/main', commit);
}

describe('an entity that is on its way into Git', () => {
  afterEach(unfollow);

  it('is being moved, whatever a save says of where it is', async () => {
    await keep('coming');
    const open = holding(stack.repository);
    const to = toGit({ path: 'coming/a.yaml' });
    const { body: begun } = await world.move({ entities: named('coming'), to }, { prefer: 'wait=0' });
    const address = `${entities}/${kind}/coming`;
    const save = (more: object): Promise<Answer> =>
      stack.api.request('PUT', address, { yaml: 'name: late\n', ...more });
    const answers = [
      await save({}),
      await save({ store: 'inline' }),
      await stack.api.request('DELETE', address),
    ];
    open();
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [409, 'ENTITY_MOVING']),
    );
    expect((await world.ended(begun.id)).state).toBe('done');
    expect((await save({})).status).toBe(200);
  });

  it('leaves no word of its being inline with other files of it', async () => {
    await keep('filed');
    await follow('direct', 'filed/{id}.yaml');
    await pushForeign(stack.foreignUrl, { 'filed/filed.yaml': 'name: other\n' });
    await look('direct');
    expect(await problems('direct')).toEqual(['filed/filed.yaml ENTITY_INLINE']);
    const to = toGit({ connector: 'other_direct', path: 'filed/filed.yaml' });
    expect((await world.move({ entities: named('filed'), to })).body.state).toBe('done');
    await eventually(
      async () => (await problems('direct')).join() === 'filed/filed.yaml ENTITY_ELSEWHERE',
      'the file to be a second one',
    );
  });

  it('leaves no problem at the file that it comes to', async () => {
    await keep('found');
    await follow('direct', 'found/{id}.yaml');
    await pushForeign(stack.foreignUrl, { 'found/found.yaml': yamlOf('found') });
    await look('direct');
    expect(await problems('direct')).toEqual(['found/found.yaml ENTITY_INLINE']);
    const to = toGit({ path: 'found/found.yaml' });
    expect((await world.move({ entities: named('found'), to })).body.state).toBe('done');
    expect(await problems('direct')).toEqual([]);
    const read = await stack.api.ok('GET', `${entities}/${kind}/found`);
    expect([read.store, read.freshness.state]).toEqual(['git', 'current']);
  });
});

describe('a file that a rule keeps out', () => {
  afterEach(unfollow);

  it('is no problem any more once a save has written it', async () => {
    await world.save('ruled', 'ruled/ruled.yaml');
    const rules = [{ create: true, change: false, delete: true }];
    const files = [{ pattern: 'ruled/{id}.yaml', kind }];
    await stack.api.ok('PUT', tracking('direct'), { branches: ['main'], files, rules });
    await caughtUp('direct');
    await pushForeign(stack.foreignUrl, { 'ruled/ruled.yaml': 'name: theirs\n' });
    await look('direct');
    expect(await problems('direct')).toEqual(['ruled/ruled.yaml CHANGE_REFUSED']);
    const address = `${entities}/${kind}/ruled`;
    const held = await stack.api.ok('GET', `${address}?freshness=verify`);
    const headers = { 'if-match': `"${held.freshness.gitBlobId}"` };
    const saved = await stack.api.request('PUT', address, { yaml: 'name: good\n', git: {} }, headers);
    expect(saved.status, saved.text).toBe(200);
    expect(await problems('direct')).toEqual([]);
    expect((await stack.api.ok('GET', address)).freshness.state).toBe('current');
  });
});

describe('operations of many changes', () => {
  it('share a page only as far as it fits into memory', async () => {
    const ids = ['paged_a', 'paged_b'];
    for (const id of ids) await keep(id);
    const operations: string[] = [];
    for (const id of ids) {
      const { body } = await world.move({ entities: named(id), to: toGit({ path: `paged/${id}.yaml` }) });
      operations.push(...body.operations);
    }
    await sql(
      stack.databaseUrl,
      `insert into operation_change (operation_id, at, kind, entity_id, path, meaning, expected)
       select operation, at, $2, 'x', 'x/' || at || '.yaml', 'remove', 'any'
       from unnest($1::text[]) as operation, generate_series(1, 20000) as at`,
      [operations, kind],
    );
    const page = await stack.api.ok('GET', 'accounts/demo/operations?limit=2');
    expect([page.operations.length, typeof page.nextCursor]).toEqual([1, 'string']);
    const next = await stack.api.ok('GET', `accounts/demo/operations?limit=2&cursor=${page.nextCursor}`);
    expect(next.operations[0].id).toBe(operations[0]);
  });
});

describe('a move and the landing of another one', () => {
  it('wait for each other: it is accepted all the same', async () => {
    const [first, second] = (await locks.names('knotted', 2)) as [string, string];
    for (const id of [first, second]) await world.save(id, `knotted/${id}.yaml`);
    const release = await locks.hold(first);
    const move = world.move({ entities: named(first, second), to: toInline, keepFiles: true });
    await locks.waiting('pg_advisory_xact_lock(');
    const lane = `select 1 from lane where repository = '${stack.repositoryUrl}' and branch = 'main'`;
    const landing = locks.holdUntil(second, `${lane} for no key update`);
    await locks.waiting(lane);
    await release();
    const answer = await move;
    await landing;
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 2]);
  });
});
