// What may be saved as a connector, and what a connector's use forbids.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Failure } from '../kernel/failure.js';
import { type PathReference, readPathReference } from '../policy/path-references.js';
import { refuse } from '../policy/refuse.js';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../policy/repository-url.js';
import { requireFitting } from '../policy/ssh-connector.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { SecretManagersRepository } from '../secrets/secret-managers.repository.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { assertWithinReach } from '../secrets/secrets.service.js';
import { type Session, Storage } from '../storage/database.js';
import { type Connector, ConnectorsRepository } from './connectors.repository.js';

export interface ConnectorWrite {
  url: string;
  connectivity: 'manager' | 'delegate';
  group?: string | undefined;
  tags?: string[] | undefined;
  credential?: { username: string; secret: string } | { username: string; reference: string } | undefined;
  knownHosts?: string | undefined;
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
  ) {}

  /**
   * Creates or replaces a connector. A repository that entities live in cannot be exchanged beneath them.
   * @throws CONNECTOR_DENIED, CONNECTOR_UNFIT, SCOPE_NOT_FOUND, NOT_FOUND for the secret or the secret manager,
   * SECRET_DELETED, SECRET_OUT_OF_REACH, SECRET_MANAGER_UNFIT, STILL_IN_USE
   */
  async put(
    scope: Scope,
    id: string,
    write: ConnectorWrite,
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
      knownHosts: write.knownHosts ?? null,
      revision: randomUUID(),
    };
    const put = await this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      await this.#holdManager(tx, credential);
      const before = await this.connectors.find(scope, id, tx);
      if (before !== undefined && before.url !== url) await this.#assertFree(tx, scope, id);
      return this.connectors.put(tx, connector);
    });
    await this.secrets.forgetDeleted();
    return put;
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(scope: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      await this.#assertFree(tx, scope, id);
      await this.connectors.delete(tx, scope, id);
    });
    await this.secrets.forgetDeleted();
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

  async #credential(scope: Scope, write: ConnectorWrite): Promise<Connector['credential']> {
    if (write.credential === undefined) return null;
    const { username } = write.credential;
    if ('reference' in write.credential) {
      const { reference } = write.credential;
      const { scope: managerScope, id: manager } = await this.managers.resolve(
        scope,
        read(reference).manager,
      );
      assertWithinReach({ id: reference, keptBy: { scope: managerScope, id: manager } }, write.connectivity);
      return { username, reference, managerScope, manager };
    }
    const secret = await this.secrets.resolve(scope, write.credential.secret);
    assertWithinReach(secret, write.connectivity);
    return { username, secretScope: secret.scope, secret: secret.id };
  }

  /** The secret manager stays as it is, and of the kind that the reference says, until the connector refers to it. */
  async #holdManager(tx: Session, credential: Connector['credential']): Promise<void> {
    if (credential === null || 'secret' in credential) return;
    const { kind } = read(credential.reference);
    const { settings } = await this.managers.hold(tx, credential.managerScope, credential.manager);
    if (settings.kind !== kind)
      throw new Failure('SECRET_MANAGER_UNFIT', {
        problem: `it is of kind ${settings.kind}, and the reference says ${kind}`,
        mend: 'Begin the reference with the kind of the secret manager, which has to be a store',
      });
  }

  async #assertFree(tx: Session, scope: Scope, id: string): Promise<void> {
    const by = await this.connectors.usedBy(tx, scope, id);
    if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'connector', id, by });
  }
}

/** @throws INPUT_REFUSED */
function read(reference: string): PathReference {
  const found = readPathReference(reference);
  if ('problem' in found) throw refuse('credential.reference', found.problem);
  return found;
}
