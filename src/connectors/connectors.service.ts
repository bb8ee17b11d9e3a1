// What may be saved as a connector, and what a connector's use forbids.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '../audit/record.js';
import { Config } from '../config/config.js';
import { EventsRepository, type NewEvent } from '../events/events.repository.js';
import { Failure } from '../kernel/failure.js';
import type { ApiCredential, GitCredential, Trust } from '../policy/credentials.js';
import { type PathReference, readPathReference } from '../policy/path-references.js';
import { refuse } from '../policy/refuse.js';
import { parseRepositoryUrl, parseServiceUrl, type RepositoryUrlPolicy } from '../policy/repository-url.js';
import { requireFitting } from '../policy/ssh-connector.js';
import type { Provider } from '../providers/provider.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { SecretManagersRepository } from '../secrets/secret-managers.repository.js';
import type { MayUse } from '../secrets/secret-use.js';
import { type SecretRecord, SecretsRepository } from '../secrets/secrets.repository.js';
import { assertWithinReach, stores } from '../secrets/secrets.service.js';
import { type Session, Storage } from '../storage/database.js';
import { type Connector, ConnectorsRepository } from './connectors.repository.js';
import { type ConnectorTrust, type Credential, type KindCredential, namesOf } from './credential.js';
import { goElsewhere, scopesUsed } from './destination.js';

export interface ConnectorWrite {
  url: string;
  connectivity: 'manager' | 'delegate';
  group?: string | undefined;
  tags?: string[] | undefined;
  credential?: GitCredential | undefined;
  apiCredential?: ApiCredential | undefined;
  trust?: Trust | undefined;
  knownHosts?: string | undefined;
  provider?: Provider | undefined;
  apiUrl?: string | undefined;
}

