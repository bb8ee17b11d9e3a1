import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DELIMITER,
  encodePacket,
  FLUSH,
  type Packet,
  PacketReader,
  textOf,
} from '../../../src/git/pkt-line.js';
import type { Failure } from '../../../src/kernel/failure.js';
import { chunksOf } from '../support/chunks.js';
import { failureFrom } from '../support/refusals.js';

const HOST = 'git.example.com';

async function readAll(bytes: Buffer, cuts: number[] = []): Promise<Packet[]> {
  const reader = new PacketReader(HOST, chunksOf(bytes, cuts));
  const packets: Packet[] = [];
  for (let packet = await reader.next(); packet !== null; packet = await reader.next()) packets.push(packet);
  return packets;
}

describe('a packet', () => {
  it.each([
    ['a\n', '0006a\n'],
    ['', '0004'],
    ['größe', '000bgröße'],
    ['x'.repeat(28), `0020${'x'.repeat(28)}`],
  ])('of %j is written with its length in hex, in bytes', (payload, bytes) => {
    expect(encodePacket(payload).toString()).toBe(bytes);
  });

  it('may have 65,516 bytes and no more', () => {
    expect(encodePacket(Buffer.alloc(65_516)).subarray(0, 4).toString()).toBe('fff0');
    expect(() => encodePacket(Buffer.alloc(65_517))).toThrow(RangeError);
  });

  it.each([
    ['a\n', 'a'],
    ['a', 'a'],
    ['a\n\n', 'a\n'],
    ['\n', ''],
    ['', ''],
    ['a\r\n', 'a\r'],
  ])('with %j is a line without its end: %j', (data, text) => {
    expect(textOf(Buffer.from(data))).toBe(text);
  });
});

describe('a stream of packets', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ kind: 'data', data: Buffer.from(bytes) }) as const),
    fc.constantFrom({ kind: 'flush' } as const, { kind: 'delimiter' } as const, { kind: 'end' } as const),
  );
  const signs = { flush: FLUSH, delimiter: DELIMITER, end: Buffer.from('0002') };
  const encode = (packet: Packet): Buffer =>
    packet.kind === 'data' ? encodePacket(packet.data) : signs[packet.kind];

  it('is read as it was written, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part), fc.array(fc.nat()), async (packets, cuts) => {
        const bytes = Buffer.concat(packets.map(encode));
        expect(await readAll(bytes, cuts)).toEqual(packets);
      }),
    );
  });

  it('that ends anywhere but between two packets is refused', async () => {
    const bytes = Buffer.concat([encodePacket('hello\n'), FLUSH, encodePacket('world\n')]);
    const borders = [0, 10, 14, 24];
    for (const [packets, end] of borders.entries())
      expect(await readAll(bytes.subarray(0, end))).toHaveLength(packets);
    const within = [...bytes.keys()].filter((end) => !borders.includes(end));
    for (const end of within)
      expect(await failureFrom(readAll(bytes.subarray(0, end)))).toMatchObject({
        code: 'GIT_ANSWER_INVALID',
      });
  });

  it.each([
    ['0003', 'a packet length is 3'],
    ['000g', 'a packet length is not hexadecimal'],
    ['-001', 'a packet length is not hexadecimal'],
    ['0x10', 'a packet length is not hexadecimal'],
    [' 004', 'a packet length is not hexadecimal'],
    ['<htm', 'a packet length is not hexadecimal'],
    ['\0\0\0\0', 'a packet length is not hexadecimal'],
    ['fff1', 'a packet is longer than the protocol allows'],
    ['FFFF', 'a packet is longer than the protocol allows'],
    ['000', 'it ends inside a packet length'],
    ['0', 'it ends inside a packet length'],
    ['0005', 'it ends inside a packet'],
    ['fff0x', 'it ends inside a packet'],
  ])('that begins with %j is refused: %s', async (bytes, reason) => {
    expect(await failureFrom(readAll(Buffer.from(bytes, 'latin1')))).toMatchObject({
      code: 'GIT_ANSWER_INVALID',
      data: { host: HOST, reason },
    });
  });

  it('takes capital letters for digits', async () => {
    expect(await readAll(Buffer.from(`000Ahello\n`))).toEqual([
      { kind: 'data', data: Buffer.from('hello\n') },
    ]);
  });

  it('that nobody wants any more is given up', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield encodePacket('more\n');
      } finally {
        isClosed = true;
      }
    }
    const reader = new PacketReader(HOST, endless());
    await reader.next();
    await reader.close();
    expect(isClosed).toBe(true);
  });

  it('of any bytes is read or refused, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
        const reading = readAll(Buffer.from(bytes)).then(() => 'read');
        const outcome = await reading.catch((error: unknown) => (error as Partial<Failure>).code);
        expect(['read', 'GIT_ANSWER_INVALID']).toContain(outcome);
      }),
    );
  });
});
