// A save that costs delegate after delegate: it ends, shown with what it did, however often everything is started again.
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { assertSound, fileAt, trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

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

/** What is stored with the plan. */
async function countedDeaths(): Promise<number> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query("select plan -> 'deaths' as deaths from lane where plan is not null");
    return rows[0]?.deaths ?? 0;
  } finally {
    await client.end();
  }
}

it('ends after a few deaths of the only delegate, over several attempts and managers, and the lane goes on', async () => {
  const warm = await stack.api.save('warm', 'name: warm\n', delegated);
  expect(warm.status, warm.text).toBe(201);
  await stack.delegates[0]?.kill('SIGTERM');
  const saved = await stack.api.save('poison', 'name: poison\n', delegated, { prefer: 'wait=0' });
  const operation = () => stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
  let survived = 0;
  for (let deaths = 1; deaths <= DEATHS_MAX; deaths += 1) {
    const victim = await stack.startDelegate('delegate.commit:before');
    expect(await victim.gone).toBe('SIGKILL');
    await eventually(
      async () => (await operation()).state !== 'pending' || (await countedDeaths()) === deaths,
      `death ${deaths} to be noticed`,
      60_000,
    );
    if ((await operation()).state === 'pending') survived += 1;
    if (deaths !== 2) continue;
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
  }
  expect(survived).toBe(DEATHS_MAX - 1);
  expect(await operation()).toMatchObject({
    state: 'failed',
    yaml: 'name: poison\n',
    problem: {
      code: 'OPERATION_IN_DOUBT',
      detail: expect.stringContaining('5 delegates were lost over the task, and it is given to no other'),
    },
  });
  await stack.startDelegate();
  const next = await stack.api.save('next', 'name: next\n', delegated);
  expect(next.status, next.text).toBe(201);
  expect(fileAt(stack.repository, 'pipelines/poison.yaml')).toBeNull();
  expect(trailers(stack.repository)).toEqual([next.body.operationId, warm.body.operationId]);
}, 240_000);
