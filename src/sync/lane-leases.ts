// The leases of lanes that this manager holds at the moment. Who takes or gives one back is alone at the lane.
import type { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { LanesRepository, Lease, Rest } from './lanes.repository.js';

interface Held {
  lease: Lease;
  keepalive: NodeJS.Timeout;
}

export class LaneLeases {
  readonly #held = new Map<string, Held>();

  /** @param keepaliveMs how often a lease is extended while it is held */
  constructor(
    private readonly lanes: LanesRepository,
    private readonly log: Log,
    private readonly keepaliveMs: number,
  ) {}

  /** The lease, which is then kept until it is given back; undefined when another manager has it. */
  async take(lane: string): Promise<Lease | undefined> {
    const known = this.#held.get(lane);
    if (known !== undefined) return known.lease;
    const lease = await step('lane.acquire', () => this.lanes.acquire(lane));
    if (lease === undefined) return undefined;
    this.#held.set(lane, { lease, keepalive: setInterval(() => this.#extend(lease), this.keepaliveMs) });
    return lease;
  }

  /** Gives the lease back, if it is held. */
  async giveBack(lane: string, rest?: Rest): Promise<void> {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    clearInterval(held.keepalive);
    this.#held.delete(lane);
    await step('lane.release', () => this.lanes.release(held.lease, rest));
  }

  #extend(lease: Lease): void {
    this.lanes
      .extend(lease)
      .catch((error: unknown) => this.log.warn({ err: error, lane: lease.lane }, 'lease not extended'));
  }
}
