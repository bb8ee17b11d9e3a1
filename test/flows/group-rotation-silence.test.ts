// Every delegate of a group falls silent after its new keys were published, before one has taken them into use.
import fs from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';

let stack: Stack;
const groupOf = async (): Promise<Json> => (await stack.api.ok('GET', `${SCOPE}/delegate-groups`)).groups[0];
const keysOf = (): Json => JSON.parse(fs.readFileSync(`${stack.home}/delegate/group.json`, 'utf8'));
const askRotation = () => stack.api.ok('POST', `${SCOPE}/delegate-groups/local/rotate`, {});
const signal = (name: NodeJS.Signals): void => {
  process.kill(stack.delegates[0]?.pid as number, name);
};
const untilDone = (): Promise<Json> =>
  eventually(
    async () => {
      const group = await groupOf();
      return group.rotation.state === 'done' && group;
    },
    'the rotation to be done',
    60_000,
  );

/** The delegate has been silent for hours, and words of it that are on their way say nothing. */
beforeEach(async () => {
  stack = await Stack.start('real', { delegates: 1 });
  await stack.manager?.kill('SIGTERM');
  const victim = await stack.startManager('rotation.publish:after');
  await stack.untilCarried();
  await askRotation().catch(() => undefined);
  await victim.ended();
  signal('SIGSTOP');
  await sql(
    stack.databaseUrl,
    `update delegate set last_seen_at = now() - interval '2 hours', said_at = said_at + 3600000`,
  );
  return async () => {
    signal('SIGCONT');
    await stack.stop();
  };
});

async function comeBack(): Promise<void> {
  await sql(stack.databaseUrl, 'update delegate set said_at = 0');
  signal('SIGCONT');
}

it('The rotation is not done before one is back and has taken them into use', async () => {
  expect(keysOf()).toMatchObject({ edition: null, staged: { edition: { number: 1 } } });
  await stack.startManager();
  const { rotation } = await eventually(async () => {
    const group = await groupOf();
    return (group.rotation.waitsFor !== null || group.rotation.state === 'done') && group;
  }, 'the rotation to say what it waits for');
  expect(rotation).toMatchObject({
    state: 'published',
    waitsFor: 'a delegate of the group to take the new keys into use',
  });
  await comeBack();
  const { keys, delegates } = await untilDone();
  expect(delegates[0].has).toBe('current');
  expect(keysOf()).toMatchObject({ edition: { keyring: keys.keyring }, staged: null });
});

it('A next rotation, where that one counts as done, leaves them to open with', async () => {
  const { edition: founding, staged } = keysOf();
  expect([founding, staged.edition.number]).toEqual([null, 1]);
  await sql(stack.databaseUrl, `update group_rotation set state = 'done', finished_at = now()`);
  await stack.startManager();
  await askRotation();
  await comeBack();
  const { keys, delegates } = await untilDone();
  expect(delegates[0].has).toBe('current');
  const { edition, previous } = keysOf();
  expect(edition).toMatchObject({ number: 2, keyring: keys.keyring });
  expect(previous.map(({ sealing }: Json) => sealing)).toContainEqual(staged.sealing);
  const saved = await stack.api.save('after', 'name: x\n', { connector: 'delegated', branch: 'main' });
  expect(saved.status, saved.text).toBe(201);
});
