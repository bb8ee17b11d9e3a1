// The manager's end of the task queues: one per delegate. Events of the queue are only hints that an answer may be there; the
// truth is read from the job, after each hint and by a sweep.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue, QueueEvents } from 'bullmq';
import type { Purpose } from '../contract/audit.js';
import { AnswerClaims, clockSkewMaxMs, taskInfo } from '../contract/messages.js';
import { silenceMaxMs } from '../contract/presence.js';
import { encodeBytes, TaskAnswer, type TaskInput, type TaskName } from '../contract/tasks.js';
import { tracedSince } from '../contract/version.js';
import { traceparent } from '../kernel/concern.js';
import { Failure } from '../kernel/failure.js';
import { type Opener, Sealer } from '../sealing/hpke.js';
import type { Identity } from '../sealing/identity.js';
import { MessageRefused, openMessage, sealMessage } from '../sealing/sealed-message.js';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';
import { boundedConnector, REPLY_BYTES_MAX } from './bounded-replies.js';
import { removeTaskQueues } from './queue-removal.js';
import { lookAt, type TaskLook } from './task-look.js';

const SWEEP_MS = 250;
/** What an outage of the queue did to a delegate is over after so long: its claim on a task, and its silence. */
const AWAY_MS = 2 * silenceMaxMs;
/** How long the queue may take to accept a task. */
const SEND_MS_MAX = 10_000;
/** Answers are kept this long for a manager that looks late. */
const KEEP = { age: 600, count: 200 };
/**
 * A delegate may write what it likes into its own queue, also that jobs of others are children of its task: those the manager
 * would remove with it, by rights that the delegate has not.
 */
const ALONE = { removeChildren: false };
/** Connections to the queue of a delegate that has had no task for so long are closed: it may have gone for good. */
const IDLE_MS = 300_000;
/** A connection that is being made again does not always hear that it may end. */
const CLOSE_MS_MAX = 2_000;
/** How long one look at the queue may take: a connection that has fallen silent must not stop the clock of a task. */
const LOOK_MS_MAX = 5_000;

/** A delegate as its manager knows it: where its queue is, and the keys it was enrolled with. */
export interface Addressee {
  delegate: string;
  group: string;
  /** Public keys: the one to seal to, the delegate's own or its group's, and the one to check its answers by. */
  sealingKey: string;
  identityKey: string;
}

/** What a manager signs tasks with, and opens answers with. */
export interface ManagerSeal {
  deployment: string;
  identity: Identity;
  opener: Opener;
}

/**
 * Whether the delegate may still begin the task, may only finish it, or can do neither any more: since it left (`gone`), or nobody
 * knows why (`silent`).
 */
export type Standing = 'serving' | 'finishing' | 'gone' | 'silent';

export interface SendOptions {
  contract: number;
  /** When the answer must be there, waiting in the delegate's queue included. Milliseconds since 1970. */
  expiresAt: number;
  /** Why it is asked for; for a delegate that understands it. */
  purpose?: Purpose | undefined;
  /** Of the delegate, which has begun the task or not, by the process that it says. */
  standing: (begun: Pick<TaskLook, 'isBegun' | 'begunBy'>) => Promise<Standing>;
}

export type Sent =
  | {
      outcome: 'answered';
      answer: TaskAnswer;
      /** Whether the queue was away meanwhile, and may have given the task twice over it. */
      wasQueueAway?: true;
    }
  /** It was not begun, and never will be. */
  | { outcome: 'untouched' }
  /** It may have been done, or may still be. */
  | {
      outcome: 'lost';
      reason: string;
      /** Whether the delegate died, and the queue is not to blame. */
      isDead: boolean;
      /** Whether another delegate would fare no better. */
      isFinal?: true;
    };

/** What was seen of a task that is awaited. */
interface Watch {
  task: string;
  /** When the queue did not answer last. */
  awayAt: number;
}

/** A delegate's queue as this manager uses it. */
interface Opened {
  queue: Queue;
  events: QueueEvents;
  /** Tasks that are awaited. */
  awaited: number;
  /** Since nothing was awaited. */
  idleSince: number;
}

export class TaskQueue {
  readonly #backend: QueueBackend;
  readonly #seal: ManagerSeal;
  readonly #onForgery: (delegate: string, reason: string) => void;
  readonly #queues = new Map<string, Opened>();
  readonly #idleMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #sealers = new Map<string, Sealer>();
  /** Delegates whose queues were removed and not used since, each with its identity key of then. */
  readonly #removed = new Map<string, string>();
  readonly #waiting = new Map<string, () => void>();

  /** `onForgery` is told of every answer that was not its delegate's own. */
  constructor(
    backend: QueueBackend,
    seal: ManagerSeal,
    onForgery: (delegate: string, reason: string) => void,
    { idleMs = IDLE_MS }: { idleMs?: number } = {},
  ) {
    this.#backend = backend;
    this.#seal = seal;
    this.#onForgery = onForgery;
    this.#idleMs = idleMs;
    this.#timer = setInterval(() => this.#closeIdle(), idleMs / 2).unref();
  }

