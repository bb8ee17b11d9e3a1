// Servers that tests share are started here, once per run: the embedded PostgreSQL, and the distribution's own.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/storage/embedded-postgres.js';
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

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  findProgram('redis-server', 'redis-server');
  findProgram('curl', 'curl');
  findProgram('nginx', 'nginx-light', () => ['/usr/sbin']);
  findProgram('fcgiwrap', 'fcgiwrap', () => ['/usr/sbin']);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-test-'));
  fs.chmodSync(home, 0o755);
  const embedded = await startEmbeddedPostgres(path.join(home, 'postgres'));
  const real = await startPostgres();
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
