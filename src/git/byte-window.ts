// A stream of chunks seen through one contiguous window that grows as far as its reader asks.
export class ByteWindow {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Waits for `bytes` bytes, or the end of the stream. Answers how many there are. */
  async fill(bytes: number): Promise<number> {
    if (this.#buffer.length >= bytes) return this.#buffer.length;
    const parts = [this.#buffer];
    let size = this.#buffer.length;
    while (size < bytes) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      size += value.length;
    }
    if (parts.length > 1) this.#buffer = Buffer.concat(parts);
    return size;
  }

  /** The first bytes without taking them; what `fill` promised is there. */
  peek(bytes: number): Buffer {
    return this.#buffer.subarray(0, bytes);
  }

  take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return taken;
  }

  /** Gives up the rest of the stream. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
