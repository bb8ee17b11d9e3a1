// What a delegate answers to tasks that it must not carry out, on real Redis.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AnswerClaims } from '../../src/contract/messages.js';
import { TaskAnswer } from '../../src/contract/tasks.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { groupPrefix, openQueueBackend, type QueueBackend, taskQueueName } from '../../src/queue/backend.js';
import { type TaskHandlers, TaskWorker } from '../../src/queue/task-worker.js';
import { Identity } from '../../src/sealing/identity.js';
import { openMessage, type SealedMessage } from '../../src/sealing/sealed-message.js';
import { FileTaskJournal } from '../../workers/runtime/task-journal.js';
import { headInput, makeParties, notingHandlers, type Parties, writeTask } from '../support/sealed-road.js';
import { startRedis } from '../support/servers.js';

let redis: Awaited<ReturnType<typeof startRedis>>;
let backend: QueueBackend;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedis();
  backend = await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined });
  raw = new Redis(redis.url);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});

let parties: Parties;
let folder = '';
let journal: FileTaskJournal;
let worker: TaskWorker;
let queue: Queue;
let events: QueueEvents;
const asked: { name: string; input: unknown }[] = [];
const faults: { code: unknown; task: string | undefined }[] = [];
const forgeries: string[] = [];
const redeliveries: string[] = [];

let head: string | null = null;
const answerHead: TaskHandlers['git.head'] = async (input) => {
  asked.push({ name: 'git.head', input });
  return head;
};

function startWorker(): void {
  journal = new FileTaskJournal(folder);
  worker = new TaskWorker(backend, {
    seal: parties.delegateSeal,
    speaks: { oldest: contractOldest, latest: contractVersion },
    name: 'd',
    process: 'p1',
    tasksMax: 2,
    journal,
    handlers: { ...notingHandlers(asked), 'git.head': answerHead },
    onFault: (error, task) => faults.push({ code: (error as { code?: unknown }).code, task: task?.name }),
    onForgery: (reason) => forgeries.push(reason),
    onRedelivery: ({ id }) => redeliveries.push(id),
  });
}

async function stopWorker(): Promise<void> {
  await worker.close();
  journal.close();
}

