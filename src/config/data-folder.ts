// Where the data folder has what more than one process looks for.
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from '../kernel/failure.js';
import type { Config } from './config.js';

export const masterKeyFile = (config: Config): string =>
  config.SALLYPORT_MASTER_KEY_FILE ?? path.join(config.SALLYPORT_DATA_DIR, 'master-key.json');

/** The database that is set, or the one that a running `npm start` left in its data folder. @throws CONFIGURATION_INVALID */
export function databaseUrl(config: Config): string {
  const file = path.join(config.SALLYPORT_DATA_DIR, 'database-url');
  const url = config.DATABASE_URL ?? (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : undefined);
  if (url !== undefined) return url;
  throw new Failure('CONFIGURATION_INVALID', {
    problems: ['DATABASE_URL is not set, and no `npm start` runs here'],
  });
}
