// What a refusal at the door is: a problem that says what is wrong, and no trace of the request.
import { expect } from 'vitest';
import { type Answer, eventually } from './api.js';
import { sql } from './database.js';
import { head } from './repository.js';
import type { Stack } from './stack.js';

/** Everything a save could leave. */
export const tracesIn = async (stack: Stack): Promise<unknown> => [
  head(stack.repository),
  ...(await Promise.all(
    ['operation', 'idempotency', 'lane', 'entity'].map((table) =>
      sql(stack.databaseUrl, `select * from ${table} order by 1, 2`),
    ),
  )),
];

/** What was saved before lets go of its lane after its answer. */
const lanesAreFree = (stack: Stack): Promise<true> =>
  eventually(async () => {
    const held = await sql(stack.databaseUrl, 'select 1 from lane where holder is not null');
    return held.length === 0;
  }, 'no lane to be held');

export type Refuse = (
  send: () => Promise<Answer>,
  status: number,
  code: string,
  detail?: string,
) => Promise<void>;

/** Expects that what is sent is refused this way by this Sallyport, and leaves nothing. */
export const refusalsOf =
  (stack: () => Stack): Refuse =>
  async (send, status, code, detail = '') => {
    await lanesAreFree(stack());
    const before = await tracesIn(stack());
    const answer = await send();
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ code, status, title: expect.any(String), hint: expect.any(String) });
    expect(answer.body.detail).toContain(detail);
    expect(answer.body.detail.length, 'length of the detail').toBeLessThan(3_000);
    expect(answer.body).not.toHaveProperty('operationId');
    expect(await tracesIn(stack())).toEqual(before);
  };
