// Reads: the copy with what is known of its age, the copy held against Git, or Git's own word taken into the copy.
import { Injectable } from '@nestjs/common';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository, type EntityKey, type EntityRecord } from '../entities/entities.repository.js';
import { type InlineRecord, InlineRepository } from '../entities/inline.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import type { BlobId, CommitId, Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { accountOf } from '../scopes/scope.js';
import { CopyWriter } from './copy-writer.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { type GitDocument, GitDocuments, plainAmong } from './git-documents.js';
import { LaneFlow } from './lane.flow.js';
import { type Lane, LanesRepository, type Lease } from './lanes.repository.js';
import { findRefusal } from './refresh-plan.js';
import { type Followed, TrackingRepository } from './tracking.repository.js';

export const freshnessLevels = ['cached', 'verify', 'reload'] as const;
export type FreshnessLevel = (typeof freshnessLevels)[number];

/** What is known of how the copy stands to Git. */
export interface Freshness {
  /**
   * `current`: the copy is what stood in Git at `checkedAt`; `behind`: Git holds something else; `gone`: Git holds no such file;
   * `held`: Git holds something else, which a rule of the tracking keeps out; `unknown`: nobody looks.
   */
  state: 'current' | 'behind' | 'gone' | 'held' | 'unknown';
  checkedAt: Date | null;
  /** Where the branch pointed then. */
  head: CommitId | null;
  /** What Git held then, where it was asked for this file. */
  gitBlobId?: BlobId | null;
}

export interface ReadEntity {
  entity: EntityRecord;
  freshness: Freshness;
}

/** There is nothing that it could be older than. */
export interface ReadInline {
  inline: InlineRecord;
}

/** A document at a branch or commit; null where none is known. */
export interface DocumentAt {
  commitId: CommitId;
  file: GitDocument | null;
}

/** Where an entity is in Git. */
export interface Repository {
  copy: EntityRecord;
  connector: Connector;
  git: Git;
}

export interface Reader {
  key: EntityKey;
  branch?: string | undefined;
  actor: string;
}

@Injectable()
export class ReadFlow {
  constructor(
    private readonly entities: EntitiesRepository,
    private readonly inlines: InlineRepository,
    private readonly kinds: KindsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
    private readonly tracking: TrackingRepository,
    private readonly problems: FileProblemsRepository,
    private readonly flow: LaneFlow,
    private readonly lanes: LanesRepository,
    private readonly writer: CopyWriter,
    private readonly documents: GitDocuments,
  ) {}

  /** @throws NOT_FOUND; what Git throws, unless `cached` */
  async read(reader: Reader, level: FreshnessLevel): Promise<ReadEntity | ReadInline> {
    const { key, branch } = reader;
    const copy = await this.entities.find(key, branch);
    const inline = copy === undefined && branch === undefined ? await this.inlines.find(key) : undefined;
    if (inline !== undefined) return { inline };
    // It may have gone to Git between the two looks.
    const entity = copy ?? (await this.entities.find(key, branch));
    if (entity === undefined) return this.#readElsewhere(reader, level);
    if (level === 'cached') return { entity, freshness: await this.#known(entity) };
    const connector = await this.connectors.get(entity.connector_scope, entity.connector_id);
    const git = await this.#open(connector, reader.actor);
    return level === 'verify' ? this.#verify(entity, git) : this.#reload(entity, { connector, git, reader });
  }

  /**
   * As it stood in a commit, judged by what its kind says today.
   * @throws NOT_FOUND, ENTITY_INLINE, and what Git throws
   */
  async readAt(reader: Reader, commit: CommitId): Promise<ReadEntity> {
    const { copy, ...repository } = await this.repositoryOf(reader);
    return this.#readFrom(reader, copy, await this.#documentIn(repository, copy, commit));
  }

  /**
   * The entity's document at a branch or commit, as Git has it.
   * @throws NOT_FOUND, ENTITY_INLINE, GIT_REF_NOT_FOUND, and what Git throws
   */
  async documentAt(reader: Reader, reference: string): Promise<DocumentAt> {
    const isCommit = isCommitId(reference);
    const branch = isCommit ? undefined : reference;
    const { copy, ...repository } = await this.repositoryOf({ ...reader, branch });
    const commit = isCommit ? reference : await headOf(repository.git, reference);
    return this.#documentIn(repository, copy, commit);
  }

  /**
   * Where the entity is in Git: its copy on the branch, or where that has none another one.
   * @throws NOT_FOUND, ENTITY_INLINE
   */
  async repositoryOf({ key, branch, actor }: Reader): Promise<Repository> {
    const found = branch === undefined ? undefined : await this.entities.find(key, branch);
    const copy = found ?? (await this.#anyCopy(key));
    const connector = await this.connectors.get(copy.connector_scope, copy.connector_id);
    return { copy, connector, git: await this.#open(connector, actor) };
  }

  async #documentIn(
    repository: Omit<Repository, 'copy'>,
    copy: EntityRecord,
    commitId: CommitId,
  ): Promise<DocumentAt> {
    return { commitId, file: await this.documents.find(repository, commitId, copy) };
  }

  /** @throws NOT_FOUND, ENTITY_INLINE */
  async #anyCopy(key: EntityKey): Promise<EntityRecord> {
    const copy = await this.entities.find(key);
    if (copy !== undefined) return copy;
    const { kind, id } = key;
    if ((await this.inlines.find(key)) !== undefined) throw new Failure('ENTITY_INLINE', { kind, id });
    return this.entities.get(key);
  }

  /** On a branch that has no copy: where the entity lies on the one where it was first saved, and only from Git itself. */
  async #readElsewhere({ key, branch, actor }: Reader, level: FreshnessLevel): Promise<ReadEntity> {
    const known = branch === undefined || level === 'cached' ? undefined : await this.entities.find(key);
    if (known === undefined || branch === undefined)
      throw new Failure('NOT_FOUND', { what: key.kind, id: key.id });
    return this.#readFrom({ key, branch, actor }, known, await this.documentAt({ key, actor }, branch));
  }

