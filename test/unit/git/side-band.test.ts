import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePacket, FLUSH, PacketReader } from '../../../src/git/pkt-line.js';
import { readSideBand } from '../../../src/git/side-band.js';
import { chunksOf, gather } from '../support/chunks.js';
import { failureFrom } from '../support/refusals.js';

const HOST = 'git.example.com';
const on = (channel: number, data: string | Uint8Array): Buffer =>
  encodePacket(Buffer.concat([Buffer.from([channel]), Buffer.from(data as string)]));

async function read(parts: Buffer[], cuts: number[] = []): Promise<{ data: string; talk: string }> {
  const talk: Buffer[] = [];
  const packets = new PacketReader(HOST, chunksOf(Buffer.concat(parts), cuts));
  const data = Buffer.concat(await gather(readSideBand(HOST, packets, (words) => talk.push(words))));
  return { data: data.toString('latin1'), talk: Buffer.concat(talk).toString('latin1') };
}

describe('side band', () => {
  it('gives the data of channel 1, and lets the talk of channel 2 be heard', async () => {
    const parts = [on(2, 'Counting\n'), on(1, 'PA'), on(2, 'Done\n'), on(1, 'CK'), on(1, ''), FLUSH];
    expect(await read(parts)).toEqual({ data: 'PACK', talk: 'Counting\nDone\n' });
  });

  it('is read as it was written, wherever it is cut', async () => {
    const piece = fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 50 }));
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.array(fc.nat()), async (pieces, cuts) => {
        const all = (channel: number): string =>
          Buffer.concat(pieces.filter(([one]) => one === channel).map(([, bytes]) => bytes)).toString(
            'latin1',
          );
        const parts = [...pieces.map(([channel, bytes]) => on(channel, bytes)), FLUSH];
        expect(await read(parts, cuts)).toEqual({ data: all(1), talk: all(2) });
      }),
    );
  });

  it('ends at its flush: what follows is left', async () => {
    const packets = new PacketReader(HOST, chunksOf(Buffer.concat([on(1, 'a'), FLUSH, on(1, 'b'), FLUSH])));
    expect(Buffer.concat(await gather(readSideBand(HOST, packets))).toString()).toBe('a');
    expect(await packets.next()).toEqual({ kind: 'data', data: Buffer.from('\x01b') });
  });

  it('lets no host talk without end', async () => {
    const { talk } = await read([...Array<Buffer>(100).fill(on(2, 'x'.repeat(1_000))), FLUSH]);
    expect(talk.length).toBeGreaterThanOrEqual(4_096);
    expect(talk.length).toBeLessThanOrEqual(2 * 4_096);
    expect((await read([on(2, 'x'.repeat(60_000)), FLUSH])).talk).toHaveLength(4_096);
  });

  it('fails with what the host reports on channel 3, in words that are fit to print', async () => {
    const failure = await failureFrom(read([on(1, 'PA'), on(3, '\x1b[31mout of\nmemory\x1b[0m\n'), FLUSH]));
    expect(failure).toMatchObject({
      code: 'GIT_ANSWER_INVALID',
      data: { reason: 'it reported "out of memory"' },
    });
  });

  it('knows the words for an object that is missing', async () => {
    const id = '0123456789'.repeat(4);
    const failure = await failureFrom(read([on(3, `upload-pack: not our ref ${id}`)]));
    expect(failure).toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND', data: { object: `object ${id}` } });
  });

  it.each<[string, Buffer[], string]>([
    ['without its flush', [on(1, 'PACK')], 'it ends without its closing packet'],
    ['empty', [], 'it ends without its closing packet'],
    [
      'with a delimiter in it',
      [on(1, 'a'), Buffer.from('0001'), FLUSH],
      'a packet stands where none belongs',
    ],
    ['with an end in it', [Buffer.from('0002')], 'a packet stands where none belongs'],
    ['on channel 0', [on(0, 'a'), FLUSH], 'a packet belongs to no channel'],
    ['on channel 4', [on(4, 'a'), FLUSH], 'a packet belongs to no channel'],
    ['on channel 255', [on(255, 'a'), FLUSH], 'a packet belongs to no channel'],
    ['on no channel', [encodePacket(''), FLUSH], 'a packet belongs to no channel'],
    ['cut off', [on(1, 'abc').subarray(0, 6)], 'it ends inside a packet'],
  ])('that is %s is refused', async (_, parts, reason) => {
    expect(await failureFrom(read(parts))).toMatchObject({ code: 'GIT_ANSWER_INVALID', data: { reason } });
  });
});