@Injectable()
export class ConnectorsService {
  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly secrets: SecretsRepository,
    private readonly managers: SecretManagersRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly events: EventsRepository,
  ) {}

  /**
   * Creates or replaces a connector. A repository that entities live in cannot be exchanged beneath them, and what it is to show
   * goes nowhere else than before unless `mayUse` says so.
   * @throws PERMISSION_MISSING, CONNECTOR_DENIED, CONNECTOR_UNFIT, SCOPE_NOT_FOUND, NOT_FOUND for the secret or the secret manager,
   * SECRET_DELETED, SECRET_OUT_OF_REACH, SECRET_MANAGER_UNFIT, STILL_IN_USE
   */
  async put(
    scope: Scope,
    id: string,
    write: ConnectorWrite,
    mayUse: MayUse,
  ): Promise<{ connector: Connector; created: boolean }> {
    requireFitting(write);
    const url = parseRepositoryUrl(write.url, this.#policyFor(write.connectivity));
    const credential = await this.#credential(scope, write);
    const connector: Connector = {
      scope,
      id,
      url,
      connectivity: write.connectivity,
      group: write.group ?? null,
      tags: write.tags ?? [],
      credential,
      apiCredential: await this.#apiCredential(scope, write),
      trust: await this.#trust(scope, write),
      knownHosts: write.knownHosts ?? null,
      provider: write.provider ?? 'generic',
      apiUrl: this.#apiUrl(write),
      revision: randomUUID(),
      renamedTo: null,
    };
    const put = await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      await this.#holdManager(tx, credential);
      const before = await this.connectors.find(scope, id, tx);
      await this.#assertUsable(tx, before, connector, mayUse);
      if (before !== undefined && before.url !== url) await this.#leaveRepository(tx, scope, id);
      const put = await this.connectors.put(tx, connector);
      await this.events.record(tx, [ofConnector(put.connector, put.created ? 'created' : 'changed')]);
      const { connectivity, provider, revision } = connector;
      const data = { created: put.created, url, connectivity, provider, revision };
      record(tx, { action: 'connector.put', scope, target: `connectors/${id}`, data });
      return put;
    });
    await this.secrets.forgetDeleted();
    return put;
  }

  /** A URL that the connector is to have from now on. @throws PERMISSION_MISSING, CONNECTOR_DENIED, CONNECTOR_UNFIT */
  async urlToMoveTo(connector: Connector, text: string, mayUse: MayUse): Promise<string> {
    const url = this.urlFor(connector, text);
    await this.#assertUsable(this.storage.db, connector, { ...connector, url }, mayUse);
    return url;
  }

  /** A URL as it would be kept with the connector. @throws CONNECTOR_DENIED, CONNECTOR_UNFIT */
  urlFor(connector: Connector, url: string): string {
    const { connectivity, credential, trust, knownHosts } = connector;
    requireFitting({
      url,
      connectivity,
      credential: credential ?? undefined,
      trust: trust ?? undefined,
      knownHosts: knownHosts ?? undefined,
    });
    return parseRepositoryUrl(url, this.#policyFor(connectivity));
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(scope: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      await this.#assertFree(tx, scope, id);
      const connector = await this.connectors.get(scope, id, tx);
      await this.connectors.delete(tx, scope, id);
      await this.events.record(tx, [ofConnector(connector, 'deleted')]);
      record(tx, { action: 'connector.delete', scope, target: `connectors/${id}` });
    });
    await this.secrets.forgetDeleted();
  }

  /** @throws PERMISSION_MISSING */
  async #assertUsable(
    tx: Session,
    before: Connector | undefined,
    after: Connector,
    mayUse: MayUse,
  ): Promise<void> {
    if (before !== undefined && !goElsewhere(before, after)) return;
    const { scope, id } = after;
    const named = before === undefined ? [] : await this.connectors.webhookSecretScopes(tx, scope, id);
    for (const used of new Set([...scopesUsed(after), ...named])) mayUse(used);
  }

  /** What a delegate may dial is its own side's decision: its network is not the manager's. */
  #policyFor(connectivity: 'manager' | 'delegate'): RepositoryUrlPolicy {
    if (connectivity === 'delegate') return { allowHttp: true, allowPrivate: true, allowSsh: true };
    return {
      allowHttp: this.config.SALLYPORT_GIT_ALLOW_HTTP,
      allowPrivate: this.config.SALLYPORT_GIT_ALLOW_PRIVATE,
      allowed: this.config.SALLYPORT_GIT_ALLOWED_RANGES,
      denied: this.config.SALLYPORT_GIT_DENIED_RANGES,
    };
  }

  #apiUrl({ apiUrl, connectivity }: ConnectorWrite): string | null {
    if (apiUrl === undefined) return null;
    return this.#assertService(apiUrl, connectivity);
  }

  async #credential(scope: Scope, write: ConnectorWrite): Promise<Connector['credential']> {
    const { credential } = write;
    if (credential === undefined) return null;
    if ('reference' in credential) {
      const { username, reference } = credential;
      const { scope: managerScope, id: manager } = await this.managers.resolve(
        scope,
        read(reference).manager,
      );
      assertWithinReach({ id: reference, keptBy: { scope: managerScope, id: manager } }, write.connectivity);
      return { username, reference, managerScope, manager };
    }
    return this.#resolved(scope, credential, write);
  }

  async #apiCredential(scope: Scope, write: ConnectorWrite): Promise<Connector['apiCredential']> {
    return write.apiCredential === undefined ? null : this.#resolved(scope, write.apiCredential, write);
  }

  async #resolved(
    scope: Scope,
    written: ApiCredential | GitCredential,
    write: ConnectorWrite,
  ): Promise<Credential> {
    if (written.kind === 'oauth2') this.#assertService(written.tokenUrl, write.connectivity);
    if (written.kind === 'azure-entra' && written.authority !== undefined)
      this.#assertService(written.authority, write.connectivity);
    const found = await this.#resolveAll(scope, written, write.connectivity);
    // As it was before there were kinds.
    const { kind, ...basic } = found as { kind?: string };
    return (kind === undefined || kind === 'basic' ? basic : (found as KindCredential)) as Credential;
  }

  async #trust(scope: Scope, { trust, connectivity }: ConnectorWrite): Promise<ConnectorTrust | null> {
    if (trust === undefined) return null;
    if (trust.proxyUrl !== undefined) {
      const { pathname } = new URL(this.#assertService(trust.proxyUrl, connectivity, { allowHttp: true }));
      if (pathname !== '/') throw refuse('trust.proxyUrl', 'has a path');
    }
    return (await this.#resolveAll(scope, trust, connectivity)) as ConnectorTrust;
  }

  /** With the scope of every secret beside its id. @throws NOT_FOUND, SECRET_DELETED, SECRET_OUT_OF_REACH */
  async #resolveAll(
    scope: Scope,
    written: object,
    connectivity: ConnectorWrite['connectivity'],
  ): Promise<object> {
    const found: Record<string, string> = {};
    for (const [part, name] of namesOf(written)) {
      const secret = await this.secrets.resolve(scope, name);
      assertWithinReach(secret, connectivity);
      if (part === 'refreshToken') await this.#assertRenewable(secret);
      Object.assign(found, { [part]: secret.id, [`${part}Scope`]: secret.scope });
    }
    return { ...written, ...found };
  }

  /** A host may answer another refresh token at every exchange, which is written back. @throws CONNECTOR_UNFIT */
  async #assertRenewable({ id, keptBy }: SecretRecord): Promise<void> {
    if (keptBy === null) return;
    const { settings } = await this.managers.get(keptBy.scope, keptBy.id);
    if (stores.has(settings.kind))
      throw new Failure('CONNECTOR_UNFIT', {
        problem: `The refresh token ${id} is in a store, and one that its host replaces could not be put there in its place`,
        mend: 'Keep the refresh token with the builtin secret manager, a keyring or a KMS',
      });
  }

  /** @throws CONNECTOR_DENIED */
  #assertService(
    url: string,
    connectivity: ConnectorWrite['connectivity'],
    more: { allowHttp?: boolean } = {},
  ): string {
    return parseServiceUrl(url, { ...this.#policyFor(connectivity), allowSsh: false, ...more });
  }

  /** The secret manager stays as it is, and of the kind that the reference says, until the connector refers to it. */
  async #holdManager(tx: Session, credential: Connector['credential']): Promise<void> {
    if (credential === null || !('reference' in credential)) return;
    const { kind } = read(credential.reference);
    const { settings } = await this.managers.hold(tx, credential.managerScope, credential.manager);
    if (settings.kind !== kind)
      throw new Failure('SECRET_MANAGER_UNFIT', {
        problem: `it is of kind ${settings.kind}, and the reference says ${kind}`,
        mend: 'Begin the reference with the kind of the secret manager, which has to be a store',
      });
  }

  /** What is left of the connector's repository is no word of the next one. @throws STILL_IN_USE */
  async #leaveRepository(tx: Session, scope: Scope, id: string): Promise<void> {
    await this.#assertFree(tx, scope, id);
    const request = await this.connectors.leaveRepository(tx, scope, id);
    if (request !== undefined)
      throw new Failure('STILL_IN_USE', { what: 'connector', id, by: `the pull request ${request}` });
  }

  async #assertFree(tx: Session, scope: Scope, id: string): Promise<void> {
    const by = await this.connectors.usedBy(tx, scope, id);
    if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'connector', id, by });
  }
}

export function ofConnector(
  { scope, id, url, connectivity, provider, revision }: Connector,
  change: 'created' | 'changed' | 'deleted',
  more: { renamedFrom?: string } = {},
): NewEvent {
  return {
    scope,
    type: `connector.${change}`,
    subject: `connectors/${id}`,
    data: { id, url, connectivity, provider, revision, ...more },
  };
}

/** @throws INPUT_REFUSED */
function read(reference: string): PathReference {
  const found = readPathReference(reference);
  if ('problem' in found) throw refuse('credential.reference', found.problem);
  return found;
}
