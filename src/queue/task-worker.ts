// The delegate's end of its group's task queue.
import { type Job, Worker } from 'bullmq';
import {
  encodeBytes,
  TaskAnswer,
  type TaskInput,
  TaskMessage,
  type TaskName,
  tasks,
} from '../contract/tasks.js';
import { contractVersion } from '../contract/version.js';
import { Failure } from '../kernel/failure.js';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';

/** One handler for every task: a missing one does not compile. Handlers answer plain values or fail with a Failure. */
export type TaskHandlers = { [N in TaskName]: (input: TaskInput<N>) => Promise<unknown> };

export interface TaskWorkerOptions {
  group: string;
  /** Name of the delegate, carried by the failures it reports. */
  delegate: string;
  tasksMax: number;
  handlers: TaskHandlers;
  /** Told of every task that failed, and of faults of the connection. */
  onFault: (error: unknown, task?: string) => void;
}

/** Takes tasks until `close`, which lets the running ones finish. */
export class TaskWorker {
  readonly #worker: Worker;
  readonly #options: TaskWorkerOptions;

  constructor(backend: QueueBackend, options: TaskWorkerOptions) {
    this.#options = options;
    this.#worker = new Worker(taskQueueName(options.group), (job) => this.#perform(job), {
      ...backend.worker,
      prefix: groupPrefix(options.group),
      concurrency: options.tasksMax,
    });
    this.#worker.on('error', (error) => options.onFault(error));
  }

  async close(): Promise<void> {
    await this.#worker.close();
  }

  /** A task that fails is answered, not thrown: the failure reaches the manager as it was met. */
  async #perform(job: Job): Promise<TaskAnswer> {
    try {
      const output = await this.#dispatch(job);
      return { ok: true, output: encodeBytes(output) };
    } catch (error) {
      this.#options.onFault(error, job.name);
      const failure = this.#describe(job, error);
      failure.delegate ??= this.#options.delegate;
      return { ok: false, failure: failure.toWire() };
    }
  }

  /** Where an earlier delegate died over the task, it may have done it: then no failure says that it was not done. */
  #describe(job: Job, error: unknown): Failure {
    const { delegate, group } = this.#options;
    const failure = Failure.from(error, `delegate ${delegate}, task ${job.id}`);
    if (job.attemptsStarted <= 1) return failure;
    const reason = `an earlier delegate took it and did not answer; this one met: ${failure.message}`;
    return new Failure('TASK_OUTCOME_UNKNOWN', { group, reason }, { cause: failure }) as Failure;
  }

  async #dispatch(job: Job): Promise<unknown> {
    const message = TaskMessage.safeParse(job.data);
    if (!message.success) throw new Failure('TASK_REFUSED', { reason: 'it is not a task' });
    if (message.data.contract !== contractVersion)
      throw new Failure('CONTRACT_VERSION_MISMATCH', {
        manager: message.data.contract,
        delegate: contractVersion,
      });
    const lateMs = Date.now() - message.data.expiresAt;
    if (lateMs > 0) throw new Failure('TASK_EXPIRED', { seconds: Math.ceil(lateMs / 1000) });
    if (!Object.hasOwn(tasks, job.name))
      throw new Failure('TASK_REFUSED', { reason: `task ${job.name} is unknown` });
    const name = job.name as TaskName;
    const input = tasks[name].input.safeParse(message.data.input);
    if (!input.success) throw new Failure('TASK_REFUSED', { reason: `the input of ${name} is not valid` });
    return (this.#options.handlers[name] as (input: unknown) => Promise<unknown>)(input.data);
  }
}
