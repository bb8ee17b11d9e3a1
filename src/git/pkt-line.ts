// Framing of Git's wire protocol: four hex digits of length, then the payload; three lengths are signs without payload.

import { Breath } from './breath.js';
import { ByteWindow } from './byte-window.js';
import { refuseAnswer } from './host-answer.js';

export type Packet =
  | { kind: 'data'; data: Buffer }
  | { kind: 'flush' }
  | { kind: 'delimiter' }
  | { kind: 'end' };

const LENGTH_BYTES = 4;
const LENGTH_MAX = 65_520;
const SIGNS = [{ kind: 'flush' }, { kind: 'delimiter' }, { kind: 'end' }] as const;

export const FLUSH = Buffer.from('0000');
export const DELIMITER = Buffer.from('0001');

/** One data packet; at most 65,516 bytes of payload. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const data = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (data.length + LENGTH_BYTES > LENGTH_MAX)
    throw new RangeError(`a packet of ${data.length} bytes is too long`);
  return Buffer.concat([
    Buffer.from((data.length + LENGTH_BYTES).toString(16).padStart(LENGTH_BYTES, '0')),
    data,
  ]);
}

/** Text of a data packet without its line end. */
export function textOf(data: Buffer): string {
  const end = data.at(-1) === 0x0a ? data.length - 1 : data.length;
  return data.toString('utf8', 0, end);
}

/** Reads packets from the chunks of an answer of `host`. A broken frame is GIT_ANSWER_INVALID. */
export class PacketReader {
  readonly #host: string;
  readonly #window: ByteWindow;
  readonly #breath = new Breath();

  constructor(host: string, chunks: AsyncIterable<Buffer>) {
    this.#host = host;
    this.#window = new ByteWindow(chunks);
  }

  /** The next packet, or `null` at the end of the answer. */
  async next(): Promise<Packet | null> {
    // Packets that are all there already would follow one another without end.
    if (this.#breath.isDue) await this.#breath.take();
    const available = await this.#window.fill(LENGTH_BYTES);
    if (available === 0) return null;
    if (available < LENGTH_BYTES) throw refuseAnswer(this.#host, 'it ends inside a packet length');
    const length = parseLength(this.#window.peek(LENGTH_BYTES));
    if (Number.isNaN(length)) throw refuseAnswer(this.#host, 'a packet length is not hexadecimal');
    if (length < LENGTH_BYTES) return this.#sign(length);
    if (length > LENGTH_MAX) throw refuseAnswer(this.#host, 'a packet is longer than the protocol allows');
    if ((await this.#window.fill(length)) < length) throw refuseAnswer(this.#host, 'it ends inside a packet');
    return { kind: 'data', data: this.#window.take(length).subarray(LENGTH_BYTES) };
  }

  /** Gives up the rest of the answer. */
  async close(): Promise<void> {
    await this.#window.close();
  }

  #sign(length: number): Packet {
    const sign = SIGNS[length];
    if (sign === undefined) throw refuseAnswer(this.#host, 'a packet length is 3');
    this.#window.take(LENGTH_BYTES);
    return sign;
  }
}

export type Packets = Pick<PacketReader, 'next'>;

/** The packets once more from one that was looked at. */
export function replay(first: Packet, rest: Packets): Packets {
  let pending: Packet | null = first;
  return {
    next: async () => {
      const packet = pending ?? (await rest.next());
      pending = null;
      return packet;
    },
  };
}

function parseLength(buffer: Buffer): number {
  const digits = buffer.toString('latin1', 0, 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
}
