// What a delegate cannot do in Redis, tried one by one with its own user; beside each kind, what shows that the attempt was a
// good one.
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractVersion } from '../../src/contract/version.js';
import {
  groupPrefix,
  managerPrefix,
  openQueueBackend,
  presenceQueueName,
  type QueueBackend,
  taskQueueName,
} from '../../src/queue/backend.js';
import { PresenceReceiver } from '../../src/queue/presence-queue.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { eventually } from '../support/api.js';
import { type Member, RedisWithUsers } from '../support/redis-users.js';
import { makeSeals } from '../support/seals.js';

const DENIED =
  /NOPERM|DEBUG command not allowed|can't access at least one of the keys|can't run this command/;

let place: RedisWithUsers;
let anna: Member;
let fellow: Member;
let stranger: Member;
/** Anna's connection. */
let client: Redis;
let manager: QueueBackend;
let annas: QueueBackend;

const tasksOf = ({ group, delegate }: Member): string => `${groupPrefix(group)}:${taskQueueName(delegate)}`;
const presenceOf = ({ group }: Member): string => `${groupPrefix(group)}:${presenceQueueName(group)}`;
const backendFor = (url: string): Promise<QueueBackend> =>
  openQueueBackend({ redisUrl: url, databaseUrl: undefined });

beforeAll(async () => {
  place = await RedisWithUsers.start();
  anna = await place.admit();
  fellow = await place.admit({ group: anna.group });
  stranger = await place.admit();
  client = place.connect(anna.url);
  manager = await backendFor(place.redis.url);
  annas = await backendFor(anna.url);
  for (const { group, delegate } of [anna, fellow, stranger]) {
    await fill(taskQueueName(delegate), groupPrefix(group));
    await fill(presenceQueueName(group), groupPrefix(group));
  }
  await fill('jobs', managerPrefix);
});
afterAll(() => place.stop());

async function fill(name: string, prefix: string): Promise<void> {
  await using queue = opened(new Queue(name, { ...manager.producer, prefix }));
  await queue.it.waitUntilReady();
  await queue.it.add('task', { word: 'hello' }, { jobId: 'job' });
}

