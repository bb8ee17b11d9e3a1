// What a delegate answers to tasks that it must not carry out.
import { randomUUID } from 'node:crypto';
import { Queue, QueueEvents } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractVersion } from '../../src/contract/version.js';
import { groupPrefix, openQueueBackend, type QueueBackend, taskQueueName } from '../../src/queue/backend.js';
import { type TaskHandlers, TaskWorker } from '../../src/queue/task-worker.js';
import { startRedis } from '../support/servers.js';

const GROUP = 'refusing';
const later = (): number => Date.now() + 60_000;
const head = { remote: { url: 'https://git.example/x.git' }, branch: 'main' };

describe('a delegate', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let backend: QueueBackend;
  let worker: TaskWorker;
  let queue: Queue;
  let events: QueueEvents;
  const asked: unknown[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    backend = await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined });
    const handlers = {
      'git.head': async (input: unknown) => {
        asked.push(input);
        return null;
      },
    } as unknown as TaskHandlers;
    worker = new TaskWorker(backend, {
      group: GROUP,
      delegate: 'd',
      tasksMax: 1,
      handlers,
      onFault: () => undefined,
    });
    queue = new Queue(taskQueueName(GROUP), { ...backend.producer, prefix: groupPrefix(GROUP) });
    events = new QueueEvents(taskQueueName(GROUP), { ...backend.events, prefix: groupPrefix(GROUP) });
    await queue.waitUntilReady();
    await events.waitUntilReady();
  });
  afterAll(async () => {
    await worker.close();
    await events.close();
    await queue.close();
    await redis.stop();
  });

  const ask = async (name: string, message: unknown) =>
    (await queue.add(name, message, { jobId: randomUUID() })).waitUntilFinished(events, 20_000);

  it('carries out a task in time', async () => {
    const message = { contract: contractVersion, expiresAt: later(), input: head };
    expect(await ask('git.head', message)).toEqual({ ok: true, output: null });
    expect(asked).toEqual([head]);
  });

  it.each([
    ['what is no task', 'git.head', { hello: 'world' }, 'TASK_REFUSED'],
    [
      'a task it does not know',
      'git.erase',
      { contract: contractVersion, expiresAt: later(), input: head },
      'TASK_REFUSED',
    ],
    [
      'a task named like what every object has',
      'constructor',
      { contract: contractVersion, expiresAt: later(), input: head },
      'TASK_REFUSED',
    ],
    [
      'an input that does not fit',
      'git.head',
      { contract: contractVersion, expiresAt: later(), input: { ...head, more: 1 } },
      'TASK_REFUSED',
    ],
    [
      'another contract',
      'git.head',
      { contract: contractVersion + 1, expiresAt: later(), input: head },
      'CONTRACT_VERSION_MISMATCH',
    ],
    [
      'a task whose time is over',
      'git.head',
      { contract: contractVersion, expiresAt: Date.now() - 5_000, input: head },
      'TASK_EXPIRED',
    ],
  ])('does not begin %s, and says why', async (_, name, message, code) => {
    asked.length = 0;
    expect(await ask(name, message)).toMatchObject({ ok: false, failure: { code, delegate: 'd' } });
    expect(asked).toEqual([]);
  });
});
