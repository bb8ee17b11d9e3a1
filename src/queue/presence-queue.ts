// How a delegate's hello, heartbeats and goodbye reach the manager.

import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Presence, Welcome } from '../contract/presence.js';
import { managerPrefix, type QueueBackend } from './backend.js';

const NAME = 'presence';
const SWEEP_MS = 100;

/** The delegate's end. */
export class PresenceSender {
  readonly #queue: Queue;

  constructor(backend: QueueBackend, onFault: (error: unknown) => void) {
    this.#queue = new Queue(NAME, { ...backend.producer, prefix: managerPrefix });
    this.#queue.on('error', onFault);
  }

  /** Says hello and waits for the manager's answer, however long the manager takes to appear. */
  async hello(presence: Presence, signal: AbortSignal): Promise<Welcome> {
    const id = `hello-${presence.delegate}`;
    while (!signal.aborted) {
      try {
        await this.#queue.waitUntilReady();
        await this.#queue.add('hello', presence, {
          jobId: id,
          removeOnComplete: { age: 60 },
          removeOnFail: true,
        });
        for (let job = await this.#queue.getJob(id); job !== undefined; job = await this.#queue.getJob(id)) {
          if (job.finishedOn !== undefined) return Welcome.parse(job.returnvalue);
          await delay(SWEEP_MS, undefined, { signal });
        }
      } catch (error) {
        if (signal.aborted) break;
        await delay(1_000, undefined, { signal }).catch(() => error);
      }
    }
    throw signal.reason;
  }

  /** At most one unread heartbeat of a delegate stands in the queue, so that a late manager reads no history. */
  async say(presence: Presence): Promise<void> {
    const id = `${presence.said}-${presence.delegate}`;
    await this.#queue.add(presence.said, presence, { jobId: id, removeOnComplete: true, removeOnFail: true });
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}

/** The manager's end. */
export class PresenceReceiver {
  readonly #worker: Worker;

  constructor(
    backend: QueueBackend,
    receive: (presence: Presence) => Promise<Welcome>,
    onFault: (error: unknown) => void,
  ) {
    const perform = async (job: { data: unknown }): Promise<Welcome | null> => {
      const presence = Presence.safeParse(job.data);
      return presence.success ? receive(presence.data) : null;
    };
    this.#worker = new Worker(NAME, perform, { ...backend.worker, prefix: managerPrefix, concurrency: 4 });
    this.#worker.on('error', onFault);
  }

  async close(): Promise<void> {
    await this.#worker.close();
  }
}
