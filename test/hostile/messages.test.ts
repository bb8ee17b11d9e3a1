// Ten thousand mutated and forged tasks and answers: none is carried out or believed, and neither side falls over.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswerClaims, TaskClaims } from '../../src/contract/messages.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { groupPrefix, openQueueBackend, type QueueBackend, taskQueueName } from '../../src/queue/backend.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { TaskWorker } from '../../src/queue/task-worker.js';
import { MessageRefused, openMessage, type SealedMessage } from '../../src/sealing/sealed-message.js';
import { FileTaskJournal } from '../../workers/runtime/task-journal.js';
import {
  headInput,
  makeParties,
  notingHandlers,
  type Parties,
  writeAnswer,
  writeTask,
} from '../support/sealed-road.js';
import { startRedis } from '../support/servers.js';
import { Forger } from './forger.js';

const SEED = 20_264;
const DIRECT = { tasks: 4_800, answers: 3_900 };
const QUEUED = { tasks: 800, answers: 500 };
const GENUINE = 12;

let parties: Parties;
let tasks: SealedMessage[];
let answers: SealedMessage[];
beforeAll(async () => {
  parties = await makeParties();
  const each = Array.from({ length: GENUINE }, () => randomUUID());
  tasks = await Promise.all(
    each.map((task, n) => writeTask(parties, { task }, { input: { ...headInput, branch: `b${n}` } })),
  );
  answers = await Promise.all(
    each.map((task, n) => writeAnswer(parties, { task }, { payload: { ok: true, output: n } })),
  );
});

const taskOf = ({ claims }: SealedMessage): string => (JSON.parse(claims) as { task: string }).task;

/** As a delegate opens what is in the job of this task. */
const openTask = (data: unknown, task: string) =>
  openMessage(data, {
    purpose: 'task',
    claims: TaskClaims,
    authorKey: parties.delegateSeal.managerIdentityKey,
    check: (claims) => (claims.task === task ? undefined : 'it is another task'),
    opener: parties.delegateSeal.opener,
  });

/** As the manager opens what answers this task. */
const openAnswer = (data: unknown, task: string) =>
  openMessage(data, {
    purpose: 'answer',
    claims: AnswerClaims,
    authorKey: parties.addressee.identityKey,
    check: (claims) => (claims.task === task ? undefined : 'it answers another task'),
    opener: parties.managerSeal.opener,
  });

/** Forges so many of them; gives how often each refusal came, and whatever was not refused. */
async function attack(
  seed: number,
  count: number,
  originals: SealedMessage[],
  open: (data: unknown, task: string) => Promise<unknown>,
) {
  const forger = new Forger(seed, [...tasks, ...answers]);
  const refusals = new Map<string, number>();
  const letIn: unknown[] = [];
  for (let n = 0; n < count; n += 1) {
    const original = originals[n % originals.length] as SealedMessage;
    const forged = forger.forge(original);
    try {
      await open(forged, taskOf(original));
      letIn.push(forged);
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error;
      refusals.set(error.message, (refusals.get(error.message) ?? 0) + 1);
    }
  }
  return { forger, refusals, letIn };
}

describe('Of forged messages', () => {
  it('the genuine ones among them would be taken', async () => {
    const opened = await Promise.all([
      ...tasks.map((task) => openTask(task, taskOf(task))),
      ...answers.map((answer) => openAnswer(answer, taskOf(answer))),
    ]);
    expect(opened).toHaveLength(2 * GENUINE);
  });

  it(`none of ${DIRECT.tasks} is opened as a task`, async () => {
    const { forger, refusals, letIn } = await attack(SEED, DIRECT.tasks, tasks, openTask);
    expect(letIn).toEqual([]);
    expect(Math.min(...forger.played.values())).toBeGreaterThan(50);
    expect(forger.played.size).toBe(20);
    expect(refusals.size).toBeGreaterThanOrEqual(4);
  });

  it(`none of ${DIRECT.answers} is opened as an answer`, async () => {
    const { refusals, letIn } = await attack(SEED + 1, DIRECT.answers, answers, openAnswer);
    expect(letIn).toEqual([]);
    expect(refusals.size).toBeGreaterThanOrEqual(4);
  });
});

