// Puts on record what changes nothing in the database, or changes it elsewhere, and what an other one's statement changes.
import { Injectable } from '@nestjs/common';
import { Storage } from '../storage/database.js';
import { type Act, record } from './record.js';

@Injectable()
export class Acts {
  constructor(private readonly storage: Storage) {}

  /** @throws AUDIT_UNWRITABLE, DATABASE_UNAVAILABLE */
  async note(act: Act): Promise<void> {
    await this.storage.transact(async (tx) => record(tx, act));
  }
}
