// The save's corridor up to the acknowledgement: validate, find the place, and write down the operation. What follows, up
// to the commit in Git, is the lane's (lane.flow.ts).
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { Config } from '../config/config.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { DocumentValidator } from '../entities/document.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import type { Person } from '../git/git.js';
import { step } from '../kernel/step.js';
import { JobQueue } from '../queue/job-queue.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isTaken, Storage } from '../storage/database.js';
import type { Tables } from '../storage/schema.js';
import { LanesRepository } from './lanes.repository.js';
import { type OperationRecord, OperationsRepository } from './operations.repository.js';
import { type Place, Placement } from './placement.js';
import { Waits } from './waits.js';

export interface SaveRequest {
  scope: Scope;
  kind: string;
  id: string;
  /** The document's bytes; null deletes the entity and its file. */
  yaml: Buffer | null;
  git: {
    connector?: string | undefined;
    branch?: string | undefined;
    newBranchFrom?: string | undefined;
    path?: string | undefined;
    message?: string | undefined;
    author?: Person | undefined;
  };
  /** `any`, `absent` (create only), or the blob id the caller read. */
  expected: string;
  idempotency?: { key: string; requestHash: Buffer } | undefined;
  /** Name of the token. */
  requestedBy: string;
}

/** The connector came to point at another repository between the look at it and the acceptance. */
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
    private readonly jobs: JobQueue,
    private readonly waits: Waits,
  ) {}

  /**
   * Takes a save or a deletion and waits up to `waitMs` for its end. Once this has answered, the operation is not lost.
   * @throws what the request is refused for: SCOPE_NOT_FOUND, NOT_FOUND, YAML_REFUSED, ENTITY_INVALID, ENTITY_ELSEWHERE,
   * ENTITY_PLACE_TAKEN, ENTITY_EXISTS, IDEMPOTENCY_KEY_REUSED, DATABASE_UNAVAILABLE
   */
  async accept(request: SaveRequest, waitMs: number): Promise<OperationRecord> {
    const operation = (await this.#repeated(request)) ?? (await this.#begin(request));
    await step('save.enqueue', async () =>
      this.jobs.add('lane.run', { lane: operation.lane_id, account: operation.account }),
    );
    if (operation.state !== 'pending') return operation;
    await this.waits.until(operation.id, waitMs);
    return this.operations.get(request.scope, operation.id);
  }

  /** The operation of an earlier request with the same idempotency key. */
  async #repeated({ scope, idempotency }: SaveRequest): Promise<OperationRecord | undefined> {
    if (idempotency === undefined) return undefined;
    return this.operations.findByKey(accountOf(scope), idempotency.key, idempotency.requestHash);
  }

  async #begin(request: SaveRequest): Promise<OperationRecord> {
    await this.scopes.get(request.scope);
    const kind = await this.kinds.get(accountOf(request.scope), request.kind);
    if (request.yaml !== null) await this.documents.validate(request.yaml, kind);
    for (;;) {
      const place = await this.placement.find(request, kind);
      const id = randomUUID();
      try {
        await step('save.accept', () => this.storage.transact((tx) => this.#write(tx, id, request, place)));
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

  async #write(tx: Transaction<Tables>, id: string, request: SaveRequest, place: Place): Promise<void> {
    const { scope, kind, id: entity, yaml, git } = request;
    const { connector, branch, path } = place;
    await this.scopes.hold(tx, scope);
    const held = await this.connectors.hold(tx, connector);
    if (held.url !== connector.url) throw new PlaceMoved();
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
      lane_id: await this.lanes.open(tx, connector.url, branch),
      connector_scope: connector.scope,
      connector_id: connector.id,
      branch,
      new_branch_from: git.newBranchFrom ?? null,
      path,
      yaml,
      expected: request.expected,
      message: commitMessage(git.message ?? `${yaml === null ? 'Delete' : 'Save'} ${kind} ${entity}`, id),
      author_name: author.name,
      author_email: author.email,
      requested_by: request.requestedBy,
      deadline_at: new Date(Date.now() + this.config.SALLYPORT_OPERATION_DEADLINE_SECONDS * 1000),
    });
    const { idempotency } = request;
    if (idempotency !== undefined)
      await this.operations.takeKey(tx, { account: accountOf(scope), ...idempotency, operation: id });
  }
}

/** The caller's words, and the trailer by which the operation is found in Git. */
const commitMessage = (words: string, operation: string): string =>
  `${words.trimEnd()}\n\nSallyport-Operation: ${operation}\n`;
