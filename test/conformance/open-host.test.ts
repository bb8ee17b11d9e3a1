// Which road leads to the API of a connector’s host, and what stands in the way before anything is asked. The manager’s own
// parts over a real database; a host on loopback.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import { Connectivity } from '../../src/connectivity/connectivity.js';
import type { Connector } from '../../src/connectors/connectors.repository.js';
import { createLog } from '../../src/kernel/log.js';
import { managerModule } from '../../src/manager.module.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { ScopesRepository } from '../../src/scopes/scopes.repository.js';
import { MasterKeyBeat } from '../../src/secrets/master-key-beat.js';
import { SecretAuditRepository } from '../../src/secrets/secret-audit.repository.js';
import { SecretsService } from '../../src/secrets/secrets.service.js';
import { Storage } from '../../src/storage/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { createDatabase } from '../support/stack.js';
import { failureFrom } from '../unit/support/refusals.js';

const token = '0123456789abcdef0123456789abcdef01234567';
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-hosts-'));
const scope = 'accounts/acme';
const cause = { kind: 'pull-request' as const, operations: ['o-1'], actors: ['ada'] };

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
let app: INestApplicationContext;
let server: HostServer;
let connectivity: Connectivity;
beforeAll(async () => {
  server = await HostServer.start(giteaDialect(token));
  database = await createDatabase(inject('embeddedPostgres'));
  storage = new Storage(database.url);
  await storage.migrate();
  const config = readConfig({
    DATABASE_URL: database.url,
    SALLYPORT_DATA_DIR: home,
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
  });
  app = await NestFactory.createApplicationContext(
    managerModule(config, createLog('test', 'silent'), storage),
    {
      logger: false,
    },
  );
  await app.get(MasterKeyBeat).start();
  await app.get(ScopesRepository).put(scope, 'Acme');
  await app
    .get(SecretsService)
    .put(scope, 'git', { kind: 'text', manager: 'builtin', value: Buffer.from(token) });
  connectivity = app.get(Connectivity);
});
beforeEach(() => {
  server.reset();
});
afterAll(async () => {
  await app.get(MasterKeyBeat).stop();
  await app.get(TaskQueue).close();
  await app.close();
  await storage.close();
  await database.drop();
  await server.stop();
  fs.rmSync(home, { recursive: true, force: true });
});

const connectorOf = (more: Partial<Connector> = {}): Connector => ({
  scope,
  id: 'app',
  url: `${server.origin}/forge/acme/app.git`,
  connectivity: 'manager',
  group: null,
  tags: [],
  credential: { username: 'sallyport', secretScope: scope, secret: 'git' },
  apiCredential: null,
  trust: null,
  knownHosts: null,
  provider: 'gitea',
  apiUrl: null,
  revision: 'r',
  renamedTo: null,
  ...more,
});

it('is the manager’s own, with the credential opened for each call and put on record', async () => {
  const api = await connectivity.openHost(connectorOf(), cause);
  expect(server.requests).toEqual([]);
  expect(await api.repo()).toMatchObject({ fullName: 'acme/app' });
  expect(await api.branch('main')).toMatchObject({ protected: true });
  const { rows } = await app.get(SecretAuditRepository).list({ scope, within: true, limit: 10 });
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({ secret_id: 'git', outcome: 'opened', purpose: 'pull-request' });
});

it('is anonymous without a credential', async () => {
  const api = await connectivity.openHost(connectorOf({ credential: null }), cause);
  expect(await failureFrom(api.repo())).toMatchObject({ code: 'HOST_API_AUTH_REJECTED' });
  expect(server.requests[0]?.headers.authorization).toBeUndefined();
});

it('is a delegate’s where the connector says so, and nobody else’s', async () => {
  const api = await connectivity.openHost(connectorOf({ connectivity: 'delegate' }), cause);
  expect(await failureFrom(api.repo())).toMatchObject({ code: 'DELEGATE_UNAVAILABLE' });
  expect(server.requests).toEqual([]);
});

it.each([
  ['plain Git', { provider: 'generic' }, 'PULL_REQUESTS_UNSUPPORTED'],
  ['Gogs', { provider: 'gogs' }, 'PULL_REQUESTS_UNSUPPORTED'],
  ['an address of another form', { url: 'https://git.example/app.git' }, 'HOST_API_ADDRESS_UNCLEAR'],
  ['an SSH key', { url: 'git@git.example:acme/app.git' }, 'HOST_API_CREDENTIAL_MISSING'],
  [
    'a secret that is not there',
    { credential: { username: 'a', secretScope: scope, secret: 'x' } },
    'NOT_FOUND',
  ],
] as [string, Partial<Connector>, string][])('is none for %s', async (_, more, code) => {
  for (const road of ['manager', 'delegate'] as const) {
    const failure = await failureFrom(
      connectivity.openHost(connectorOf({ ...more, connectivity: road }), cause),
    );
    expect(failure.code).toBe(code);
    expect(failure.hint).not.toBe('');
  }
  expect(server.requests).toEqual([]);
});
