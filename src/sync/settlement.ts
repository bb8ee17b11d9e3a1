// How operations end: what landed enters the copy, conflicts keep all three versions, failures say what to do. Everything
// that belongs to one outcome is one transaction under the lane's lease.
import { Injectable } from '@nestjs/common';
import { EntitiesRepository, type EntityRecord } from '../entities/entities.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, ChainResult, CommitId, Git, Landed } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import type { Session } from '../storage/database.js';
import { type Lane, LanesRepository, type Lease } from './lanes.repository.js';
import { keyOf } from './neighbourhood.js';
import { type OperationRecord, OperationsRepository, type Version } from './operations.repository.js';
import { Waits } from './waits.js';

@Injectable()
export class Settlement {
  constructor(
    private readonly lanes: LanesRepository,
    private readonly operations: OperationsRepository,
    private readonly entities: EntitiesRepository,
    private readonly waits: Waits,
  ) {}

  /** Whether what the operation wants is what stands in Git, so that there is nothing to do and no conflict. */
  isAlreadySo(operation: OperationRecord, theirs: BlobId | null): boolean {
    if (operation.expected === 'absent') return false;
    return theirs === (operation.yaml === null ? null : blobIdOf(operation.yaml));
  }

  /** The chain is on the branch. `operations` in the order of its steps. @throws LeaseLost */
  async succeed(
    lease: Lease,
    lane: Lane,
    operations: OperationRecord[],
    result: Extract<ChainResult, { status: 'landed' }>,
  ): Promise<void> {
    await this.lanes.update(lease, { plan: null, head: result.head, faults: 0 }, async (tx) => {
      const keys = operations.map(({ scope, kind, entity_id }) => ({ scope, kind, id: entity_id }));
      const paths = operations.map(({ path }) => path);
      const copies = await this.entities.around(
        { repository: lane.repository, branch: lane.branch, paths, keys },
        tx,
      );
      const present = new Set(copies.map(({ scope, kind, id }) => keyOf(scope, kind, id)));
      for (const [index, operation] of operations.entries()) {
        const key = keyOf(operation.scope, operation.kind, operation.entity_id);
        const created = operation.yaml !== null && !present.has(key);
        await this.#land(tx, lane, operation, { landed: result.steps[index] as Landed, created });
        if (operation.yaml === null) present.delete(key);
        else present.add(key);
      }
    });
    this.#wake(operations);
  }

  /** @throws LeaseLost */
  async fail(
    lease: Lease,
    change: Parameters<LanesRepository['update']>[1],
    operations: OperationRecord[],
    failure: Failure,
  ): Promise<void> {
    await this.lanes.update(lease, change, async (tx) => {
      for (const { id } of operations)
        await this.operations.finish(tx, id, { state: 'failed', failure: failure.toWire() });
    });
    this.#wake(operations);
  }

  /** Ends the plan, and these of its operations as conflicts. @throws LeaseLost */
  async conflict(
    lease: Lease,
    base: CommitId | null,
    conflicts: { operation: OperationRecord; expect: BlobId | null; theirs: BlobId | null }[],
    git: Git,
  ): Promise<void> {
    const found = await this.#readTheirs(
      git,
      base,
      conflicts.map(({ operation }) => operation.path),
    );
    await this.lanes.update(lease, { plan: null }, async (tx) => {
      for (const [index, { operation, expect, theirs }] of conflicts.entries()) {
        const { path, branch } = operation;
        const copy = await this.#copyOf(tx, operation);
        const failure = new Failure('ENTITY_CONFLICT', { path, branch, base: expect, theirs }).toWire();
        const versions = {
          base: {
            blobId: expect,
            yaml: expect !== null && copy?.blob_id === expect ? toText(copy.yaml) : null,
          },
          theirs: { blobId: theirs, yaml: found[index]?.id === theirs ? toText(found[index].content) : null },
          ours: versionOf(operation.yaml),
        };
        await this.operations.finish(tx, operation.id, {
          state: 'conflict',
          failure: { ...failure, versions },
        });
      }
    });
    this.#wake(conflicts.map(({ operation }) => operation));
  }

  async #land(
    tx: Session,
    lane: Lane,
    operation: OperationRecord,
    { landed, created }: { landed: Landed; created: boolean },
  ): Promise<void> {
    const { commit: commitId, unchanged } = landed;
    const blobId = landed.blobs[0] ?? null;
    const { scope, kind, entity_id: id, branch, path, yaml } = operation;
    await this.operations.finish(tx, operation.id, {
      state: 'succeeded',
      result: { commitId, blobId, created, unchanged },
    });
    if (yaml === null || blobId === null) return this.entities.delete(tx, { scope, kind, id, branch });
    await this.entities.write(tx, {
      scope,
      kind,
      id,
      branch,
      connector_scope: operation.connector_scope,
      connector_id: operation.connector_id,
      repository: lane.repository,
      path,
      yaml,
      blob_id: blobId,
      commit_id: commitId,
      operation_id: operation.id,
    });
  }

  /** The text that stands in the way, as far as it can be shown; a conflict is one without it, too. */
  async #readTheirs(
    git: Git,
    base: CommitId | null,
    paths: string[],
  ): Promise<Awaited<ReturnType<Git['read']>>> {
    if (base === null || paths.length === 0) return [];
    return git.read(base, paths).catch(() => []);
  }

  async #copyOf(tx: Session, { scope, kind, entity_id: id, branch, new_branch_from }: OperationRecord) {
    const copy: EntityRecord | undefined = await this.entities.find(
      { scope, kind, id },
      new_branch_from ?? branch,
      tx,
    );
    return copy;
  }

  #wake(operations: OperationRecord[]): void {
    this.waits.wake(operations.map(({ id }) => id));
  }
}

function versionOf(yaml: Uint8Array | null): Version {
  return yaml === null ? { blobId: null, yaml: null } : { blobId: blobIdOf(yaml), yaml: toText(yaml) };
}

/** Longer texts, and bytes that are no text, are not shown. */
const SHOWN_BYTES_MAX = 1024 * 1024;

function toText(bytes: Uint8Array): string | null {
  if (bytes.byteLength > SHOWN_BYTES_MAX) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
