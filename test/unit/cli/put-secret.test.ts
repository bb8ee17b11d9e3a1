// A secret on its way over a line that breaks, against a real server.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { type PutResult, putSecret } from '../../../src/cli/put-secret.js';
import { makeSealingPair } from '../../../src/sealing/hpke.js';
import { Identity } from '../../../src/sealing/identity.js';

const VERSION = '0b6c8a3e-6d0f-4a44-9a3a-0c1d2e3f4a5b';
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Line {
  url: string;
  /** What came, each as often as it came. */
  seen: { what: string; body: string }[];
}

/** Breaks before its first answer to each request that differs from the others, then answers what is known of it. */
async function breakingLine(answers: Record<string, [number, object]>): Promise<Line> {
  const seen: Line['seen'] = [];
  const server = http.createServer((request, response) => {
    const what = `${request.method} ${request.url}`;
    const isFirst = !seen.some((one) => one.what === what);
    const [status, answer] = answers[what] ?? [500, {}];
    void text(request).then((body) => {
      seen.push({ what, body });
      if (isFirst) request.socket.destroy();
      else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const put = ({ url }: Line, manager: string): Promise<PutResult> =>
  putSecret({
    ...{ url, token: 'sp_token', scope: 'accounts/a/orgs/o', managerScope: 'accounts/a' },
    ...{ id: 's', manager, kind: 'text', value: Buffer.from('value'), fingerprint: undefined },
  });

/** A group as the API shows whom to seal to. */
async function target(): Promise<Record<string, unknown>> {
  const identity = new Identity(Identity.make());
  const { publicKey: sealingKey } = await makeSealingPair();
  const signature = identity.sign('sealing-key', sealingKey);
  const named = { deployment: 'd', group: 'g', groupName: 'local', identityKey: identity.publicKey };
  return { ...named, sealingKey, signature, p256: null };
}

const PUT = 'PUT /api/v1/accounts/a/orgs/o/secrets/s';
const KEY = 'GET /api/v1/accounts/a/secret-managers/vault/sealing-key';

describe('a secret that is put while the line breaks', () => {
  it('arrives in the builtin secret manager', async () => {
    const line = await breakingLine({ [PUT]: [200, { version: VERSION }] });
    expect(await put(line, 'builtin')).toEqual({ state: 'kept', version: VERSION, sealedTo: null });
    const body = JSON.stringify({ manager: 'builtin', kind: 'text', value: 'value' });
    expect(line.seen).toEqual(Array(2).fill({ what: PUT, body }));
  });

  it('arrives sealed, each time as the same version', async () => {
    const line = await breakingLine({
      [KEY]: [200, await target()],
      [PUT]: [202, { state: 'pending', waitsFor: 'a delegate' }],
    });
    const done = await put(line, 'vault');
    expect(done).toMatchObject({ state: 'pending', sealedTo: { group: 'local' } });
    expect(line.seen.map(({ what }) => what)).toEqual([KEY, KEY, PUT, PUT]);
    const [first = '', again] = line.seen.slice(2).map(({ body }) => body);
    expect(again).toBe(first);
    expect(JSON.parse(first)).toMatchObject({ manager: 'account.vault', sealed: { version: done.version } });
    expect(first).not.toContain(Buffer.from('value').toString('base64'));
  });

  it('is refused as it is without', async () => {
    const problem = { code: 'NOT_FOUND', status: 404, detail: 'There is none', hint: 'Look' };
    const line = await breakingLine({ [KEY]: [404, problem] });
    await expect(put(line, 'vault')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(line.seen.map(({ what }) => what)).toEqual([KEY, KEY]);
  });

  it('is not sealed to a key that the identity did not sign', async () => {
    const line = await breakingLine({ [KEY]: [200, { ...(await target()), signature: 'A'.repeat(86) }] });
    await expect(put(line, 'vault')).rejects.toMatchObject({ name: 'TargetRefused' });
    expect(line.seen.map(({ what }) => what)).toEqual([KEY, KEY]);
  });
});
