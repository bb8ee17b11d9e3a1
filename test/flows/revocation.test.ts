// A delegate that is revoked: what was in its queue is gone, whatever became of Redis meanwhile, and it can come again.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { runCommand } from '../support/processes.js';
import { assertSound, trailers } from '../support/repository.js';
import { Stack } from '../support/stack.js';

const delegated = { connector: 'delegated', branch: 'main' };
const FOLDER = 'second';

let stack: Stack;
let root: Redis;
beforeAll(async () => {
  stack = await Stack.start('real');
  await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/${FOLDER}` });
  root = new Redis(stack.redis?.url ?? '');
  root.on('error', () => undefined);
});
afterAll(async () => {
  root.disconnect();
  await stack.stop();
});

const idOf = async (name: string): Promise<string> =>
  (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates.find((one: Json) => one.name === name).id;
const keysOf = (id: string): Promise<string[]> => root.keys(`*:tasks-${id}:*`);
/** By which connections of managers are named. */
const nameOf = (id: string): string => Buffer.from(`tasks-${id}`).toString('base64');
const keysGone = (id: string) =>
  eventually(async () => (await keysOf(id)).length === 0, 'the keys of the delegate to be gone');

/** Makes it the only one that a save can go through, and saves. */
async function saveThrough(name: string, entity: string): Promise<void> {
  for (const one of (await stack.api.ok('GET', 'accounts/demo/delegates')).delegates)
    if (one.state !== 'revoked')
      await stack.api.ok(
        'POST',
        `accounts/demo/delegates/${one.id}/${one.name === name ? 'enable' : 'disable'}`,
      );
  const saved = await stack.api.save(entity, `name: ${entity}\n`, delegated, { prefer: 'wait=60' });
  expect(saved.status, saved.text).toBe(201);
}

describe('a delegate that is revoked', () => {
  it('leaves no key of its queue and no connection to it, and the other one keeps its own', async () => {
    await saveThrough('delegate', 'by-the-first');
    await saveThrough(FOLDER, 'by-the-second');
    const [first, second] = [await idOf('delegate'), await idOf(FOLDER)];
    expect(await root.client('LIST')).toContain(nameOf(second));
    expect(await keysOf(second)).not.toEqual([]);
    await stack.api.ok('POST', `accounts/demo/delegates/${second}/revoke`);
    await keysGone(second);
    expect(await root.client('LIST')).not.toContain(nameOf(second));
    expect(await keysOf(first)).not.toEqual([]);
    await stack.delegates.at(-1)?.kill('SIGKILL');
  });

  it('works when it enrols again under its name', async () => {
    const before = await idOf(FOLDER);
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: `${stack.home}/${FOLDER}` };
    const { token } = await stack.api.ok('POST', 'accounts/demo/delegate-tokens', { group: 'local' });
    const args = [
      'enrol',
      '--manager',
      stack.manager?.url ?? '',
      '--token',
      '-',
      '--name',
      FOLDER,
      '--replace',
    ];
    expect(await runCommand('workers/delegate.js', args, { env, input: token })).toMatchObject({ code: 0 });
    expect(await idOf(FOLDER)).toBe(before);
    await stack.api.ok('POST', `accounts/demo/delegates/${await idOf('delegate')}/enable`);
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: env.SALLYPORT_DATA_DIR });
    await saveThrough(FOLDER, 'once-again');
  });

  it('leaves nothing either where Redis was away at that moment', async () => {
    const id = await idOf(FOLDER);
    expect(await keysOf(id)).not.toEqual([]);
    await stack.redis?.kill();
    const answer = await stack.api.request('POST', `accounts/demo/delegates/${id}/revoke`);
    expect(answer.body.code).toBe('QUEUE_UNAVAILABLE');
    await stack.restartRedis();
    await eventually(async () => (await root.ping().catch(() => '')) === 'PONG', 'Redis to be back');
    await keysGone(id);
    await saveThrough('delegate', 'afterwards');
  });
});

describe('a save whose delegate is lost after its push, while Redis is away', () => {
  it('is in doubt, and neither fails nor is done twice', async () => {
    const victim = await stack.startDelegate('git.push:after', {
      SALLYPORT_DATA_DIR: `${stack.home}/victim`,
    });
    const [heir, lost] = [await idOf('delegate'), await idOf('victim')];
    await stack.api.ok('POST', `accounts/demo/delegates/${heir}/disable`);
    // What may be its own already must not be taken for somebody else's.
    const once = { prefer: 'wait=0', 'if-none-match': '*' };
    const { body } = await stack.api.save('doubtful', 'name: doubtful\n', delegated, once);
    expect(await victim.ended()).toBe('SIGKILL');
    await stack.redis?.kill();
    await stack.api.ok('POST', `accounts/demo/delegates/${heir}/enable`);
    // The manager knows at once that nobody answers any more.
    await stack.api.request('POST', `accounts/demo/delegates/${lost}/revoke`);
    const operation = await eventually(async () => {
      const found = await stack.api.ok('GET', `accounts/demo/operations/${body.id}`);
      return (found.state !== 'pending' || found.waitsFor !== null) && found;
    }, 'the operation to say what became of it');
    expect(operation).toMatchObject({
      state: 'pending',
      waitsFor: expect.stringContaining('an earlier delegate took it and did not answer'),
    });
    await stack.restartRedis();
    expect(await stack.api.ended(body.id, 60_000)).toMatchObject({ state: 'succeeded' });
    expect(trailers(stack.repository).filter((id) => id === body.id)).toHaveLength(1);
    assertSound(stack.repository);
  });
});
