// How one secret of an operation is done, up to the row that is to be written: under a newer key, under a fresh data key, or in
// another secret manager. What leaves a delegate is sealed to another group, unless the builtin manager is to have it.
import { Injectable } from '@nestjs/common';
import { ManagerKeys } from '../delegates/manager-keys.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { sealValue } from '../sealing/client-sealing.js';
import type { SecretOperationItem } from '../secrets/secret-operations.repository.js';
import type { HeldSecret, KeptBy } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { DelegatedSecrets } from './delegated-secrets.js';

/** As long as that of a client. */
const SEALED_MS = 14 * 60_000;

@Injectable()
export class SecretRenewal {
  constructor(
    private readonly service: SecretsService,
    private readonly delegated: DelegatedSecrets,
    private readonly keys: ManagerKeys,
  ) {}

  /** @throws SECRET_*, DELEGATE_*, NOT_FOUND for a secret manager */
  async renew(item: SecretOperationItem, held: HeldSecret): Promise<StoredSecret> {
    const { action, to } = item.operation;
    if (action !== 'migrate')
      return held.keptBy === null
        ? this.service.renew(held, action, item.nextVersion)
        : this.delegated.renew(held, action, item.nextVersion);
    return to === null ? this.#bringIn(item, held) : this.#bringTo(to, item, held);
  }

  async #bringIn({ nextVersion }: SecretOperationItem, held: HeldSecret): Promise<StoredSecret> {
    const { scope, id } = held;
    return this.service.keep(await this.delegated.reveal(held), { scope, id, version: nextVersion });
  }

  async #bringTo(
    to: NonNullable<KeptBy>,
    { operation, nextVersion: version }: SecretOperationItem,
    held: HeldSecret,
  ): Promise<StoredSecret> {
    const { scope, id: secret } = held;
    const target = await this.delegated.sealingGroup(await this.delegated.find(to));
    const expiresAt = Date.now() + SEALED_MS;
    const at = { version, managerScope: to.scope, manager: to.id, expiresAt };
    const { id: group, identityKey, sealingKey, signature } = target;
    const keys = { group, identityKey, sealingKey, signature };
    const sealed =
      held.keptBy === null
        ? await this.#seal(held, { deployment: this.keys.deployment, ...keys }, { scope, secret, ...at })
        : await this.delegated.reseal(held, { ...keys, ...at });
    const value = { scope, secret, version, keptBy: to, group, ...sealed, expiresAt: new Date(expiresAt) };
    return this.delegated.keep(value, { onlyIfAbsent: operation.onlyIfAbsent });
  }

  async #seal(held: HeldSecret, ...[target, place]: SealedFor) {
    const opened = await this.service.open(held);
    try {
      return await opened.use((bytes) => sealValue(bytes, target, place));
    } finally {
      opened.wipe();
    }
  }
}

type SealedFor = [Parameters<typeof sealValue>[1], Parameters<typeof sealValue>[2]];
