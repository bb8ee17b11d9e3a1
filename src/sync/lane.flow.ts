// The lane's corridor: wait for a turn at the lane, take the lease, write one batch, and give the lease back where others wait.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository } from '../entities/entities.repository.js';
import { type Facts, secondsSince, tell } from '../kernel/facts.js';
import { FairRoom, FairTurns } from '../kernel/fair-turns.js';
import { Log } from '../kernel/log.js';
import { HostPauses } from './host-pauses.js';
import { LaneLeases } from './lane-leases.js';
import { type Desk, LaneWriter } from './lane-writer.js';
import {
  type DueLane,
  type Lane,
  LanesRepository,
  type Lease,
  LeaseLost,
  type Rest,
} from './lanes.repository.js';
import { OperationsRepository } from './operations.repository.js';
import { RemovalGuard } from './removal-guard.js';
import { Settlement } from './settlement.js';

/** After a fault that is not Git's. */
const faultRest: Rest = { ms: 1_000, account: null };
/** What accounts wait for in lanes, at most so many of all of them, and this manager has in hand. */
const KNOWN_MAX = 4_096;

/** What an account waits for in a lane. */
const keyOf = ({ lane, account }: DueLane): string => `${lane} ${account}`;

@Injectable()
export class LaneFlow {
  readonly #desk: Desk;
  readonly #leases: LaneLeases;
  /** What this manager is at: an account's operations in a lane. */
  readonly #running = new Map<string, Promise<void>>();
  /** What somebody asked for since it was last begun. */
  readonly #wanted = new Set<string>();
  readonly #room = new FairRoom(KNOWN_MAX);
  /**
   * A turn is a round, and a round is for one account: one with many lanes, or much in one, waits for the others after each,
   * also for those who wait in the same lane.
   */
  readonly #turns: FairTurns;
  #draining = false;

  constructor(
    config: Config,
    private readonly lanes: LanesRepository,
    private readonly log: Log,
    operations: OperationsRepository,
    entities: EntitiesRepository,
    connectors: ConnectorsRepository,
    connectivity: Connectivity,
    settlement: Settlement,
    pauses: HostPauses,
    guard: RemovalGuard,
  ) {
    this.#turns = new FairTurns(config.SALLYPORT_LANES_MAX);
    this.#leases = new LaneLeases(lanes, log, (config.SALLYPORT_LEASE_SECONDS * 1_000) / 3);
    const rooms = { lanes, operations, entities, connectors, connectivity, settlement };
    this.#desk = { ...rooms, config, pauses, guard, log };
  }

  /**
   * Begins to write what waits, where there is room; what is not begun the sweep asks for again. Doing it once too often is
   * harmless.
   */
  begin(due: DueLane): void {
    if (this.#draining) return;
    const key = keyOf(due);
    this.#wanted.add(key);
    if (this.#running.has(key)) return;
    if (!this.#room.enter(due.account)) return void this.#wanted.delete(key);
    const run = this.#work(due)
      .catch((error: unknown) => this.log.warn({ err: error, lane: due.lane }, 'lane not run'))
      .finally(() => {
        this.#running.delete(key);
        this.#wanted.delete(key);
        this.#room.leave(due.account);
      });
    this.#running.set(key, run);
  }

  /**
   * A turn at the lane under its lease, for what is no save. Undefined where it cannot be had now, or not to the end: another
   * manager has it, or a plan is stored, of which it is open whether it has landed.
   */
  async exclusively<T>(
    lane: string,
    account: string,
    work: (lease: Lease, lane: Lane) => Promise<T>,
  ): Promise<T | undefined> {
    const done = await this.#turns.take(account, lane, async () => {
      const lease = this.#draining ? undefined : await this.#leases.take(lane);
      if (lease === undefined) return undefined;
      try {
        const state = await this.lanes.load(lease);
        return state.plan === null ? await work(lease, state) : undefined;
      } catch (error) {
        if (error instanceof LeaseLost) return undefined;
        throw error;
      } finally {
        await this.#leases.giveBack(lane);
      }
    });
    // A save that came meanwhile may have been refused the lane.
    await this.#look(lane);
    return done;
  }

  /** Begins no further round and lets the running ones finish. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.allSettled(this.#running.values());
  }

  /** Turn by turn, as long as something is accepted between a writer's last look and its end. */
  async #work(due: DueLane): Promise<void> {
    const key = keyOf(due);
    try {
      do {
        this.#wanted.delete(key);
        const writer = new LaneWriter(this.#desk, due.account);
        while (await this.#turn(due, () => this.#round(due.lane, writer))) await this.#look(due.lane);
      } while (!this.#draining && ((await this.#isDue(due)) || this.#wanted.has(key)));
    } catch (error) {
      // Nobody keeps a lane without working on it.
      await this.#turn(due, () => this.#leases.giveBack(due.lane, faultRest));
      throw error;
    }
  }

  #turn<T>({ lane, account }: DueLane, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(account, lane, work);
  }

  /**
   * Whether another round may find work. Where others wait for a turn the lease goes back before they get it: another manager
   * may be free.
   */
  async #round(lane: string, writer: LaneWriter): Promise<boolean> {
    const began = performance.now();
    let outcome: Facts['lane.round']['outcome'] = 'busy';
    let fault: Rest | undefined;
    try {
      const lease = this.#draining ? undefined : await this.#leases.take(lane);
      if (lease !== undefined) outcome = (await writer.round(lease)) ? 'worked' : 'idle';
    } catch (error) {
      outcome = 'lost';
      if (!(error instanceof LeaseLost)) {
        this.log.error({ err: error, lane }, 'lane stopped');
        [outcome, fault] = ['fault', faultRest];
      }
    }
    const goesOn = outcome === 'worked';
    tell('lane.round', { outcome, seconds: secondsSince(began) });
    if (!goesOn || this.#turns.areWanted) await this.#leases.giveBack(lane, fault ?? writer.rest);
    return goesOn;
  }

  /**
   * Begins what others wait for in a lane that this manager keeps: another one may have been asked for it, in vain. What is not
   * found now is found when the lane is given back.
   */
  async #look(lane: string): Promise<void> {
    try {
      for (const one of await this.lanes.dueIn(lane)) this.#beginOther(one);
    } catch (error) {
      this.log.warn({ err: error, lane }, 'lane not looked at');
    }
  }

  async #isDue({ lane, account }: DueLane): Promise<boolean> {
    const due = await this.lanes.due(lane);
    for (const one of due) this.#beginOther(one);
    return due.some((one) => one.account === account);
  }

  #beginOther(due: DueLane): void {
    if (!this.#running.has(keyOf(due))) this.begin(due);
  }
}
