// The way back where pushes meet what is there already in unlucky ways, and what is told of it meanwhile.
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { type Api, eventually, type Json } from '../support/api.js';
import { CountingLine } from '../support/counting-line.js';
import { holding, isAwaited, sql } from '../support/database.js';
import { git, head, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
const connector = 'accounts/demo/connectors/direct';
const tracking = `${connector}/tracking`;
/** `corners/x/{id}.yaml` and whatever is below it. */
const files = [{ pattern: 'corners/**/{id}.yaml', kind: 'pipeline' }];
const at = (place: string): string => `corners/${place}.yaml`;

beforeAll(async () => {
  stack = await Stack.start('embedded', { settings: { SALLYPORT_POLL_FAST_SECONDS: '3600' } });
  api = stack.api;
});
afterAll(() => stack.stop());

const find = (id: string, branch = 'main'): Promise<Json> =>
  api
    .request('GET', `accounts/demo/entities/pipeline/${id}?branch=${encodeURIComponent(branch)}`)
    .then(({ status, body }) => (status === 200 ? body : null));
const problems = (): Promise<Json[]> =>
  api.ok('GET', `${tracking}/problems`).then(({ files: found }) => found);
const follow = (body: object): Promise<Json> => api.ok('PUT', tracking, { files, ...body });
const stateOf = async (branch: string): Promise<Json> =>
  (await api.ok('GET', tracking)).followed.find((one: Json) => one.branch === branch);
const settled = (branch = 'main'): Promise<Json> =>
  eventually(async () => {
    const found = await stateOf(branch);
    return found?.state === 'current' && found.synced === head(stack.repository, branch) && found;
  }, `${branch} to be current`);
async function push(changes: Record<string, string | null>, branch = 'main'): Promise<string> {
  const commit = await pushForeign(stack.foreignUrl, changes, branch);
  await api.ok('POST', `${tracking}/poll`);
  await settled(branch);
  return commit;
}
const initial = (): string => git(stack.repository, 'rev-list', '--max-parents=0', 'main').trim();
const brief = (found: Json): unknown[] => [found?.git.path, found?.yaml, found?.invalid?.code ?? null];

describe('one entity, two files', () => {
  beforeEach(() => follow({}));

  it('is the first of them, as good as before, and the second as soon as the first is gone', async () => {
    await push({ [at('one/twin')]: 'name: first\n' });
    await push({ [at('two/twin')]: 'name: second\n' });
    expect(brief(await find('twin'))).toEqual([at('one/twin'), 'name: first\n', null]);
    expect((await problems()).map((one) => [one.path, one.problem.code])).toEqual([
      [at('two/twin'), 'ENTITY_ELSEWHERE'],
    ]);
    await push({ [at('one/twin')]: null });
    expect(brief(await find('twin'))).toEqual([at('two/twin'), 'name: second\n', null]);
    expect(await problems()).toEqual([]);
  });

  it('is the second once the first is deleted through the API, although nobody pushes', async () => {
    await push({ [at('one/heir')]: 'name: first\n' });
    await push({ [at('two/heir')]: 'name: second\n' });
    await api.ok('DELETE', 'accounts/demo/entities/pipeline/heir?branch=main');
    const heir = await eventually(async () => (await find('heir')) ?? undefined, 'the second to be taken');
    expect(brief(heir)).toEqual([at('two/heir'), 'name: second\n', null]);
    await eventually(async () => (await problems()).length === 0, 'its problem to be over');
  });

  it('is the one in another repository once the first is gone, although nobody pushes or begins anew there', async () => {
    const far = 'accounts/demo/connectors/far';
    const ids = ['pushed', 'told'];
    const { folder } = createRepository(path.join(stack.home, 'repositories'), 'far', {
      files: {
        ...Object.fromEntries(ids.map((id) => [`far/${id}.yaml`, 'name: far\n'])),
        'far/no name.yaml': 'name: odd\n',
      },
    });
    await push(Object.fromEntries(ids.map((id) => [at(id), 'name: near\n'])));
    await api.ok('PUT', far, {
      url: `${stack.host.url}/far.git`,
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    const tracked = { files: [{ pattern: 'far/{id}.yaml', kind: 'pipeline' }] };
    await api.ok('PUT', `${far}/tracking`, tracked);
    const farProblems = (): Promise<Json[]> =>
      api.ok('GET', `${far}/tracking/problems`).then(({ files: found }) => found);
    await eventually(async () => (await farProblems()).length === 3, 'the second files to be noted');
    const noted = (): Promise<Json[]> =>
      sql(stack.databaseUrl, `select created_at from file_problem where path = 'far/no name.yaml'`);
    const before = await noted();
    await push({ [at('pushed')]: null });
    await api.ok('DELETE', 'accounts/demo/entities/pipeline/told?branch=main');
    for (const id of ids) {
      const found = await eventually(async () => (await find(id)) ?? undefined, `${id} to be taken`);
      expect(brief(found)).toEqual([`far/${id}.yaml`, 'name: far\n', null]);
      expect(found.git.commitId).toBe(head(folder));
    }
    expect(await noted()).toEqual(before);
    await api.ok('DELETE', `${far}/tracking`);
  });

  it('leaves an entity of another repository alone', async () => {
    await push({ [at('far')]: 'name: here\n' });
    await sql(
      stack.databaseUrl,
      `update entity set repository = 'https://git.example/far.git' where id = 'far'`,
    );
    await push({ [at('far')]: 'name: changed\n' });
    expect(brief(await find('far'))).toEqual([at('far'), 'name: here\n', null]);
    expect((await problems()).map((one) => [one.path, one.problem.code])).toEqual([
      [at('far'), 'ENTITY_ELSEWHERE'],
    ]);
    await sql(stack.databaseUrl, `delete from entity where id = 'far'`);
    await push({ [at('other')]: 'name: other\n' });
    expect(brief(await find('far'))).toEqual([at('far'), 'name: changed\n', null]);
  });

  it('follows one that could not be taken at its new place, when it can', async () => {
    await push({ [at('old/mover')]: 'name: small\n' });
    await push({ [at('old/mover')]: null, [at('new/mover')]: `name: ${'x'.repeat(1024 * 1024)}\n` });
    expect(brief(await find('mover'))).toEqual([at('old/mover'), 'name: small\n', 'YAML_REFUSED']);
    await push({ [at('new/mover')]: 'name: mended\n' });
    expect(brief(await find('mover'))).toEqual([at('new/mover'), 'name: mended\n', null]);
    expect(await problems()).toEqual([]);
  });
});

describe('a refresh that was interrupted', () => {
  it('goes on to the head of now once it has got where it led to', async () => {
    await follow({});
    const before = await push({ [at('way/begun')]: 'name: one\n' });
    const target = await push({ [at('way/begun')]: 'name: two\n' });
    const now = await pushForeign(stack.foreignUrl, { [at('way/begun')]: 'name: three\n' });
    await sql(stack.databaseUrl, `update tracked_branch set synced = $1, target = $2 where branch = 'main'`, [
      before,
      target,
    ]);
    await api.ok('POST', `${tracking}/poll`);
    expect(await settled()).toMatchObject({ synced: now, state: 'current' });
    expect(brief(await find('begun'))).toEqual([at('way/begun'), 'name: three\n', null]);
  });
});

describe('what comes between the judging of files and their writing', () => {
  /** Runs `work` when somebody waits for what this statement holds. */
  const meanwhile = (held: string, begin: () => Promise<unknown>, work: () => Promise<unknown>) =>
    holding(stack.databaseUrl, held, async () => {
      await begin();
      await eventually(() => isAwaited(stack.databaseUrl), 'somebody to wait');
      await work();
    });

  it('is not lost where it has the branch looked at anew', async () => {
    await follow({});
    const shade = 'accounts/demo/entities/pipeline/shade';
    await api.ok('PUT', shade, { yaml: 'name: inline\n', store: 'inline' });
    await push({ [at('shade')]: 'name: git\n', [at('no name')]: 'name: one\n' });
    expect((await problems()).map((one) => one.problem.code)).toEqual(['FILE_UNFIT', 'ENTITY_INLINE']);
    const second = await pushForeign(stack.foreignUrl, { [at('no name')]: 'name: two\n' });
    await meanwhile(
      `select 1 from file_problem where path = '${at('no name')}' for update`,
      () => api.ok('POST', `${tracking}/poll`),
      () => api.ok('DELETE', shade),
    );
    const found = await eventually(async () => (await find('shade')) ?? undefined, 'the file to be taken');
    expect(brief(found)).toEqual([at('shade'), 'name: git\n', null]);
    expect(await settled()).toMatchObject({ synced: second });
    await push({ [at('no name')]: null });
  });

  it('is another lane’s, which an import finds, says so, and goes on', async () => {
    await api.request('DELETE', tracking);
    await pushForeign(stack.foreignUrl, { [at('in/a')]: 'name: a\n', [at('in/b')]: 'name: b\n' });
    const patterns = [{ pattern: 'corners/in/{id}.yaml', kind: 'pipeline' }];
    let begun: Json;
    await meanwhile(
      `select 1 from connector where id = 'direct' for no key update`,
      async () => {
        begun = await api.ok('POST', `${connector}/imports`, {
          branch: 'main',
          folder: 'corners/in',
          patterns,
        });
      },
      () =>
        sql(
          stack.databaseUrl,
          `insert into entity (scope, kind, id, branch, connector_scope, connector_id, repository, path, yaml, blob_id, commit_id)
           values ('accounts/demo', 'pipeline', 'a', 'main', 'accounts/demo', 'direct', 'https://git.example/far.git', 'a.yaml',
             'name: far', repeat('0', 40), repeat('0', 40))`,
        ),
    );
    const done = await eventually(async () => {
      const now = await api.ok('GET', `${connector}/imports/${begun.id}`);
      return now.finishedAt !== null && now;
    }, 'the import to end');
    expect(done).toMatchObject({ state: 'done', counts: { create: 1, elsewhere: 1 } });
    await sql(stack.databaseUrl, `delete from entity where id = 'a'`);
  });
});

describe('rules', () => {
  it('keep what a branch held that is gone, show it, and let go of it when they are changed', async () => {
    await follow({ branches: ['main', 'corner/*'] });
    git(stack.repository, 'branch', 'corner/gone', initial());
    await push({ [at('kept')]: 'name: kept\n' }, 'corner/gone');
    const rules = [{ delete: false }];
    await follow({ branches: ['main', 'corner/*'], rules });
    await settled('corner/gone');
    git(stack.repository, 'branch', '-D', 'corner/gone');
    const kept = [['corner/gone', at('kept'), 'refused']];
    for (const time of ['first', 'second']) {
      await api.ok('POST', `${tracking}/poll`);
      await eventually(async () => Date.parse((await api.ok('GET', tracking)).nextPollAt) > Date.now(), time);
      expect((await problems()).map(({ branch, path, verdict }) => [branch, path, verdict])).toEqual(kept);
    }
    expect(await stateOf('corner/gone')).toMatchObject({ state: 'gone' });
    expect((await find('kept', 'corner/gone')).freshness.state).toBe('held');
    await follow({ branches: ['main', 'corner/*'] });
    await eventually(async () => (await find('kept', 'corner/gone')) === null, 'the copy to be gone');
    await eventually(async () => (await stateOf('corner/gone')) === undefined, 'nothing to be followed');
  });

  it('hold for a copy that is read anew before anybody looked', async () => {
    await follow({});
    await push({ [at('ruled')]: 'name: one\n' });
    await follow({ rules: [{ change: false }] });
    await settled();
    const second = await pushForeign(stack.foreignUrl, { [at('ruled')]: 'name: two\n' });
    const read = await api.ok('GET', 'accounts/demo/entities/pipeline/ruled?branch=main&freshness=reload');
    expect(read).toMatchObject({ yaml: 'name: one\n', freshness: { state: 'held', head: second } });
  });

  it('are told of for each of thousands of copies whose branch is gone', async () => {
    await follow({ branches: ['main', 'corner/*'] });
    git(stack.repository, 'branch', 'corner/crowd', initial());
    await push({ [at('crowd')]: 'name: crowd\n' }, 'corner/crowd');
    await sql(
      stack.databaseUrl,
      `insert into entity (scope, kind, id, branch, connector_scope, connector_id, repository, path, yaml, blob_id, commit_id)
       select scope, kind, 'crowd' || n, branch, connector_scope, connector_id, repository,
              'corners/crowd' || n || '.yaml', yaml, blob_id, commit_id
       from entity, generate_series(1, 6000) as n where id = 'crowd' and branch = 'corner/crowd'`,
    );
    await follow({ branches: ['main', 'corner/*'], rules: [{ scopes: ['accounts/demo'], delete: false }] });
    git(stack.repository, 'branch', '-D', 'corner/crowd');
    await api.ok('POST', `${tracking}/poll`);
    const count = async (table: string): Promise<number> =>
      Number(
        (await sql(stack.databaseUrl, `select count(*) from ${table} where branch = 'corner/crowd'`))[0]
          ?.count,
      );
    await eventually(async () => (await count('file_problem')) === 6_001, 'each to be refused', 120_000);
    await follow({ branches: ['main', 'corner/*'] });
    await eventually(async () => (await count('entity')) === 0, 'each to be gone', 120_000);
  });
});

describe('at the host', () => {
  let line: CountingLine;
  const wired = 'accounts/demo/connectors/cornered';
  const tracked = `${wired}/tracking`;
  const known = (): Promise<Json> => api.ok('GET', tracked);

  beforeAll(async () => {
    await api.request('DELETE', tracking);
    const { origin, pathname } = new URL(stack.repositoryUrl);
    line = await CountingLine.open(origin);
    await api.ok('PUT', wired, {
      url: `${line.url}${pathname}`,
      connectivity: 'manager',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
  });
  afterAll(() => line.close());

  it('nobody is said to have looked who was not let in', async () => {
    await api.ok('PUT', tracked, { files: [{ pattern: 'wired/{id}.yaml', kind: 'pipeline' }] });
    // The look is over a moment after what it brought is there.
    const { polledAt } = await eventually(async () => {
      const found = await known();
      return found.followed[0]?.state === 'current' && found.polledAt !== null && found;
    }, 'a look');
    line.refuses = { name: 'POST ls-refs', status: 500 };
    await api.ok('POST', `${tracked}/poll`);
    const failed = await eventually(async () => {
      const found = await known();
      return found.problem !== null && found;
    }, 'a look that failed');
    expect([failed.problem.code, failed.polledAt]).toEqual(['GIT_HOST_ERROR', polledAt]);
    line.refuses = null;
  });

  describe('several branches', () => {
    const several = ['several/a', 'several/b', 'several/c'];
    const fetches = several.map(() => 'POST fetch');
    const pushed = new Map<string, string>();
    const pushAll = async (text: string): Promise<void> => {
      for (const branch of several) {
        const files = { [`wired/${branch.replace('/', '_')}.yaml`]: `name: ${text}\n` };
        pushed.set(branch, await pushForeign(stack.foreignUrl, files, branch));
      }
    };
    /** Each of them as it is shown, once all that are not `failing` have been followed to where they are. */
    const followed = (failing: string[] = []): Promise<Json[]> =>
      eventually(
        async () => {
          const all: Json[] = (await known()).followed;
          const isThere = ({ branch, state, synced }: Json): boolean =>
            failing.includes(branch) ? state === 'failing' : synced === pushed.get(branch);
          return all.length === several.length && all.every(isThere) && all;
        },
        `all but ${failing.join(', ') || 'none'} to be followed`,
      );

    beforeAll(async () => {
      for (const branch of several) git(stack.repository, 'branch', branch, initial());
      await pushAll('one');
    });

    it('are followed although the host fails at the first of them, and that one as soon as it is well', async () => {
      const asking = pushed.get('several/a') as string;
      line.refuses = { name: 'POST fetch', status: 500, asking };
      await api.ok('PUT', tracked, {
        branches: ['several/*'],
        files: [{ pattern: 'wired/{id}.yaml', kind: 'pipeline' }],
      });
      const shown = await followed(['several/a']);
      expect(shown.map(({ branch, state, problem }) => [branch, state, problem?.code ?? null])).toEqual([
        ['several/a', 'failing', 'GIT_HOST_ERROR'],
        ['several/b', 'current', null],
        ['several/c', 'current', null],
      ]);
      expect((await known()).problem).toBeNull();
      expect(brief(await find('several_b', 'several/b'))).toEqual([
        'wired/several_b.yaml',
        'name: one\n',
        null,
      ]);
      expect(await find('several_a', 'several/a')).toBeNull();
      line.refuses = null;
      const well = await followed();
      expect(well.map(({ state, problem }) => [state, problem])).toEqual(
        several.map(() => ['current', null]),
      );
      expect((await find('several_a', 'several/a')).yaml).toBe('name: one\n');
    });

    it('that moved cost one listing of refs, and one request for the objects of each', async () => {
      await pushAll('two');
      line.reset();
      await api.ok('POST', `${tracked}/poll`);
      await followed();
      expect(line.names).toEqual(['POST ls-refs', ...fetches]);
      for (const branch of several)
        expect((await find(branch.replace('/', '_'), branch)).yaml, branch).toBe('name: two\n');
    });
  });

  it('a branch that it asks for patience at is the last one that is asked for', async () => {
    await api.ok('PUT', tracked, {
      branches: ['main', 'patient/*'],
      files: [{ pattern: 'wired/{id}.yaml', kind: 'pipeline' }],
    });
    await eventually(async () => {
      const { problem, followed } = await known();
      return problem === null && followed[0]?.state === 'current';
    }, 'a look that was let in');
    for (const branch of ['patient/a', 'patient/b', 'patient/c']) {
      git(stack.repository, 'branch', branch, initial());
      await pushForeign(stack.foreignUrl, { [`wired/${branch.at(-1)}.yaml`]: 'name: new\n' }, branch);
    }
    line.reset();
    line.refuses = { name: 'POST fetch', status: 429 };
    await api.ok('POST', `${tracked}/poll`);
    const shown = await eventually(async () => {
      const found = await known();
      const isAsked = found.followed.some(({ problem }: Json) => problem !== null);
      return isAsked && Date.parse(found.nextPollAt) > Date.now() && found;
    }, 'the look to end');
    const problemsOf = shown.followed.map(({ problem }: Json) => problem?.code ?? null);
    expect(problemsOf.toSorted()).toEqual(['GIT_HOST_ERROR', null, null, null]);
    expect(line.names.filter((name) => name === 'POST fetch')).toHaveLength(1);
  });
});