  /**
   * Sends a task to one delegate and waits for what becomes of it.
   * @throws QUEUE_UNAVAILABLE: it was not sent. TASK_OUTCOME_UNKNOWN: it may have been.
   */
  async send<N extends TaskName>(
    to: Addressee,
    name: N,
    input: TaskInput<N>,
    { contract, expiresAt, purpose, standing }: SendOptions,
  ): Promise<Sent> {
    const task = randomUUID();
    const { deployment, identity } = this.#seal;
    const { group, delegate } = to;
    const issuedAt = Date.now();
    // It is the delegate’s clock that judges it.
    const refusedAt = expiresAt + clockSkewMaxMs;
    const claims = { deployment, group, delegate, task, name, contract, issuedAt, expiresAt: refusedAt };
    const trace = contract >= tracedSince ? traceparent() : undefined;
    const told = {
      ...input,
      ...(purpose === undefined ? {} : { purpose }),
      ...(trace === undefined ? {} : { traceparent: trace }),
    };
    const message = await sealMessage(encodeBytes(told), claims, {
      purpose: 'task',
      sealer: this.#sealerFor(to),
      author: identity,
    });
    const opened = this.#open(to);
    const { queue } = opened;
    opened.awaited += 1;
    // Before the task is sent, so that no answer comes too early to be noticed.
    const hint = this.#hint(task);
    try {
      const options = { jobId: task, removeOnComplete: KEEP, removeOnFail: KEEP };
      await send(group, () => queue.add('task', message, options));
      return await this.#await(to, queue, { task, awayAt: 0, first: hint }, { expiresAt, standing });
    } finally {
      this.#waiting.delete(task);
      void this.#leave(opened, task);
    }
  }

