// A delegate that writes into its own queues what no manager should have to hold: the manager reads none of it, says so, and goes
// on with the others.
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contractVersion } from '../../src/contract/version.js';
import {
  groupPrefix,
  openQueueBackend,
  presenceQueueName,
  type QueueBackend,
  taskQueueName,
} from '../../src/queue/backend.js';
import { PresenceReceiver, PresenceSender } from '../../src/queue/presence-queue.js';
import { type Sent, TaskQueue } from '../../src/queue/task-queue.js';
import { eventually } from '../support/api.js';
import { type Member, newId, RedisWithUsers } from '../support/redis-users.js';
import { headInput, makeParties, type Parties, writeAnswer } from '../support/sealed-road.js';

const MIB = 1024 * 1024;
const HUGE_BYTES = 80 * MIB;
/** What of it is on its way before a manager has hung up, several times over. */
const SENT_BYTES_MAX = 40 * MIB;

let world: RedisWithUsers;
let manager: QueueBackend;
beforeAll(async () => {
  world = await RedisWithUsers.start();
  manager = await openQueueBackend({ redisUrl: world.redis.url, databaseUrl: undefined });
});
afterAll(() => world.stop());

let member: Member;
let parties: Parties;
/** As the delegate's own user. */
let hostile: Redis;
let tasks: TaskQueue;
const forgeries: string[] = [];
beforeEach(async () => {
  member = await world.admit({ group: newId('g'), delegate: newId('d') });
  parties = await makeParties({ group: member.group, delegate: member.delegate });
  hostile = world.connect(member.url);
  forgeries.length = 0;
  tasks = new TaskQueue(manager, parties.managerSeal, (_, reason) => forgeries.push(reason));
  const warm = new Queue(taskQueueName(member.delegate), {
    ...manager.producer,
    prefix: groupPrefix(member.group),
  });
  await warm.waitUntilReady();
  await warm.close();
});
afterEach(async () => {
  await tasks.close();
  const root = world.connect(world.rootUrl);
  await root.flushall();
  root.disconnect();
});

const ask = (): Promise<Sent> =>
  tasks.send(parties.addressee, 'git.head', headInput, {
    contract: contractVersion,
    expiresAt: Date.now() + 30_000,
    standing: async () => 'serving',
  });

const taskKey = (type: string): string =>
  `${groupPrefix(member.group)}:${taskQueueName(member.delegate)}:${type}`;

/** The task that waits for the delegate, taken by it. */
async function take(): Promise<string> {
  return eventually(
    async () => (await hostile.rpoplpush(taskKey('wait'), taskKey('active'))) ?? undefined,
    'a task',
  );
}

/** Writes so much without sending it: a script makes it on the spot. */
const writeHuge = (task: string, field: string, bytes = HUGE_BYTES): Promise<unknown> =>
  hostile.eval(
    "redis.call('HSET', KEYS[1], 'finishedOn', '1', ARGV[1], string.rep('x', tonumber(ARGV[2])))",
    1,
    taskKey(task),
    field,
    bytes,
  );

/** As an honest delegate would, past the library. */
async function answer(task: string): Promise<void> {
  const written = await writeAnswer(parties, { task });
  await hostile.hset(taskKey(task), { finishedOn: '1', returnvalue: JSON.stringify(written) });
}

/** How much Redis sent meanwhile, to everybody together. */
async function sentDuring<T>(work: () => Promise<T>): Promise<{ result: T; bytes: number }> {
  const root = world.connect(world.rootUrl);
  const sent = async (): Promise<number> =>
    Number(/total_net_output_bytes:(\d+)/.exec(await root.info('stats'))?.[1]);
  const before = await sent();
  const result = await work();
  return { result, bytes: (await sent()) - before };
}

it('reads no answer that is longer than one may be', async () => {
  const { result, bytes } = await sentDuring(async () => {
    const sent = ask();
    await writeHuge(await take(), 'returnvalue');
    return sent;
  });
  const reason = 'it is longer than an answer may be';
  expect(result).toEqual({
    outcome: 'lost',
    isDead: false,
    isFinal: true,
    reason: `the answer was refused: ${reason}`,
  });
  expect(forgeries).toEqual([reason]);
  expect(bytes).toBeLessThan(SENT_BYTES_MAX);
});

