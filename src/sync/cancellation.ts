// Takes an operation back while nothing of it may have reached the Git host: while it waits in its lane and is of no stored plan. Who
// cancels and who writes to the lane change the lane's row first, so one of them sees what the other has done.
import { Injectable } from '@nestjs/common';
import { record } from '../audit/record.js';
import { EventsRepository } from '../events/events.repository.js';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { JobQueue } from '../queue/job-queue.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import { LanesRepository } from './lanes.repository.js';
import { MoveSettlement } from './move-settlement.js';
import {
  type GitOperation,
  isOfGit,
  type OperationRecord,
  OperationsRepository,
} from './operations.repository.js';
import { ofOperation } from './told.js';
import { Waits } from './waits.js';

@Injectable()
export class Cancellation {
  constructor(
    private readonly storage: Storage,
    private readonly lanes: LanesRepository,
    private readonly operations: OperationsRepository,
    private readonly moves: MoveSettlement,
    private readonly events: EventsRepository,
    private readonly jobs: JobQueue,
    private readonly waits: Waits,
  ) {}

  /**
   * The operation as it is then; one that is cancelled already stays as it is.
   * @throws NOT_FOUND; OPERATION_UNDERWAY, OPERATION_ENDED with nothing changed
   */
  async cancel(scope: Scope, id: string): Promise<OperationRecord> {
    for (;;) {
      const operation = await this.operations.get(scope, id);
      const { state } = operation;
      if (state === 'cancelled') return operation;
      if (state !== 'pending' || !isOfGit(operation)) throw new Failure('OPERATION_ENDED', { id, state });
      const isCancelled = await this.storage.transact((tx) => this.#cancel(tx, operation));
      if (!isCancelled) continue;
      this.#wake(operation);
      return this.operations.get(scope, id);
    }
  }

  /** Whether it was still as it was read. @throws OPERATION_UNDERWAY */
  async #cancel(tx: Session, operation: GitOperation): Promise<boolean> {
    const { id, scope, lane_id: lane, branch, action } = operation;
    if (!(await this.lanes.withhold(tx, lane, id))) throw new Failure('OPERATION_UNDERWAY', { id, branch });
    const now = await this.operations.get(scope as Scope, id, tx);
    // It has ended meanwhile, or a rename has brought it to another lane.
    if (now.state !== 'pending' || now.lane_id !== lane) return false;
    const failure = new Failure('OPERATION_CANCELLED') as Failure;
    await this.operations.finish(tx, id, { state: 'cancelled', failure: failure.toWire() });
    if (action === 'move') await this.moves.fail(tx, operation, failure);
    const told = ofOperation(operation, 'cancelled', { code: failure.code });
    await this.events.record(tx, [told]);
    record(tx, { action: 'operation.cancel', scope, target: told.subject, data: told.data });
    return true;
  }

  /** Who waits for it is answered, and what had to wait for it at its path goes on. */
  #wake({ id, action, created_at, lane_id: lane, account }: GitOperation): void {
    const seconds = (Date.now() - created_at.getTime()) / 1_000;
    tell('operation.end', { action, state: 'cancelled', code: 'OPERATION_CANCELLED', seconds });
    this.waits.wake([id]);
    this.jobs.add('lane.run', { lane, account });
  }
}
