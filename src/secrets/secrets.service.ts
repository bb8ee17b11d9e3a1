// What may be written as a secret, and what this side may open.
import { Injectable } from '@nestjs/common';
import type { SealedSecret } from '../contract/remote.js';
import type { Envelope } from '../envelope/envelope.js';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import type { Scope } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { Storage } from '../storage/database.js';
import { BuiltInSecrets } from './built-in.js';
import { type SecretRecord, SecretsRepository } from './secrets.repository.js';

export type SecretWrite = { manager: 'builtin'; value: string } | { manager: 'keyring'; envelope: Envelope };

type Connectivity = 'manager' | 'delegate';

/** Which connectivities may use which manager's secrets; any other never gets to try. */
const users: Record<'builtin' | 'keyring', readonly Connectivity[]> = {
  builtin: ['manager', 'delegate'],
  keyring: ['delegate'],
};

export const canReach = (manager: 'builtin' | 'keyring', connectivity: Connectivity): boolean =>
  users[manager].includes(connectivity);

/** @throws SECRET_OUT_OF_REACH unless a connector of this connectivity may use secrets of this manager. */
export function assertWithinReach(
  secret: { id: string; manager: 'builtin' | 'keyring' },
  connectivity: Connectivity,
): void {
  if (!canReach(secret.manager, connectivity))
    throw new Failure('SECRET_OUT_OF_REACH', { secret: secret.id, manager: secret.manager, connectivity });
}

@Injectable()
export class SecretsService {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly secrets: SecretsRepository,
    private readonly builtIn: BuiltInSecrets,
  ) {}

  /** @throws SCOPE_NOT_FOUND, SECRET_OUT_OF_REACH when a connector that uses it could not open it any more. */
  async put(
    scope: Scope,
    id: string,
    write: SecretWrite,
  ): Promise<{ record: SecretRecord; created: boolean }> {
    const envelope = write.manager === 'builtin' ? await this.#seal(scope, id, write.value) : write.envelope;
    return this.storage.transact(async (tx) => {
      await this.scopes.hold(tx, scope);
      for (const user of await this.secrets.users(tx, scope, id))
        assertWithinReach({ id, manager: write.manager }, user.connectivity);
      return this.secrets.put(tx, { scope, id, manager: write.manager, envelope });
    });
  }

  /** Opens a builtin secret. @throws SECRET_OUT_OF_REACH for any other, SECRET_UNREADABLE */
  async open(sealed: SealedSecret): Promise<Secret> {
    assertWithinReach(sealed, 'manager');
    return this.builtIn.open(sealed.envelope, { scope: sealed.scope, secret: sealed.id });
  }

  async #seal(scope: Scope, id: string, value: string): Promise<Envelope> {
    const plaintext = new Secret(Buffer.from(value, 'utf8'));
    try {
      return await plaintext.use((bytes) => this.builtIn.put(bytes, { scope, secret: id }));
    } finally {
      plaintext.wipe();
    }
  }
}
