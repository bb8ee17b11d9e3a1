// What callers that prove nothing can cost: not the memory, not the database, and not what others send.

import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectDelivery } from '../../src/providers/inspect-delivery.js';
import { doorLimits } from '../../src/webhooks/door-limits.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { startManager } from '../support/processes.js';
import { sendRaw } from '../support/raw-http.js';
import { Stack } from '../support/stack.js';
import { TcpLine } from '../support/tcp-line.js';
import { type Made, proof, push, webhooksOf } from '../support/webhook-sender.js';

let stack: Stack;
let line: TcpLine;
/** A second manager, whose database is at the end of a line that can be cut. */
let other: Awaited<ReturnType<typeof startManager>>;

beforeAll(async () => {
  stack = await Stack.start('real', {
    delegates: 0,
    settings: { SALLYPORT_TRUSTED_PROXIES: '127.0.0.1' },
  });
  line = await TcpLine.open(stack.databaseUrl);
  const env = { ...stack.managerEnvironment(), DATABASE_URL: line.through(stack.databaseUrl) };
  other = await startManager({ env });
});
afterAll(async () => {
  await other?.kill('SIGKILL');
  await line?.cut();
  await stack.stop();
});

const { make, post, deliver, hookOf, processed } = webhooksOf(() => stack);

/** By way of the trusted proxy that the test is. */
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

describe('a body', () => {
  const mib = 1024 * 1024;

  it('that is declared too large is refused before it is sent', async () => {
    const { path } = await make('declared');
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${26 * mib}\r\n\r\n`;
    const begun = Date.now();
    const { status } = await sendRaw(stack.api.url, [head]);
    expect(status).toBe(413);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it('that becomes too large is refused while it comes, and the caller gets to read that', async () => {
    const { path } = await make('growing');
    const status = await new Promise<number>((resolve, reject) => {
      const request = http.request(`${stack.api.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      });
      request.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject);
      for (let at = 0; at < 27; at++) request.write(Buffer.alloc(mib, 'x'));
      request.end();
    });
    expect(status).toBe(413);
  });

  it('as large as a host may send is taken', async () => {
    const made = await make('largest');
    const body = push('refs/heads/main', { filler: 'x'.repeat(25 * mib - 1_000) });
    expect((await deliver(made, body)).status).toBe(202);
    await processed('largest');
  });

  it('that stays away leaves nothing', async () => {
    const made = await make('cut_off');
    const head = `POST ${made.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`;
    const { hostname, port } = new URL(stack.api.url);
    const socket = net.connect(Number(port), hostname);
    await new Promise((resolve) => socket.write(head, resolve));
    socket.resetAndDestroy();
    await deliver(made);
    expect(await processed('cut_off')).toHaveLength(1);
    expect((await hookOf('cut_off')).health.refused).toBe(0);
  });

  it('that stays away time and again has strangers wait, and nobody who is known', async () => {
    const made = await make('cut_off_often');
    const good = { headers: from('198.51.100.7') };
    expect((await deliver(made, push(), good)).status).toBe(202);
    const { hostname, port } = new URL(stack.api.url);
    const leave = async (): Promise<void> => {
      const socket = net.connect(Number(port), hostname);
      const head = `POST ${made.path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.60\r\nContent-Length: 9\r\n\r\n{`;
      await new Promise((resolve) => socket.on('error', () => undefined).write(head, resolve));
      socket.end();
      await new Promise((resolve) => socket.once('close', resolve).resume());
    };
    await eventually(async () => {
      await Promise.all(Array.from({ length: 40 }, leave));
      return (await post(made.path, push(), from('192.0.2.61'))).status === 429;
    }, 'a stranger to be told to wait');
    expect((await deliver(made, push(), good)).status).toBe(202);
  });

  it('that is empty is no delivery', async () => {
    const { path } = await make('empty');
    expect((await post(path, '')).status).toBe(401);
  });

  it('with two lengths is no request', async () => {
    const { path } = await make('smuggled');
    const { status } = await sendRaw(stack.api.url, [
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ]);
    expect(status).toBe(400);
  });
});

