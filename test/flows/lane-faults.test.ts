// A lane whose writer meets a fault: it is never kept by nobody, and what one account rests for is not another one's affair.
// The managers' lanes run here, over a real database and hosts on loopback, without anything else that might come to the rescue.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import { ConnectorsRepository } from '../../src/connectors/connectors.repository.js';
import { DocumentValidator } from '../../src/entities/document.js';
import { createLog } from '../../src/kernel/log.js';
import { managerModule } from '../../src/manager.module.js';
import { ScopesRepository } from '../../src/scopes/scopes.repository.js';
import { Storage } from '../../src/storage/database.js';
import { LaneFlow } from '../../src/sync/lane.flow.js';
import { LanesRepository } from '../../src/sync/lanes.repository.js';
import { OperationsRepository } from '../../src/sync/operations.repository.js';
import { eventually } from '../support/api.js';
import { createDatabase } from '../support/stack.js';
import { makeOperation } from '../unit/support/operations.js';

const [busy, calm] = ['accounts/busy', 'accounts/calm'] as const;

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
let app: INestApplicationContext;
let flow: LaneFlow;
let lanes: LanesRepository;
/** Answers every request with 503 and asks for a minute's patience. */
let host: http.Server;
let asked = 0;

beforeAll(async () => {
  database = await createDatabase(inject('embeddedPostgres'));
  storage = new Storage(database.url);
  await storage.migrate();
  host = http.createServer((_, response) => {
    asked += 1;
    response.writeHead(503, { 'retry-after': '60' }).end();
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const config = readConfig({
    DATABASE_URL: database.url,
    SALLYPORT_DATA_DIR: path.join(os.tmpdir(), `sallyport-lanes-${randomUUID()}`),
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
    SALLYPORT_LANES_MAX: '1',
  });
  const module = managerModule(config, createLog('test', 'silent'), storage);
  app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  flow = app.get(LaneFlow);
  lanes = app.get(LanesRepository);
  for (const account of [busy, calm]) await app.get(ScopesRepository).put(account, account);
  await storage.transact((tx) =>
    app.get(ConnectorsRepository).put(tx, {
      scope: busy,
      id: 'patient',
      url: `http://127.0.0.1:${(host.address() as AddressInfo).port}/r.git`,
      connectivity: 'manager',
      group: null,
      tags: [],
      credential: null,
      apiCredential: null,
      trust: null,
      knownHosts: null,
      provider: 'generic',
      apiUrl: null,
      revision: randomUUID(),
      renamedTo: null,
    }),
  );
});
afterAll(async () => {
  await flow.drain();
  await app.close();
  await app.get(DocumentValidator).close();
  host.close();
  await storage.close();
  await database.drop();
});

const open = () =>
  storage.transact((tx) => lanes.open(tx, `https://git.example/${randomUUID()}.git`, 'main'));
let lane: string;
beforeEach(async () => {
  lane = await open();
  asked = 0;
});

/** An operation; one whose connector is not there ends at once, and takes a round of its own. */
async function accept(account: string, connector: string): Promise<string> {
  const {
    sequence: _,
    result: _result,
    failure: _failure,
    pull_request: _wish,
    pushed_by: _pusher,
    ...row
  } = makeOperation({
    id: randomUUID(),
    scope: account,
    account,
    lane_id: lane,
    connector_scope: account,
    connector_id: connector,
    path: `${randomUUID()}.yaml`,
    deadline_at: new Date(Date.now() + 3_600_000),
  });
  await storage.transact((tx) => app.get(OperationsRepository).insert(tx, row));
  return row.id;
}

const stateOf = async (account: string, id: string) =>
  (await app.get(OperationsRepository).get(account as never, id)).state;
const ended = (account: string, id: string) =>
  eventually(async () => (await stateOf(account, id)) !== 'pending', 'the operation to end');
const isFree = async () => {
  const row = storage.db.selectFrom('lane').select('holder').where('id', '=', lane);
  return (await row.executeTakeFirstOrThrow()).holder === null;
};

describe('a lane', () => {
  it('is given back although the database fails over a look for more', async () => {
    const hiccup = vi.spyOn(lanes, 'dueIn').mockRejectedValueOnce(new Error('connection lost'));
    const id = await accept(calm, 'missing');
    flow.begin({ lane, account: calm });
    await ended(calm, id);
    await eventually(async () => hiccup.mock.settledResults.length > 0, 'the query to fail');
    await eventually(isFree, 'the lane to be given back');
    hiccup.mockRestore();
    const next = await accept(calm, 'missing');
    flow.begin({ lane, account: calm });
    await ended(calm, next);
  });

  it('is not asked again for what an account rests for by another one’s rounds, and is due for that one', async () => {
    const waiting = await accept(busy, 'patient');
    flow.begin({ lane, account: busy });
    await eventually(async () => asked > 0 && (await isFree()), 'the first attempt to end');
    const before = asked;
    for (let n = 0; n < 3; n++) {
      const id = await accept(calm, 'missing');
      expect(await lanes.due(lane)).toEqual([{ lane, account: calm }]);
      flow.begin({ lane, account: calm });
      await ended(calm, id);
      await eventually(isFree, 'the lane to be given back');
    }
    expect(await lanes.due(lane)).toEqual([]);
    expect(asked).toBe(before);
    expect(await stateOf(busy, waiting)).toBe('pending');
  });

  it('keeps what an account has to rest where it is given back for others before the account is done', async () => {
    const release = vi.spyOn(lanes, 'release');
    await accept(busy, 'patient');
    const later = await Promise.all(['one', 'two', 'three'].map((missing) => accept(busy, missing)));
    const shared = lane;
    lane = await open();
    const others = await Promise.all(['one', 'two', 'three'].map((missing) => accept(calm, missing)));
    flow.begin({ lane: shared, account: busy });
    flow.begin({ lane, account: calm });
    for (const id of later) await ended(busy, id);
    for (const id of others) await ended(calm, id);
    const rests = release.mock.calls.flatMap(([lease, rest]) =>
      lease.lane === shared ? [rest?.ms ?? 0] : [],
    );
    release.mockRestore();
    expect(rests.length).toBeGreaterThan(1);
    for (const ms of rests) expect(ms).toBeGreaterThan(30_000);
  });
});
