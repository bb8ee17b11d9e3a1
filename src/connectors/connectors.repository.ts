import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import { placesOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { ConnectorTable } from '../storage/schema.js';

/** A saved way to a repository. */
export interface Connector {
  scope: Scope;
  id: string;
  /** Repository URL, without user-info but SSH's user. */
  url: string;
  connectivity: 'manager' | 'delegate';
  /** Name of the one delegate group that may serve it; null for any within reach, and with connectivity `manager`. */
  group: string | null;
  /** A delegate that serves it has all of these. */
  tags: string[];
  /** Null: anonymous. */
  credential:
    | { username: string; secretScope: Scope; secret: string }
    | { username: string; reference: string; managerScope: Scope; manager: string }
    | null;
  /** Of an SSH connector: the host keys to believe, as in known_hosts. */
  knownHosts: string | null;
  /** Changes with every write. */
  revision: string;
}

@Injectable()
export class ConnectorsRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws NOT_FOUND for a secret or a secret manager that is gone meanwhile */
  async put(tx: Session, connector: Connector): Promise<{ connector: Connector; created: boolean }> {
    const { scope, id, credential } = connector;
    const values = {
      url: connector.url,
      connectivity: connector.connectivity,
      delegate_group: connector.group,
      delegate_tags: connector.tags,
      ...toColumns(credential),
      known_hosts: connector.knownHosts,
      revision: connector.revision,
    };
    const row = await tx
      .insertInto('connector')
      .values({ scope, id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({ ...values, updated_at: new Date() }),
      )
      .returningAll()
      .returning(sql<boolean>`xmax = 0`.as('created'))
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw isReferenced(error) && credential !== null ? gone(credential) : error;
      });
    return { connector: toConnector(row), created: row.created };
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string, session: Session = this.storage.db): Promise<Connector> {
    const found = await this.find(scope, id, session);
    if (found === undefined) throw new Failure('NOT_FOUND', { what: 'connector', id });
    return found;
  }

  async find(scope: Scope, id: string, session: Session = this.storage.db): Promise<Connector | undefined> {
    const row = await session
      .selectFrom('connector')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : toConnector(row);
  }

  /** The connector that is meant by this name in this scope. @throws NOT_FOUND */
  async resolve(scope: Scope, name: string): Promise<Connector> {
    const { id, places } = placesOf(scope, name);
    for (const place of places) {
      const found = await this.find(place, id);
      if (found !== undefined) return found;
    }
    throw new Failure('NOT_FOUND', { what: 'connector', id: name });
  }

  /** Keeps the connector as it is until the transaction ends, and answers it. @throws NOT_FOUND */
  async hold(tx: Session, { scope, id }: { scope: Scope; id: string }): Promise<Connector> {
    const row = await tx
      .selectFrom('connector')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .forShare()
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'connector', id });
    return toConnector(row);
  }

  /** What keeps the connector's repository in use, in words; the row is held until the transaction ends. */
  async usedBy(tx: Session, scope: Scope, id: string): Promise<string | undefined> {
    await tx
      .selectFrom('connector')
      .select('id')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .forUpdate()
      .execute();
    const operation = await tx
      .selectFrom('operation')
      .select('id')
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('state', '=', 'pending')
      .executeTakeFirst();
    if (operation !== undefined) return `the unfinished operation ${operation.id}`;
    const entity = await tx
      .selectFrom('entity')
      .select(['kind', 'id'])
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .executeTakeFirst();
    return entity === undefined ? undefined : `${entity.kind} ${entity.id}`;
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(tx: Session, scope: Scope, id: string): Promise<void> {
    const result = await tx
      .deleteFrom('connector')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch((error: unknown) => {
        throw isReferenced(error)
          ? new Failure('STILL_IN_USE', { what: 'connector', id, by: 'an entity' })
          : error;
      });
    if (result.numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'connector', id });
  }
}

export type Credential = NonNullable<Connector['credential']>;

const gone = (credential: Credential): Failure =>
  new Failure(
    'NOT_FOUND',
    'secret' in credential
      ? { what: 'secret', id: credential.secret }
      : { what: 'secret manager', id: credential.manager },
  ) as Failure;

const ANONYMOUS = {
  username: null,
  secret_scope: null,
  secret_id: null,
  reference: null,
  manager_scope: null,
  manager_id: null,
};

function toColumns(credential: Connector['credential']) {
  if (credential === null) return ANONYMOUS;
  const { username } = credential;
  if ('secret' in credential)
    return { ...ANONYMOUS, username, secret_scope: credential.secretScope, secret_id: credential.secret };
  const { reference, managerScope, manager } = credential;
  return { ...ANONYMOUS, username, reference, manager_scope: managerScope, manager_id: manager };
}

function toCredential(row: Selectable<ConnectorTable>): Connector['credential'] {
  const { secret_scope, secret_id, reference, manager_scope, manager_id } = row;
  const username = row.username ?? '';
  if (secret_scope !== null && secret_id !== null)
    return { username, secretScope: secret_scope, secret: secret_id };
  return reference === null || manager_scope === null || manager_id === null
    ? null
    : { username, reference, managerScope: manager_scope, manager: manager_id };
}

function toConnector(row: Selectable<ConnectorTable>): Connector {
  return {
    scope: row.scope,
    id: row.id,
    url: row.url,
    connectivity: row.connectivity,
    group: row.delegate_group,
    tags: row.delegate_tags,
    credential: toCredential(row),
    knownHosts: row.known_hosts,
    revision: row.revision,
  };
}
