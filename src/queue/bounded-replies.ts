// Connections to Redis that accept no reply larger than it may be. A delegate writes what it likes into its own queues, and the
// library reads whole jobs and events from there: without a bound the largest of them decides how much memory a manager needs.
import net from 'node:net';
import tls from 'node:tls';
import { AbstractConnector } from 'ioredis';

/** Of one reply, all its parts together. */
export const REPLY_BYTES_MAX = 64 * 1024 * 1024;

const LINE_READ_MAX = 64;
const LINE_END = 2;
/** Of both versions of the protocol: what is followed by so many bytes, and what by so many items. */
const STRINGS: ReadonlySet<string> = new Set(['$', '=', '!']);
const LISTS: ReadonlySet<string> = new Set(['*', '~', '>']);

/** The connection was closed over it; what was asked on it has failed, or is asked again where commands wait for a connection. */
class ReplyTooLong extends Error {
  override readonly name = 'ReplyTooLong';
}

/** Follows the replies of one connection, and says when one is larger than it may be: by what is announced, before it comes. */
export class ReplyMeter {
  readonly #bytesMax: number;
  /** Of the reply under way. */
  #bytes = 0;
  /** What is still missing of each list that has begun. */
  readonly #lists: number[] = [];
  /** What is still to come of a string, its line end included. */
  #string = 0;
  /** A line whose end has not come. */
  #line = '';

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether all is well so far. */
  take(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      const taken = this.#string > 0 ? this.#skip(chunk.length - at) : this.#read(chunk, at);
      at += taken;
      if (this.#bytes > this.#bytesMax) return false;
      if (this.#string === 0 && this.#line === '' && this.#lists.length === 0) this.#bytes = 0;
    }
    return true;
  }

  #skip(available: number): number {
    const taken = Math.min(available, this.#string);
    this.#string -= taken;
    if (this.#string === 0) this.#endItem();
    return taken;
  }

  #read(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(10, at);
    const taken = (end < 0 ? chunk.length : end + 1) - at;
    this.#bytes += taken;
    // Only lines that announce a length are looked at, and those are short.
    if (this.#line.length < LINE_READ_MAX)
      this.#line += chunk.toString('latin1', at, at + Math.min(taken, LINE_READ_MAX));
    if (end >= 0) this.#endLine();
    return taken;
  }

  #endLine(): void {
    const [kind, count] = [this.#line[0] ?? '', Number.parseInt(this.#line.slice(1), 10)];
    this.#line = '';
    if (STRINGS.has(kind) && count >= 0) {
      this.#string = count + LINE_END;
      this.#bytes += this.#string;
    } else if (LISTS.has(kind) && count > 0) this.#lists.push(count);
    else if (kind === '%' && count > 0) this.#lists.push(2 * count);
    // What is told about the item that follows belongs to it.
    else if (kind === '|') this.#lists.push(2 * count + 1);
    else this.#endItem();
  }

  /** The last item of a list ends the list, which is itself an item of the one around it. */
  #endItem(): void {
    for (let depth = this.#lists.length - 1; depth >= 0; depth -= 1) {
      this.#lists[depth] = (this.#lists[depth] as number) - 1;
      if ((this.#lists[depth] as number) > 0) return;
      this.#lists.pop();
    }
  }
}

type Address = net.NetConnectOpts & { tls?: tls.ConnectionOptions; disconnectTimeout: number };

/** For the option `Connector` of the library: dials as the library itself would. `onTooLong` is told of each connection closed. */
export const boundedConnector = (bytesMax: number, onTooLong: () => void = () => undefined) =>
  class extends AbstractConnector {
    readonly #address: Address;

    constructor(options: unknown) {
      super((options as Address).disconnectTimeout);
      this.#address = options as Address;
    }

    override async connect(): Promise<net.Socket> {
      const { tls: secure, ...options } = this.#address;
      const { host, port, path, family } = options as net.TcpNetConnectOpts & { path?: string };
      const where = path ? { path } : { host, port, family };
      this.connecting = true;
      const stream =
        secure === undefined
          ? net.connect(where as net.NetConnectOpts)
          : tls.connect({ ...where, ...secure });
      const meter = new ReplyMeter(bytesMax);
      stream.once('error', (error) => {
        this.firstError = error;
      });
      stream.on('data', (chunk: Buffer) => {
        if (stream.destroyed || meter.take(chunk)) return;
        onTooLong();
        stream.destroy(new ReplyTooLong(`Redis sent more than ${bytesMax} bytes at once`));
      });
      this.stream = stream;
      return stream;
    }
  };