beforeEach(async () => {
  parties = await makeParties();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-worker-'));
  for (const list of [asked, faults, forgeries, redeliveries]) list.length = 0;
  head = null;
  startWorker();
  const { delegate, group } = parties.addressee;
  queue = new Queue(taskQueueName(delegate), { ...backend.producer, prefix: groupPrefix(group) });
  events = new QueueEvents(taskQueueName(delegate), { ...backend.events, prefix: groupPrefix(group) });
  await queue.waitUntilReady();
  await events.waitUntilReady();
});
afterEach(async () => {
  await stopWorker();
  await events.close();
  await queue.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Puts a job there as whoever reaches the queue can, and gives what the delegate answers. */
async function put(data: unknown, task: string): Promise<TaskAnswer> {
  const job = await queue.add('task', data, { jobId: task });
  return read(await job.waitUntilFinished(events, 20_000), task);
}

async function read(value: unknown, task: string): Promise<TaskAnswer> {
  const { opener } = parties.managerSeal;
  const { identityKey } = parties.addressee;
  const { claims, payload } = await openMessage(value, {
    purpose: 'answer',
    claims: AnswerClaims,
    authorKey: identityKey,
    check: () => undefined,
    opener,
  });
  const { deployment, group, delegate } = parties.delegateSeal;
  expect(claims).toMatchObject({ deployment, group, delegate, task });
  return TaskAnswer.parse(payload);
}

async function send(...[claims, more]: [Parameters<typeof writeTask>[1]?, Parameters<typeof writeTask>[2]?]) {
  const task = randomUUID();
  return put(await writeTask(parties, { task, ...claims }, more), task);
}

const refused = (code: string, data: object = {}) => ({
  ok: false,
  failure: { code, delegate: 'd', data: expect.objectContaining(data) as unknown },
});

/** Another character at that place. */
const turned = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

it('says of an answer that no manager would read that it is too long', async () => {
  head = 'x'.repeat(26 * 1024 * 1024);
  const limit = { host: 'git.example', limit: 'bytes of one answer', max: 32 * 1024 * 1024 };
  expect(await send()).toEqual(refused('GIT_LIMIT_EXCEEDED', limit));
  expect(faults).toEqual([{ code: 'GIT_LIMIT_EXCEEDED', task: 'git.head' }]);
});

describe('a delegate carries out', () => {
  it('a task that is its manager’s, for it, in time and new', async () => {
    expect(await send()).toEqual({ ok: true, output: null });
    expect(asked).toEqual([{ name: 'git.head', input: headInput }]);
    expect([faults, forgeries]).toEqual([[], []]);
  });

  it('what the signed claims name, whatever the job is called', async () => {
    const task = randomUUID();
    const job = await queue.add('git.commit', await writeTask(parties, { task }), { jobId: task });
    expect(await read(await job.waitUntilFinished(events, 20_000), task)).toEqual({ ok: true, output: null });
    expect(asked).toMatchObject([{ name: 'git.head' }]);
  });

  it('a task of a manager whose clock is a little ahead', async () => {
    expect(await send({ issuedAt: Date.now() + 50_000 })).toEqual({ ok: true, output: null });
  });
});

const unsigned = 'its signature is not its author’s';
const misaddressed = 'it is for another delegate';

describe('a delegate refuses, counts and never begins', () => {
  const alterations: [string, string, (message: SealedMessage) => unknown][] = [
    ['what is no task', 'it is not a sealed message', () => ({ hello: 'world' })],
    ['nothing', 'it is not a sealed message', () => null],
    [
      'a task in the open',
      'it is not a sealed message',
      () => ({ contract: 3, name: 'git.head', input: headInput }),
    ],
    [
      'a task without signature',
      'it is not a sealed message',
      ({ claims, enc, box }) => ({ claims, enc, box }),
    ],
    [
      'a task with an empty signature',
      'it is not a sealed message',
      (message) => ({ ...message, signature: '' }),
    ],
    ['a task with any signature', unsigned, (message) => ({ ...message, signature: 'A'.repeat(86) })],
    [
      'another branch of the same task',
      'its content was exchanged',
      (message) => ({ ...message, box: turned(message.box, 30) }),
    ],
    ['another half', 'its content was exchanged', (message) => ({ ...message, enc: turned(message.enc, 5) })],
    [
      'a longer life',
      unsigned,
      (message) => ({ ...message, claims: message.claims.replace(/"expiresAt":\d/, '"expiresAt":9') }),
    ],
    [
      'another name',
      unsigned,
      (message) => ({ ...message, claims: message.claims.replace('git.head', 'git.heads') }),
    ],
    [
      'another contract',
      unsigned,
      (message) => ({ ...message, claims: message.claims.replace(/"contract":\d+/, '"contract":1') }),
    ],
    ['claims that are no JSON', 'its claims are not readable', (message) => ({ ...message, claims: 'x' })],
  ];
  it.each(alterations)('%s', async (_, reason, alter) => {
    const task = randomUUID();
    const message = await writeTask(parties, { task });
    expect(await put(alter(message), task)).toEqual(refused('TASK_REFUSED', { reason }));
    expect(forgeries).toEqual([reason]);
    expect([asked, faults]).toEqual([[], []]);
  });

  const forged: [string, string, () => ReturnType<typeof send>][] = [
    ['signed by a stranger', unsigned, () => send({}, { author: new Identity(Identity.make()) })],
    ['signed by the delegate itself', unsigned, () => send({}, { author: parties.delegateSeal.identity })],
    ['signed for another purpose', unsigned, () => send({}, { purpose: 'welcome' })],
    ['of another deployment', 'it is of another deployment', () => send({ deployment: 'production' })],
    ['for another group', misaddressed, () => send({ group: 'g2' })],
    ['for another delegate of the group', misaddressed, () => send({ delegate: 'd2' })],
    [
      'in the place of another',
      'it was put in the place of another task',
      () => send({ task: randomUUID() }),
    ],
    ['of the future', 'it is of the future', () => send({ issuedAt: Date.now() + 70_000 })],
    [
      'sealed to somebody else',
      'it was sealed for somebody else',
      async () => send({}, { sealer: (await makeParties()).toGroup }),
    ],
  ];
  it.each(forged)('a task %s', async (_, reason, ask) => {
    expect(await ask()).toEqual(refused('TASK_REFUSED', { reason }));
    expect(forgeries).toEqual([reason]);
    expect([asked, faults]).toEqual([[], []]);
  });

  const authentic: [string, string, () => ReturnType<typeof send>][] = [
    ['an older contract', 'CONTRACT_VERSION_MISMATCH', () => send({ contract: contractOldest - 1 })],
    ['a newer contract', 'CONTRACT_VERSION_MISMATCH', () => send({ contract: contractVersion + 1 })],
    ['no time left', 'TASK_EXPIRED', () => send({ expiresAt: Date.now() - 1 })],
    ['a name it does not know', 'TASK_REFUSED', () => send({ name: 'git.erase' })],
    ['a name that every object has', 'TASK_REFUSED', () => send({ name: 'constructor' })],
    ['the name of a prototype', 'TASK_REFUSED', () => send({ name: '__proto__' })],
    ['an input with more in it', 'TASK_REFUSED', () => send({}, { input: { ...headInput, more: 1 } })],
    ['no input', 'TASK_REFUSED', () => send({}, { input: null })],
    ['the input of another task', 'TASK_REFUSED', () => send({ name: 'git.commit' })],
  ];
  it.each(authentic)('an authentic task with %s', async (_, code, ask) => {
    expect(await ask()).toEqual(refused(code));
    expect(faults).toEqual([{ code, task: expect.any(String) as unknown }]);
    expect([asked, forgeries]).toEqual([[], []]);
  });

  it('a task that it cannot write into its journal', async () => {
    fs.closeSync(fs.openSync(path.join(folder, 'x'), 'w'));
    journal.close();
    expect(await send()).toEqual(refused('INTERNAL'));
    expect(asked).toEqual([]);
    journal = new FileTaskJournal(folder);
  });
});

describe('a delegate does not begin twice', () => {
  const again = 'it was begun before, and is not begun twice';
  const twice = refused('TASK_OUTCOME_UNKNOWN', { reason: again });
  const begin = async (): Promise<{ task: string; message: SealedMessage }> => {
    const task = randomUUID();
    const message = await writeTask(parties, { task });
    expect(await put(message, task)).toEqual({ ok: true, output: null });
    await queue.remove(task);
    return { task, message };
  };

  it('a task that comes again after it was done', async () => {
    const { task, message } = await begin();
    expect(await put(message, task)).toEqual(twice);
    expect(forgeries).toEqual([again]);
    expect(asked).toHaveLength(1);
  });

  it('a task that the queue gives once more, which is no forgery', async () => {
    const { task, message } = await begin();
    await stopWorker();
    const { delegate, group } = parties.addressee;
    const answered = put(message, task);
    const key = `${groupPrefix(group)}:${taskQueueName(delegate)}:${task}`;
    await vi.waitFor(async () => expect(await raw.exists(key)).toBe(1), 10_000);
    // As after a worker that took it and was lost.
    await raw.hset(key, { ats: '1' });
    startWorker();
    expect(await answered).toEqual(twice);
    expect([forgeries, redeliveries]).toEqual([[], [task]]);
    expect(asked).toHaveLength(1);
  });

  it('a task that comes again after the delegate was restarted', async () => {
    const { task, message } = await begin();
    await stopWorker();
    startWorker();
    expect(await put(message, task)).toEqual(twice);
    expect(forgeries).toEqual([again]);
    expect(asked).toHaveLength(1);
  });

  it('a task that is sealed and signed once more under the same name', async () => {
    const { task } = await begin();
    expect(await put(await writeTask(parties, { task }), task)).toEqual(twice);
    expect(asked).toHaveLength(1);
  });

  it('a task under another job’s name', async () => {
    const { message } = await begin();
    expect(await put(message, randomUUID())).toEqual(refused('TASK_REFUSED'));
    expect(asked).toHaveLength(1);
  });
});

describe('a delegate goes on', () => {
  it.each([
    ['data that is no JSON', { data: '{"claims":' }],
    ['no data', { data: '' }],
    ['options that are no JSON', { opts: '[' }],
    ['a list of itself', { data: '[[[[' }],
  ])('after a job with %s', async (_, fields) => {
    await stopWorker();
    const spoilt = randomUUID();
    await queue.add('task', {}, { jobId: spoilt });
    const key = `${groupPrefix(parties.addressee.group)}:${taskQueueName(parties.addressee.delegate)}:${spoilt}`;
    expect(await raw.exists(key)).toBe(1);
    await raw.hset(key, fields);
    startWorker();
    await vi.waitFor(() => expect(faults.length + forgeries.length).toBeGreaterThan(0), { timeout: 20_000 });
    expect(await send()).toEqual({ ok: true, output: null });
    expect(asked).toHaveLength(1);
  });
});
