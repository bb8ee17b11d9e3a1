// The manager's end of the task queues: one per delegate. Events of the queue are only hints that an answer may be there; the
// truth is read from the job, after each hint and by a sweep.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Job, Queue, QueueEvents } from 'bullmq';
import { AnswerClaims, clockSkewMaxMs, taskInfo } from '../contract/messages.js';
import { encodeBytes, TaskAnswer, type TaskInput, type TaskName } from '../contract/tasks.js';
import { Failure } from '../kernel/failure.js';
import { type Opener, Sealer } from '../sealing/hpke.js';
import type { Identity } from '../sealing/identity.js';
import { MessageRefused, openMessage, sealMessage } from '../sealing/sealed-message.js';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';

const SWEEP_MS = 250;
/** How long the queue may take to accept a task. */
const SEND_MS_MAX = 10_000;
/** Answers are kept this long for a manager that looks late. */
const KEEP = { age: 600, count: 200 };
/**
 * A delegate may write what it likes into its own queue, also that jobs of others are children of its task: those the manager
 * would remove with it, by rights that the delegate has not.
 */
const ALONE = { removeChildren: false };
/** How long one look at the queue may take: a connection that has fallen silent must not stop the clock of a task. */
const LOOK_MS_MAX = 5_000;

/** A delegate as its manager knows it: where its queue is, and the keys it was enrolled with. */
export interface Addressee {
  delegate: string;
  group: string;
  /** Public keys: the group's to seal to, the delegate's own to check its answers. */
  sealingKey: string;
  identityKey: string;
}

/** What a manager signs tasks with, and opens answers with. */
export interface ManagerSeal {
  deployment: string;
  identity: Identity;
  opener: Opener;
}

/** Whether the delegate may still begin the task, may only finish it, or can do neither any more. */
export type Standing = 'serving' | 'finishing' | 'gone';

export interface SendOptions {
  contract: number;
  /** When the answer must be there, waiting in the delegate's queue included. Milliseconds since 1970. */
  expiresAt: number;
  standing: () => Promise<Standing>;
}

export type Sent =
  | { outcome: 'answered'; answer: TaskAnswer }
  /** It was not begun, and never will be. */
  | { outcome: 'untouched' }
  /** It may have been done, or may still be. */
  | {
      outcome: 'lost';
      reason: string;
      /** Whether the delegate went away over it. */
      isDead: boolean;
    };

export class TaskQueue {
  readonly #backend: QueueBackend;
  readonly #seal: ManagerSeal;
  readonly #onForgery: (delegate: string, reason: string) => void;
  readonly #queues = new Map<string, { queue: Queue; events: QueueEvents }>();
  readonly #sealers = new Map<string, Sealer>();
  readonly #waiting = new Map<string, () => void>();

  /** `onForgery` is told of every answer that was not its delegate's own. */
  constructor(
    backend: QueueBackend,
    seal: ManagerSeal,
    onForgery: (delegate: string, reason: string) => void,
  ) {
    this.#backend = backend;
    this.#seal = seal;
    this.#onForgery = onForgery;
  }

