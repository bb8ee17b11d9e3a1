// The manager's own jobs, wired by Nest. A job is a hint; the sweep in src/sync finds what no job told of.
import { InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { type Job, Queue } from 'bullmq';
import { type JobData, type JobHandlers, type JobName, jobs } from '../contract/jobs.js';
import { secondsSince, tell } from '../kernel/facts.js';

export const JOBS = 'jobs';

export const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** Puts jobs on the queue without making anybody wait for it: a job is a hint, and the sweep repeats it. */
@Injectable()
export class JobQueue {
  /** Jobs on their way to a queue that may be away; each is sent once. */
  readonly #sending = new Set<string>();

  constructor(@InjectQueue(JOBS) private readonly queue: Queue) {
    this.queue.on('error', () => undefined);
  }

  add<N extends JobName>(name: N, data: JobData<N>): void {
    const key = JSON.stringify([name, data]);
    if (this.#sending.has(key)) return;
    this.#sending.add(key);
    this.queue
      .add(name, data, { removeOnComplete: true, removeOnFail: true })
      .catch(() => undefined)
      .finally(() => this.#sending.delete(key));
  }

  /** Answers when the queue does; rejects otherwise. */
  async ping(): Promise<void> {
    await this.queue.getJobCounts('waiting');
  }

  /** How many jobs there are in each state, and since when the oldest of them waits. Milliseconds since 1970; null for none. */
  async depth(): Promise<{ jobs: Record<JobState, number>; oldestAt: number | null }> {
    const jobs = (await this.queue.getJobCounts(...jobStates)) as Record<JobState, number>;
    const [oldest] = await this.queue.getJobs(['waiting'], 0, 0, true);
    return { jobs, oldestAt: oldest?.timestamp ?? null };
  }
}

/** Works on the manager's jobs, from `start` to the shutdown of the application. */
@Processor(JOBS, { autorun: false })
export class JobWorker extends WorkerHost {
  #handlers: JobHandlers | undefined;

  start(handlers: JobHandlers, concurrency: number): void {
    this.#handlers = handlers;
    this.worker.concurrency = concurrency;
    this.worker.on('error', () => undefined);
    void this.worker.run();
  }

  /** Takes no further job and waits for the running ones. */
  async stop(): Promise<void> {
    await this.worker.close();
  }

  override async process(job: Job): Promise<void> {
    const name = job.name as JobName;
    if (!Object.hasOwn(jobs, name)) return; // Of a newer manager, which will sweep for it.
    const began = performance.now();
    let outcome: 'done' | 'failed' = 'failed';
    try {
      await this.#handlers?.[name](jobs[name].parse(job.data));
      outcome = 'done';
    } finally {
      const waitSeconds = Math.max(0, Date.now() - job.timestamp) / 1_000 - secondsSince(began);
      tell('queue.job', { job: name, outcome, waitSeconds, seconds: secondsSince(began) });
    }
  }
}
