// Who takes too long to ask is not waited for; who waits for an answer is. All of them at once, since each takes its time.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Answer } from '../support/api.js';
import { sql } from '../support/database.js';
import { type RawAnswer, sendRaw } from '../support/raw-http.js';
import { Stack } from '../support/stack.js';

/** Nobody ever listens on this port: connections are refused. */
const NOWHERE = 'http://127.0.0.1:1/x.git';

let stack: Stack;
let slow: Record<'header' | 'silence' | 'body', Promise<RawAnswer>>;
let patient: Promise<{ answer: Answer; ms: number }>;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  const { url, api, token } = { url: stack.api.url, api: stack.api, token: stack.token };
  await api.ok('PUT', 'accounts/demo/connectors/nowhere', { url: NOWHERE, connectivity: 'manager' });
  const save = `PUT /api/v1/accounts/demo/entities/pipeline/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`;
  slow = {
    header: sendRaw(url, [`${save}X-Slow: `]),
    silence: sendRaw(url, ['\r\n']),
    body: sendRaw(url, [`${save}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`, '{"yaml":']),
  };
  patient = waitFor(33);
});
afterAll(() => stack.stop());

/** A save that cannot be in Git, by a client that is ready to wait longer than a request may take to arrive. */
async function waitFor(seconds: number): Promise<{ answer: Answer; ms: number }> {
  const begun = Date.now();
  const git = { connector: 'nowhere', branch: 'main' };
  const answer = await stack.api.save('patient', 'name: x\n', git, { prefer: `wait=${seconds}` });
  return { answer, ms: Date.now() - begun };
}

it.each(['header', 'silence'] as const)('a client that is slow with its %s is let go', async (what) => {
  const { status, body, ms } = await slow[what];
  expect(ms).toBeGreaterThan(8_000);
  expect(ms).toBeLessThan(20_000);
  expect(status).toBe(400);
  expect(JSON.parse(body)).toMatchObject({
    code: 'REQUEST_INVALID',
    detail: expect.stringContaining('did not arrive in time: 10 s for its header'),
  });
});

it('others are served meanwhile', async () => {
  const saved = await stack.api.save('quick', 'name: x\n', { connector: 'direct', branch: 'main' });
  expect(saved.status, saved.text).toBe(201);
});

it('a client that is slow with its body is let go, and has left nothing', async () => {
  const { status, contentType, body, ms } = await slow.body;
  expect(ms).toBeGreaterThan(25_000);
  expect(ms).toBeLessThan(45_000);
  expect(status).toBe(400);
  expect(contentType).toContain('application/problem+json');
  expect(JSON.parse(body).detail).toContain('30 s for all of it');
  expect(await sql(stack.databaseUrl, `select 1 from operation where entity_id = 'slow'`)).toEqual([]);
});

it('a client that waits for its answer is answered, however long it takes', async () => {
  const { answer, ms } = await patient;
  expect(answer.status, answer.text).toBe(202);
  expect(ms).toBeGreaterThan(32_900);
  expect(ms).toBeLessThan(45_000);
});
