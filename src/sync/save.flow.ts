// The save's corridor up to the acknowledgement: validate, find the place, and write down the operation. What follows, up
// to the commit in Git, is the lane's (lane.flow.ts).
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { record } from '../audit/record.js';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { DocumentValidator } from '../entities/document.js';
import { InlineRepository } from '../entities/inline.repository.js';
import { type Kind, KindsRepository } from '../entities/kinds.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { Person } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import { concerning } from '../kernel/concern.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { JobQueue } from '../queue/job-queue.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isTaken, type Session, Storage } from '../storage/database.js';
import type { Tables } from '../storage/schema.js';
import { assertNoCommit, storeOf } from './inline-plan.js';
import { InlineSaves } from './inline-saves.js';
import { LanesRepository } from './lanes.repository.js';
import { MovesRepository } from './moves.repository.js';
import { type OperationRecord, OperationsRepository } from './operations.repository.js';
import { type Place, Placement } from './placement.js';
import { type PullAsked, PullWishesRepository } from './pull-wishes.repository.js';
import { Waits } from './waits.js';

export interface SaveRequest {
  scope: Scope;
  kind: string;
  id: string;
  /** The document's bytes; null deletes the entity and its file. */
  yaml: Buffer | null;
  /** Without it the entity stays where it is, and a new one goes to Git. */
  store?: 'git' | 'inline' | undefined;
  git: {
    connector?: string | undefined;
    branch?: string | undefined;
    newBranchFrom?: string | undefined;
    path?: string | undefined;
    message?: string | undefined;
    author?: Person | undefined;
    pullRequest?: PullAsked | undefined;
  };
  /** `any`, `absent` (create only), or the blob id the caller read. */
  expected: string;
  idempotency?: { key: string; requestHash: Buffer } | undefined;
  /** Name of the token. */
  requestedBy: string;
}

/** The connector or the entity came to be elsewhere between the look and the acceptance. */
class PlaceMoved extends Error {}