it('reads no reason that is longer than one may be', async () => {
  const { result, bytes } = await sentDuring(async () => {
    const sent = ask();
    await writeHuge(await take(), 'failedReason');
    return sent;
  });
  expect(result).toEqual({
    outcome: 'lost',
    isDead: false,
    reason: `it gave a reason of ${HUGE_BYTES} bytes`,
  });
  expect(bytes).toBeLessThan(SENT_BYTES_MAX);
});

it.each(['data', 'opts', 'junk'])(
  'reads nothing of a task but what became of it: not its %s',
  async (field) => {
    const { result, bytes } = await sentDuring(async () => {
      const sent = ask();
      const task = await take();
      await writeHuge(task, field);
      return sent;
    });
    expect(result).toMatchObject({ outcome: 'lost' });
    expect(bytes).toBeLessThan(SENT_BYTES_MAX);
  },
);

it('reads no event that is longer than one may be, and finds the answer without', async () => {
  const { result, bytes } = await sentDuring(async () => {
    const warm = ask();
    await answer(await take());
    expect(await warm).toMatchObject({ outcome: 'answered' });
    const root = world.connect(world.rootUrl);
    await eventually(
      async () => String(await root.client('LIST')).includes('cmd=xread'),
      'a reader of events',
    );
    await hostile.eval(
      "redis.call('XADD', KEYS[1], '*', 'event', 'completed', 'returnvalue', string.rep('x', tonumber(ARGV[1])))",
      1,
      taskKey('events'),
      HUGE_BYTES,
    );
    await eventually(async () => forgeries.length > 0, 'the manager to notice');
    const sent = ask();
    await answer(await take());
    return sent;
  });
  expect(result).toMatchObject({ outcome: 'answered' });
  expect(forgeries).toEqual(['an event of its queue is longer than one may be']);
  expect(bytes).toBeLessThan(SENT_BYTES_MAX);
});

/** The group's signs of life, as the delegate's own user writes them. */
async function openPresence(): Promise<Queue> {
  const backend = await openQueueBackend({ redisUrl: member.url, databaseUrl: undefined });
  const queue = new Queue(presenceQueueName(member.group), {
    ...backend.producer,
    prefix: groupPrefix(member.group),
  });
  queue.on('error', () => undefined);
  await queue.waitUntilReady();
  return queue;
}

function receive(heard: unknown[], refusals: string[]): PresenceReceiver {
  const note = async (data: unknown): Promise<null> => {
    heard.push(data);
    return null;
  };
  return new PresenceReceiver(manager, member.group, note, {
    onFault: () => undefined,
    onRefusal: (reason) => refusals.push(reason),
  });
}

it('reads no sign of life that is longer than one may be, and hears the next', async () => {
  const presence = await openPresence();
  const heard: unknown[] = [];
  const refusals: string[] = [];
  const options = { removeOnComplete: true, removeOnFail: true };
  await presence.add('presence', {}, { ...options, jobId: 'huge' });
  await hostile.eval(
    "redis.call('HSET', KEYS[1], 'data', '\"' .. string.rep('x', tonumber(ARGV[1])) .. '\"')",
    1,
    presence.toKey('huge'),
    HUGE_BYTES,
  );
  await presence.add('presence', { said: 'next' }, options);
  let receiver: PresenceReceiver | undefined;
  try {
    const { bytes } = await sentDuring(async () => {
      receiver = receive(heard, refusals);
      await eventually(
        async () => heard.length > 0 && refusals.length > 0,
        'the next sign of life and the refusal',
      );
    });
    expect(heard).toEqual([{ said: 'next' }]);
    expect(refusals).toContain('it is longer than a sign of life may be');
    expect(bytes).toBeLessThan(SENT_BYTES_MAX);
  } finally {
    await receiver?.close();
    await presence.close();
  }
});

