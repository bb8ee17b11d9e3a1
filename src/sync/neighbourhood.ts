// Pure: what the copy knows around a batch, and which of its operations that already rules out.
import type { EntityRecord } from '../entities/entities.repository.js';
import type { BlobId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { accountOf } from '../scopes/scope.js';
import { changesOf, type OperationChange } from './operation-changes.js';
import type { GitOperation } from './operations.repository.js';

type Named = Pick<GitOperation, 'scope' | 'kind' | 'entity_id'>;
type Placed = Pick<EntityRecord, 'repository' | 'path'>;
type Placing = Pick<GitOperation, 'branch' | 'connector_id'>;

/** The copies around a batch, by place and by entity. */
export class Neighbourhood {
  readonly #byPath = new Map<string, EntityRecord>();
  readonly #byKey = new Map<string, EntityRecord>();

  constructor(
    private readonly repository: string,
    copies: EntityRecord[],
  ) {
    for (const copy of copies) {
      if (copy.repository === repository) this.#byPath.set(copy.path, copy);
      this.#byKey.set(keyOf(copy.scope, copy.kind, copy.id), copy);
    }
  }

  /** The blob Sallyport knows at the path; null for none. */
  blobAt(path: string): BlobId | null {
    return this.#byPath.get(path)?.blob_id ?? null;
  }

  at(path: string): EntityRecord | undefined {
    return this.#byPath.get(path);
  }

  of({ scope, kind, entity_id }: Named): EntityRecord | undefined {
    return this.#byKey.get(keyOf(scope, kind, entity_id));
  }

  /** Why this operation cannot be carried out whatever Git says, if so. `claimed` are paths that earlier ones create. */
  objection(
    operation: Parameters<typeof changesOf>[0] & Placing,
    claimed: ReadonlyMap<string, string>,
  ): Failure | undefined {
    for (const change of changesOf(operation)) {
      const failure = this.#taken(change, operation, claimed) ?? this.#against(change, operation, claimed);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Whether the file is another entity's. */
  #taken(
    { path, scope, kind, id }: OperationChange,
    { branch }: Placing,
    claimed: ReadonlyMap<string, string>,
  ): Failure | undefined {
    const owner = this.#byPath.get(path);
    const taker = owner === undefined ? claimed.get(path) : keyOf(owner.scope, owner.kind, owner.id);
    if (taker === undefined || taker === keyOf(scope, kind, id)) return undefined;
    return new Failure('ENTITY_PLACE_TAKEN', { path, branch, by: shownTo(scope, taker) }) as Failure;
  }

  #against(
    change: OperationChange,
    operation: Placing,
    claimed: ReadonlyMap<string, string>,
  ): Failure | undefined {
    const { scope, kind, id, path, meaning, expected } = change;
    const { branch, connector_id } = operation;
    const copy = this.of({ scope, kind, entity_id: id });
    if (meaning === 'remove') return undefined;
    if (copy !== undefined && isFrom(copy, change)) return undefined;
    const elsewhere =
      copy === undefined
        ? claimedElsewhere({ ...change, connector_id }, claimed)
        : this.#elsewhere(copy, path);
    if (elsewhere !== undefined) return new Failure('ENTITY_ELSEWHERE', { id, ...elsewhere }) as Failure;
    if (copy !== undefined && expected === 'absent')
      return new Failure('ENTITY_EXISTS', { kind, id, branch }) as Failure;
    if (copy === undefined && meaning === 'delete' && !claimed.has(path))
      return new Failure('NOT_FOUND', { what: kind, id }) as Failure;
    return undefined;
  }

  #elsewhere(copy: EntityRecord, path: string): Elsewhere | undefined {
    if (samePlace(copy, { repository: this.repository, path })) return undefined;
    return { connector: copy.connector_id, path: copy.path };
  }
}

interface Elsewhere {
  connector: string;
  path: string;
}

/** Where an earlier operation of the batch puts the same entity, if somewhere else. */
function claimedElsewhere(
  { scope, kind, id, path, meaning, connector_id }: OperationChange & Pick<GitOperation, 'connector_id'>,
  claimed: ReadonlyMap<string, string>,
): Elsewhere | undefined {
  if (meaning !== 'save' && meaning !== 'arrive') return undefined;
  const name = keyOf(scope, kind, id);
  const place = [...claimed].find(([at, by]) => by === name && at !== path)?.[0];
  return place === undefined ? undefined : { connector: connector_id, path: place };
}

/** Whether what arrives comes from there. */
function isFrom(copy: EntityRecord, { origin }: OperationChange): boolean {
  return origin?.store === 'git' && origin.branch === copy.branch && samePlace(copy, origin);
}

/** `accounts/a: pipeline build` */
export const keyOf = (scope: string, kind: string, id: string): string => `${scope}: ${kind} ${id}`;

/** The name of an entity as `scope` may know it: what another account keeps in the same repository is its own affair. */
export const shownTo = (scope: string, key: string): string =>
  accountOf(key.slice(0, key.indexOf(':'))) === accountOf(scope) ? key : 'an entity of another account';

const samePlace = (one: Placed, other: Placed): boolean =>
  one.repository === other.repository && one.path === other.path;
