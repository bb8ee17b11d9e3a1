// What the builtin secret manager wraps with: the key that the database calls active, out of this manager's key file.
import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { WrappingKey, WrappingKeys } from '../envelope/key-file.js';
import { LiveKeyRing } from '../envelope/live-key-ring.js';
import { Failure } from '../kernel/failure.js';
import { MasterKeysRepository } from './master-keys.repository.js';

@Injectable()
export class MasterKeys implements WrappingKeys {
  constructor(
    private readonly ring: LiveKeyRing,
    private readonly repository: MasterKeysRepository,
  ) {}

  /** Asked of the database every time: a secret that is written seldom needs no memory of who was active a moment ago. */
  async current(): Promise<WrappingKey> {
    const id = await this.repository.active();
    const key = await this.find(id);
    if (key === undefined) throw new Failure('MASTER_KEY_MISSING', { key: id });
    return { id, key };
  }

  /** A known key that is missing here is not lost: whatever needs it waits. @throws MASTER_KEY_MISSING */
  async find(id: string): Promise<KeyObject | undefined> {
    const key = this.ring.find(id);
    if (key === undefined && (await this.repository.has(id)))
      throw new Failure('MASTER_KEY_MISSING', { key: id });
    return key;
  }
}