@Injectable()
export class SaveFlow {
  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly kinds: KindsRepository,
    private readonly documents: DocumentValidator,
    private readonly placement: Placement,
    private readonly connectors: ConnectorsRepository,
    private readonly lanes: LanesRepository,
    private readonly operations: OperationsRepository,
    private readonly inlines: InlineRepository,
    private readonly inline: InlineSaves,
    private readonly moves: MovesRepository,
    private readonly wishes: PullWishesRepository,
    private readonly connectivity: Connectivity,
    private readonly jobs: JobQueue,
    private readonly waits: Waits,
  ) {}

  /**
   * Takes a save or a deletion and waits up to `waitMs` for its end. Once this has answered, the operation is not lost.
   * @throws what the request is refused for: SCOPE_NOT_FOUND, NOT_FOUND, YAML_REFUSED, ENTITY_INVALID, ENTITY_ELSEWHERE,
   * ENTITY_PLACE_TAKEN, ENTITY_EXISTS, ENTITY_INLINE, ENTITY_IN_GIT, ENTITY_MOVING, REQUEST_INVALID,
   * IDEMPOTENCY_KEY_REUSED, DATABASE_UNAVAILABLE; with a pull request also PULL_REQUEST_UNFIT and
   * what the opening of its host is
   */
  async accept(request: SaveRequest, waitMs: number): Promise<OperationRecord> {
    const operation = (await this.#repeated(request)) ?? (await this.#begin(request));
    return concerning([operation.id], async () => {
      const { lane_id: lane, account } = operation;
      if (lane !== null) await step('save.enqueue', async () => this.jobs.add('lane.run', { lane, account }));
      if (operation.state !== 'pending') return operation;
      await step('save.wait', () => this.waits.until(operation.id, waitMs));
      return this.operations.get(request.scope, operation.id);
    });
  }

  /** The operation of an earlier request with the same idempotency key. */
  async #repeated({ scope, idempotency }: SaveRequest): Promise<OperationRecord | undefined> {
    if (idempotency === undefined) return undefined;
    return this.operations.findByKey(accountOf(scope), idempotency.key, idempotency.requestHash);
  }

  async #begin(request: SaveRequest): Promise<OperationRecord> {
    await this.scopes.get(request.scope);
    const kind = await this.kinds.get(accountOf(request.scope), request.kind);
    if (request.yaml !== null) await this.documents.validate(request.yaml, kind, request);
    for (;;) {
      const id = randomUUID();
      const write = (await this.#isInline(request))
        ? (tx: Transaction<Tables>) => this.#keepInline(tx, id, request)
        : await this.#toGit(id, request, kind);
      try {
        await concerning([id], () => step('save.accept', () => this.storage.transact(write)));
        return await this.operations.get(request.scope, id);
      } catch (error) {
        if (error instanceof PlaceMoved) continue;
        // A concurrent request with the same key was first: this one is its retry.
        const earlier = isTaken(error, 'idempotency_pkey') ? await this.#repeated(request) : undefined;
        if (earlier === undefined) throw error;
        return earlier;
      }
    }
  }

  /** @throws ENTITY_INLINE, REQUEST_INVALID */
  async #isInline(request: SaveRequest): Promise<boolean> {
    const store = storeOf(request);
    const isThere = (await this.inlines.find(request)) !== undefined;
    if (store === 'git' && isThere) throw keptInline(request);
    if (store === undefined && isThere) assertNoCommit(request);
    return store === undefined ? isThere : store === 'inline';
  }

  async #keepInline(tx: Transaction<Tables>, id: string, request: SaveRequest): Promise<void> {
    await this.scopes.hold(tx, request.scope);
    // An operation of its move would pass for one that puts it into Git.
    await this.moves.holdEntities(tx, [request]);
    await this.moves.assertStill(tx, request);
    recordSave(tx, request, { operation: id, store: 'inline' });
    if (!(await this.inline.settle(tx, id, request))) throw new PlaceMoved();
    await this.#takeKey(tx, id, request);
  }

  async #toGit(id: string, request: SaveRequest, kind: Kind) {
    const place = await this.placement.find(request, kind);
    await this.#assertPullable(request, place, id);
    return (tx: Transaction<Tables>) => this.#write(tx, id, request, place);
  }

  async #write(tx: Transaction<Tables>, id: string, request: SaveRequest, place: Place): Promise<void> {
    const { scope, kind, id: entity, yaml, git } = request;
    const { connector, branch, path } = place;
    await this.scopes.hold(tx, scope);
    const held = await this.connectors.hold(tx, connector);
    if (held.url !== connector.url) throw new PlaceMoved();
    if ((await this.inlines.keepOut(tx, [request])).length > 0)
      throw storeOf(request) === undefined ? new PlaceMoved() : keptInline(request);
    if (!(await this.moves.assertStill(tx, request, place.copy))) throw new PlaceMoved();
    // A new lane is waited for by whoever wants the same one, who holds entities by then.
    const lane = await this.lanes.open(tx, connector.url, branch);
    const words = git.message ?? `${yaml === null ? 'Delete' : 'Save'} ${kind} ${entity}`;
    const author = git.author ?? {
      name: this.config.SALLYPORT_COMMITTER_NAME,
      email: this.config.SALLYPORT_COMMITTER_EMAIL,
    };
    await this.operations.insert(tx, {
      id,
      scope,
      account: accountOf(scope),
      action: yaml === null ? 'delete' : 'save',
      kind,
      entity_id: entity,
      lane_id: lane,
      connector_scope: connector.scope,
      connector_id: connector.id,
      branch,
      new_branch_from: git.newBranchFrom ?? null,
      path,
      yaml,
      expected: request.expected,
      message: commitMessage(words, id),
      pull_request: await this.#pullWish(tx, request, place, words),
      author_name: author.name,
      author_email: author.email,
      requested_by: request.requestedBy,
      deadline_at: new Date(Date.now() + this.config.SALLYPORT_OPERATION_DEADLINE_SECONDS * 1000),
    });
    await this.#takeKey(tx, id, request);
    recordSave(tx, request, { operation: id, connector: connector.id, branch, path });
  }

  async #takeKey(
    tx: Transaction<Tables>,
    operation: string,
    { scope, idempotency }: SaveRequest,
  ): Promise<void> {
    if (idempotency === undefined) return;
    await this.operations.takeKey(tx, { account: accountOf(scope), ...idempotency, operation });
  }

  /** A host that opens none is found out before anything is written. It is not asked. */
  async #assertPullable({ git, requestedBy }: SaveRequest, { connector }: Place, id: string): Promise<void> {
    if (git.pullRequest === undefined) return;
    const cause = { kind: 'pull-request' as const, operations: [id], actors: [cutActor(requestedBy)] };
    await this.connectivity.openHost(connector, cause);
  }

  async #pullWish(
    tx: Transaction<Tables>,
    { git }: SaveRequest,
    { connector, branch }: Place,
    words: string,
  ): Promise<string | null> {
    if (git.pullRequest === undefined) return null;
    const wishing = { connector, branch, newBranchFrom: git.newBranchFrom, message: words };
    return JSON.stringify(await this.wishes.complete(tx, git.pullRequest, wishing));
  }
}

const recordSave = (tx: Session, { scope, kind, id, yaml }: SaveRequest, data: object): void =>
  record(tx, {
    action: yaml === null ? 'entity.delete' : 'entity.save',
    scope,
    target: `entities/${kind}/${id}`,
    data: { ...data, blobId: yaml === null ? null : blobIdOf(yaml) },
  });

const keptInline = ({ kind, id }: SaveRequest): Failure =>
  new Failure('ENTITY_INLINE', { kind, id }) as Failure;

/** The caller's words, and the trailer by which the operation is found in Git. */
const commitMessage = (words: string, operation: string): string =>
  `${words.trimEnd()}\n\nSallyport-Operation: ${operation}\n`;
