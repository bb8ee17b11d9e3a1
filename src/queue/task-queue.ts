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
/** Answers are kept this long for a manager that looks late. */
const KEEP = { age: 600, count: 2_000 };

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
   * @throws the delegate's own Failure; DELEGATE_UNAVAILABLE when nobody is there to take it (it was not begun);
   * DELEGATE_SILENT when no answer came in time (it may have been done); QUEUE_UNAVAILABLE.
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
    const job = await queue
      .add(name, message, { jobId: randomUUID(), removeOnComplete: KEEP, removeOnFail: KEEP })
      .catch((error: unknown) => {
        throw new Failure('QUEUE_UNAVAILABLE', { reason: (error as Error).message }, { cause: error });
      });
    const answer = await this.#await(group, queue, job, { ...options, expiresAt });
    if (!answer.ok) throw Failure.fromWire(answer.failure as WireFailure);
    return tasks[name].output.parse(answer.output) as TaskOutput<N>;
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#groups.values()].flatMap(({ queue, events }) => [events.close(), queue.close()]),
    );
  }

  async #await(
    group: string,
    queue: Queue,
    job: Job,
    options: TaskOptions & { expiresAt: number },
  ): Promise<TaskAnswer> {
    const id = job.id as string;
    for (;;) {
      const hint = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
      const answer = await this.#look(queue, id);
      if (answer !== undefined) {
        this.#waiting.delete(id);
        return answer;
      }
      const late = Date.now() > options.expiresAt;
      if ((late || !(await options.isServed())) && (await withdraw(queue, id)))
        throw new Failure('DELEGATE_UNAVAILABLE', { group });
      if (late)
        throw new Failure('DELEGATE_SILENT', { group, seconds: Math.round(options.timeoutMs / 1000) });
      await Promise.race([hint, delay(SWEEP_MS)]);
    }
  }

  /** The answer, if the job has come to an end. */
  async #look(queue: Queue, id: string): Promise<TaskAnswer | undefined> {
    try {
      const job = await queue.getJob(id);
      if (job?.finishedOn === undefined) return undefined;
      if (job.failedReason) return refusal(job.failedReason);
      return TaskAnswer.parse(job.returnvalue);
    } catch (error) {
      if (error instanceof Error && error.name === 'ZodError') return refusal('the answer is not readable');
      return undefined; // The queue is away for a moment; the deadline bounds how long we look.
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

const refusal = (reason: string): TaskAnswer => ({
  ok: false,
  failure: new Failure('TASK_REFUSED', { reason }).toWire(),
});

/** Takes the task back if no delegate has begun it; whether it was still there to take. */
async function withdraw(queue: Queue, id: string): Promise<boolean> {
  try {
    const job = await queue.getJob(id);
    if (job === undefined || job.processedOn !== undefined || (await job.getState()) !== 'waiting')
      return false;
    await job.remove();
    return true;
  } catch {
    return false;
  }
}
