// What is sent again and what is not, against a real server.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { patientFetch } from '../../../src/client/patient-fetch.js';

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Answers each request by the next of these, and by the last from then on. */
async function serve(...answers: Answer[]): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', () => {
      seen.push(`${request.method} ${body}`);
      (answers[Math.min(seen.length, answers.length) - 1] as Answer)(request, response);
    });
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, seen };
}

const ok: Answer = (_request, response) => response.end('ok');
const cut: Answer = ({ socket }) => socket.destroy();
const says =
  (status: number, headers: http.OutgoingHttpHeaders = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, headers).end();
const post = (url: string, headers: Record<string, string> = {}): Request =>
  new Request(url, { method: 'POST', body: 'body', headers });
const patient = patientFetch({ patienceMs: 10_000 });

describe('is sent again', () => {
  it.each(['GET', 'PUT', 'DELETE'])('%s, whole, when the line breaks', async (method) => {
    const { url, seen } = await serve(cut, ok);
    const body = method === 'PUT' ? { body: 'body' } : {};
    expect(await (await patient(new Request(url, { method, ...body }))).text()).toBe('ok');
    expect(seen).toEqual(Array(2).fill(`${method} ${method === 'PUT' ? 'body' : ''}`));
  });

  it('what has an idempotency key', async () => {
    const { url, seen } = await serve(cut, ok);
    expect((await patient(post(url, { 'idempotency-key': 'k' }))).status).toBe(200);
    expect(seen).toEqual(['POST body', 'POST body']);
  });

  it.each([429, 503])('after %i, anything, when it was told when', async (status) => {
    const { url, seen } = await serve(says(status, { 'retry-after': '0' }), ok);
    expect((await patient(post(url))).status).toBe(200);
    expect(seen).toHaveLength(2);
  });
});

describe('is not sent again', () => {
  it('what would happen twice', async () => {
    const { url, seen } = await serve(cut, ok);
    await expect(patient(post(url))).rejects.toThrow('fetch failed');
    expect(seen).toEqual(['POST body']);
  });

  it('what would happen twice, after a 503 that does not say that it was not done', async () => {
    const { url, seen } = await serve(says(503), ok);
    expect((await patient(post(url))).status).toBe(503);
    expect(seen).toHaveLength(1);
  });

  it.each([400, 401, 404, 409, 500, 502])('what was answered with %i', async (status) => {
    const { url, seen } = await serve(says(status, { 'retry-after': '0' }), ok);
    expect((await patient(new Request(url))).status).toBe(status);
    expect(seen).toHaveLength(1);
  });

  it('later than its patience lasts', async () => {
    const { url, seen } = await serve(says(503, { 'retry-after': '60' }), ok);
    expect((await patient(new Request(url))).status).toBe(503);
    expect(seen).toHaveLength(1);
  });

  it('what was called off while it rested', async () => {
    const over = new AbortController();
    const { url } = await serve((_request, response) => {
      response.writeHead(503, { 'retry-after': '5' }).end(() => over.abort(new Error('enough')));
    });
    await expect(patient(new Request(url, { signal: over.signal }))).rejects.toThrow('enough');
  });

  it('to where it is redirected, with its token', async () => {
    const { url, seen } = await serve(says(307, { location: '/elsewhere' }));
    await expect(patientFetch({ patienceMs: 0 })(new Request(url))).rejects.toThrow('fetch failed');
    expect(seen).toHaveLength(1);
  });
});
