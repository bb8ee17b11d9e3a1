// How one secret of an operation is done, up to the row that is to be written: under a newer key, under a fresh data key, or in
// another secret manager. What leaves a delegate is sealed to another group, unless the builtin manager is to have it.
import { Injectable } from '@nestjs/common';
import type { Purpose } from '../contract/audit.js';
import { ManagerKeys } from '../delegates/manager-keys.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { cutActor } from '../kernel/actor.js';
import type { Secret } from '../kernel/secret.js';
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
    if (action !== 'migrate') {
      const renewal = { how: action, version: item.nextVersion };
      return held.keptBy === null
        ? this.service.renew(held, renewal, purposeOf(item))
        : this.delegated.renew(held, renewal, purposeOf(item));
    }
    return to === null ? this.#bringIn(item, held) : this.#bringTo(to, item, held);
  }

  async #bringIn(item: SecretOperationItem, held: HeldSecret): Promise<StoredSecret> {
    const purpose = purposeOf(item);
    const value = await this.delegated.reveal(held, purpose);
    return this.service.keepRevealed(value, { held, version: item.nextVersion }, purpose);
  }

  async #bringTo(
    to: NonNullable<KeptBy>,
    item: SecretOperationItem,
    held: HeldSecret,
  ): Promise<StoredSecret> {
    const { operation, nextVersion: version } = item;
    const purpose = purposeOf(item);
    const { scope, id: secret } = held;
    const target = await this.delegated.sealingGroup(await this.delegated.find(to));
    const expiresAt = Date.now() + SEALED_MS;
    const at = { version, managerScope: to.scope, manager: to.id, expiresAt };
    const { id: group, identityKey, sealingKey, signature } = target;
    const keys = { group, identityKey, sealingKey, signature };
    const sealed =
      held.keptBy === null
        ? await this.#seal(
            await this.service.open(held, purpose),
            { deployment: this.keys.deployment, ...keys },
            { scope, secret, ...at },
          )
        : await this.delegated.reseal(held, { ...keys, ...at }, purpose);
    const { enc, box } = sealed;
    const sent = { group, suite: 'x25519' as const, enc, box, expiresAt: new Date(expiresAt) };
    const value = { scope, secret, version, keptBy: to, ...sent };
    return this.delegated.keep(value, purpose, { onlyIfAbsent: operation.onlyIfAbsent });
  }

  /** Wipes what was opened. */
  async #seal(opened: Secret, ...[target, place]: SealedFor) {
    try {
      return await opened.use((bytes) => sealValue(bytes, target, place));
    } finally {
      opened.wipe();
    }
  }
}

type SealedFor = [Parameters<typeof sealValue>[1], Parameters<typeof sealValue>[2]];

const purposeOf = ({ operation: { id, scope, requestedBy } }: SecretOperationItem): Purpose => ({
  kind: 'secret-operation',
  subject: `${scope}/secret-operations/${id}`,
  operations: [id],
  actors: [cutActor(requestedBy)],
});
