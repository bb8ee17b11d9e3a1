// The manager's end of the task queues: one per delegate group. Events of the queue are only hints that an answer may be
// there; the truth is read from the job, after each hint and by a sweep.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Job, Queue, QueueEvents } from 'bullmq';
import {
  encodeBytes,
  TaskAnswer,
  type TaskInput,
  type TaskMessage,
  type TaskName,
  type TaskOutput,
  tasks,
} from '../contract/tasks.js';
import { contractVersion } from '../contract/version.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';

const SWEEP_MS = 250;
/** How long the queue may take to accept a task. */
const SEND_MS_MAX = 10_000;
/** Answers are kept this long for a manager that looks late. */
const KEEP = { age: 600, count: 200 };
/** How long one look at the queue may take: a connection that has fallen silent must not stop the clock of a task. */
const LOOK_MS_MAX = 5_000;

export interface TaskOptions {
  /** How long the answer may take, waiting for a free delegate included. Milliseconds. */
  timeoutMs: number;
  /** Whether a delegate of the group is alive: a task that nobody would take is withdrawn. */
  isServed: () => Promise<boolean>;
}

export class TaskQueue {
  readonly #backend: QueueBackend;
  readonly #groups = new Map<string, { queue: Queue; events: QueueEvents }>();
  readonly #waiting = new Map<string, () => void>();

  constructor(backend: QueueBackend) {
    this.#backend = backend;
  }

  /**
   * Sends a task to a group and waits for its answer.
   * @throws the delegate's own Failure. DELEGATE_UNAVAILABLE, QUEUE_UNAVAILABLE: it was not begun and never will be.
   * DELEGATE_SILENT, TASK_OUTCOME_UNKNOWN: it may have been done, or may still be.
   */
  async run<N extends TaskName>(
    group: string,
    name: N,
    input: TaskInput<N>,
    options: TaskOptions,
  ): Promise<TaskOutput<N>> {
    if (!(await options.isServed())) throw new Failure('DELEGATE_UNAVAILABLE', { group });
    const expiresAt = Date.now() + options.timeoutMs;
    const message: TaskMessage = { contract: contractVersion, expiresAt, input: encodeBytes(input) };
    const { queue } = this.#open(group);
    const id = randomUUID();
    await send(group, () =>
      queue.add(name, message, { jobId: id, removeOnComplete: KEEP, removeOnFail: KEEP }),
    );
    try {
      const answer = await this.#await(group, queue, id, { ...options, expiresAt });
      if (!answer.ok) throw Failure.fromWire(answer.failure as WireFailure);
      return tasks[name].output.parse(answer.output) as TaskOutput<N>;
    } finally {
      this.#waiting.delete(id);
      // What was asked and answered holds whole documents; the queue's own bounds are for a manager that died meanwhile.
      void queue.remove(id).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#groups.values()].flatMap(({ queue, events }) => [events.close(), queue.close()]),
    );
  }

  async #await(
    group: string,
    queue: Queue,
    id: string,
    { timeoutMs, expiresAt, isServed }: TaskOptions & { expiresAt: number },
  ): Promise<TaskAnswer> {
    for (;;) {
      const hint = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
      const answer = await look(group, queue, id);
      if (answer !== undefined) return answer;
      const isLate = Date.now() > expiresAt;
      if ((isLate || !(await isServed())) && (await withdraw(queue, id)))
        throw new Failure('DELEGATE_UNAVAILABLE', { group });
      if (isLate) throw new Failure('DELEGATE_SILENT', { group, seconds: Math.round(timeoutMs / 1000) });
      await Promise.race([hint, delay(SWEEP_MS)]);
    }
  }

  #open(group: string): { queue: Queue; events: QueueEvents } {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const prefix = groupPrefix(group);
    const queue = new Queue(taskQueueName(group), { ...this.#backend.producer, prefix });
    const events = new QueueEvents(taskQueueName(group), { ...this.#backend.events, prefix });
    const hint = ({ jobId }: { jobId: string }): void => this.#waiting.get(jobId)?.();
    events.on('completed', hint).on('failed', hint);
    // Connections come back by themselves; what fails meanwhile is reported by the call that needed it.
    queue.on('error', () => undefined);
    events.on('error', () => undefined);
    const opened = { queue, events };
    this.#groups.set(group, opened);
    return opened;
  }
}

/** What a socket says when nothing was sent: any other fault leaves open whether the queue has the task. */
const UNSENT = /isn't writeable|ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

async function send(group: string, add: () => Promise<unknown>): Promise<void> {
  const late = delay(SEND_MS_MAX, new Error(`no answer within ${SEND_MS_MAX / 1000} s`), { ref: false });
  const fault = await Promise.race([add().then(() => undefined, toError), late]);
  if (fault === undefined) return;
  const reason = fault.message;
  if (UNSENT.test(`${(fault as NodeJS.ErrnoException).code ?? ''} ${reason}`))
    throw new Failure('QUEUE_UNAVAILABLE', { reason }, { cause: fault });
  throw new Failure('TASK_OUTCOME_UNKNOWN', { group, reason: `the queue: ${reason}` }, { cause: fault });
}

/** @throws Error when there is no answer in time. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(LOOK_MS_MAX, undefined, { ref: false, signal: stop.signal }).then(() => {
    throw new Error(`no answer within ${LOOK_MS_MAX / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** The answer, if the job has come to an end; undefined while it has not, and while the queue is away for a moment. */
async function look(group: string, queue: Queue, id: string): Promise<TaskAnswer | undefined> {
  let job: Job | undefined;
  try {
    job = await inTime(queue.getJob(id));
  } catch {
    return undefined;
  }
  if (job === undefined) return inDoubt(group, 'the queue has lost the task');
  if (job.finishedOn === undefined) return undefined;
  // A delegate answers its failures; a job fails only when delegate after delegate died over it.
  if (job.failedReason) return inDoubt(group, job.failedReason);
  const answer = TaskAnswer.safeParse(job.returnvalue);
  return answer.success ? answer.data : inDoubt(group, 'the answer is not readable');
}

const inDoubt = (group: string, reason: string): TaskAnswer => ({
  ok: false,
  failure: new Failure('TASK_OUTCOME_UNKNOWN', { group, reason }).toWire(),
});

/** Takes the task back if no delegate has begun it; whether it was still there to take. */
async function withdraw(queue: Queue, id: string): Promise<boolean> {
  try {
    const job = await inTime(queue.getJob(id));
    if (job === undefined || job.processedOn !== undefined) return false;
    if ((await inTime(job.getState())) !== 'waiting') return false;
    await inTime(job.remove());
    return true;
  } catch {
    return false;
  }
}
