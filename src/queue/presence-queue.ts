// How a delegate's hello, heartbeats and goodbye reach the manager: one queue per group, of sealed messages.

import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import type { SealedMessage } from '../sealing/sealed-message.js';
import { groupPrefix, presenceQueueName, type QueueBackend } from './backend.js';
import { boundedConnector } from './bounded-replies.js';
import { tidyPresence } from './presence-tidying.js';

const SWEEP_MS = 100;
const RETRY_MS = 1_000;
const ROUND_MS = 2_000;
const ROUNDS = 4;
/** Far more than a delegate says of itself, and what the queue tells with it. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const TOO_LONG = 'it is longer than a sign of life may be';

/** The delegate's end. */
export class PresenceSender {
  readonly #queue: Queue;

  constructor(backend: QueueBackend, group: string, onFault: (error: unknown) => void) {
    this.#queue = new Queue(presenceQueueName(group), { ...backend.producer, prefix: groupPrefix(group) });
    this.#queue.on('error', onFault);
  }

  /** Says hello and waits for the manager's answer, however long the manager takes to appear. */
  async hello(
    delegate: string,
    makeMessage: () => Promise<SealedMessage>,
    signal: AbortSignal,
  ): Promise<unknown> {
    while (!signal.aborted) {
      try {
        await this.#queue.waitUntilReady();
        const answer = await this.#ask(`hello-${delegate}-${Date.now()}`, await makeMessage(), signal);
        if (answer !== undefined && answer !== null) return answer;
      } catch {
        // The queue is away: the next round asks again.
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
    throw signal.reason;
  }

  /** A few of a delegate stand in the queue at most, unread; one that a dead manager took keeps back no later one. */
  async say(said: string, delegate: string, message: SealedMessage): Promise<void> {
    await this.#queue.add('presence', message, {
      jobId: `${said}-${delegate}-${Math.floor(Date.now() / ROUND_MS) % ROUNDS}`,
      removeOnComplete: true,
      removeOnFail: true,
    });
  }

  /** Answers when the queue does; rejects otherwise. */
  async ping(): Promise<void> {
    await this.#queue.getJob('ping');
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  async #ask(id: string, message: SealedMessage, signal: AbortSignal): Promise<unknown> {
    await this.#queue.add('presence', message, {
      jobId: id,
      removeOnComplete: { age: 60 },
      removeOnFail: true,
    });
    for (let job = await this.#queue.getJob(id); job !== undefined; job = await this.#queue.getJob(id)) {
      if (job.finishedOn !== undefined) return job.returnvalue;
      await delay(SWEEP_MS, undefined, { signal });
    }
    return undefined;
  }
}

/** What a receiver tells of, besides messages. */
export interface PresenceEvents {
  onFault: (error: unknown) => void;
  /** Messages that were not read. */
  onRefusal: (reason: string) => void;
}

/** The manager's end, of one group. */
export class PresenceReceiver {
  readonly #worker: Worker;
  readonly #kind: QueueBackend['kind'];
  readonly #onRefusal: PresenceEvents['onRefusal'];
  #isTrimming = false;

  /** `receive` answers a hello; what it throws is kept from the sender. */
  constructor(
    { kind, worker }: QueueBackend,
    group: string,
    receive: (data: unknown) => Promise<SealedMessage | null>,
    { onFault, onRefusal }: PresenceEvents,
  ) {
    const bounded =
      kind === 'redis' ? { Connector: boundedConnector(MESSAGE_BYTES_MAX, () => onRefusal(TOO_LONG)) } : {};
    this.#kind = kind;
    this.#onRefusal = onRefusal;
    this.#worker = new Worker(presenceQueueName(group), (job) => receive(job.data), {
      ...worker,
      connection: { ...worker.connection, ...bounded },
      prefix: groupPrefix(group),
      concurrency: 16,
    });
    this.#worker.on('error', onFault);
  }

  /** Takes away what stands unread beyond all reason and what keeps others from being heard, soon: waits for a queue that is away. */
  trim(): void {
    if (this.#kind === 'postgres' || this.#isTrimming) return;
    this.#isTrimming = true;
    void this.#trim()
      .catch(() => undefined)
      .finally(() => {
        this.#isTrimming = false;
      });
  }

  async close(): Promise<void> {
    await this.#worker.close();
  }

  async #trim(): Promise<void> {
    const { tooMany, tooLong } = await tidyPresence(this.#worker);
    if (tooMany > 0) this.#onRefusal('too many stood unread');
    if (tooLong > 0) this.#onRefusal(TOO_LONG);
  }
}