describe('On a queue that somebody else writes to', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let backend: QueueBackend;
  let names: { name: string; prefix: string };
  beforeAll(async () => {
    redis = await startRedis();
    backend = await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined });
    const { delegate, group } = parties.addressee;
    names = { name: taskQueueName(delegate), prefix: groupPrefix(group) };
  });
  afterAll(async () => {
    await redis.stop();
  });

  it(`a delegate carries out none of ${QUEUED.tasks} forged tasks, and then the genuine one`, async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-forged-'));
    const journal = new FileTaskJournal(folder);
    const asked: { name: string; input: unknown }[] = [];
    const faults: unknown[] = [];
    const forgeries: string[] = [];
    const queue = new Queue(names.name, { ...backend.producer, prefix: names.prefix });
    const events = new QueueEvents(names.name, { ...backend.events, prefix: names.prefix });
    // One for each job that is waited for.
    for (const one of [queue, events]) one.setMaxListeners(0);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    const worker = new TaskWorker(backend, {
      seal: parties.delegateSeal,
      speaks: { oldest: contractOldest, latest: contractVersion },
      name: 'd',
      process: 'p1',
      tasksMax: 8,
      journal,
      handlers: notingHandlers(asked),
      onFault: (error) => faults.push(error),
      onForgery: (reason) => forgeries.push(reason),
    });
    try {
      const forger = new Forger(SEED + 2, [...tasks, ...answers]);
      const forged = await Promise.all(
        Array.from({ length: QUEUED.tasks }, async () => {
          const task = randomUUID();
          return {
            name: 'task',
            data: forger.forge(await writeTask(parties, { task })),
            opts: { jobId: task },
          };
        }),
      );
      const jobs = await queue.addBulk(forged);
      const returned = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 120_000)));
      expect(asked).toEqual([]);
      expect(forgeries).toHaveLength(QUEUED.tasks);
      expect(faults).toEqual([]);
      const opened = await Promise.all(returned.map((value, n) => openAnswer(value, jobs[n]?.id ?? '')));
      for (const { payload } of opened)
        expect(payload).toMatchObject({ ok: false, failure: { code: 'TASK_REFUSED' } });
      const [genuine] = tasks as [SealedMessage];
      const last = await queue.add('task', genuine, { jobId: taskOf(genuine) });
      const { payload } = await openAnswer(await last.waitUntilFinished(events, 120_000), taskOf(genuine));
      expect(payload).toEqual({ ok: true, output: null });
      expect(asked).toEqual([{ name: 'git.head', input: { ...headInput, branch: 'b0' } }]);
    } finally {
      await worker.close();
      await Promise.all([events.close(), queue.close()]);
      journal.close();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  it(`a manager believes none of ${QUEUED.answers} forged answers, and then the genuine one`, async () => {
    const forgeries: string[] = [];
    const queue = new TaskQueue(backend, parties.managerSeal, (_, reason) => forgeries.push(reason));
    const forger = new Forger(SEED + 3, [...tasks, ...answers]);
    let honest = false;
    const impostor = new Worker(
      names.name,
      async (job) => {
        const answer = await writeAnswer(parties, { task: job.id ?? '' });
        return honest ? answer : forger.forge(answer);
      },
      { ...backend.worker, prefix: names.prefix, concurrency: 8 },
    );
    const ask = () =>
      queue.send(parties.addressee, 'git.head', headInput, {
        contract: contractVersion,
        expiresAt: Date.now() + 200_000,
        standing: async () => 'serving',
      });
    try {
      await impostor.waitUntilReady();
      await queue
        .send(parties.addressee, 'git.head', headInput, {
          contract: contractVersion,
          expiresAt: Date.now() - 1,
          standing: async () => 'gone',
        })
        .catch(() => undefined);
      forgeries.length = 0;
      const sent = await Promise.all(Array.from({ length: QUEUED.answers }, ask));
      expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(['lost']));
      expect(forgeries).toHaveLength(QUEUED.answers);
      honest = true;
      expect(await ask()).toEqual({ outcome: 'answered', answer: { ok: true, output: null } });
    } finally {
      await impostor.close();
      await queue.close();
    }
  });
});
