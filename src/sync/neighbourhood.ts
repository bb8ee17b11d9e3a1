// Pure: what the copy knows around a batch, and which of its operations that already rules out.
import type { EntityRecord } from '../entities/entities.repository.js';
import type { BlobId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { accountOf } from '../scopes/scope.js';
import type { OperationRecord } from './operations.repository.js';

type Named = Pick<OperationRecord, 'scope' | 'kind' | 'entity_id'>;
type Placed = Pick<EntityRecord, 'repository' | 'path'>;

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
    operation: Named & Pick<OperationRecord, 'path' | 'branch' | 'expected' | 'action' | 'connector_id'>,
    claimed: Map<string, string>,
  ): Failure | undefined {
    const { path, branch, kind, entity_id } = operation;
    const copy = this.of(operation);
    const owner = this.#byPath.get(path);
    const name = keyOf(operation.scope, kind, entity_id);
    const taker = owner === undefined ? claimed.get(path) : keyOf(owner.scope, owner.kind, owner.id);
    if (taker !== undefined && taker !== name)
      return new Failure('ENTITY_PLACE_TAKEN', {
        path,
        branch,
        by: shownTo(operation.scope, taker),
      }) as Failure;
    const elsewhere =
      copy === undefined ? claimedElsewhere(operation, name, claimed) : this.#elsewhere(copy, path);
    if (elsewhere !== undefined)
      return new Failure('ENTITY_ELSEWHERE', { id: entity_id, ...elsewhere }) as Failure;
    if (copy !== undefined && operation.expected === 'absent')
      return new Failure('ENTITY_EXISTS', { kind, id: entity_id, branch }) as Failure;
    if (copy === undefined && operation.action === 'delete' && !claimed.has(path))
      return new Failure('NOT_FOUND', { what: kind, id: entity_id }) as Failure;
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
  operation: Pick<OperationRecord, 'path' | 'action' | 'connector_id'>,
  name: string,
  claimed: Map<string, string>,
): Elsewhere | undefined {
  if (operation.action === 'delete') return undefined;
  const place = [...claimed].find(([path, by]) => by === name && path !== operation.path)?.[0];
  return place === undefined ? undefined : { connector: operation.connector_id, path: place };
}

/** `accounts/a: pipeline build` */
export const keyOf = (scope: string, kind: string, id: string): string => `${scope}: ${kind} ${id}`;

/** The name of an entity as `scope` may know it: what another account keeps in the same repository is its own affair. */
export const shownTo = (scope: string, key: string): string =>
  accountOf(key.slice(0, key.indexOf(':'))) === accountOf(scope) ? key : 'an entity of another account';

const samePlace = (one: Placed, other: Placed): boolean =>
  one.repository === other.repository && one.path === other.path;
