// A save that costs delegate after delegate: it ends, shown with what it did, however often everything is started again.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { assertSound, fileAt, git, trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

/** After so many an operation ends; within its last attempt there may be as many again. */
const DEATHS_MAX = 5;
const delegated = { connector: 'delegated', branch: 'main' };

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start('real');
});
afterAll(async () => {
  assertSound(stack.repository);
  await stack.stop();
});

async function countedDeaths(id: string): Promise<number> {
  const [row] = await sql<{ deaths: number }>(
    stack.databaseUrl,
    'select deaths from operation where id = $1',
    [id],
  );
  return row?.deaths ?? 0;
}

/** Starts one delegate after the other, each of which dies there, until the operation has ended; how many died. */
async function killDelegates(
  id: string,
  crashAt: string,
  onDeath?: (deaths: number) => Promise<void>,
): Promise<number> {
  // In its table, since the manager is started anew meanwhile.
  const hasEnded = async () => {
    const [row] = await sql(stack.databaseUrl, 'select state from operation where id = $1', [id]);
    return row?.state !== 'pending' && 'ended';
  };
  const ended = eventually(hasEnded, 'the operation to end', 200_000);
  for (let deaths = 0; ; ) {
    // That another process of the delegate has begun shows that the one before is no more.
    const victim = await stack.startDelegate(crashAt);
    if ((await Promise.race([victim.gone, ended])) === 'ended') {
      await victim.kill('SIGTERM');
      return deaths;
    }
    deaths += 1;
    await onDeath?.(deaths);
  }
}

function expectFew(deaths: number): void {
  expect(deaths).toBeGreaterThanOrEqual(DEATHS_MAX);
  expect(deaths).toBeLessThan(2 * DEATHS_MAX);
}

it('ends after a few deaths of the only delegate, over several attempts and managers, and the lane goes on', async () => {
  const warm = await stack.api.save('warm', 'name: warm\n', delegated);
  expect(warm.status, warm.text).toBe(201);
  await stack.delegates[0]?.kill('SIGTERM');
  const saved = await stack.api.save('poison', 'name: poison\n', delegated, { prefer: 'wait=0' });
  const died = await killDelegates(saved.body.id, 'delegate.commit:before', async (deaths) => {
    if (deaths !== 2) return;
    // What dies together with the manager that waits for it is not counted.
    await eventually(async () => (await countedDeaths(saved.body.id)) === 2, 'its silence to be noticed');
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
  });
  expectFew(died);
  expect(await stack.api.ended(saved.body.id)).toMatchObject({
    state: 'failed',
    yaml: 'name: poison\n',
    problem: {
      code: 'OPERATION_IN_DOUBT',
      detail: expect.stringMatching(/\d delegates were lost over the task, and it is given to no other/),
    },
  });
  await stack.startDelegate();
  const next = await stack.api.save('next', 'name: next\n', delegated);
  expect(next.status, next.text).toBe(201);
  expect(fileAt(stack.repository, 'pipelines/poison.yaml')).toBeNull();
  expect(trailers(stack.repository)).toEqual([next.body.operationId, warm.body.operationId]);
});

it('ends as well after as many deaths over the question where the branch stands, and says that nothing was written', async () => {
  for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
  git(stack.repository, 'branch', 'unread', 'main');
  const place = { ...delegated, branch: 'unread' };
  const saved = await stack.api.save('early', 'name: early\n', place, { prefer: 'wait=0' });
  expectFew(await killDelegates(saved.body.id, 'delegate.head:before'));
  expect(await stack.api.ended(saved.body.id)).toMatchObject({
    state: 'failed',
    yaml: 'name: early\n',
    problem: { code: 'TASK_POISONED', detail: expect.stringMatching(/\d delegates were lost/) },
  });
  await stack.startDelegate();
  const next = await stack.api.save('after-early', 'name: next\n', place);
  expect(next.status, next.text).toBe(201);
});

it('tries what was in a batch with a death alone, once the branch shows that the batch has not arrived', async () => {
  for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
  git(stack.repository, 'config', 'core.logAllRefUpdates', 'always');
  git(stack.repository, 'branch', 'parted', 'main');
  const place = { ...delegated, branch: 'parted' };
  const saves = ['one', 'two', 'three'].map((id) =>
    stack.api.save(`parted-${id}`, 'name: parted\n', place, { prefer: 'wait=0' }),
  );
  const ids: string[] = (await Promise.all(saves)).map(({ body }) => body.id);
  const victim = await stack.startDelegate('delegate.commit:before');
  expect(await victim.ended()).toBe('SIGKILL');
  const deaths = () => Promise.all(ids.map(countedDeaths));
  await eventually(async () => Math.max(...(await deaths())) === 1, 'the death to be noticed', 60_000);
  const inBatch = (await deaths()).filter((count) => count === 1).length;
  const foreign = git(
    stack.repository,
    'commit-tree',
    '-p',
    'parted',
    '-m',
    'Foreign',
    'parted^{tree}',
  ).trim();
  git(stack.repository, 'update-ref', 'refs/heads/parted', foreign);
  const updates = () => git(stack.repository, 'reflog', 'show', 'parted').trim().split('\n').length;
  const before = updates();
  await stack.startDelegate();
  for (const id of ids) expect((await stack.api.ended(id, 60_000)).state).toBe('succeeded');
  expect(updates() - before).toBeGreaterThanOrEqual(inBatch);
});