describe('headers that are odd say the same to the door and to an inspection', () => {
  type Field = [name: string, value: string];
  const json: Field = ['Content-Type', 'application/json'];

  /** What a delivery with these fields comes to at the one, and by the other. */
  async function compare({ path, secret }: Made, host: string, fields: Field[]): Promise<unknown> {
    const body = push();
    const all: Field[] = [...fields, ['Content-Length', String(body.length)], ['Connection', 'close']];
    const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const answer = await sendRaw(stack.api.url, [`POST ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`]);
    const named = Map.groupBy(fields, ([name]) => name);
    const headers = Object.fromEntries([...named].map(([name, of]) => [name, of.map(([, value]) => value)]));
    const line = { host, headers, bodyBase64: Buffer.from(body).toString('base64'), secrets: [secret] };
    const { verified, code } = inspectDelivery(JSON.stringify(line));
    const problem = answer.body === '' ? undefined : (JSON.parse(answer.body) as { code: string }).code;
    return { status: answer.status, problem, verified, code };
  }

  it.each<[string, Field[], number]>([
    ['no media type', [], 202],
    ['an empty one', [['Content-Type', '']], 202],
    ['one with more to it', [['Content-Type', 'Application/vnd.host+json; charset']], 202],
    ['another one', [['Content-Type', 'text/plain']], 415],
    ['a form', [['Content-Type', 'application/x-www-form-urlencoded']], 415],
    ['one that is none', [['Content-Type', 'json']], 415],
    ['two of them', [json, json], 415],
    ['an encoding', [json, ['Content-Encoding', 'gzip']], 415],
    ['an encoding that is none', [json, ['Content-Encoding', 'identity']], 202],
  ])('%s', async (what, odd, status) => {
    const made = await make(`odd_${what.replaceAll(' ', '_')}`);
    const code = status === 202 ? undefined : 'MEDIA_TYPE_UNSUPPORTED';
    expect(await compare(made, 'generic', [...odd, ...Object.entries(proof(push(), made.secret))])).toEqual({
      status,
      problem: code,
      verified: status === 202,
      code,
    });
  });

  it('a proof that came twice', async () => {
    const made = await make('proven_twice', 'azure');
    const given: Field = ['Authorization', `Basic ${Buffer.from(`any:${made.secret}`).toString('base64')}`];
    expect(await compare(made, 'azure', [json, given])).toMatchObject({ status: 202, verified: true });
    expect(await compare(made, 'azure', [json, given, given])).toEqual({
      status: 401,
      problem: 'WEBHOOK_PROOF_REJECTED',
      verified: false,
      code: 'SIGNATURE_WRONG',
    });
  });
});

it('a manager that does not know its address registers no webhook, and shows a path', async () => {
  await make('unknown');
  expect(await hookOf('unknown')).toMatchObject({
    url: null,
    toPaste: { url: expect.stringMatching(/^\/webhooks/) },
  });
  const answer = await stack.api.request('POST', 'accounts/demo/connectors/unknown/webhook/register');
  expect(answer.body).toMatchObject({ code: 'WEBHOOK_ADDRESS_UNKNOWN' });
});

describe('somebody who guesses addresses', () => {
  const guess = (source: string) => post(`/webhooks/${'B'.repeat(43)}`, push(), from(source));

  it('is told to wait, and nobody else is', async () => {
    const made = await make('guessed');
    const statuses: number[] = [];
    for (let at = 0; at < 60; at++) statuses.push((await guess('203.0.113.7')).status);
    expect(statuses).toEqual(Array(60).fill(404));
    // As many more as were borne since.
    const refused = await eventually(async () => {
      const sent = await guess('203.0.113.7');
      return sent.status === 429 && sent;
    }, 'a refusal');
    expect(refused).toMatchObject({ retryAfter: '1', body: { code: 'RATE_LIMITED' } });
    expect((await guess('203.0.113.8')).status).toBe(404);
    expect((await deliver(made, push(), { headers: from('203.0.113.8') })).status).toBe(202);
  });
});

describe('somebody who knows an address', () => {
  it('cannot shut out who has proven himself there, nor fill the database', async () => {
    const made = await make('known');
    const good = { headers: from('198.51.100.1') };
    expect((await deliver(made, push(), good)).status).toBe(202);
    const flood = async (source: number): Promise<number[]> => {
      const statuses: number[] = [];
      for (let at = 0; at < 40; at++)
        statuses.push((await post(made.path, push(), from(`192.0.2.${source}`))).status);
      return statuses;
    };
    const { refusals, perSecond } = doorLimits.webhook;
    const begun = performance.now();
    const statuses = (await Promise.all([1, 2, 3, 4, 5].map(flood))).flat();
    const more = Math.ceil(((performance.now() - begun) / 1_000) * perSecond);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    // And the few that were being looked at when that was reached.
    const borne = refusals + more + 5;
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(borne);
    let strangers = 0;
    await eventually(async () => {
      await flood(6);
      const { status } = await deliver(made, push(), { headers: from(`192.0.2.${70 + strangers}`) });
      // It was looked at in the moment in which another one was borne.
      if (status === 202) strangers += 1;
      return status === 429;
    }, 'a stranger to be told to wait');
    expect((await deliver(made, push(), good)).status).toBe(202);
    await eventually(async () => (await hookOf('known')).health.refused > 100, 'refusals to be counted');
    const rows = await sql(
      stack.databaseUrl,
      `select 1 from webhook_delivery where connector_id = 'known' and state = 'refused'`,
    );
    expect(rows.length).toBeLessThanOrEqual(20);
    expect(await processed('known', 2)).toHaveLength(22 + strangers);
  });
});

