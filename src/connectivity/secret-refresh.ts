// Tries whether a secret opens at this moment, whatever anybody remembers of it, and drops what is remembered.
import { Injectable } from '@nestjs/common';
import type { Purpose } from '../contract/audit.js';
import type { Envelope } from '../envelope/envelope.js';
import type { Found } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
import { type HeldSecret, SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { DelegatedSecrets, type Tried } from './delegated-secrets.js';

export type Refreshed = { version: string } & (Tried | { failure: Failure });

@Injectable()
export class SecretRefresh {
  constructor(
    private readonly secrets: SecretsRepository,
    private readonly current: CurrentSecretsRepository,
    private readonly opener: SecretsService,
    private readonly delegated: DelegatedSecrets,
  ) {}

  /** What stands in the way is part of the answer. @throws NOT_FOUND */
  async refresh(scope: Scope, id: string, actor: string): Promise<Refreshed> {
    const subject = `${scope}/secrets/${id}`;
    const purpose: Purpose = { kind: 'secret-refresh', subject, operations: [], actors: [actor] };
    this.current.forget(scope, id);
    const secret = await this.secrets.held(scope, id);
    const { version } = secret.stored;
    try {
      return { version, ...(await this.#try(secret, purpose)) };
    } catch (error) {
      return { version, failure: Failure.from(error) };
    }
  }

  async #try(secret: HeldSecret, purpose: Purpose): Promise<Tried> {
    if (secret.keptBy !== null)
      return this.delegated.tryOpening({ ...secret, keptBy: secret.keptBy }, purpose);
    const begun = performance.now();
    const opened = await this.opener.open(secret, purpose);
    opened.wipe();
    const found: Found = { keyId: (secret.stored as Envelope).keyId, storeVersion: null };
    return { ms: performance.now() - begun, ...found };
  }
}
