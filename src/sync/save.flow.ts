// The save's corridor up to the acknowledgement: validate, find the place, and write down the operation. What follows, up
// to the commit in Git, is the lane's (lane.flow.ts).
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { DocumentValidator } from '../entities/document.js';
import { EntitiesRepository, type EntityRecord } from '../entities/entities.repository.js';
import { type Kind, KindsRepository } from '../entities/kinds.repository.js';
import type { Person } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { renderPath } from '../policy/paths.js';
import { JobQueue } from '../queue/job-queue.js';
import { accountOf, namesOf, type Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isTaken, Storage } from '../storage/database.js';
import type { Tables } from '../storage/schema.js';
import { LanesRepository } from './lanes.repository.js';
import { keyOf, shownTo } from './neighbourhood.js';
import { type OperationRecord, OperationsRepository } from './operations.repository.js';
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
}

interface Place {
  connector: Connector;
  branch: string;
  path: string;
}

/** The connector came to point at another repository between the look at it and the acceptance. */
class PlaceMoved extends Error {}

/** An entity's copy, or an operation that is about to make it. */
type Placed = Pick<EntityRecord, 'connector_scope' | 'connector_id'>;

@Injectable()
export class SaveFlow {
  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly kinds: KindsRepository,
    private readonly documents: DocumentValidator,
    private readonly entities: EntitiesRepository,
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
    await step('save.enqueue', async () => this.jobs.add('lane.run', { lane: operation.lane_id }));
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
      const place = await this.#place(request, kind);
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

  /** Where the file goes: where the request says, where the entity is already or is about to be, or where its kind puts it. */
  async #place({ scope, kind: kindId, id, git, yaml, expected }: SaveRequest, kind: Kind): Promise<Place> {
    const key = { scope, kind: kindId, id };
    const source = git.newBranchFrom ?? git.branch;
    const copy = await this.entities.find(key, source);
    const known = copy ?? (await this.operations.pendingSave(key, source));
    if (yaml === null && known === undefined) throw new Failure('NOT_FOUND', { what: kindId, id });
    if (copy !== undefined && expected === 'absent' && git.newBranchFrom === undefined)
      throw new Failure('ENTITY_EXISTS', { kind: kindId, id, branch: copy.branch });
    const connector = await this.#connector(scope, git.connector, known);
    const branch = git.branch ?? known?.branch;
    if (branch === undefined)
      throw new Failure('REQUEST_INVALID', { problem: 'git.branch is required for a new entity' });
    const path =
      git.path ?? known?.path ?? renderPath(kind.pathTemplate, { ...namesOf(scope), kind: kindId, id });
    await this.#assertFree({ connector, branch, path }, key, copy);
    if (copy === undefined && known !== undefined && known.branch === branch && known.path !== path)
      throw new Failure('ENTITY_ELSEWHERE', { id, connector: known.connector_id, path: known.path });
    return { connector, branch, path };
  }

  async #connector(scope: Scope, id: string | undefined, known: Placed | undefined): Promise<Connector> {
    if (id !== undefined) return this.connectors.resolve(scope, id);
    if (known !== undefined) return this.connectors.get(known.connector_scope, known.connector_id);
    throw new Failure('REQUEST_INVALID', { problem: 'git.connector is required for a new entity' });
  }

  /** Refuses early what the lane's writer would have to refuse later. */
  async #assertFree(
    { connector, branch, path }: Place,
    key: { scope: Scope; kind: string; id: string },
    copy: EntityRecord | undefined,
  ): Promise<void> {
    if (
      copy !== undefined &&
      copy.branch === branch &&
      (copy.path !== path || copy.repository !== connector.url)
    )
      throw new Failure('ENTITY_ELSEWHERE', { id: key.id, connector: copy.connector_id, path: copy.path });
    const place = { repository: connector.url, branch, paths: [path], keys: [key] };
    const owner = (await this.entities.around(place)).find(
      (one) => one.repository === connector.url && one.path === path,
    );
    if (owner === undefined) return;
    const by = keyOf(owner.scope, owner.kind, owner.id);
    if (by !== keyOf(key.scope, key.kind, key.id))
      throw new Failure('ENTITY_PLACE_TAKEN', { path, branch, by: shownTo(key.scope, by) });
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
