// The lane's corridor: take the lease, work round by round, give it back.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository } from '../entities/entities.repository.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { JobQueue } from '../queue/job-queue.js';
import { type Desk, LaneWriter } from './lane-writer.js';
import { LanesRepository, type Lease, LeaseLost } from './lanes.repository.js';
import { OperationsRepository } from './operations.repository.js';
import { Settlement } from './settlement.js';

@Injectable()
export class LaneFlow {
  readonly #desk: Desk;
  #draining = false;

  constructor(
    private readonly config: Config,
    private readonly lanes: LanesRepository,
    private readonly jobs: JobQueue,
    private readonly log: Log,
    operations: OperationsRepository,
    entities: EntitiesRepository,
    connectors: ConnectorsRepository,
    connectivity: Connectivity,
    settlement: Settlement,
  ) {
    this.#desk = { config, lanes, operations, entities, connectors, connectivity, settlement, log };
  }

  /** Writes what waits in the lane, unless another writer is at it. Doing it once too often is harmless. */
  async run(lane: string): Promise<void> {
    const lease = await step('lane.acquire', () => this.lanes.acquire(lane));
    if (lease === undefined) return;
    const writer = new LaneWriter(this.#desk, lease);
    const keepalive = setInterval(
      () => this.#extend(lease),
      (this.config.SALLYPORT_LEASE_SECONDS * 1000) / 3,
    );
    try {
      while (!this.#draining && (await writer.round()));
    } catch (error) {
      if (error instanceof LeaseLost) return;
      this.log.error({ err: error, lane }, 'lane stopped');
      writer.pauseMs = 1_000;
    } finally {
      clearInterval(keepalive);
      await step('lane.release', () => this.lanes.release(lease, writer.pauseMs));
    }
    // What was accepted between the last look and the release found the lane taken.
    if (!this.#draining && (await this.lanes.due(lane)).length > 0) this.jobs.add('lane.run', { lane });
  }

  /** Lets running rounds finish and begins no further one. */
  drain(): void {
    this.#draining = true;
  }

  #extend(lease: Lease): void {
    this.lanes
      .extend(lease)
      .catch((error: unknown) => this.log.warn({ err: error, lane: lease.lane }, 'lease not extended'));
  }
}
