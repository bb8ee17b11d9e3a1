// Files that could not be an entity since something stood in their way: once that is gone, in the same transaction, their repositories
// are to be looked at, and the refresh judges just these files again. Nobody has to push anything for it.
import { Injectable } from '@nestjs/common';
import type { EntityKey } from '../entities/entities.repository.js';
import type { Session } from '../storage/database.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { type ConnectorKey, TrackingRepository } from './tracking.repository.js';

@Injectable()
export class Reconsideration {
  constructor(
    private readonly problems: FileProblemsRepository,
    private readonly tracking: TrackingRepository,
  ) {}

  /**
   * Whether these entities are anywhere has been changed. Once in a transaction, and before it says how far branches were followed, so
   * that nobody waits for each other: trackings are taken in one order, and branches after them.
   * @param unless the tracking whose own refresh changed it, and sees to it that its files are judged
   */
  async begin(tx: Session, keys: EntityKey[], unless?: ConnectorKey): Promise<void> {
    for (const key of await this.problems.followersFreed(tx, keys)) {
      if (unless?.scope === key.scope && unless.connector === key.connector) continue;
      await this.tracking.wake(key, { isHint: false, session: tx });
    }
  }
}
