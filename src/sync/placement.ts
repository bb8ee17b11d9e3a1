// Where an entity's file goes, and what at once speaks against it. The lane's writer asks again, when its turn comes.
import { Injectable } from '@nestjs/common';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository, type EntityKey, type EntityRecord } from '../entities/entities.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import { Failure } from '../kernel/failure.js';
import { renderPath } from '../policy/paths.js';
import { namesOf, type Scope } from '../scopes/scope.js';
import { keyOf, shownTo } from './neighbourhood.js';
import { type GitOperation, OperationsRepository } from './operations.repository.js';

/** What of a save, or of a deletion, decides on its place. */
interface Placing extends EntityKey {
  /** Null deletes. */
  yaml: Uint8Array | null;
  expected: string;
  git: {
    connector?: string | undefined;
    branch?: string | undefined;
    newBranchFrom?: string | undefined;
    path?: string | undefined;
  };
}

export interface Place {
  connector: Connector;
  branch: string;
  path: string;
  /** The copy that this follows from. */
  copy?: { repository: string; branch: string; path: string } | undefined;
}

/** An entity's copy, or an operation that is about to make it. */
type Known = Pick<EntityRecord | GitOperation, 'connector_scope' | 'connector_id' | 'branch' | 'path'>;

@Injectable()
export class Placement {
  constructor(
    private readonly entities: EntitiesRepository,
    private readonly operations: OperationsRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  /**
   * The place the request names, or where the entity is already or is about to be, or where its kind puts it.
   * @throws NOT_FOUND, ENTITY_EXISTS, ENTITY_ELSEWHERE, ENTITY_PLACE_TAKEN, REQUEST_INVALID, INPUT_REFUSED
   */
  async find(request: Placing, kind: Kind): Promise<Place> {
    const { scope, kind: kindId, id, git } = request;
    const key = { scope, kind: kindId, id };
    const source = git.newBranchFrom ?? git.branch;
    const copy = await this.entities.find(key, source);
    const known = copy ?? (await this.operations.pendingSave(key, source));
    assertPossible(request, copy, known);
    const connector = await this.#connector(scope, git.connector, known);
    const branch = git.branch ?? known?.branch;
    if (branch === undefined)
      throw new Failure('REQUEST_INVALID', {
        problem: 'git.branch is required for a new entity (in a query: branch)',
      });
    const names = { ...namesOf(scope), kind: kindId, id };
    const place: Place = {
      copy,
      connector,
      branch,
      path: git.path ?? known?.path ?? renderPath(kind.pathTemplate, names),
    };
    assertThere(place, id, known, copy?.repository);
    await this.#assertFree(place, key);
    return place;
  }

  async #connector(scope: Scope, id: string | undefined, known: Known | undefined): Promise<Connector> {
    if (id !== undefined) return this.connectors.resolve(scope, id);
    if (known !== undefined) return this.connectors.get(known.connector_scope, known.connector_id);
    throw new Failure('REQUEST_INVALID', {
      problem: 'git.connector is required for a new entity (in a query: connector), unless store is inline',
    });
  }

  async #assertFree({ connector, branch, path }: Place, key: EntityKey): Promise<void> {
    const around = { repository: connector.url, branch, paths: [path], keys: [key] };
    const copies = await this.entities.around(around);
    const owner = copies.find((one) => one.repository === connector.url && one.path === path);
    if (owner === undefined) return;
    const by = keyOf(owner.scope, owner.kind, owner.id);
    if (by !== keyOf(key.scope, key.kind, key.id))
      throw new Failure('ENTITY_PLACE_TAKEN', { path, branch, by: shownTo(key.scope, by) });
  }
}

function assertPossible(request: Placing, copy: EntityRecord | undefined, known: Known | undefined): void {
  const { kind, id, yaml, expected, git } = request;
  if (yaml === null && known === undefined) throw new Failure('NOT_FOUND', { what: kind, id });
  if (copy !== undefined && expected === 'absent' && git.newBranchFrom === undefined)
    throw new Failure('ENTITY_EXISTS', { kind, id, branch: copy.branch });
}

/** An entity keeps its place on a branch. Of one that is only about to be made the repository is not known yet. */
function assertThere(
  place: Place,
  id: string,
  known: Known | undefined,
  repository: string | undefined,
): void {
  if (known === undefined || known.branch !== place.branch) return;
  const isSameRepository = repository === undefined || repository === place.connector.url;
  if (known.path !== place.path || !isSameRepository)
    throw new Failure('ENTITY_ELSEWHERE', { id, connector: known.connector_id, path: known.path });
}
