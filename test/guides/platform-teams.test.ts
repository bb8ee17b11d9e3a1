// docs/guides for platform teams, as somebody follows it who has PostgreSQL, a private Git host and a token for that.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { createRepository, type GitHost, startGitHost } from '../../src/playground/git-host.js';
import { assertGuide, Reader } from '../support/guide-reader.js';
import { findProgram, freePort, type Server, startPostgres } from '../support/servers.js';

const password = randomBytes(18).toString('base64url');

let postgres: Server;
let host: GitHost;
let reader: Reader;
const repositories = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-guide-host-'));
beforeAll(async () => {
  for (const program of ['psql', 'pg_dump', 'pg_restore']) findProgram(program, 'postgresql-client');
  postgres = await startPostgres();
  const { hostname, port, username, password: administrator } = new URL(postgres.url);
  const ports = ['REDIS_PORT', 'HTTPS_PORT', 'SALLYPORT_PORT', 'SALLYPORT_HEALTH_PORT'];
  const settings: Record<string, string> = {};
  for (const name of ports) settings[name] = String(await freePort());
  reader = new Reader({
    ...settings,
    ...{
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: administrator,
      PGDATABASE: 'postgres',
    },
    // The host here has no certificate; the reader’s git knows how to reach it.
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    ...(await startHost()),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'credential.helper',
    GIT_CONFIG_VALUE_0: 'store',
  });
  fs.writeFileSync(path.join(reader.home, 'git-token'), `${password}\n`);
  fs.writeFileSync(
    path.join(reader.home, '.git-credentials'),
    `${host.url.replace('://', `://gate:${password}@`)}\n`,
  );
});
afterAll(async () => {
  await reader.leave();
  await host.close();
  await postgres.stop();
  fs.rmSync(repositories, { recursive: true });
});

async function startHost(): Promise<Record<string, string>> {
  createRepository(repositories, 'config', { files: { 'README.md': 'Configuration of the platform\n' } });
  host = await startGitHost({ root: repositories, port: 0, accounts: [{ username: 'gate', password }] });
  return { REPOSITORY: `${host.url}/config.git`, GIT_USER: 'gate' };
}

it('self-hosting.md, delegates-and-secrets.md and day-two.md do what they say', {
  timeout: 600_000,
}, async () => {
  await assertGuide(reader, 'self-hosting', 'delegates-and-secrets', 'day-two');
});
