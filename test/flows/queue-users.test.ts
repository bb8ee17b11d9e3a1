// What a delegate and a manager do in Redis under users of their own, whatever happens: nothing is denied to them, and they
// are allowed nothing that they do not do.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractVersion } from '../../src/contract/version.js';
import { Failure } from '../../src/kernel/failure.js';
import {
  groupPrefix,
  managerPrefix,
  openQueueBackend,
  type QueueBackend,
  taskQueueName,
} from '../../src/queue/backend.js';
import { PresenceReceiver, PresenceSender } from '../../src/queue/presence-queue.js';
import { makePassword, QueueAccess, rulesFor, userOf } from '../../src/queue/queue-access.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { type TaskHandlers, TaskWorker } from '../../src/queue/task-worker.js';
import type { SealedMessage } from '../../src/sealing/sealed-message.js';
import { eventually } from '../support/api.js';
import { makeSeals, type Seals } from '../support/seals.js';
import { type RunningRedis, startRedis } from '../support/servers.js';
import { type Watch, watchRedis } from '../support/watched-redis.js';

const remote = { url: 'https://git.example/x.git' };
const inputs = {
  'git.head': { remote, branch: 'main' },
  'git.heads': { remote },
  'git.list': { remote, at: '0'.repeat(40), prefix: '' },
};
const message = { claims: '{}', enc: '', box: '', signature: '' } as SealedMessage;

/** Claims on jobs run out soon, so that what takes a minute is seen in seconds; not so soon that a busy machine loses one. */
const hasty = (backend: QueueBackend): QueueBackend => ({
  ...backend,
  worker: { ...backend.worker, lockDuration: 2_000, stalledInterval: 200, maxStalledCount: 1 },
});

