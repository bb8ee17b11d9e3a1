// How secrets and their managers get to a delegate: always inside a sealed task, and what the builtin manager keeps is opened
// for that one task.
import { Injectable } from '@nestjs/common';
import type { CarriedSecret } from '../contract/remote.js';
import type { CarriedManager } from '../contract/secret-managers.js';
import type { Errand } from '../delegates/dispatcher.js';
import type { Envelope } from '../envelope/envelope.js';
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

  /** @throws NOT_FOUND, SECRET_UNREADABLE for what the builtin manager cannot open */
  async carrySecret(secret: HeldSecret): Promise<CarriedSecret> {
    const manager = secret.keptBy === null ? null : await this.find(secret.keptBy);
    return this.carryCurrent({ ...secret, manager, credential: await this.#credentialOf(manager) });
  }

  /** @throws SECRET_UNREADABLE for what the builtin manager cannot open */
  async carryCurrent({ manager, credential, ...secret }: CurrentSecret): Promise<CarriedSecret> {
    const { scope, id, stored } = secret;
    if (manager === null) return { manager: 'builtin', value: await this.#open(secret) };
    // As delegates have known it since before there were other managers.
    if (manager.settings.kind === 'keyring')
      return { manager: 'keyring', scope, id, envelope: stored as Envelope };
    return { manager: 'outside', scope, id, stored, keptBy: await this.#carry(manager, credential) };
  }

  /** @throws NOT_FOUND, SECRET_UNREADABLE for its credential */
  async carryManager(manager: SecretManagerRecord): Promise<CarriedManager> {
    return this.#carry(manager, await this.#credentialOf(manager));
  }

  async #carry(
    { scope, id, revision, settings }: SecretManagerRecord,
    credential: HeldSecret | null,
  ): Promise<CarriedManager> {
    const manager = { scope, id, revision, settings };
    if (credential === null) return { ...manager, credential: { kind: 'ambient' } };
    return { ...manager, credential: { kind: 'builtin', value: await this.#open(credential) } };
  }

  async #credentialOf(manager: SecretManagerRecord | null): Promise<HeldSecret | null> {
    const named = manager?.credential ?? null;
    return named === null ? null : this.held.held(named.secretScope, named.secret);
  }

  async #open(secret: HeldSecret): Promise<string> {
    const opened = await this.secrets.open(secret);
    try {
      return opened.use((bytes) => bytes.toString('base64'));
    } finally {
      opened.wipe();
    }
  }
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
  return { ...joined, scope: secret.scope };
}
