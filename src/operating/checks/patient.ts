// The manager, and what it depends on, as its doctor sees them.
import type { Config } from '../../config/config.js';
import type { RedisFacts } from '../../queue/redis-probe.js';
import type { DatabaseFacts } from '../../storage/database-probe.js';
import type { Check } from '../../telemetry/examination.js';

export type KnownKeys = NonNullable<DatabaseFacts['masterKeys']>;

export interface Patient {
  config: Config;
  /** Of the manager whose doctor this is. */
  version: string;
  keyFile: string;
  /** Undefined where the database does not say. */
  masterKeys: KnownKeys | undefined;
  /** Why it cannot be asked, where that is so. */
  database: DatabaseFacts | string;
  /** The same; undefined where the queue is in the database. */
  redis: RedisFacts | string | undefined;
}

export type ManagerCheck = Check<Patient>;
