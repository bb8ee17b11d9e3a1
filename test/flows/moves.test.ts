// Entities come to another path, branch or repository, into Git and out of it, by either road: reported first, then done, as one
// commit for each repository. Whatever saves, pushes and kill -9 do meanwhile, an entity is where the move says, once, and nothing
// foreign is lost.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import {
  count,
  entities,
  holding,
  kind,
  Moving,
  moves,
  named,
  otherOf,
  refusing,
  toGit,
  toInline,
  yamlOf,
} from '../support/moving.js';
import { assertSound, fileAt, git, head, pushForeign } from '../support/repository.js';
import { connectorOf, oneBackend, roads, Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

let stack: Stack;
let world: Moving;
beforeAll(async () => {
  stack = await Stack.start(oneBackend[0] as 'real', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  world = await Moving.in(stack);
});
afterAll(() => stack?.stop());

describe.each(roads)('with connectivity %s', (road) => {
  const connector = connectorOf[road];
  const at = (name: string): string => `${road}/${name}.yaml`;
  const name = (id: string): string => `${road}_${id}`;

  it('brings an entity to another path, with its history', async () => {
    const id = name('renamed');
    const saved = await world.save(id, at('old'), { connector });
    const to = toGit({ connector, path: at('new') });
    const answer = await world.move({ entities: named(id), to });
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 1]);
    expect(await world.placesOf(id)).toEqual([`${connector} main ${at('new')} name: ${id}`]);
    expect(fileAt(stack.repository, at('old'))).toBeNull();
    expect(fileAt(stack.repository, at('new'))).toBe(yamlOf(id));
    const log = git(stack.repository, 'log', '--follow', '--format=%s', 'main', '--', at('new'));
    expect(log.trim().split('\n')).toEqual([`Move ${kind} ${id}`, `Save ${kind} ${id}`]);
    const message = git(stack.repository, 'log', '-1', '--format=%(trailers:only)', 'main');
    expect(message).toContain(`Sallyport-Moved-From: main:${at('old')}@${saved.git.commitId}`);
    const [, moved] = await world.told(id);
    expect([moved?.type, moved?.data]).toEqual([
      'entity.moved',
      expect.objectContaining({ from: at('old'), path: at('new'), cause: 'move', moveId: answer.body.id }),
    ]);
    const operation = await stack.api.ok('GET', `accounts/demo/operations/${answer.body.operations[0]}`);
    const place = { connector, branch: 'main', path: null, commitId: head(stack.repository) };
    expect(operation).toMatchObject({ action: 'move', kind: null, entity: null, git: place });
    expect(operation.move.changes).toEqual([
      { kind, entity: id, path: at('old'), action: 'remove' },
      { kind, entity: id, path: at('new'), action: 'write' },
    ]);
    const again = await world.move({ entities: named(id), to });
    expect([again.status, again.body.counts.same, again.body.operations]).toEqual([200, 1, []]);
    const save = { yaml: 'name: next\n', git: {} };
    const next = await stack.api.request('PUT', `${entities}/${kind}/${id}`, save);
    expect([next.status, fileAt(stack.repository, at('new'))]).toEqual([200, 'name: next\n']);
  });

  it('brings many to another repository by one commit there and one here', async () => {
    const ids = ['a', 'b', 'c'].map(name);
    for (const id of ids) await world.save(id, `${road}-many/${id}.yaml`, { connector });
    const before = [count(stack.repository), count(world.other)];
    const answer = await world.move({
      from: { connector, folder: `${road}-many` },
      to: toGit({ connector: otherOf[road], pathTemplate: `${road}-came/{id}.yaml` }),
      message: 'Bring them over',
    });
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 3]);
    expect([count(stack.repository), count(world.other)]).toEqual(before.map((commits) => commits + 1));
    for (const id of ids) {
      const file = `${road}-came/${id}.yaml`;
      expect(await world.placesOf(id)).toEqual([`${otherOf[road]} main ${file} name: ${id}`]);
      expect([fileAt(world.other, file), fileAt(stack.repository, `${road}-many/${id}.yaml`)]).toEqual([
        yamlOf(id),
        null,
      ]);
    }
    const trailers = git(
      world.other,
      'log',
      '-1',
      '--format=%s%n%(trailers:key=Sallyport-Moved-From)',
      'main',
    );
    expect(trailers).toMatch(
      new RegExp(`^Bring them over\n(Sallyport-Moved-From: main:${road}-many/\\S+@[0-9a-f]{40}\n){3}`),
    );
    expect(trailers).not.toContain('://');
    const gone = git(stack.repository, 'log', '-1', '--format=%(trailers:key=Sallyport-Moved-To)', 'main');
    expect(gone).toContain(`Sallyport-Moved-To: main:${road}-came/${ids[0]}.yaml@${head(world.other)}`);
    expect((await world.told(ids[0] as string)).map(({ type }) => type)).toEqual([
      'entity.created',
      'entity.moved',
    ]);
    assertSound(world.other);
  });

  it('brings them to a new branch, with their history, and away from the old one', async () => {
    const id = name('branched');
    await world.save(id, at('trunk'), { connector });
    const branch = `${road}-next`;
    const to = toGit({ connector, branch, newBranchFrom: 'main', path: at('leaf') });
    const answer = await world.move({ entities: named(id), to });
    expect([answer.status, answer.body.counts?.done], answer.text).toEqual([200, 1]);
    expect(await world.placesOf(id)).toEqual([`${connector} ${branch} ${at('leaf')} name: ${id}`]);
    const found = ['main', branch].flatMap((on) =>
      ['trunk', 'leaf'].map((file) => fileAt(stack.repository, at(file), on)),
    );
    expect(found).toEqual([null, null, null, yamlOf(id)]);
    const log = git(stack.repository, 'log', '--follow', '--format=%s', branch, '--', at('leaf'));
    expect(log.trim().split('\n')).toEqual([`Move ${kind} ${id}`, `Save ${kind} ${id}`]);
    expect((await world.told(id)).map(({ type, data }) => [type, data.branch])).toEqual([
      ['entity.created', 'main'],
      ['entity.moved', branch],
      ['entity.deleted', 'main'],
    ]);
  });

  it('takes them out of Git and back, with or without their files', async () => {
    const [id, kept] = [name('inline'), name('kept')];
    await world.save(id, at('inline'), { connector });
    await world.save(kept, at('kept'), { connector });
    const before = count(stack.repository);
    const out = await world.move({ entities: named(id), to: toInline });
    expect([out.status, out.body.counts?.done], out.text).toEqual([200, 1]);
    const stay = await world.move({ entities: named(kept), to: toInline, keepFiles: true });
    expect([stay.status, stay.body.counts?.done], stay.text).toEqual([200, 1]);
    expect(count(stack.repository)).toBe(before + 1);
    const files = ['inline', 'kept'].map((file) => fileAt(stack.repository, at(file)));
    expect(files).toEqual([null, yamlOf(kept)]);
    for (const one of [id, kept]) expect(await world.placesOf(one)).toEqual([`inline name: ${one}`]);
    const to = toGit({ connector, pathTemplate: `${road}/back-{id}.yaml` });
    const back = await world.move({ entities: named(id, kept), to });
    expect([back.status, back.body.counts?.done], back.text).toEqual([200, 2]);
    expect(count(stack.repository)).toBe(before + 2);
    for (const one of [id, kept])
      expect(await world.placesOf(one)).toEqual([`${connector} main ${road}/back-${one}.yaml name: ${one}`]);
    const told = (await world.told(id)).map(({ type, data }) => [type, data.store ?? data.path, data.from]);
    expect(told).toEqual([
      ['entity.created', at('inline'), undefined],
      ['entity.moved', 'inline', at('inline')],
      ['entity.moved', `${road}/back-${id}.yaml`, null],
    ]);
  });
});

