// The same questions to a host's API over both roads: from a manager, and through a real delegate that alone can open the secret.
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import { Connectivity } from '../../src/connectivity/connectivity.js';
import { ConnectorsRepository } from '../../src/connectors/connectors.repository.js';
import { DelegatesService } from '../../src/delegates/delegates.service.js';
import { Dispatcher } from '../../src/delegates/dispatcher.js';
import { createLog } from '../../src/kernel/log.js';
import { Secret } from '../../src/kernel/secret.js';
import { managerModule } from '../../src/manager.module.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { Storage } from '../../src/storage/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { connectorOf, roads, Stack } from '../support/stack.js';
import { failureFrom } from '../unit/support/refusals.js';

const wish = {
  head: 'topic',
  base: 'main',
  title: 'T',
  body: 'B',
  draft: false,
  reviewers: ['grace', 'nobody'],
};
const url = 'https://sallyport.example/webhooks/1';
const cause = { kind: 'pull-request' as const, operations: ['o-1'], actors: ['ada'] };

let stack: Stack;
let server: HostServer;
let storage: Storage;
/** A manager beside the stack’s own, since no route asks all of this. */
let app: INestApplicationContext;
beforeAll(async () => {
  stack = await Stack.start('embedded');
  const proofs = roads.map((road) => {
    const { username, password } = stack.accounts[road];
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  });
  server = await HostServer.start({
    ...giteaDialect(''),
    isKnown: ({ authorization }) => proofs.includes(authorization ?? ''),
  });
  for (const road of roads)
    await stack.api.ok('PUT', `accounts/demo/connectors/${connectorOf[road]}`, {
      url: `${server.origin}/forge/acme/app.git`,
      provider: 'gitea',
      connectivity: road,
      credential: { username: stack.accounts[road].username, secret: `git-${connectorOf[road]}` },
    });
  storage = new Storage(stack.databaseUrl);
  const config = readConfig(stack.managerEnvironment());
  const log = createLog('test', 'silent');
  app = await NestFactory.createApplicationContext(managerModule(config, log, storage), { logger: false });
  await app.get(DelegatesService).listen(app.get(Dispatcher));
});
beforeEach(() => server.reset());
afterEach(() => server.assertDescribed());
afterAll(async () => {
  await app.get(DelegatesService).stop();
  await app.get(TaskQueue).close();
  await app.close();
  await storage.close();
  await stack.stop();
  await server.stop();
});

it.each(roads)('a pull request, a webhook and a failure over the road of the %s', async (road) => {
  const connector = await app.get(ConnectorsRepository).get('accounts/demo', connectorOf[road]);
  const api = await app.get(Connectivity).openHost(connector, cause);
  expect(await api.repo()).toMatchObject({ fullName: 'acme/app', defaultBranch: 'main' });
  expect(await api.ensurePull(wish)).toMatchObject({
    number: 1,
    created: true,
    reviewersRefused: ['nobody'],
  });
  expect(await api.ensurePull(wish)).toMatchObject({ number: 1, created: false });
  expect(await api.closePull(1)).toMatchObject({ state: 'closed' });
  const secret = new Secret(Buffer.from('hook-secret'));
  const hook = await api.ensureHook({ url, secret, topics: ['push', 'pull'], renewSecret: false });
  expect(hook).toMatchObject({ outcome: 'created', active: true });
  expect(server.state.hooks[0]?.secret).toBe('hook-secret');
  const failure = await failureFrom(api.pull(77));
  expect(failure.code).toBe('HOST_API_NOT_FOUND');
  expect(failure.delegate === undefined).toBe(road === 'manager');
  const { username, password } = stack.accounts[road];
  const proof = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([proof]));
});