describe('users of the shipped Redis configuration', () => {
  let redis: RunningRedis;
  let root: Redis;
  let watch: Watch;
  let access: QueueAccess;
  let seals: Seals;
  let manager: QueueBackend;
  let delegate: QueueBackend;
  const ends: { close: () => Promise<void> }[] = [];

  beforeAll(async () => {
    redis = await startRedis(undefined, { users: true });
    const password = makePassword();
    const admin = new Redis(redis.adminUrl);
    await admin.call('ACL', 'SETUSER', 'root', 'on', `#${password.passwordHash}`, '~*', '&*', '+@all');
    await admin.call('ACL', 'SAVE');
    admin.disconnect();
    const as = (user: string, secret: string): string =>
      redis.endpoint.replace('://', `://${user}:${secret}@`);
    root = new Redis(as('root', password.password));
    watch = await watchRedis(as('root', password.password));
    seals = await makeSeals();
    access = new QueueAccess({ kind: 'redis' }, redis.adminUrl);
    const own = makePassword();
    const { delegate: id, group } = seals.addressee;
    await access.admit({ delegate: id, group, passwordHash: own.passwordHash });
    manager = hasty(await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined }));
    delegate = hasty(
      await openQueueBackend({ redisUrl: as(userOf(id), own.password), databaseUrl: undefined }),
    );
  });
  afterAll(async () => {
    for (const end of ends) await end.close();
    watch.stop();
    root.disconnect();
    await access.close();
    await redis.stop();
  });

  const closing = <T extends { close: () => Promise<void> }>(end: T): T => {
    ends.push(end);
    return end;
  };

  it('let a delegate and a manager do all they do, and the delegate nothing else', async () => {
    const gates: (() => void)[] = [];
    const begun = new Set<string>();
    const handlers = {
      'git.head': async () => new Promise((resolve) => gates.push(() => resolve(null))),
      'git.heads': async () => {
        throw new Failure('GIT_UNREACHABLE', { host: 'git.example', reason: 'no' });
      },
      // Nothing can carry it: the worker fails the job.
      'git.list': async () => 10n,
    } as unknown as TaskHandlers;
    const startWorker = () =>
      closing(
        new TaskWorker(delegate, {
          seal: seals.delegateSeal,
          speaks: { oldest: contractVersion, latest: contractVersion },
          name: 'd',
          process: 'p1',
          tasksMax: 4,
          journal: { begin: (task) => !begun.has(task) && begun.add(task) !== undefined },
          handlers,
          onFault: () => undefined,
          onForgery: () => undefined,
        }),
      );
    const queue = closing(new TaskQueue(manager, seals.managerSeal, () => undefined));
    const { addressee } = seals;
    const send = (name: 'git.head' | 'git.heads' | 'git.list', standing: 'serving' | 'gone' = 'serving') =>
      queue.send(addressee, name, inputs[name] as never, {
        contract: contractVersion,
        expiresAt: Date.now() + 20_000,
        standing: async () => standing,
      });
    const raw = closing(
      new Queue(taskQueueName(addressee.delegate), {
        ...manager.producer,
        prefix: groupPrefix(addressee.group),
      }),
    );
    await raw.waitUntilReady();

    expect(await send('git.head', 'gone')).toEqual({ outcome: 'untouched' });
    const first = startWorker();
    expect(await send('git.heads')).toMatchObject({ outcome: 'answered', answer: { ok: false } });
    expect(await send('git.list')).toMatchObject({ outcome: 'lost' });

    const slow = send('git.head');
    await eventually(async () => gates.length > 0, 'a slow task to begin');
    const [running] = await raw.getActive();
    const lock = `${groupPrefix(addressee.group)}:${taskQueueName(addressee.delegate)}:${running?.id}:lock`;
    const since = Date.now();
    // Longer than a claim lasts that is not renewed.
    await eventually(async () => Date.now() - since > 4_000, 'renewals of the claim');
    expect(await root.exists(lock)).toBe(1);
    gates.shift()?.();
    expect(await slow).toMatchObject({ outcome: 'answered', answer: { ok: true } });

    const stalled = send('git.head');
    await eventually(async () => gates.length > 0, 'a task to begin that loses its worker');
    await first.close(true);
    startWorker();
    expect(await stalled).toMatchObject({ answer: { failure: { code: 'TASK_OUTCOME_UNKNOWN' } } });

    const keep = { age: 1, count: 2 };
    for (let i = 0; i < 5; i++)
      await raw.add('task', message, { jobId: `kept-${i}`, removeOnComplete: keep, removeOnFail: keep });
    const isDone = async (id: string) => (await raw.getJob(id))?.finishedOn !== undefined;
    await eventually(() => isDone('kept-4'), 'kept tasks to end');
    const aged = Date.now();
    await eventually(async () => Date.now() - aged > 2_000, 'them to grow old');
    await raw.add('task', message, { jobId: 'kept-5', removeOnComplete: keep });
    await eventually(() => isDone('kept-5'), 'the last of them to end');
    expect(await raw.getCompleted()).toHaveLength(1);

    const sender = closing(new PresenceSender(delegate, addressee.group, () => undefined));
    const answer = sender.hello(addressee.delegate, async () => message, AbortSignal.timeout(20_000));
    await eventually(async () => (await root.keys('*presence*hello*')).length > 0, 'a hello');
    for (let i = 0; i < 3; i++) await sender.say('heartbeat', addressee.delegate, message);
    closing(
      new PresenceReceiver(manager, addressee.group, async () => message, {
        onFault: () => undefined,
        onRefusal: () => undefined,
      }),
    );
    expect(await answer).toEqual(message);

    const prefix = managerPrefix;
    const own = closing(new Queue('jobs', { connection: manager.worker.connection, prefix }));
    let done = 0;
    const work = async ({ name }: { name: string }): Promise<void> => {
      done += 1;
      if (name === 'bad') throw new Error('bad');
    };
    closing(new Worker('jobs', work, { ...manager.worker, prefix })).on('error', () => undefined);
    for (const name of ['good', 'bad'])
      await own.add(name, {}, { removeOnComplete: true, removeOnFail: true });
    await eventually(
      async () => done === 2 && (await own.getJobCounts('active')).active === 0,
      'jobs to end',
    );

    await root.script('FLUSH');
    expect(await send('git.heads')).toMatchObject({ outcome: 'answered' });
    expect(await root.call('ACL', 'LOG')).toEqual([]);

    await raw.add('task', message, { jobId: 'survivor', delay: 600_000 });
    await redis.kill();
    redis = await startRedis(redis.directory);
    const again = async () => (await send('git.heads').catch(() => undefined))?.outcome === 'answered';
    await eventually(again, 'an answer after the restart');
    await sender.say('heartbeat', addressee.delegate, message);
    // What a script wrote is read back as a transaction of the user `default`, which is off but may do everything.
    expect(await raw.getJob('survivor')).toBeDefined();
    expect(await root.call('ACL', 'LOG')).toEqual([]);

    // What goes by without being shown, and what only comes with a command that failed half way.
    const unseen = ['auth', 'ping', 'quit', 'hexists', 'pttl', 'zrem', 'zscore'];
    const allowed = rulesFor({ ...addressee, passwordHash: '' }).flatMap(
      (rule) => /^\+(.+)/.exec(rule)?.[1] ?? [],
    );
    const needless = allowed.filter((name) => !watch.used(userOf(addressee.delegate)).includes(name));
    expect(needless.filter((name) => !unseen.includes(name))).toEqual([]);
  });
});