  /**
   * Sends a task to one delegate and waits for what becomes of it.
   * @throws QUEUE_UNAVAILABLE: it was not sent. TASK_OUTCOME_UNKNOWN: it may have been.
   */
  async send<N extends TaskName>(
    to: Addressee,
    name: N,
    input: TaskInput<N>,
    { contract, expiresAt, standing }: SendOptions,
  ): Promise<Sent> {
    const { queue } = this.#open(to);
    const task = randomUUID();
    const { deployment, identity } = this.#seal;
    const { group, delegate } = to;
    const issuedAt = Date.now();
    // It is the delegate’s clock that judges it.
    const refusedAt = expiresAt + clockSkewMaxMs;
    const claims = { deployment, group, delegate, task, name, contract, issuedAt, expiresAt: refusedAt };
    const message = await sealMessage(encodeBytes(input), claims, {
      purpose: 'task',
      sealer: this.#sealerFor(to),
      author: identity,
    });
    // Before the task is sent, so that no answer comes too early to be noticed.
    const hint = this.#hint(task);
    try {
      const options = { jobId: task, removeOnComplete: KEEP, removeOnFail: KEEP };
      await send(group, () => queue.add('task', message, options));
      return await this.#await(to, queue, { task, hint }, { expiresAt, standing }).finally(() => {
        // The queue's own bounds are for a manager that died meanwhile.
        void queue.remove(task, ALONE).catch(() => undefined);
      });
    } finally {
      this.#waiting.delete(task);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#queues.values()].flatMap(({ queue, events }) => [events.close(), queue.close()]),
    );
  }

  async #await(
    to: Addressee,
    queue: Queue,
    { task, hint: first }: { task: string; hint: Promise<void> },
    { expiresAt, standing }: Pick<SendOptions, 'expiresAt' | 'standing'>,
  ): Promise<Sent> {
    for (let hint = first; ; ) {
      await Promise.race([hint, delay(SWEEP_MS)]);
      hint = this.#hint(task);
      const job = await look(queue, task);
      if (job === null) return { outcome: 'lost', reason: 'the queue has lost the task', isDead: false };
      if (job?.finishedOn !== undefined) return this.#read(to, task, job);
      const isLate = Date.now() > expiresAt;
      const now = isLate ? 'gone' : await standing();
      if (now !== 'serving' && (await withdraw(queue, task))) return { outcome: 'untouched' };
      if (now === 'gone')
        return isLate
          ? { outcome: 'lost', reason: 'there was no answer in time', isDead: false }
          : { outcome: 'lost', reason: 'the delegate is gone', isDead: true };
    }
  }

  /** Comes when it seems worth looking at the task. */
  #hint(task: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(task, resolve));
  }

  /** An answer counts when its delegate signed it for this task; nothing else says anything. */
  async #read(to: Addressee, task: string, job: Job): Promise<Sent> {
    if (job.failedReason) return { outcome: 'lost', reason: job.failedReason, isDead: true };
    const { deployment, opener } = this.#seal;
    const { delegate, group, identityKey } = to;
    try {
      const { payload } = await openMessage(job.returnvalue, {
        purpose: 'answer',
        claims: AnswerClaims,
        authorKey: identityKey,
        check: (claims) =>
          claims.deployment === deployment &&
          claims.group === group &&
          claims.delegate === delegate &&
          claims.task === task
            ? undefined
            : 'it answers something else',
        opener,
      });
      const answer = TaskAnswer.safeParse(payload);
      if (answer.success) return { outcome: 'answered', answer: answer.data };
      return { outcome: 'lost', reason: 'the answer is not readable', isDead: false };
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error;
      this.#onForgery(delegate, error.message);
      return { outcome: 'lost', reason: `the answer was refused: ${error.message}`, isDead: false };
    }
  }

  #sealerFor({ group, sealingKey }: Addressee): Sealer {
    // A group may name any key as its own, another group’s too.
    const key = `${group} ${sealingKey}`;
    const known = this.#sealers.get(key);
    if (known !== undefined) return known;
    const sealer = new Sealer(sealingKey, taskInfo(this.#seal.deployment, group));
    this.#sealers.set(key, sealer);
    return sealer;
  }

  #open({ delegate, group }: Addressee): { queue: Queue; events: QueueEvents } {
    const known = this.#queues.get(delegate);
    if (known !== undefined) return known;
    const prefix = groupPrefix(group);
    const queue = new Queue(taskQueueName(delegate), { ...this.#backend.producer, prefix });
    const events = new QueueEvents(taskQueueName(delegate), { ...this.#backend.events, prefix });
    const hint = ({ jobId }: { jobId: string }): void => this.#waiting.get(jobId)?.();
    events.on('completed', hint).on('failed', hint);
    // Connections come back by themselves; what fails meanwhile is reported by the call that needed it.
    queue.on('error', () => undefined);
    events.on('error', () => undefined);
    const opened = { queue, events };
    this.#queues.set(delegate, opened);
    return opened;
  }
}

/** What a socket says when nothing was sent: any other fault leaves open whether the queue has the task. */
const UNSENT = /isn't writeable|ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

async function send(group: string, add: () => Promise<unknown>): Promise<void> {
  const fault = await inTime(add(), SEND_MS_MAX).then(() => undefined, toError);
  if (fault === undefined) return;
  const reason = fault.message;
  if (UNSENT.test(`${(fault as NodeJS.ErrnoException).code ?? ''} ${reason}`))
    throw new Failure('QUEUE_UNAVAILABLE', { reason }, { cause: fault });
  throw new Failure('TASK_OUTCOME_UNKNOWN', { group, reason: `the queue: ${reason}` }, { cause: fault });
}

/** @throws Error when there is no answer in time. */
async function inTime<T>(work: Promise<T>, ms = LOOK_MS_MAX): Promise<T> {
  const stop = new AbortController();
  const late = delay(ms, undefined, { ref: false, signal: stop.signal }).then(() => {
    throw new Error(`no answer within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** The job; null when the queue has lost it, undefined while the queue is away for a moment. */
async function look(queue: Queue, task: string): Promise<Job | null | undefined> {
  try {
    return (await inTime(queue.getJob(task))) ?? null;
  } catch {
    return undefined;
  }
}

/** Takes the task back if the delegate has not begun it; whether it was still there to take. */
async function withdraw(queue: Queue, task: string): Promise<boolean> {
  try {
    const job = await inTime(queue.getJob(task));
    if (job === undefined || job.processedOn !== undefined) return false;
    if ((await inTime(job.getState())) !== 'waiting') return false;
    await inTime(job.remove(ALONE));
    return true;
  } catch {
    return false;
  }
}