/** Closed at the end of its block; what its connection meets is thrown by the calls that need it. */
function opened<T extends Queue | Worker>(it: T): { it: T } & AsyncDisposable {
  (it as Queue).on('error', () => undefined);
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

const attempt = (by: Redis, [name = '', ...args]: string[]): Promise<unknown> => by.call(name, ...args);

describe('keys of others', () => {
  const others: [string, () => string][] = [
    ['another group’s tasks', () => tasksOf(stranger)],
    ['another group’s presence', () => presenceOf(stranger)],
    ['another delegate’s tasks in its own group', () => tasksOf(fellow)],
    ['the manager’s jobs', () => `${managerPrefix}:jobs`],
  ];
  const ways: [string, (keys: string) => string[]][] = [
    ['read a job', (keys) => ['HGETALL', `${keys}:job`]],
    ['read of a job', (keys) => ['HMGET', `${keys}:job`, 'data']],
    ['see whether a job is there', (keys) => ['EXISTS', `${keys}:job`]],
    ['list what waits', (keys) => ['LRANGE', `${keys}:wait`, '0', '-1']],
    ['count what waits', (keys) => ['LLEN', `${keys}:wait`]],
    ['wait for work', (keys) => ['BZPOPMIN', `${keys}:marker`, '0.01']],
    ['change a job', (keys) => ['HSET', `${keys}:job`, 'mark', '1']],
    ['put a job into the queue', (keys) => ['LPUSH', `${keys}:wait`, 'forged']],
    ['take a job out of the queue', (keys) => ['LREM', `${keys}:wait`, '1', 'forged']],
    ['add an event', (keys) => ['XADD', `${keys}:events`, '*', 'event', 'forged']],
    ['remove a job', (keys) => ['DEL', `${keys}:nothing`]],
    [
      'run a script over declared keys',
      (keys) => ['EVAL', "return redis.call('hgetall', KEYS[1])", '1', `${keys}:job`],
    ],
    [
      'run a script over other keys',
      (keys) => ['EVAL', "return redis.call('hgetall', ARGV[1])", '0', `${keys}:job`],
    ],
    [
      'run a script that hides the refusal',
      (keys) => [
        'EVAL',
        "local r = redis.pcall('hget', ARGV[1], 'data') if r.err then return redis.error_reply(r.err) end return r",
        '0',
        `${keys}:job`,
      ],
    ],
  ];

  it.each(ways)('nobody can %s there, and everybody at home', async (_, command) => {
    await attempt(client, command(tasksOf(anna)));
    await attempt(client, command(presenceOf(anna)));
    for (const [whose, keys] of others)
      await expect(attempt(client, command(keys())), whose).rejects.toThrow(DENIED);
  });

  it('are out of reach of commands with two keys, which work at home', async () => {
    const [own, theirs] = [`${tasksOf(anna)}:wait`, `${tasksOf(stranger)}:wait`];
    await expect(attempt(client, ['RPOPLPUSH', own, theirs])).rejects.toThrow(DENIED);
    await expect(attempt(client, ['RPOPLPUSH', theirs, own])).rejects.toThrow(DENIED);
    await attempt(client, ['RPOPLPUSH', own, own]);
  });
});

describe('BullMQ', () => {
  const queueOf = ({ group, delegate }: Member) =>
    opened(new Queue(taskQueueName(delegate), { ...annas.producer, prefix: groupPrefix(group) }));

  it('gives a delegate its own jobs, and nobody else’s', async () => {
    await using home = queueOf(anna);
    await home.it.waitUntilReady();
    expect((await home.it.getJob('job'))?.data).toEqual({ word: 'hello' });
    await home.it.add('task', {}, { jobId: 'own' });
    for (const other of [stranger, fellow]) {
      await using queue = queueOf(other);
      await queue.it.waitUntilReady();
      await expect(queue.it.getJob('job')).rejects.toThrow(DENIED);
      await expect(queue.it.add('task', {}, { jobId: 'forged' })).rejects.toThrow(DENIED);
      await expect(queue.it.getJobs(['waiting'])).rejects.toThrow(DENIED);
      await expect(queue.it.getJobCounts('waiting')).rejects.toThrow(DENIED);
      await expect(queue.it.remove('job')).rejects.toThrow(DENIED);
    }
  });

  it('lets a worker take tasks at home, and nowhere else', async () => {
    const taken: string[] = [];
    const workerOf = ({ group, delegate }: Member) =>
      new Worker(taskQueueName(delegate), async ({ id }) => void taken.push(`${delegate} ${id}`), {
        ...annas.worker,
        prefix: groupPrefix(group),
      });
    const refusals: string[] = [];
    const abroad = [stranger, fellow].map((other) => {
      const worker = workerOf(other);
      worker.on('error', ({ message }) => refusals.push(message));
      return worker;
    });
    await eventually(async () => refusals.filter((one) => DENIED.test(one)).length >= 2, 'refusals');
    const worker = workerOf(anna);
    await eventually(async () => taken.length >= 2, 'tasks to be taken');
    expect(taken.toSorted()).toEqual([`${anna.delegate} job`, `${anna.delegate} own`]);
    for (const one of [worker, ...abroad]) await one.close(true);
    await using queue = opened(
      new Queue(taskQueueName(stranger.delegate), {
        ...manager.producer,
        prefix: groupPrefix(stranger.group),
      }),
    );
    expect(await (await queue.it.getJob('job'))?.getState()).toBe('waiting');
  });
});

describe('what is left of a delegate that was cut off', () => {
  it('is removed whatever it wrote there, by the manager’s own user, and nothing of anybody else is', async () => {
    const root = place.connect(place.rootUrl);
    const gone = await place.admit({ group: anna.group });
    const its = place.connect(gone.url);
    const { managerSeal, addressee } = await makeSeals();
    const queue = new TaskQueue(manager, managerSeal, () => undefined);
    const to = { ...addressee, group: gone.group, delegate: gone.delegate };
    const input = { remote: { url: 'https://git.example/x.git' }, branch: 'main' };
    let standing: 'serving' | 'gone' = 'serving';
    const sent = queue.send(to, 'git.head', input, {
      contract: contractVersion,
      expiresAt: Date.now() + 20_000,
      standing: async () => standing,
    });
    await eventually(async () => (await root.llen(`${tasksOf(gone)}:wait`)) === 1, 'the task');
    // More than one step takes, names that look like others’, and a child that is somebody else’s.
    const script = "for i = 1, 3000 do redis.call('set', KEYS[1] .. i, i) end";
    await its.eval(script, 1, `${tasksOf(gone)}:${tasksOf(fellow)}:job`);
    await its.sadd(`${tasksOf(gone)}:1:dependencies`, `${tasksOf(fellow)}:job`);
    await root.set(`${tasksOf(gone)}x:1`, 'of another one whose id begins with its own');
    const before = (await root.keys('*')).filter((key) => !key.startsWith(`${tasksOf(gone)}:`));
    await place.access.expel(gone.delegate);

    await queue.remove([to]);
    expect(await root.llen(`${tasksOf(gone)}:wait`), 'while its task is awaited').toBe(1);
    standing = 'gone';
    expect(await sent).toEqual({ outcome: 'untouched' });
    await eventually(async () => {
      await queue.remove([to]);
      return (await root.keys(`${tasksOf(gone)}:*`)).length === 0;
    }, 'its keys to be gone');
    expect((await root.keys('*')).toSorted()).toEqual(before.toSorted());
    expect(String(await root.client('LIST'))).not.toContain(
      Buffer.from(taskQueueName(gone.delegate)).toString('base64'),
    );
    await queue.close();
  });
});

describe('what a delegate writes into its own queues', () => {
  /** A job of another group, that must outlive what is tried. */
  const theirJob = (): string => `${tasksOf(stranger)}:job`;

  it('does not make the manager remove jobs of others along with a task', async () => {
    const root = place.connect(place.rootUrl);
    const { managerSeal, addressee } = await makeSeals();
    const queue = new TaskQueue(manager, managerSeal, () => undefined);
    const adopt = async (): Promise<void> => {
      for (const task of await client.lrange(`${tasksOf(anna)}:wait`, 0, -1))
        await client.sadd(`${tasksOf(anna)}:${task}:dependencies`, theirJob());
    };
    const input = { remote: { url: 'https://git.example/x.git' }, branch: 'main' };
    const options = { contract: contractVersion, expiresAt: Date.now() + 20_000 };
    const to = { ...addressee, group: anna.group, delegate: anna.delegate };
    const standing = async () => adopt().then(() => 'gone' as const);
    expect(await queue.send(to, 'git.head', input, { ...options, standing })).toEqual({
      outcome: 'untouched',
    });
    expect(await root.exists(theirJob())).toBe(1);
    await queue.close();

    const naive = opened(
      new Queue(taskQueueName(anna.delegate), { ...manager.producer, prefix: groupPrefix(anna.group) }),
    );
    await naive.it.waitUntilReady();
    await naive.it.add('task', {}, { jobId: 'parent' });
    await adopt();
    await naive.it.remove('parent');
    expect(await root.exists(theirJob()), 'a removal with all children').toBe(0);
    await naive.it.close();
    await fill(taskQueueName(stranger.delegate), groupPrefix(stranger.group));
  });

  it.each([
    { who: 'the manager’s user', url: () => place.redis.url, written: 0 },
    { who: 'a user that may do everything', url: () => place.rootUrl, written: 1 },
  ])('does not make the manager write into other queues: by $who $written sets', async ({ url, written }) => {
    const trap = `trap-${written}`;
    const root = place.connect(place.rootUrl);
    const target = `${theirJob()}:dependencies`;
    await using queue = opened(
      new Queue(presenceQueueName(anna.group), { ...annas.producer, prefix: groupPrefix(anna.group) }),
    );
    await queue.it.waitUntilReady();
    const forged = { name: 'task', data: '{}', opts: '{}', pdk: target };
    await client.hset(`${presenceOf(anna)}:dn:${trap}`, forged);
    await queue.it.add('presence', {}, { deduplication: { id: trap } });
    let heard = 0;
    const receiver = new PresenceReceiver(
      await backendFor(url()),
      anna.group,
      async () => {
        heard += 1;
        return null;
      },
      { onFault: () => undefined, onRefusal: () => undefined },
    );
    await eventually(
      async () => heard > 0 && (await client.llen(`${presenceOf(anna)}:active`)) === 0,
      'it to end',
    );
    expect(await root.scard(target)).toBe(written);
    await receiver.close();
    await root.del(target);
  });
});

describe('whoever shows no password, or a wrong one', () => {
  it('is not even answered', async () => {
    const { endpoint } = place.redis;
    for (const url of [endpoint, place.urlOf(anna.user, 'guessed'), place.urlOf('default', '')])
      await expect(place.connect(url).get(`${tasksOf(anna)}:meta`), url).rejects.toThrow();
    await expect(place.connect(endpoint).call('HELLO', '3')).rejects.toThrow(/NOAUTH/);
    expect(await client.ping()).toBe('PONG');
  });
});

describe('commands that carry keys away', () => {
  const [own, theirs] = [() => `${tasksOf(anna)}:probe`, () => `${tasksOf(stranger)}:probe`];
  const commands: [string, () => string[]][] = [
    ['COPY', () => [theirs(), own()]],
    ['RENAME', () => [theirs(), theirs()]],
    ['SORT', () => [own(), 'BY', 'nosort', 'GET', `${tasksOf(stranger)}:*`]],
    ['SORT_RO', () => [own(), 'BY', 'nosort', 'GET', '#']],
    ['SMOVE', () => [theirs(), own(), 'x']],
    ['SUNION', () => [own(), theirs()]],
    ['SUNIONSTORE', () => [own(), theirs()]],
    ['DUMP', () => [theirs()]],
    ['OBJECT', () => ['ENCODING', theirs()]],
    ['MEMORY', () => ['USAGE', theirs()]],
    ['XREAD', () => ['STREAMS', `${tasksOf(stranger)}:events`, '0']],
    ['WATCH', () => [theirs()]],
    ['EVAL_RO', () => ["return redis.call('scard', KEYS[1])", '1', theirs()]],
  ];

  it.each(commands)('%s is denied to a delegate', async (name, args) => {
    const root = place.connect(place.rootUrl);
    await root.sadd(own(), 'x');
    await root.sadd(theirs(), 'x');
    await expect(attempt(client, [name, ...args()])).rejects.toThrow(DENIED);
    await attempt(root, [name, ...args()]);
    await root.del(own(), theirs());
    root.disconnect();
  });
});

it('DEBUG is denied to everybody', async () => {
  for (const by of [client, place.connect(place.rootUrl)])
    await expect(attempt(by, ['DEBUG', 'JMAP'])).rejects.toThrow(DENIED);
});

describe('commands that look further than keys', () => {
  const target = 'x';
  const commands: string[][] = [
    ['KEYS', '*'],
    ['SCAN', '0'],
    ['RANDOMKEY'],
    ['DBSIZE'],
    ['MONITOR'],
    ['SUBSCRIBE', target],
    ['PSUBSCRIBE', '*'],
    ['SSUBSCRIBE', target],
    ['PUBLISH', target, 'x'],
    ['SPUBLISH', target, 'x'],
    ['PUBSUB', 'CHANNELS'],
    ['CONFIG', 'GET', '*'],
    ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
    ['ACL', 'LIST'],
    ['ACL', 'WHOAMI'],
    ['ACL', 'SETUSER', 'root', '+@all'],
    ['ACL', 'LOG'],
    ['CLIENT', 'LIST'],
    ['CLIENT', 'KILL', 'USER', 'nobody'],
    ['CLIENT', 'PAUSE', '1'],
    ['CLIENT', 'TRACKING', 'OFF'],
    ['SAVE'],
    ['BGSAVE'],
    ['BGREWRITEAOF'],
    ['SHUTDOWN', 'ABORT'],
    ['SCRIPT', 'FLUSH'],
    ['SCRIPT', 'LOAD', 'return 1'],
    ['SCRIPT', 'KILL'],
    ['FUNCTION', 'LIST'],
    [
      'FUNCTION',
      'LOAD',
      'REPLACE',
      "#!lua name=probe\nredis.register_function('probe', function() return 1 end)",
    ],
    ['FCALL', 'probe', '0'],
    ['MODULE', 'LIST'],
    ['REPLICAOF', 'NO', 'ONE'],
    ['SELECT', '1'],
    ['SWAPDB', '0', '0'],
    ['SLOWLOG', 'GET'],
    ['LATENCY', 'LATEST'],
    ['MULTI'],
    ['WAIT', '0', '1'],
    ['FLUSHDB'],
    ['FLUSHALL'],
  ];

  it.each(commands.map((command) => [command.join(' ').split('\n')[0], command] as const))(
    '%s is denied to a delegate, and not to somebody who may do everything',
    async (_, command) => {
      await expect(attempt(client, [...command])).rejects.toThrow(DENIED);
      const root = place.connect(place.rootUrl);
      // What Redis itself refuses, such as DEBUG by the shipped configuration, it refuses for another reason.
      const answer = await attempt(root, [...command]).catch((error: Error) => error.message);
      expect(String(answer)).not.toMatch(DENIED);
      root.disconnect();
    },
  );
});
