// Which requests have an idempotency key, against a real server and what the OpenAPI document says.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Api, connect } from '../../../src/client/client.js';
import { readText } from '../../architecture/pages.js';

const KEY = 'idempotency-key';
const ACCOUNT = '/api/v1/accounts/{account}';
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Breaks before so many answers; `keys` came with what was asked. */
async function serve(breaks = 0): Promise<{ api: Api; keys: (string | undefined)[] }> {
  const keys: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    keys.push(request.headers[KEY] as string | undefined);
    if (keys.length <= breaks) request.socket.destroy();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { api: connect({ server: url, token: 'sp_token', scope: 'accounts/a' }), keys };
}

type Ask = (path: string, init: object) => Promise<unknown>;
const ask = (api: Api, method: string, path: string, header = {}): Promise<unknown> =>
  (api as unknown as Record<string, Ask>)[method.toUpperCase()]?.(path, {
    params: { header, path: { kind: 'pipeline', id: 'i', connector: 'c', group: 'g', branch: 'b' } },
  }) as Promise<unknown>;

interface Road {
  parameters?: { in: string; name: string }[];
}
const { paths } = JSON.parse(readText('docs/reference/openapi.json')) as {
  paths: Record<string, Record<string, Road>>;
};
const writing = Object.entries(paths)
  .filter(([path]) => path.startsWith(`${ACCOUNT}/`) && !path.includes('/orgs/{org}'))
  .flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => ['put', 'post', 'patch', 'delete'].includes(method))
      .map(([method, { parameters = [] }]) => ({
        method,
        path: path.slice(ACCOUNT.length),
        hasKey: parameters.some((one) => one.in === 'header' && one.name.toLowerCase() === KEY),
      })),
  );

describe('an idempotency key', () => {
  it('is of the very roads that the OpenAPI document names it for', async () => {
    expect(writing.filter(({ hasKey }) => hasKey).length).toBeGreaterThan(1);
    expect(writing.filter(({ hasKey }) => !hasKey).length).toBeGreaterThan(20);
    const { api, keys } = await serve();
    for (const { method, path } of writing) await ask(api, method, path);
    expect(writing.map((road, at) => ({ ...road, hasKey: keys[at] !== undefined }))).toEqual(writing);
  });

  it('is another for each request, and the same when it is sent again', async () => {
    const { api, keys } = await serve(1);
    for (const _ of [1, 2]) await ask(api, 'post', '/moves');
    expect(keys).toHaveLength(3);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('stays the one that was given', async () => {
    const { api, keys } = await serve(1);
    await ask(api, 'put', '/entities/{kind}/{id}', { 'Idempotency-Key': 'given' });
    expect(keys).toEqual(['given', 'given']);
  });

  it('is of nothing that only reads', async () => {
    const { api, keys } = await serve();
    await ask(api, 'get', '/entities/{kind}/{id}');
    expect(keys).toEqual([undefined]);
  });
});
