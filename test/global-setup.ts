// Servers that tests share are started here, once per run: the embedded PostgreSQL, and the distribution's own.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { openQueueBackend } from '../src/queue/backend.js';
import { Storage } from '../src/storage/database.js';
import { startEmbeddedPostgres } from '../src/storage/embedded-postgres.js';
import { createDatabase, MIGRATED } from './support/database.js';
import { runCommand } from './support/processes.js';
import { findProgram, startPostgres } from './support/servers.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Administrative URLs: tests make databases of their own there. */
    embeddedPostgres: string;
    realPostgres: string;
    /** Where they keep their files. */
    embeddedPostgresFolder: string;
    realPostgresFolder: string;
  }
}

/**
 * Programs that tests start find themselves compiled. A process that is killed leaves nothing behind for the next one: here each
 * ends by itself, the manager because it is told of no database, the delegate because it has not enrolled, commands over their usage.
 */
async function keepCompiled(folder: string): Promise<void> {
  process.env.NODE_COMPILE_CACHE = folder;
  const env = { SALLYPORT_DATA_DIR: path.join(folder, 'nowhere') };
  await Promise.all([runCommand('src/main.js', [], { env }), runCommand('workers/delegate.js', [], { env })]);
  const commands = [['enrol'], ['doctor', '--help'], ['secret', 'put'], ['keyring', 'make'], ['group-keys']];
  await Promise.all(commands.map((args) => runCommand('workers/delegate.js', args, { env })));
  await runCommand('workers/git.js', [], { env });
}

/** The database that the tests' own are copies of: up to date, and without a row of anybody's. */
async function migrateTemplate(admin: string, { hasQueue }: { hasQueue: boolean }): Promise<void> {
  const { url: databaseUrl } = await createDatabase(admin, { name: MIGRATED, from: 'template1' });
  const storage = new Storage(databaseUrl);
  await storage.migrate();
  await storage.close();
  if (hasQueue) await openQueueBackend({ redisUrl: undefined, databaseUrl });
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  findProgram('redis-server', 'redis-server');
  findProgram('curl', 'curl');
  findProgram('nginx', 'nginx-light', () => ['/usr/sbin']);
  findProgram('fcgiwrap', 'fcgiwrap', () => ['/usr/sbin']);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-test-'));
  fs.chmodSync(home, 0o755);
  await keepCompiled(path.join(home, 'compiled'));
  const embedded = await startEmbeddedPostgres(path.join(home, 'postgres'));
  const real = await startPostgres();
  await migrateTemplate(embedded.url, { hasQueue: true });
  await migrateTemplate(real.url, { hasQueue: false });
  project.provide('embeddedPostgres', embedded.url);
  project.provide('embeddedPostgresFolder', path.join(home, 'postgres', 'pgdata'));
  project.provide('realPostgres', real.url);
  project.provide('realPostgresFolder', real.folder);
  return async () => {
    await real.stop();
    await embedded.stop();
    fs.rmSync(home, { recursive: true, force: true });
  };
}
