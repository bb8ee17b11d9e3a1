// Brings entities to another place. What speaks against it is found out, and the move with its first operations written down, in one
// transaction that keeps saves of these entities out. What follows, lanes do: see src/sync/move-settlement.ts.
import { Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { record } from '../audit/record.js';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import type { Person } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { JobQueue } from '../queue/job-queue.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isDeadlock, isTaken, type Session, Storage } from '../storage/database.js';
import type { Tables } from '../storage/schema.js';
import { BYTES_MAX } from '../sync/batch.js';
import type { DueLane } from '../sync/lanes.repository.js';
import { type MoveRecord, MovesRepository, newMoveId } from '../sync/moves.repository.js';
import { MoveOperations } from './move-operations.js';
import {
  judgeDocuments,
  judgeTargets,
  type Known,
  type MovePlan,
  type Named,
  nameOf,
  type Planned,
  planEntities,
  targetOf,
  type Wish,
} from './move-plan.js';
import { MoveSourcesRepository, type Selection } from './move-sources.repository.js';
import { MoveWaits } from './move-waits.js';

/** So often an acceptance is tried where it and the landing of another move wait for each other. */
const ATTEMPTS_MAX = 5;

/** Entities of one move. */
export const ENTITIES_MAX = 500;

export interface MoveRequest {
  wish: Wish;
  /** Null: those of the selection. */
  entities: Named[] | null;
  selection: Selection;
  /** Whether what can be moved is moved where something else cannot. */
  skipBlocked: boolean;
  message: string | undefined;
  author: Person | undefined;
  idempotency: { key: string; requestHash: Buffer } | undefined;
  /** Name of the token. */
  requestedBy: string;
}

/** Something stands in the way of some of the entities. */
export class MoveRefused extends Error {
  constructor(
    readonly failure: Failure,
    readonly planned: Planned[],
  ) {
    super(failure.message);
  }
}

/** A request with the same key was first. */
class Repeated extends Error {}

/** The connector came to point at another repository between the look at it and the acceptance. */
class TargetMoved extends Error {}

@Injectable()
export class MoveFlow {
  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly kinds: KindsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly sources: MoveSourcesRepository,
    private readonly moves: MovesRepository,
    private readonly operations: MoveOperations,
    private readonly jobs: JobQueue,
    private readonly waits: MoveWaits,
  ) {}

  /** What the move would do; nothing is changed. @throws SCOPE_NOT_FOUND, MOVE_TOO_LARGE, DATABASE_UNAVAILABLE */
  async report(request: MoveRequest): Promise<Planned[]> {
    const { scope } = request.wish;
    await this.scopes.get(scope);
    const names = await this.#namesOf(request);
    const templates = await this.#templates(scope);
    const { planned } = await this.#plan(this.storage.db, request.wish, { names, templates });
    return planned;
  }

  /**
   * Takes a move and waits up to `waitMs` for its end. Once this has answered, the move is not lost.
   * @throws MoveRefused; SCOPE_NOT_FOUND, NOT_FOUND, MOVE_TOO_LARGE, IDEMPOTENCY_KEY_REUSED, DATABASE_UNAVAILABLE
   */
  async accept(request: MoveRequest, waitMs: number): Promise<MoveRecord> {
    const { scope } = request.wish;
    const move = (await this.#repeated(request)) ?? (await this.#begin(request));
    if (move.finished_at === null) await this.waits.until(move.id, waitMs);
    return this.moves.get(scope, move.id);
  }

  async #repeated({ wish, idempotency }: MoveRequest, session?: Session): Promise<MoveRecord | undefined> {
    if (idempotency === undefined) return undefined;
    const { key, requestHash } = idempotency;
    return this.moves.findByKey(accountOf(wish.scope), key, requestHash, session);
  }

  async #begin(request: MoveRequest): Promise<MoveRecord> {
    const { scope } = request.wish;
    await this.scopes.get(scope);
    const names = await this.#namesOf(request);
    const templates = await this.#templates(scope);
    let deadlocks = 0;
    for (let wish = request.wish; ; wish = await this.#again(wish)) {
      const id = newMoveId();
      try {
        const due = await step('move.accept', () =>
          this.storage.transact((tx) => this.#write(tx, id, { ...request, wish }, { names, templates })),
        );
        await step('move.enqueue', async () => {
          for (const one of due) this.jobs.add('lane.run', one);
        });
        return await this.moves.get(scope, id);
      } catch (error) {
        if (error instanceof TargetMoved) continue;
        // A landing has its own lane before it takes others in their order.
        if (isDeadlock(error) && ++deadlocks < ATTEMPTS_MAX) continue;
        // A concurrent request with the same key was first: this one is its retry.
        const isSecond = error instanceof Repeated || isTaken(error, 'move_idempotency');
        const earlier = isSecond ? await this.#repeated(request) : undefined;
        if (earlier === undefined) throw error;
        return earlier;
      }
    }
  }

  /** With the connector as it is now. */
  async #again(wish: Wish): Promise<Wish> {
    if (wish.to.store !== 'git') return wish;
    const { scope, id } = wish.to.connector;
    return { ...wish, to: { ...wish.to, connector: await this.connectors.get(scope, id) } };
  }

  /** @throws MOVE_TOO_LARGE */
  async #namesOf({ wish, entities, selection }: MoveRequest): Promise<Named[]> {
    const names = entities ?? (await this.sources.select(wish.scope, selection, ENTITIES_MAX + 1));
    if (names.length > ENTITIES_MAX)
      throw new Failure('MOVE_TOO_LARGE', { what: 'entities', max: ENTITIES_MAX });
    return names;
  }

  async #templates(scope: Scope): Promise<Map<string, string>> {
    const kinds = await this.kinds.list(accountOf(scope));
    return new Map(kinds.map(({ id, pathTemplate }) => [id, pathTemplate]));
  }

  async #plan(
    session: Session,
    wish: Wish,
    { names, templates }: { names: Named[]; templates: Known['templates'] },
  ): Promise<MovePlan> {
    const { scope, to } = wish;
    const keys = names.map(({ kind, id }) => ({ scope, kind, id }));
    const moving = await this.moves.moving(session, keys);
    const known: Known = {
      ...(await this.sources.know(session, scope, names)),
      moving: new Map(moving.map((one) => [nameOf(one), one.move])),
      templates,
    };
    let planned = planEntities(names, wish, known);
    if (to.store === 'git') {
      const { connector, branch, newBranchFrom } = to;
      const place = { scope, repository: connector.url, branch, newBranchFrom };
      const paths = planned.flatMap(({ path }) => path ?? []);
      planned = judgeTargets(planned, wish, await this.sources.ahead(session, place, paths));
    }
    const documents = await this.#documents(session, scope, planned);
    return { planned: judgeDocuments(planned, documents), documents };
  }

  /** @throws MOVE_TOO_LARGE */
  async #documents(session: Session, scope: Scope, planned: Planned[]): Promise<Map<string, Buffer>> {
    const sources = planned.flatMap(({ kind, id, outcome, origin }) =>
      outcome === 'move' && origin !== null
        ? { kind, id, branch: origin.store === 'git' ? origin.branch : null }
        : [],
    );
    if ((await this.sources.bytesOf(session, scope, sources)) > BYTES_MAX)
      throw new Failure('MOVE_TOO_LARGE', { what: 'bytes', max: BYTES_MAX });
    return this.sources.documents(session, scope, sources);
  }

  /** Answers lanes where something waits for it. */
  async #write(
    tx: Transaction<Tables>,
    id: string,
    request: MoveRequest,
    about: { names: Named[]; templates: Known['templates'] },
  ): Promise<DueLane[]> {
    const { wish, idempotency } = request;
    const { scope, to, keepFiles } = wish;
    await this.scopes.hold(tx, scope);
    if (to.store === 'git') await this.#hold(tx, to.connector);
    const keys = about.names.map(({ kind, id: entity }) => ({ scope, kind, id: entity }));
    await this.operations.fence(tx, wish, keys);
    await this.moves.holdEntities(tx, keys);
    // Whoever waited for the same entities may be the second with its key.
    if ((await this.#repeated(request, tx)) !== undefined) throw new Repeated();
    const plan = await this.#plan(tx, wish, about);
    assertUnblocked(plan.planned, request.skipBlocked);
    const author = request.author ?? {
      name: this.config.SALLYPORT_COMMITTER_NAME,
      email: this.config.SALLYPORT_COMMITTER_EMAIL,
    };
    const move = {
      id,
      scope,
      account: accountOf(scope),
      target: JSON.stringify(targetOf(to)),
      keep_files: keepFiles,
      message: request.message ?? null,
      author_name: author.name,
      author_email: author.email,
      requested_by: request.requestedBy,
      idempotency_key: idempotency?.key ?? null,
      request_hash: idempotency?.requestHash ?? null,
    };
    const moving = plan.planned.filter(({ outcome }) => outcome === 'move').length;
    const data = { to: targetOf(to), keepFiles, entities: moving, of: plan.planned.length };
    record(tx, { action: 'move.begin', scope, target: `moves/${id}`, data });
    return this.operations.write(tx, move, wish, plan);
  }

  /** @throws TargetMoved, NOT_FOUND */
  async #hold(tx: Session, connector: Connector): Promise<void> {
    const held = await this.connectors.hold(tx, connector);
    if (held.url !== connector.url) throw new TargetMoved();
  }
}

/** @throws MoveRefused */
function assertUnblocked(planned: Planned[], skipBlocked: boolean): void {
  const blocked = planned.filter(({ outcome }) => outcome === 'blocked');
  const [first] = blocked;
  if (first === undefined || skipBlocked) return;
  const why = first.failure?.message ?? '';
  const data = { blocked: blocked.length, of: planned.length, first: `${first.kind} ${first.id}`, why };
  throw new MoveRefused(new Failure('MOVE_REFUSED', data) as Failure, planned);
}