it('takes away signs of life that nobody could read all of', async () => {
  const presence = await openPresence();
  const refusals: string[] = [];
  let free = (): void => undefined;
  const held = new Promise<void>((resolve) => (free = resolve));
  const receiver = new PresenceReceiver(manager, member.group, () => held.then(() => null), {
    onFault: () => undefined,
    onRefusal: (reason) => refusals.push(reason),
  });
  try {
    for (let round = 0; round < 12; round += 1)
      await presence.addBulk(
        Array.from({ length: 1_000 }, () => ({ name: 'presence', data: {}, opts: { jobId: randomUUID() } })),
      );
    const waiting = () => hostile.llen(presence.toKey('wait'));
    expect(await waiting()).toBeGreaterThan(11_000);
    await eventually(async () => {
      receiver.trim();
      return (await waiting()) === 1_000;
    }, 'the rest to be taken away');
    const root = world.connect(world.rootUrl);
    expect((await root.keys(`${presence.toKey('')}????????-*`)).length).toBeLessThan(1_100);
    expect(new Set(refusals)).toEqual(new Set(['too many stood unread']));
  } finally {
    free();
    await receiver.close();
    await presence.close();
  }
});

describe('what a delegate left among the signs of life', () => {
  let presence: Queue;
  beforeEach(async () => {
    presence = await openPresence();
  });
  afterEach(() => presence.close());

  async function revoke(): Promise<void> {
    await presence.close();
    await world.access.expel(member.delegate);
  }

  /** The other delegate is heard, as long as it goes on saying so, while the manager tidies up as it does. */
  async function hear(refusals: string[] = []): Promise<boolean> {
    const other = await world.admit({ group: member.group, delegate: newId('d') });
    const backend = await openQueueBackend({ redisUrl: other.url, databaseUrl: undefined });
    const sender = new PresenceSender(backend, member.group, () => undefined);
    const heard: unknown[] = [];
    const receiver = receive(heard, refusals);
    const message = await writeAnswer(parties, { task: randomUUID() });
    try {
      await eventually(async () => {
        receiver.trim();
        await sender.say('heartbeat', other.delegate, message).catch(() => undefined);
        return heard.some((data) => JSON.stringify(data) === JSON.stringify(message));
      }, 'the heartbeat of the other delegate');
      return true;
    } finally {
      await receiver.close();
      await sender.close();
    }
  }

  it.each([
    ['waits', 'wait'],
    ['was taken by a manager before', 'active'],
  ])('is taken away where it is too long and %s', async (_, list) => {
    const ids = Array.from({ length: 30 }, (__, index) => `huge-${index}`);
    for (const id of ids) {
      await presence.add('presence', {}, { jobId: id, removeOnComplete: true, removeOnFail: true });
      await hostile.eval(
        "redis.call('HSET', KEYS[1], 'stc', '9', 'defa', 'x', ARGV[1], string.rep('x', 2 * 1024 * 1024))",
        1,
        presence.toKey(id),
        id.endsWith('7') ? 'junk' : 'data',
      );
    }
    if (list === 'active')
      while ((await hostile.rpoplpush(presence.toKey('wait'), presence.toKey('active'))) !== null);
    await revoke();
    const refusals: string[] = [];
    await hear(refusals);
    expect(refusals).toContain('it is longer than a sign of life may be');
    const root = world.connect(world.rootUrl);
    await expect(root.keys(`${presence.toKey('huge-')}*`)).resolves.toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a pause', () => hostile.hset(presence.toKey('meta'), 'paused', '1')],
    ['a limit', () => hostile.hset(presence.toKey('meta'), { concurrency: '0', max: '0', duration: '1' })],
    ['a list of another type', () => replace('wait')],
    ['events of another type', () => replace('events')],
    ['a counter that cannot count', () => replace('id')],
    ['a marker of another type', () => replace('marker')],
  ])('keeps nobody from being heard: %s', async (_, leave) => {
    await leave();
    await revoke();
    expect(await hear()).toBe(true);
  });

  async function replace(type: string): Promise<void> {
    await hostile.del(presence.toKey(type));
    await hostile.set(presence.toKey(type), 'nonsense');
  }
});