  /** @throws NOT_FOUND where there is no file */
  async #readFrom(
    { key, branch }: Reader,
    copy: EntityRecord,
    { commitId, file }: DocumentAt,
  ): Promise<ReadEntity> {
    if (file === null) throw new Failure('NOT_FOUND', { what: key.kind, id: key.id });
    const entity: EntityRecord = {
      ...copy,
      branch: branch ?? copy.branch,
      path: file.path,
      yaml: Buffer.from(file.content),
      blob_id: file.id,
      commit_id: commitId,
      operation_id: null,
      invalid: await this.documents.judge(key, file.content),
    };
    return {
      entity,
      freshness: { state: 'current', checkedAt: new Date(), head: commitId, gitBlobId: file.id },
    };
  }

  async #known({ repository, branch, path, scope }: EntityRecord): Promise<Freshness> {
    const followed = await this.tracking.followed({ repository, branch, path, scope });
    return followed === undefined
      ? { state: 'unknown', checkedAt: null, head: null }
      : { state: stateOf(followed), checkedAt: followed.checkedAt, head: followed.listed };
  }

  async #verify(entity: EntityRecord, git: Git): Promise<ReadEntity> {
    const head = await git.head(entity.branch);
    const [file = null] = head === null ? [] : await git.read(head, [entity.path]);
    return { entity, freshness: judge(entity, head, file) };
  }

  /** Under the lane's lease, so that nothing newer is written over; where that cannot be had, the copy stays as it is. */
  async #reload(
    entity: EntityRecord,
    { connector, git, reader }: { connector: Connector; git: Git; reader: Reader },
  ): Promise<ReadEntity | ReadInline> {
    const { id } = await this.lanes.peek(entity.repository, entity.branch);
    const account = accountOf(entity.scope);
    const reloaded = await this.flow.exclusively(id, account, async (lease, lane) => {
      const copy = await this.entities.find(reader.key, entity.branch);
      const isStill = copy?.repository === entity.repository && copy.path === entity.path;
      return isStill ? this.#take(copy, { connector, git, lease, lane }) : 'moved';
    });
    if (reloaded === 'moved') return this.read(reader, 'verify');
    if (reloaded === undefined) return this.#verify(entity, git);
    const { branch } = entity;
    const fresh = await this.entities.find(reader.key, branch);
    return fresh === undefined
      ? this.#readElsewhere(reader, 'cached')
      : { entity: fresh, freshness: reloaded };
  }

  async #take(
    entity: EntityRecord,
    { connector, git, lease, lane }: { connector: Connector; git: Git; lease: Lease; lane: Lane },
  ): Promise<Freshness> {
    const { branch, path } = entity;
    const head = await git.head(branch);
    const [file = null] = head === null ? [] : await git.read(head, [path]);
    const freshness = judge(entity, head, file);
    if (head === null || file === null || freshness.state === 'current') return freshness;
    const followed = await this.tracking.followed({
      repository: lane.repository,
      branch,
      path,
      scope: entity.scope,
    });
    const isRefused = findRefusal(followed?.rules ?? [], entity, 'change') !== undefined;
    const isHeld = followed?.isHeld === true || isRefused || !(await plainAmong(git, head, [path])).has(path);
    if (isHeld) return { ...freshness, state: 'held' };
    const kinds = await this.kinds.list(accountOf(entity.scope));
    const part = await this.writer.prepare(git, {
      connector,
      kinds: new Map(kinds.map((kind) => [kind.id, kind])),
      target: head,
      actions: [{ do: 'write', path, blob: file.id, named: entity, change: 'changed', before: entity }],
      contents: new Map([[file.id, file.content]]),
      paths: [],
    });
    const key = { scope: connector.scope, connector: connector.id };
    // A document that is too long to be a copy has nowhere to be on record without a tracking; the answer says `behind`.
    const writes = part.actions.filter((action) => action.do === 'write');
    const taken = writes.map((write) => write.path);
    await this.lanes.update(lease, {}, async (tx) => {
      await this.writer.write(tx, { key, connector, branch }, { ...part, actions: writes });
      // A refresh that is on the way to an older commit passes over it.
      await this.tracking.overtake(tx, lane, { base: null, head, paths: taken });
      await this.problems.overcome(tx, lane, taken);
    });
    return writes.length === 0 ? freshness : { ...freshness, state: 'current' };
  }

  async #open(connector: Connector, actor: string): Promise<Git> {
    return this.connectivity.open(connector, { kind: 'refresh', operations: [], actors: [actor] });
  }
}

export const isCommitId = (reference: string): boolean => /^[0-9a-f]{40}$/.test(reference);

/** @throws GIT_REF_NOT_FOUND */
export async function headOf(git: Git, branch: string): Promise<CommitId> {
  const head = await git.head(branch);
  if (head === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: branch });
  return head;
}

function stateOf({ isHeld, isCurrent }: Followed): Freshness['state'] {
  if (isHeld) return 'held';
  return isCurrent ? 'current' : 'behind';
}

function judge({ blob_id }: EntityRecord, head: CommitId | null, file: { id: BlobId } | null): Freshness {
  const answer = { checkedAt: new Date(), head, gitBlobId: file?.id ?? null };
  if (file === null) return { ...answer, state: 'gone' };
  return { ...answer, state: file.id === blob_id ? 'current' : 'behind' };
}
