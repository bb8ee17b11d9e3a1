import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Provider } from '../providers/provider.js';
import { placesOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { ConnectorTable } from '../storage/schema.js';
import { type ConnectorTrust, type Credential, type SecretUse, usesOf } from './credential.js';

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
  credential: Credential | null;
  /** For the host's API; null: the same. */
  apiCredential: Credential | null;
  /** Null: whom the process believes, and what it says it is. */
  trust: ConnectorTrust | null;
  /** Of an SSH connector: the host keys to believe, as in known_hosts. */
  knownHosts: string | null;
  /** The product behind the URL. */
  provider: Provider;
  /** Where its API is; null where that follows from the provider and the URL. */
  apiUrl: string | null;
  /** Changes with every write. */
  revision: string;
  /** What was heard of its repository's new name; null where nothing was. */
  renamedTo: RenamedTo | null;
}

/** Hearsay: nobody goes there before a person has said so. */
export interface RenamedTo {
  /** Without user-info; where a webhook named no URL that fits the connector, `owner/name`. */
  url: string;
  by: 'webhook' | 'redirect';
  /** ISO 8601. */
  seenAt: string;
}

/** Who heard of it, and of the repository at which URL. */
export interface ConnectorAt {
  scope: Scope;
  id: string;
  url: string;
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
      api_credential: toJson(connector.apiCredential),
      trust: toJson(connector.trust),
      known_hosts: connector.knownHosts,
      provider: connector.provider,
      api_url: connector.apiUrl,
      revision: connector.revision,
    };
    const row = await tx
      .insertInto('connector')
      .values({ scope, id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({
          ...values,
          renamed_to: sql<null>`case when connector.url = excluded.url then connector.renamed_to end`,
          updated_at: new Date(),
        }),
      )
      .returningAll()
      .returning(sql<boolean>`xmax = 0`.as('created'))
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw isReferenced(error) && credential !== null ? gone(credential) : error;
      });
    await this.#putUses(tx, connector);
    return { connector: toConnector(row), created: row.created };
  }

  /** @throws NOT_FOUND for a secret that is gone meanwhile */
  async #putUses(tx: Session, connector: Connector): Promise<void> {
    const { scope, id, connectivity } = connector;
    await tx
      .deleteFrom('credential_secret')
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
    const place = { connector_scope: scope, connector_id: id, connectivity };
    for (const use of secretsOf(connector).filter((one) => hasRow(connector, one)))
      await tx
        .insertInto('credential_secret')
        .values({ ...place, part: use.part, secret_scope: use.scope, secret_id: use.id })
        .execute()
        .catch((error: unknown) => {
          throw isReferenced(error) ? new Failure('NOT_FOUND', { what: 'secret', id: use.id }) : error;
        });
  }

  /** Those of the scope itself, by their identifiers; those behind `after`. `next`: what the page after this one follows. */
  async list(
    scope: Scope,
    { limit, after }: { limit: number; after?: string | undefined },
  ): Promise<{ rows: Connector[]; next: string | null }> {
    const rows = await this.storage.db
      .selectFrom('connector')
      .selectAll()
      .where('scope', '=', scope)
      .$if(after !== undefined, (query) => query.where('id', '>', after as string))
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    return { rows: page.map(toConnector), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
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

  /** The same, for what goes on at the URL that the connector had when it was begun. @throws NOT_FOUND, CONNECTOR_BUSY */
  async holdAt(tx: Session, { scope, id, url }: ConnectorAt): Promise<void> {
    const held = await this.hold(tx, { scope, id });
    if (held.url !== url) throw busy(held, 'its repository has another URL since');
  }

  /** Keeps everybody else from holding the connector, and answers it. @throws NOT_FOUND */
  async holdAlone(tx: Session, { scope, id }: { scope: Scope; id: string }): Promise<Connector> {
    const row = await tx
      .selectFrom('connector')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      // Rows that refer to it may be written meanwhile.
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'connector', id });
    return toConnector(row);
  }

  /** Its repository is at another URL now. Whoever calls has the connector alone. */
  async move(tx: Session, { scope, id, url }: ConnectorAt): Promise<Connector> {
    const row = await tx
      .updateTable('connector')
      .set({ url, revision: randomUUID(), renamed_to: null, updated_at: new Date() })
      .where('scope', '=', scope)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toConnector(row);
  }

  /** What was heard of the repository that is, or was, at this URL; null where it has its old name. */
  async noteRenamed(
    { scope, id, url }: ConnectorAt,
    heard: Pick<RenamedTo, 'url' | 'by'> | null,
  ): Promise<void> {
    await this.storage.db
      .updateTable('connector')
      .set({
        renamed_to: heard === null ? null : JSON.stringify({ ...heard, seenAt: new Date().toISOString() }),
      })
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where('url', '=', url)
      .where(sql<boolean>`renamed_to ->> 'url' is distinct from ${heard?.url ?? null}::text`)
      .execute();
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

  /** Where the secrets are that somebody named for the connector’s webhook; its host is sent one of them. */
  async webhookSecretScopes(tx: Session, scope: Scope, id: string): Promise<Scope[]> {
    const rows = await tx
      .selectFrom('webhook_secret')
      .select('secret_scope')
      .distinct()
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .where('made', '=', false)
      .execute();
    return rows.map((row) => row.secret_scope);
  }

  /**
   * Ends what is done about the repository that the connector has until now; it has to be held, and in no other use. One of its
   * pull requests where that is not over: it would be followed, and closed, by its number in another repository.
   */
  async leaveRepository(tx: Session, scope: Scope, id: string): Promise<string | undefined> {
    const request = await tx
      .selectFrom('pull_request')
      .select('id')
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .where('state', 'in', ['wanted', 'open', 'failed'])
      .executeTakeFirst();
    if (request !== undefined) return request.id;
    await tx
      .updateTable('pull_request')
      .set({ copies_due: false, due_at: null })
      .where('connector_scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
    await tx
      .updateTable('webhook')
      .set({ host_repository_id: null })
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
    return undefined;
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(tx: Session, scope: Scope, id: string): Promise<void> {
    const result = await tx
      .deleteFrom('connector')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch((error: unknown) => {
        if (!isReferenced(error)) throw error;
        const by = isReferenced(error, 'webhook_connector')
          ? `${scope}/connectors/${id}/webhook`
          : 'an entity';
        throw new Failure('STILL_IN_USE', { what: 'connector', id, by });
      });
    if (result.numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'connector', id });
  }
}

/** Every secret that it names. */
export const secretsOf = ({ credential, apiCredential, trust }: Connector): SecretUse[] => [
  ...usesOf('credential', credential),
  ...usesOf('apiCredential', apiCredential),
  ...usesOf('trust', trust),
];

/** That of a user name and a password has columns of its own. */
const hasRow = ({ credential }: Connector, { part }: SecretUse): boolean =>
  part !== 'credential.secret' || (credential !== null && 'kind' in credential);

export const busy = ({ scope, id }: { scope: Scope; id: string }, reason: string): Failure =>
  new Failure('CONNECTOR_BUSY', { connector: `${scope}/connectors/${id}`, reason }) as Failure;

const gone = (credential: Credential): Failure =>
  new Failure(
    'NOT_FOUND',
    'reference' in credential
      ? { what: 'secret manager', id: credential.manager }
      : { what: 'secret', id: 'secret' in credential ? credential.secret : '' },
  ) as Failure;

const toJson = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

const ANONYMOUS = {
  username: null,
  secret_scope: null,
  secret_id: null,
  reference: null,
  manager_scope: null,
  manager_id: null,
  credential: null,
};

function toColumns(credential: Connector['credential']) {
  if (credential === null) return ANONYMOUS;
  if ('kind' in credential) return { ...ANONYMOUS, credential: JSON.stringify(credential) };
  const { username } = credential;
  if ('secret' in credential)
    return { ...ANONYMOUS, username, secret_scope: credential.secretScope, secret_id: credential.secret };
  const { reference, managerScope, manager } = credential;
  return { ...ANONYMOUS, username, reference, manager_scope: managerScope, manager_id: manager };
}

function toCredential(row: Selectable<ConnectorTable>): Connector['credential'] {
  const { secret_scope, secret_id, reference, manager_scope, manager_id } = row;
  if (row.credential !== null) return row.credential as Credential;
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
    apiCredential: row.api_credential as Credential | null,
    trust: row.trust as ConnectorTrust | null,
    knownHosts: row.known_hosts,
    provider: row.provider as Provider,
    apiUrl: row.api_url,
    revision: row.revision,
    renamedTo: row.renamed_to as RenamedTo | null,
  };
}