describe('very many bodies at once that never end', () => {
  const PIECE = Buffer.alloc(1024 * 1024, 'x');

  /** Sends as much as is taken of a body of 20 MiB, all but its end. */
  async function occupy(
    { path }: Made,
    source: string,
  ): Promise<{ socket: net.Socket; status: () => number; answer: () => string }> {
    const { hostname, port } = new URL(stack.api.url);
    const socket = net.connect(Number(port), hostname);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const drained = () => new Promise<void>((resolve) => socket.once('drain', () => resolve()));
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1'))).on('error', () => undefined);
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${source}\r\nContent-Type: application/json\r\nContent-Length: ${20 * PIECE.length}\r\n\r\n`,
    );
    for (let at = 0; at < 19; at++)
      if (!socket.destroyed && !socket.write(PIECE)) await Promise.race([drained(), closed]);
    const status = (): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
    return { socket, status, answer: () => answer };
  }

  const residentMiB = (): number => {
    const status = fs.readFileSync(`/proc/${stack.manager?.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  };

  it('of somebody who knows one address keep no stranger from another webhook', async () => {
    const made = await make('held');
    const other = await make('beside');
    const bodies = await Promise.all([1, 2, 3].map((at) => occupy(made, `192.0.2.${80 + at}`)));
    const large = push('refs/heads/main', { filler: 'x'.repeat(20 * PIECE.length) });
    expect((await deliver(other, large, { headers: from('192.0.2.90') })).status).toBe(202);
    expect(bodies.some(({ socket, status }) => status() === 0 && !socket.destroyed)).toBe(true);
    for (const { socket } of bodies) socket.resetAndDestroy();
    await eventually(
      async () => (await deliver(made, large, { headers: from('192.0.2.91') })).status === 202,
      'a stranger to be served there again',
    );
  });

  it('stay within bounds together, and are told to come again; the one who is known gets through', async () => {
    const made = await make('besieged');
    const good = { headers: from('198.51.100.2') };
    expect((await deliver(made, push(), good)).status).toBe(202);
    const before = residentMiB();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, residentMiB())), 20);
    const bodies = await Promise.all(
      Array.from({ length: 40 }, (_, at) => occupy(made, `192.0.2.${100 + at}`)),
    );
    const refused = await eventually(async () => {
      const told = bodies.filter(({ status }) => status() === 503);
      return told.length > 30 && told;
    }, 'most of them to be refused');
    expect((await deliver(made, push(), good)).status).toBe(202);
    clearInterval(watch);
    for (const { answer } of refused) {
      expect(answer()).toMatch(/^retry-after: [1-9]\d*\r$/im);
      expect(answer()).toContain('WEBHOOK_DOOR_FULL');
    }
    for (const { socket } of bodies) socket.destroy();
    // 760 MiB were sent, of which 64 MiB may be kept; the rest is what the process reads with.
    expect(most - before).toBeLessThan(250);
    await eventually(
      async () => (await deliver(made, push(), { headers: from('192.0.2.99') })).status === 202,
      'a stranger to be served again',
    );
  });
});

describe('a database that is full', () => {
  it('has the host come again', async () => {
    const made = await make('full');
    await sql(
      stack.databaseUrl,
      `create function be_full() returns trigger language plpgsql as
       $$ begin raise exception 'No space left on device' using errcode = 'disk_full'; end $$`,
    );
    await sql(
      stack.databaseUrl,
      `create trigger fullness before insert on webhook_delivery for each row
       when (new.connector_id = 'full') execute function be_full()`,
    );
    const refused = await deliver(made, push(), { id: 'late' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' } });
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    expect(JSON.stringify(refused.body)).not.toContain('device');
    await sql(stack.databaseUrl, 'drop trigger fullness on webhook_delivery');
    expect((await deliver(made, push(), { id: 'late' })).status).toBe(202);
    expect(await processed('full')).toHaveLength(1);
  });
});

describe('a database that is away', () => {
  it('has the host come again, and nothing is lost or done twice', async () => {
    const made = await make('away');
    const again = { id: 'while-away', manager: other.url };
    expect((await deliver(made, push(), { ...again, id: 'before' })).status).toBe(202);
    await line.cut();
    const refused = await deliver(made, push(), again);
    expect(refused).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' } });
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    await line.mend();
    await eventually(async () => (await deliver(made, push(), again)).status === 202, 'it to be taken again');
    expect((await deliver(made, push(), { id: 'while-away' })).status).toBe(202);
    const all = await processed('away', 2);
    expect(new Set(all.map(({ deliveryId }) => deliveryId))).toEqual(new Set(['before', 'while-away']));
    expect(all).toHaveLength(2);
  });
});