  /**
   * Leaves nothing of the queues of delegates that were cut off, each once none of its tasks is awaited here. In PostgreSQL they
   * are only closed. @throws what Redis throws: to be tried again
   */
  async remove(gone: readonly Addressee[]): Promise<void> {
    const idle = gone.filter(
      ({ delegate, identityKey }) =>
        this.#removed.get(delegate) !== identityKey && (this.#queues.get(delegate)?.awaited ?? 0) === 0,
    );
    if (idle.length === 0) return;
    const opened = idle.flatMap(({ delegate }) => this.#queues.get(delegate) ?? []);
    for (const { delegate } of idle) this.#queues.delete(delegate);
    await Promise.all(opened.map(close));
    if (this.#backend.kind === 'redis') await removeTaskQueues(this.#backend, idle);
    for (const { delegate, identityKey } of idle)
      if (!this.#queues.has(delegate)) this.#removed.set(delegate, identityKey);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#queues.values()].map(close));
  }

  /** The queue's own bounds are for a manager that died meanwhile. What this writes there counts as use of the queue. */
  async #leave(opened: Opened, task: string): Promise<void> {
    await inTime(opened.queue.remove(task, ALONE)).catch(() => undefined);
    opened.awaited -= 1;
    opened.idleSince = Date.now();
  }

  async #await(
    to: Addressee,
    queue: Queue,
    watch: Watch & { first: Promise<void> },
    { expiresAt, standing }: Pick<SendOptions, 'expiresAt' | 'standing'>,
  ): Promise<Sent> {
    const { task, first } = watch;
    for (let hint = first; ; ) {
      await Promise.race([hint, delay(SWEEP_MS)]);
      hint = this.#hint(task);
      const found = await this.#look(queue, watch);
      if (found === null) return { outcome: 'lost', reason: 'the queue has lost the task', isDead: false };
      if (found?.isFinished === true) return this.#read(to, watch, found);
      const isLate = Date.now() > expiresAt;
      const now = isLate ? 'gone' : await standing(found ?? { isBegun: false, begunBy: undefined });
      if (now !== 'serving' && (await this.#withdraw(queue, task))) return { outcome: 'untouched' };
      if (isLate) return { outcome: 'lost', reason: 'there was no answer in time', isDead: false };
      if (now === 'gone' || now === 'silent')
        return {
          outcome: 'lost',
          reason: now === 'gone' ? 'the delegate has left' : 'the delegate has fallen silent',
          isDead: now === 'silent' && !wasAway(watch),
        };
    }
  }

  /** Comes when it seems worth looking at the task. */
  #hint(task: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(task, resolve));
  }

  /** An answer counts when its delegate signed it for this task; nothing else says anything. */
  async #read(to: Addressee, watch: Watch, found: TaskLook): Promise<Sent> {
    if (found.failedReason !== undefined) {
      const isDead = STALLED.test(found.failedReason) && !wasAway(watch);
      return { outcome: 'lost', reason: found.failedReason, isDead };
    }
    if (found.isTooLong) return { ...this.#refuse(to, 'it is longer than an answer may be'), isFinal: true };
    const { deployment, opener } = this.#seal;
    const { delegate, group, identityKey } = to;
    try {
      const { payload } = await openMessage(found.answer, {
        purpose: 'answer',
        claims: AnswerClaims,
        authorKey: identityKey,
        check: (claims) =>
          claims.deployment === deployment &&
          claims.group === group &&
          claims.delegate === delegate &&
          claims.task === watch.task
            ? undefined
            : 'it answers something else',
        opener,
      });
      const answer = TaskAnswer.safeParse(payload);
      if (answer.success)
        return {
          outcome: 'answered',
          answer: answer.data,
          ...(wasAway(watch) ? { wasQueueAway: true } : {}),
        };
      return { outcome: 'lost', reason: 'the answer is not readable', isDead: false };
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error;
      return this.#refuse(to, error.message);
    }
  }

  #refuse({ delegate }: Addressee, reason: string): Extract<Sent, { outcome: 'lost' }> {
    this.#onForgery(delegate, reason);
    return { outcome: 'lost', reason: `the answer was refused: ${reason}`, isDead: false };
  }

  /** Null when the queue has lost the task, undefined while the queue is away for a moment. */
  async #look(queue: Queue, watch: Watch): Promise<TaskLook | null | undefined> {
    try {
      return await inTime(lookAt(this.#backend.kind, queue, watch.task));
    } catch {
      watch.awayAt = Date.now();
      return undefined;
    }
  }

  /** Takes the task back if the delegate has not begun it; whether it was still there to take. */
  async #withdraw(queue: Queue, task: string): Promise<boolean> {
    try {
      const found = await inTime(lookAt(this.#backend.kind, queue, task));
      if (found === null || found.isBegun) return false;
      if ((await inTime(queue.getJobState(task))) !== 'waiting') return false;
      return (await inTime(queue.remove(task, ALONE))) === 1;
    } catch {
      return false;
    }
  }

  #sealerFor({ group, sealingKey }: Addressee): Sealer {
    // A group and a delegate may name any key as their own, another group’s too.
    const key = `${group} ${sealingKey}`;
    const known = this.#sealers.get(key);
    if (known !== undefined) return known;
    const sealer = new Sealer(sealingKey, taskInfo(this.#seal.deployment, group));
    this.#sealers.set(key, sealer);
    return sealer;
  }

  #closeIdle(): void {
    for (const [delegate, opened] of this.#queues) {
      if (opened.awaited > 0 || Date.now() - opened.idleSince < this.#idleMs) continue;
      this.#queues.delete(delegate);
      void close(opened);
    }
  }

  #open({ delegate, group }: Addressee): Opened {
    const known = this.#queues.get(delegate);
    if (known !== undefined) {
      known.idleSince = Date.now();
      return known;
    }
    const prefix = groupPrefix(group);
    const queue = new Queue(taskQueueName(delegate), { ...this.#backend.producer, prefix });
    // Connections come back by themselves; what fails meanwhile is reported by the call that needed it.
    queue.on('error', () => undefined);
    const opened: Opened = {
      queue,
      events: this.#listen(delegate, prefix),
      awaited: 0,
      idleSince: Date.now(),
    };
    this.#queues.set(delegate, opened);
    this.#removed.delete(delegate);
    return opened;
  }

  /** From now on: an event that was too long is not read again. */
  #listen(delegate: string, prefix: string): QueueEvents {
    const { kind, events: usual } = this.#backend;
    const onTooLong = (): void => {
      const opened = this.#queues.get(delegate);
      if (opened?.events !== events) return;
      this.#onForgery(delegate, 'an event of its queue is longer than one may be');
      opened.events = this.#listen(delegate, prefix);
      inTime(events.close(), CLOSE_MS_MAX).catch(() => undefined);
    };
    const bounded = kind === 'redis' ? { Connector: boundedConnector(REPLY_BYTES_MAX, onTooLong) } : {};
    const connection = { ...usual.connection, ...bounded };
    const events = new QueueEvents(taskQueueName(delegate), { ...usual, connection, prefix });
    const hint = ({ jobId }: { jobId: string }): void => this.#waiting.get(jobId)?.();
    events.on('completed', hint).on('failed', hint);
    events.on('error', () => undefined);
    return events;
  }
}

/** Of a worker that lost its jobs too often, in the library's words. */
const STALLED = /stalled/;

/** So lately that a living delegate may still count as silent, or as having lost its tasks. */
const wasAway = ({ awayAt }: Watch): boolean => Date.now() - awayAt < AWAY_MS;

async function close({ queue, events }: Opened): Promise<void> {
  await Promise.allSettled([inTime(events.close(), CLOSE_MS_MAX), inTime(queue.close(), CLOSE_MS_MAX)]);
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
