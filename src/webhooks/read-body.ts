// Reads the body of a delivery, as far as it is allowed to become. What comes after that is thrown away as it arrives, so that the
// caller can read its answer; one that never ends is cut off.
import type { IncomingMessage } from 'node:http';
import { Failure } from '../kernel/failure.js';

/** What is read past an answer, for the caller to get at it. */
const LINGER_BYTES_MAX = 64 * 1024 * 1024;
const BLOCK_BYTES = 16 * 1024;

/** A caller that went away; there is nobody to answer. */
export class CallerGone extends Error {}

/**
 * @param take is shown bytes before they are kept, and may throw
 * @throws BODY_TOO_LARGE, what `take` throws, CallerGone
 */
export function readBody(
  request: IncomingMessage,
  { bytesMax, take }: { bytesMax: number; take: (piece: Buffer) => void },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const body = new Blocks();
    const end = (done: () => void): void => {
      request.off('data', collect).off('end', complete).off('close', gone).off('error', gone);
      // What went wrong with a request that nobody reads any more is nobody's business.
      request.on('error', () => undefined);
      done();
    };
    const collect = (chunk: Buffer): void => {
      try {
        if (body.bytes + chunk.length > bytesMax) throw new Failure('BODY_TOO_LARGE', { bytesMax });
        take(chunk);
        body.add(chunk);
      } catch (error) {
        body.clear();
        end(() => reject(error as Error));
        discard(request);
      }
    };
    const complete = (): void => end(() => resolve(body.join()));
    const gone = (): void => end(() => reject(new CallerGone('The caller went away')));
    request.on('data', collect).on('end', complete).on('close', gone).on('error', gone);
    if (request.destroyed || request.readableEnded) gone();
  });
}

/**
 * Bytes in blocks of one size. A caller decides in what pieces a body comes, and each piece costs hundreds of bytes for as long as it
 * is kept by itself: one of single bytes would cost five hundred times what is counted of it.
 */
class Blocks {
  #full: Buffer[] = [];
  #last = Buffer.alloc(0);
  /** Of the last block. */
  #used = 0;

  get bytes(): number {
    return this.#full.length * BLOCK_BYTES + this.#used;
  }

  add(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#used === this.#last.length) this.#begin();
      const copied = piece.copy(this.#last, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }

  join(): Buffer {
    return Buffer.concat([...this.#full, this.#last], this.bytes);
  }

  clear(): void {
    this.#full = [];
    this.#last = Buffer.alloc(0);
    this.#used = 0;
  }

  #begin(): void {
    if (this.#used > 0) this.#full.push(this.#last);
    this.#last = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#used = 0;
  }
}

/** Of a request that is answered before its body was read. */
export function discard(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES_MAX) request.socket.destroy();
  });
  request.resume();
}
