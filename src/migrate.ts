// `npm run -s migrate [-- --grant ROLE]`: brings the database’s tables up to date, as the role that owns them, and lets the role of
// the application do what a manager needs and no more.
import './config/process.js';
import { parseArgs } from 'node:util';
import { readConfig } from './config/config.js';
import { databaseUrl } from './config/data-folder.js';
import { Failure } from './kernel/failure.js';
import { grantApplicationRole } from './storage/application-role.js';
import { Storage } from './storage/database.js';

try {
  const { values } = parseArgs({ options: { grant: { type: 'string' } } });
  const storage = new Storage(databaseUrl(readConfig()));
  try {
    await storage.migrate();
    process.stdout.write('The tables are up to date\n');
    if (values.grant !== undefined) {
      await grantApplicationRole(storage.db, values.grant);
      process.stdout.write(`${values.grant} may do with them what a manager needs\n`);
    }
  } finally {
    await storage.close();
  }
} catch (error) {
  const hint = error instanceof Failure ? `\n${error.hint}` : '';
  process.stderr.write(`${(error as Error).message}${hint}\n`);
  process.exitCode = 1;
}
