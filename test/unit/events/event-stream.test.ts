// A stream of events and the place that it has, against real connections.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEventStream } from '../../../src/api/event-stream.js';
import { readConfig } from '../../../src/config/config.js';
import { EventFeed } from '../../../src/events/event-feed.js';
import { EventsRepository } from '../../../src/events/events.repository.js';
import { START } from '../../../src/events/position.js';
import { createLog } from '../../../src/kernel/log.js';
import { Storage } from '../../../src/storage/database.js';

const account = 'accounts/a';
// Nothing is read of it: no stream here gets so far.
const storage = new Storage('postgres://127.0.0.1:1/none');
const server = http.createServer();
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await storage.close();
});

it('whose client left before it began gives its place back, once', async () => {
  const config = readConfig({ SALLYPORT_EVENT_STREAMS_MAX: '1' });
  const feed = new EventFeed(config, new EventsRepository(storage), createLog('test', 'silent'));
  const asked = once(server, 'request') as Promise<[http.IncomingMessage, http.ServerResponse]>;
  const client = http.get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  const [, line] = await asked;
  client.destroy();
  await once(line, 'close');
  const giveBack = feed.admit(account);
  let times = 0;
  const stream = openEventStream(feed, {
    filter: { scope: account },
    account,
    from: START,
    endsAt: new Date(Date.now() + 60_000),
    mayGoOn: async () => true,
    line,
    ended: () => {
      times += 1;
      giveBack();
    },
  });
  expect(times).toBe(1);
  feed.admit(account)();
  const said: string[] = [];
  for await (const chunk of stream) said.push(String(chunk));
  expect(said).toEqual(['retry: 1000\n\n']);
  expect(times).toBe(1);
});
