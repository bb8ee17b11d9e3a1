// The leases of lanes that this manager holds at the moment, and who of it is at a lane: one at a time.
import type { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { LanesRepository, Lease } from './lanes.repository.js';

interface Held {
  lease: Lease;
  keepalive: NodeJS.Timeout;
}

export class LaneLeases {
  readonly #held = new Map<string, Held>();
  /** The end of what is last in the row before each lane. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param keepaliveMs how often a lease is extended while it is held */
  constructor(
    private readonly lanes: LanesRepository,
    private readonly log: Log,
    private readonly keepaliveMs: number,
  ) {}

  /** Does `work` when nobody else of this manager is at the lane. */
  async alone<T>(lane: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(lane) ?? Promise.resolve()).then(work);
    const over = done.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(lane, over);
    try {
      return await done;
    } finally {
      if (this.#last.get(lane) === over) this.#last.delete(lane);
    }
  }

  /** The lease, which is then kept until it is given back; undefined when another manager has it. */
  async take(lane: string): Promise<Lease | undefined> {
    const known = this.#held.get(lane);
    if (known !== undefined) return known.lease;
    const lease = await step('lane.acquire', () => this.lanes.acquire(lane));
    if (lease === undefined) return undefined;
    this.#held.set(lane, { lease, keepalive: setInterval(() => this.#extend(lease), this.keepaliveMs) });
    return lease;
  }

  /** Gives the lease back, if it is held. With a pause, the sweep leaves the lane alone for so long. */
  async giveBack(lane: string, pauseMs: number): Promise<void> {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    clearInterval(held.keepalive);
    this.#held.delete(lane);
    await step('lane.release', () => this.lanes.release(held.lease, pauseMs));
  }

  #extend(lease: Lease): void {
    this.lanes
      .extend(lease)
      .catch((error: unknown) => this.log.warn({ err: error, lane: lease.lane }, 'lease not extended'));
  }
}
