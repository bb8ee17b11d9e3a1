// The lane's corridor: take the lease, work round by round, give it back.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository } from '../entities/entities.repository.js';
import { FairTurns } from '../kernel/fair-turns.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { type Desk, LaneWriter } from './lane-writer.js';
import { type DueLane, LanesRepository, type Lease, LeaseLost } from './lanes.repository.js';
import { OperationsRepository } from './operations.repository.js';
import { Settlement } from './settlement.js';

/** How long a lane rests after a fault that is not Git's. */
const FAULT_PAUSE_MS = 1_000;
/** Lanes of this manager that have a turn or wait for one. */
const LANES_KNOWN_MAX = 4_096;

@Injectable()
export class LaneFlow {
  readonly #desk: Desk;
  /** Lanes this manager is at. */
  readonly #running = new Map<string, Promise<void>>();
  /** Lanes somebody asked for since they were last begun. */
  readonly #wanted = new Set<string>();
  /** A turn is a round: an account with many lanes, or much in one, waits for the others after each. */
  readonly #turns: FairTurns;
  #draining = false;

  constructor(
    private readonly config: Config,
    private readonly lanes: LanesRepository,
    private readonly log: Log,
    operations: OperationsRepository,
    entities: EntitiesRepository,
    connectors: ConnectorsRepository,
    connectivity: Connectivity,
    settlement: Settlement,
  ) {
    this.#turns = new FairTurns(config.SALLYPORT_LANES_MAX);
    this.#desk = { config, lanes, operations, entities, connectors, connectivity, settlement, log };
  }

  /** Begins to write what waits in the lane, where there is room; what is not begun the sweep asks for again. */
  begin(due: DueLane): void {
    if (!this.#running.has(due.lane) && this.#running.size >= LANES_KNOWN_MAX) return;
    this.run(due).catch((error: unknown) => this.log.warn({ err: error, lane: due.lane }, 'lane not run'));
  }

  /** Writes what waits in the lane, unless another writer is at it. Doing it once too often is harmless. */
  async run({ lane, account }: DueLane): Promise<void> {
    if (this.#draining) return;
    this.#wanted.add(lane);
    const run =
      this.#running.get(lane) ?? this.#work(lane, account).finally(() => this.#running.delete(lane));
    this.#running.set(lane, run);
    await run;
  }

  /** Begins no further round and lets the running ones finish. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.allSettled(this.#running.values());
  }

  /** Leases follow one another as long as something is accepted between a writer's last look and its release. */
  async #work(lane: string, account: string): Promise<void> {
    do {
      this.#wanted.delete(lane);
      const lease = await step('lane.acquire', () => this.lanes.acquire(lane));
      if (lease === undefined) return;
      await this.#write(lease, account);
    } while (!this.#draining && (this.#wanted.has(lane) || (await this.lanes.due(lane)).length > 0));
  }

  async #write(lease: Lease, account: string): Promise<void> {
    const writer = new LaneWriter(this.#desk, lease);
    const keepalive = setInterval(
      () => this.#extend(lease),
      (this.config.SALLYPORT_LEASE_SECONDS * 1000) / 3,
    );
    try {
      while (await this.#turns.take(account, async () => !this.#draining && (await writer.round())));
    } catch (error) {
      if (error instanceof LeaseLost) return;
      this.log.error({ err: error, lane: lease.lane }, 'lane stopped');
      writer.pauseMs = FAULT_PAUSE_MS;
    } finally {
      clearInterval(keepalive);
      await step('lane.release', () => this.lanes.release(lease, writer.pauseMs));
    }
  }

  #extend(lease: Lease): void {
    this.lanes
      .extend(lease)
      .catch((error: unknown) => this.log.warn({ err: error, lane: lease.lane }, 'lease not extended'));
  }
}
