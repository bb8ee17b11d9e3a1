// Framing of Git's wire protocol: four hex digits of length, then the payload; three lengths are signs without payload.
import { refuseAnswer } from './host-answer.js';

export type Packet =
  | { kind: 'data'; data: Buffer }
  | { kind: 'flush' }
  | { kind: 'delimiter' }
  | { kind: 'end' };

const LENGTH_MAX = 65_520;
const SIGNS = [{ kind: 'flush' }, { kind: 'delimiter' }, { kind: 'end' }] as const;

export const FLUSH = Buffer.from('0000');
export const DELIMITER = Buffer.from('0001');

/** One data packet; at most 65,516 bytes of payload. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const data = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (data.length + 4 > LENGTH_MAX) throw new RangeError(`a packet of ${data.length} bytes is too long`);
  return Buffer.concat([Buffer.from((data.length + 4).toString(16).padStart(4, '0')), data]);
}

/** Text of a data packet without its line end. */
export function textOf(data: Buffer): string {
  const end = data.at(-1) === 0x0a ? data.length - 1 : data.length;
  return data.toString('utf8', 0, end);
}

/** Reads packets from the chunks of an answer of `host`. A broken frame is GIT_ANSWER_INVALID. */
export class PacketReader {
  readonly #host: string;
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(host: string, chunks: AsyncIterable<Buffer>) {
    this.#host = host;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next packet, or `null` at the end of the answer. */
  async next(): Promise<Packet | null> {
    if (!(await this.#fill(4))) {
      if (this.#buffer.length === 0) return null;
      throw refuseAnswer(this.#host, 'it ends inside a packet length');
    }
    const length = parseLength(this.#buffer);
    if (Number.isNaN(length)) throw refuseAnswer(this.#host, 'a packet length is not hexadecimal');
    if (length < 4) return this.#sign(length);
    if (length > LENGTH_MAX) throw refuseAnswer(this.#host, 'a packet is longer than the protocol allows');
    if (!(await this.#fill(length))) throw refuseAnswer(this.#host, 'it ends inside a packet');
    const data = this.#buffer.subarray(4, length);
    this.#buffer = this.#buffer.subarray(length);
    return { kind: 'data', data };
  }

  /** Gives up the rest of the answer and the connection it came on. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #sign(length: number): Packet {
    const sign = SIGNS[length];
    if (sign === undefined) throw refuseAnswer(this.#host, 'a packet length is 3');
    this.#buffer = this.#buffer.subarray(4);
    return sign;
  }

  async #fill(bytes: number): Promise<boolean> {
    if (this.#buffer.length >= bytes) return true;
    const parts = [this.#buffer];
    let size = this.#buffer.length;
    while (size < bytes) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      size += value.length;
    }
    this.#buffer = parts.length === 1 ? this.#buffer : Buffer.concat(parts);
    return size >= bytes;
  }
}

function parseLength(buffer: Buffer): number {
  const digits = buffer.toString('latin1', 0, 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
}