describe('a move that something stands in the way of', () => {
  it('is reported, changes nothing, and can leave that out', async () => {
    const [free, two, taken] = ['blocked_free', 'blocked_two', 'blocked_taken'] as const;
    await world.save(free, 'blocked/free.yaml');
    await world.save(two, 'blocked/two.yaml');
    await world.save(two, 'blocked/two.yaml', { branch: 'blocked-side', newBranchFrom: 'main' });
    await world.save(taken, 'blocked/target-blocked_free.yaml');
    const to = toGit({ pathTemplate: 'blocked/target-{id}.yaml' });
    const before = head(stack.repository);
    const wish = { entities: [...named(free, two, taken), { kind, id: 'blocked_none' }], to };
    const report = await stack.api.request('POST', moves, { ...wish, dryRun: true });
    expect([report.status, report.body.counts]).toEqual([200, { move: 2, same: 0, blocked: 2 }]);
    expect(brief(report.body.entities)).toEqual([
      [free, 'blocked', 'blocked/free.yaml', 'blocked/target-blocked_free.yaml', 'ENTITY_PLACE_TAKEN'],
      [two, 'move', 'blocked/two.yaml', 'blocked/target-blocked_two.yaml', undefined],
      [taken, 'move', 'blocked/target-blocked_free.yaml', 'blocked/target-blocked_taken.yaml', undefined],
      ['blocked_none', 'blocked', undefined, undefined, 'NOT_FOUND'],
    ]);
    const refused = await world.move(wish);
    expect([refused.status, refused.body.code]).toEqual([409, 'MOVE_REFUSED']);
    expect(brief(refused.body.blocked).map(([id]) => id)).toEqual([free, 'blocked_none']);
    expect(head(stack.repository)).toBe(before);
    const inline = await world.move({ entities: named(two), to: toInline });
    expect([inline.status, inline.body.blocked?.[0].problem.code]).toEqual([409, 'MOVE_BLOCKED']);
    expect(inline.body.detail).toContain('blocked-side');
    const side = toGit({ branch: 'blocked-side', path: 'x.yaml' });
    const onSide = await world.move({ entities: named(two), to: side });
    expect(onSide.body.blocked?.[0].problem.code).toBe('ENTITY_ELSEWHERE');
    const some = await world.move({ ...wish, skipBlocked: true });
    expect([some.status, some.body.counts.done, some.body.counts.blocked]).toEqual([200, 2, 2]);
    const forgotten = await world.move({ entities: named(two), to: toInline, otherBranches: 'forget' });
    expect([forgotten.status, await world.placesOf(two)]).toEqual([200, [`inline name: ${two}`]]);
    expect(fileAt(stack.repository, 'blocked/two.yaml', 'blocked-side')).toBe(yamlOf(two));
  });

  it('is refused where its parts do not go together, or it is too large', async () => {
    const many = Array.from({ length: 5 }, (_, n) => `large_${n}`);
    const bulk = `# ${'x'.repeat(900_000)}\nname: large\n`;
    await Promise.all(
      many.map((id) =>
        stack.api.ok('PUT', `${entities}/${kind}/${id}`, {
          yaml: bulk,
          git: { connector: 'direct', branch: 'main', path: `large/${id}.yaml` },
        }),
      ),
    );
    const cases: [object, number, string][] = [
      [{ to: toInline }, 400, 'REQUEST_INVALID'],
      [{ entities: named('a', 'a'), to: toInline }, 400, 'REQUEST_INVALID'],
      [{ entities: named('a'), from: { kind }, to: toInline }, 400, 'REQUEST_INVALID'],
      [{ entities: named('a', 'b'), to: toGit({ path: 'a.yaml' }) }, 400, 'REQUEST_INVALID'],
      [{ from: { store: 'inline', folder: 'a' }, to: toGit({}) }, 400, 'REQUEST_INVALID'],
      [{ entities: named('a'), to: toGit({ path: '.git/a.yaml' }) }, 400, 'REQUEST_INVALID'],
      [{ entities: named('a'), to: toGit({ connector: 'none' }) }, 404, 'NOT_FOUND'],
      [{ from: { folder: 'large' }, to: toGit({ branch: 'large' }) }, 422, 'MOVE_TOO_LARGE'],
    ];
    for (const [body, status, code] of cases) {
      const answer = await world.move(body);
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([status, code]);
    }
  });

  it('meets a file that changed in Git: nothing foreign is written over or lost', async () => {
    await world.save('stale_here', 'stale/here.yaml');
    await world.save('stale_still', 'stale/still.yaml');
    await world.save('stale_away', 'stale/away.yaml');
    await world.save('stale_with', 'stale/with.yaml');
    const changed = { 'stale/here.yaml': 'name: theirs\n', 'stale/away.yaml': 'name: theirs\n' };
    await pushForeign(stack.foreignUrl, changed);
    const before = head(stack.repository);
    const ids = ['stale_here', 'stale_still'];
    const here = await world.move({
      entities: named(...ids),
      to: toGit({ pathTemplate: 'stale/moved-{id}.yaml' }),
    });
    expect([here.status, here.body.code, head(stack.repository)]).toEqual([409, 'MOVE_CONFLICT', before]);
    expect(here.body.detail).toContain('stale/here.yaml');
    expect(await world.placesOf('stale_still')).toEqual(['direct main stale/still.yaml name: stale_still']);
    const [latest] = (await stack.api.ok('GET', `${moves}?limit=1`)).moves;
    expect([latest.state, latest.counts.failed]).toEqual(['failed', 2]);
    // What is there already by other hands counts as arrived.
    await pushForeign(stack.foreignUrl.replace('demo.git', 'other.git'), {
      'stale/with.yaml': yamlOf('stale_with'),
    });
    const to = toGit({ connector: 'other_direct', pathTemplate: 'stale/{id}.yaml' });
    const away = await world.move({ entities: named('stale_away'), to });
    const arrived = await world.move({
      entities: named('stale_with'),
      to: toGit({ connector: 'other_direct', path: 'stale/with.yaml' }),
    });
    expect([away.status, away.body.counts?.left, arrived.body.counts?.done]).toEqual([200, 1, 1]);
    const [item] = await world.itemsOf(away.body);
    expect([item.state, item.problem.code]).toEqual(['left', 'MOVE_CONFLICT']);
    for (const connector of ['direct', 'other_direct']) {
      const listed = await stack.api.ok('GET', `${moves}?connector=${connector}&limit=1`);
      expect(listed.moves).toMatchObject([{ id: arrived.body.id }]);
    }
    expect((await stack.api.ok('GET', `${moves}?connector=nowhere`)).moves).toEqual([]);
    expect(fileAt(stack.repository, 'stale/away.yaml')).toBe('name: theirs\n');
    expect(fileAt(world.other, 'stale/stale_away.yaml')).toBe(yamlOf('stale_away'));
    expect(fileAt(stack.repository, 'stale/with.yaml')).toBeNull();
  });

  it('is refused by the host of the target, or of what it came from', async () => {
    await world.save('barred', 'barred/a.yaml');
    await world.save('barred_free', 'barred/b.yaml');
    const to = toGit({ connector: 'other_direct', pathTemplate: 'barred/{id}.yaml' });
    const before = head(stack.repository);
    const both = { entities: named('barred', 'barred_free'), to };
    const target = await refusing(world.other, () => world.move(both));
    expect([target.status, target.body.code, head(stack.repository)]).toEqual([
      422,
      'GIT_PUSH_REJECTED',
      before,
    ]);
    expect(await world.placesOf('barred')).toEqual(['direct main barred/a.yaml name: barred']);
    const removal = await refusing(stack.repository, () => world.move({ entities: named('barred'), to }));
    expect([removal.status, removal.body.state, removal.body.counts?.left]).toEqual([200, 'done', 1]);
    const [item] = await world.itemsOf(removal.body);
    expect([item.state, item.problem.code]).toEqual(['left', 'GIT_PUSH_REJECTED']);
    expect(fileAt(stack.repository, 'barred/a.yaml')).toBe(yamlOf('barred'));
  });
});

