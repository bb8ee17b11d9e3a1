// How secrets and their managers get to a delegate: always inside a sealed task, and what the builtin manager keeps is opened
// for that one task.
import { Injectable } from '@nestjs/common';
import type { ReferredSecret } from '../connectors/path-reference.js';
import type { Purpose } from '../contract/audit.js';
import type { CarriedSecret } from '../contract/remote.js';
import type { CarriedManager } from '../contract/secret-managers.js';
import type { Errand } from '../delegates/dispatcher.js';
import type { Envelope } from '../envelope/envelope.js';
import { StoredSecret } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import type { CurrentSecret } from '../secrets/current-secrets.repository.js';
import { type SecretManagerRecord, SecretManagersRepository } from '../secrets/secret-managers.repository.js';
import { type HeldSecret, type KeptBy, SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';

@Injectable()
export class SecretCarrier {
  constructor(
    private readonly secrets: SecretsService,
    private readonly held: SecretsRepository,
    private readonly managers: SecretManagersRepository,
  ) {}

  /** @throws NOT_FOUND */
  async find({ scope, id }: NonNullable<KeptBy>): Promise<SecretManagerRecord> {
    return this.managers.get(scope, id);
  }

  /** The secret with all that it takes to have it opened, read at this moment. @throws NOT_FOUND */
  async complete(secret: ReferredSecret): Promise<CurrentSecret> {
    const manager = await this.find(secret.keptBy);
    return { ...secret, manager, credential: await this.#credentialOf(manager) };
  }

  /** @throws SECRET_UNREADABLE for what the builtin manager cannot open */
  async carryCurrent(
    { manager, credential, ...secret }: CurrentSecret,
    purpose: Purpose,
  ): Promise<CarriedSecret> {
    const { scope, id, stored } = secret;
    if (manager === null) return { manager: 'builtin', value: await this.#open(secret, purpose, 'delegate') };
    assertWhole(secret);
    // As delegates have known it since before there were other managers.
    if (manager.settings.kind === 'keyring')
      return { manager: 'keyring', scope, id, envelope: stored as Envelope };
    return { manager: 'outside', scope, id, stored, keptBy: await this.#carry(manager, credential, purpose) };
  }

  /** @throws NOT_FOUND, SECRET_UNREADABLE for its credential */
  async carryManager(manager: SecretManagerRecord, purpose: Purpose): Promise<CarriedManager> {
    return this.#carry(manager, await this.#credentialOf(manager), purpose);
  }

  async #credentialOf({ credential }: SecretManagerRecord): Promise<HeldSecret | null> {
    return credential === null ? null : this.held.held(credential.secretScope, credential.secret);
  }

  async #carry(
    { scope, id, revision, settings }: SecretManagerRecord,
    credential: HeldSecret | null,
    purpose: Purpose,
  ): Promise<CarriedManager> {
    const manager = { scope, id, revision, settings };
    if (credential === null) return { ...manager, credential: { kind: 'ambient' } };
    const lentTo = `${scope}/secret-managers/${id}`;
    return {
      ...manager,
      credential: { kind: 'builtin', value: await this.#open(credential, purpose, lentTo) },
    };
  }

  async #open(secret: HeldSecret, purpose: Purpose, lentTo: string): Promise<string> {
    const opened = await this.secrets.open(secret, purpose, lentTo);
    try {
      return opened.use((bytes) => bytes.toString('base64'));
    } finally {
      opened.wipe();
    }
  }
}

/** Nobody is sent what is neither an envelope nor a reference any more. @throws SECRET_UNREADABLE */
export function assertWhole({ id, stored }: Pick<HeldSecret, 'id' | 'stored'>): void {
  if (!StoredSecret.safeParse(stored).success)
    throw new Failure('SECRET_UNREADABLE', { secret: id, reason: 'what is stored of it is damaged' });
}

/** What the secret manager asks of the delegate that tries it, or takes a value into its keeping. */
export const errandOfManager = ({ scope, group, tags }: SecretManagerRecord): Errand => ({
  scope,
  group,
  tags,
  url: null,
});

/**
 * One delegate does both: reaches the Git host and opens the secret. A delegate is sent the credential of the secret manager,
 * so it is one of that one’s scope or further out; a keyring has none, and every delegate of the group has the keyring.
 * @throws SECRET_MANAGER_UNFIT
 */
export function joinErrands(git: Errand, manager: SecretManagerRecord): Errand {
  const secret = errandOfManager(manager);
  if (git.group !== null && secret.group !== null && git.group !== secret.group)
    throw new Failure('SECRET_MANAGER_UNFIT', {
      problem: `it is served by group ${secret.group}, and the connector by group ${git.group}`,
      mend: 'Let one delegate group serve both',
    });
  const joined = {
    ...git,
    group: git.group ?? secret.group,
    tags: [...new Set([...git.tags, ...secret.tags])],
  };
  if (manager.settings.kind === 'keyring') return joined;
  // Of several, the one furthest out: all are of the connector's own scope or further out.
  return { ...joined, scope: secret.scope.length < git.scope.length ? secret.scope : git.scope };
}
