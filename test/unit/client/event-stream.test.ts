// The iterator of events over lines that break, against a real server that says what a manager says.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { CloudEvent } from '../../../src/client/client.js';
import { readEvents } from '../../../src/client/event-stream.js';

let server: http.Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const event = (cursor: string): string =>
  `id: ${cursor}\nevent: sallyport.entity.created\ndata: ${JSON.stringify({ cursor, type: 'sallyport.entity.created' })}\n\n`;
const reached = (cursor: string): string => `: heartbeat\nid: ${cursor}\n\n`;

/** A log that ends at `end`; the lines of the stream, each cut after what it says. Where each line began is in `asked`. */
async function serve(end: string, lines: string[], last?: (response: http.ServerResponse) => void) {
  const asked: (string | null)[] = [];
  server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (request.headers.accept !== 'text/event-stream') {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ events: [], nextCursor: end, more: false }));
    }
    asked.push(url.searchParams.get('after'));
    const line = lines.shift();
    if (line === undefined && last !== undefined) return last(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(line ?? ': nothing\n\n', () => line !== undefined && response.destroy());
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'sp_x',
    scope: 'accounts/demo',
  };
  return { options, asked };
}

async function take(events: AsyncGenerator<CloudEvent>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { cursor } of events) if (seen.push(cursor) === count) break;
  return seen;
}

it('goes on after the last event that it gave, and gives none twice', async () => {
  const { options, asked } = await serve('e0', [event('e1') + event('e2'), event('e3')]);
  expect(await take(readEvents(options), 3)).toEqual(['e1', 'e2', 'e3']);
  expect(asked).toEqual(['e0', 'e2']);
});

it('begins where the log ended when it was asked, also when the first line says nothing', async () => {
  const { options, asked } = await serve('e7', [': hello\n\n', event('e8')]);
  expect(await take(readEvents(options), 1)).toEqual(['e8']);
  expect(asked).toEqual(['e7', 'e7']);
});

it('goes on from how far all is told, where nothing was for it', async () => {
  const { options, asked } = await serve('e0', [reached('e5'), event('e6')]);
  expect(await take(readEvents({ ...options, after: 'e1' }), 1)).toEqual(['e6']);
  expect(asked).toEqual(['e1', 'e5']);
});

it('never goes on after an event of which only the id came', async () => {
  const half = event('e2').slice(0, 'id: e2\nevent: sally'.length);
  const { options, asked } = await serve('e0', [event('e1') + half, event('e2')]);
  expect(await take(readEvents(options), 2)).toEqual(['e1', 'e2']);
  expect(asked).toEqual(['e0', 'e1']);
});

it('throws what the manager refuses', async () => {
  const problem = { type: 'x', status: 410, code: 'EVENTS_GONE', title: 't', detail: 'gone', hint: 'h' };
  const { options } = await serve('e0', [], (response) =>
    response.writeHead(410, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem)),
  );
  await expect(take(readEvents({ ...options, after: 'old' }), 1)).rejects.toMatchObject({
    name: 'ApiError',
    code: 'EVENTS_GONE',
  });
});

it('ends in peace when it is called off', async () => {
  const over = new AbortController();
  const { options } = await serve('e0', [event('e1')]);
  const seen: string[] = [];
  for await (const { cursor } of readEvents({ ...options, signal: over.signal })) {
    seen.push(cursor);
    over.abort();
  }
  expect(seen).toEqual(['e1']);
});