describe('a move that others are at the same time', () => {
  it('does nothing twice when it is asked for again with its key', async () => {
    await world.save('again', 'again/a.yaml');
    const body = { entities: named('again'), to: toGit({ path: 'again/b.yaml' }) };
    const key = { 'idempotency-key': 'a-move' };
    const [first, second] = await Promise.all([world.move(body, key), world.move(body, key)]);
    const third = await world.move(body, key);
    expect([first.body.id, third.body.id]).toEqual([second.body.id, second.body.id]);
    const reused = await world.move({ ...body, keepFiles: true }, key);
    expect([reused.status, reused.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('keeps out saves, deletions and other moves of its entities until it is done', async () => {
    await world.save('busy', 'busy/a.yaml');
    const open = holding(stack.repository);
    const to = toGit({ path: 'busy/b.yaml' });
    const { body: begun } = await world.move({ entities: named('busy'), to }, { prefer: 'wait=0' });
    const address = `${entities}/${kind}/busy`;
    const save = { yaml: 'name: late\n', git: {} };
    for (const method of ['PUT', 'DELETE']) {
      const { status, body } = await stack.api.request(method, address, method === 'PUT' ? save : undefined);
      expect([status, body.code]).toEqual([409, 'ENTITY_MOVING']);
      expect(body.hint).toContain(begun.id);
    }
    const second = await world.move({ entities: named('busy'), to: toInline });
    expect([second.status, second.body.blocked?.[0].problem.code]).toEqual([409, 'ENTITY_MOVING']);
    open();
    expect((await world.ended(begun.id)).state).toBe('done');
    expect((await stack.api.request('PUT', address, save)).status).toBe(200);
    expect(await world.placesOf('busy')).toEqual(['direct main busy/b.yaml name: late']);
  });

  it('lets each save in before it or keeps it out, and loses none', async () => {
    const ids = Array.from({ length: 6 }, (_, n) => `raced_${n}`);
    for (const id of ids) await world.save(id, `raced/${id}.yaml`);
    for (let round = 0; round < 4; round++) {
      const to = round % 2 === 0 ? { connector: 'other_direct' } : { connector: 'direct' };
      const wish = {
        entities: named(...ids),
        to: toGit({ ...to, pathTemplate: `raced-${round}/{id}.yaml` }),
      };
      const writes = ids.map((id) =>
        stack.api.request('PUT', `${entities}/${kind}/${id}`, { yaml: `name: ${id}-${round}\n`, git: {} }),
      );
      const moving = await world.move({ ...wish, skipBlocked: true }, { prefer: 'wait=0' });
      const answers = await Promise.all(writes);
      await world.ended(moving.body.id);
      const items = await world.itemsOf(moving.body);
      for (const [n, { status, body }] of answers.entries()) {
        const id = ids[n] as string;
        const verdict = status === 200 ? 'kept' : body.code;
        expect(['kept', 'ENTITY_MOVING', 'ENTITY_ELSEWHERE']).toContain(verdict);
        const state = items.find(({ entity }) => entity === id)?.state;
        const [place, ...more] = await world.placesOf(id);
        expect(more).toEqual([]);
        expect(place?.endsWith(`name: ${id}-${round}`)).toBe(verdict === 'kept');
        expect(['done', 'blocked']).toContain(state);
        const [connector = '', , file = ''] = place?.split(' ') ?? [];
        const repository = connector.startsWith('other') ? world.other : stack.repository;
        expect(place).toContain(fileAt(repository, file)?.trimEnd());
      }
    }
    assertSound(stack.repository);
    assertSound(world.other);
  });

  it('is nothing new to whoever follows the branches', async () => {
    await world.save('quiet', 'quiet/a.yaml');
    const connectors = ['direct', 'other_direct'];
    const tracking = (connector: string): string => `accounts/demo/connectors/${connector}/tracking`;
    const files = [{ pattern: 'quiet/{id}.yaml', kind }];
    for (const one of connectors) await stack.api.ok('PUT', tracking(one), { branches: ['main'], files });
    await world.current();
    const way: object[] = [
      toGit({ path: 'quiet/b.yaml' }),
      toGit({ connector: 'other_direct', path: 'quiet/c.yaml' }),
      toInline,
      toGit({ path: 'quiet/d.yaml' }),
    ];
    for (const to of way)
      expect((await world.move({ entities: named('quiet'), to })).body.state).toBe('done');
    for (const one of connectors) {
      await stack.api.ok('POST', `${tracking(one)}/poll`);
      expect((await stack.api.ok('GET', `${tracking(one)}/problems`)).files).toEqual([]);
    }
    await world.current();
    expect((await world.told('quiet')).map(({ type }) => type)).toEqual([
      'entity.created',
      ...way.map(() => 'entity.moved'),
    ]);
    for (const one of connectors) await stack.api.ok('DELETE', tracking(one));
  });

  const points = [
    'lane.push:after',
    'move.accept:after',
    'lane.settle:after',
    'lane.settle:before',
    'lane.push:after:2',
    'lane.settle:before:2',
  ];
  it.each(sampled(points, 2))('is done once after its manager was killed at %s', async (point) => {
    const id = `killed_${point.replaceAll(/\W/g, '_')}`;
    await world.save(id, `killed/${id}.yaml`);
    const before = [count(stack.repository), count(world.other)];
    await stack.manager?.kill('SIGTERM');
    const victim = await stack.startManager(point);
    const body = { entities: named(id), to: toGit({ connector: 'other_direct', path: `killed/${id}.yaml` }) };
    const key = { 'idempotency-key': id };
    const first = world.move(body, key).catch(() => undefined);
    expect(await victim.ended()).toBe('SIGKILL');
    await first;
    await stack.startManager();
    const done = await world.move(body, key);
    expect([done.status, done.body.counts?.done], done.text).toEqual([200, 1]);
    expect(await world.placesOf(id)).toEqual([`other_direct main killed/${id}.yaml name: ${id}`]);
    expect([count(stack.repository), count(world.other)]).toEqual(before.map((commits) => commits + 1));
    expect((await world.told(id)).map(({ type }) => type)).toEqual(['entity.created', 'entity.moved']);
    expect(done.body.operations).toHaveLength(2);
  });
});

const brief = (planned: Json[]): unknown[][] =>
  planned.map(({ entity, outcome, from, to, problem }) => [
    entity,
    outcome,
    from?.path,
    to?.path,
    problem?.code,
  ]);
