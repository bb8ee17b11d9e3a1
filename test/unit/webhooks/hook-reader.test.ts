import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { MalformedHook } from '../../../src/providers/webhook.js';
import { readHook } from '../../../src/webhooks/hook-reader.js';

const MIB = 1024 * 1024;
const headers = { 'content-type': 'application/json' };
const ofValues = (bytes: number): Buffer => Buffer.from(`{"a":[${'{},'.repeat(bytes / 3)}{}]}`);

/** The reading, and how often others had their turn meanwhile. */
async function readBeside(body: Buffer) {
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await turn();
  })();
  const event = await readHook('generic', body, headers).finally(() => {
    isOver = true;
  });
  await others;
  return { event, turns };
}

describe('a large body', () => {
  it('is read while everything else goes on', async () => {
    const { event, turns } = await readBeside(ofValues(MIB));
    expect(event).toMatchObject({ kind: 'refs', changes: 'unknown' });
    expect(turns).toBeGreaterThan(10);
  });

  it('says what a small one says', async () => {
    const change = { ref: 'refs/heads/main', before: null, after: 'a'.repeat(40) };
    const body = Buffer.from(JSON.stringify({ changes: [change], filler: 'ä'.repeat(MIB) }));
    expect(await readHook('generic', body, headers)).toEqual(codecs.generic.parse(body, headers));
  });

  it.each([
    ['is no JSON', Buffer.alloc(MIB, '{'.padEnd(100, ' ')), 'The body is nested too deeply'],
    ['ends in a text', Buffer.from(`{"a":"${'\\'.repeat(MIB)}`), 'The body is not JSON'],
    ['is nested without end', Buffer.alloc(25 * MIB, '['), 'The body is nested too deeply'],
    ['has values without end', ofValues(25 * MIB), 'The body has more than 1,000,000 values'],
  ])('that %s is malformed', async (_, body, why) => {
    await expect(readHook('generic', body, headers)).rejects.toThrow(new MalformedHook('body', why));
  });

  it('that is read for too long, or takes more memory than there is for it, is malformed and ends nobody', async () => {
    const body = ofValues(MIB);
    const read = (limits: { heapMiB: number; deadlineMs: number }) =>
      readHook('generic', body, headers, limits);
    const [late, large] = ['The body takes too long to read', 'The body takes too much memory to read'];
    await expect(read({ heapMiB: 384, deadlineMs: 0 })).rejects.toThrow(late);
    await expect(read({ heapMiB: 12, deadlineMs: 60_000 })).rejects.toThrow(large);
  });
});
