// A host that answers by script: any bytes, at any pace, with any end. It writes HTTP itself, since what it has to send no
// library would.
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { gunzipSync } from 'node:zlib';

/** A request as it came. */
export interface Asked {
  method: string;
  /** Path and query. */
  target: string;
  /** Values by lower-case name. */
  headers: Map<string, string>;
  body: Buffer;
}

export type Bytes = string | Uint8Array;

export interface Answer {
  /** Default: 200. */
  status?: number;
  headers?: Record<string, string>;
  /** What stands in the place of status line and headers, with the empty line after them. */
  head?: string;
  /** Bytes are sent with their length, a series of them as chunks. */
  body?: Bytes | AsyncIterable<Bytes>;
  /** Default: `keep` the connection for the next request. `cut` closes it, `stall` falls silent. */
  end?: 'keep' | 'cut' | 'stall';
  /** So many bytes of the whole, head included, are sent; then comes the end. */
  bytesMax?: number;
}

/** `null`: the connection is closed without an answer. */
export type Script = (asked: Asked) => Answer | null;

export interface ScriptedHostOptions {
  /** Speaks TLS with this key and certificate. */
  tls?: { key: string; cert: string };
}

/** Ports of this process's hosts: what was learned of one must not be taken for knowledge of the next. */
const used = new Set<number>();

export class ScriptedHost {
  readonly asked: Asked[] = [];
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #script: Script;
  readonly #scheme: string;

  private constructor(script: Script, options: ScriptedHostOptions) {
    this.#script = script;
    this.#scheme = options.tls === undefined ? 'http' : 'https';
    const serve = (socket: net.Socket): void => void this.#serve(socket);
    this.#server =
      options.tls === undefined
        ? net.createServer({ noDelay: true }, serve)
        : tls.createServer(options.tls, serve).on('tlsClientError', () => undefined);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    });
  }

  static async open(script: Script, options: ScriptedHostOptions = {}): Promise<ScriptedHost> {
    const host = new ScriptedHost(script, options);
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve));
    if (used.has(host.port)) {
      const another = await ScriptedHost.open(script, options);
      await host.close();
      return another;
    }
    used.add(host.port);
    return host;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Address of its repository. `name` is the host's name in it. */
  url(name = '127.0.0.1'): string {
    return `${this.#scheme}://${name}:${this.port}/made.git`;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: net.Socket): Promise<void> {
    socket.on('error', () => undefined);
    const requests = new RequestReader(socket);
    try {
      for (let asked = await requests.next(); asked !== null; asked = await requests.next()) {
        this.asked.push(asked);
        const answer = this.#script(asked);
        if (answer === null) break;
        const isWhole = await send(socket, answer);
        if (answer.end === 'stall') return;
        if (!isWhole || answer.end === 'cut') break;
      }
    } catch {
      // A client that goes away in the middle has what it wanted.
    }
    socket.destroySoon();
  }
}

/** Whether all of the answer was sent. */
async function send(socket: net.Socket, answer: Answer): Promise<boolean> {
  let left = answer.bytesMax ?? Number.POSITIVE_INFINITY;
  const write = async (bytes: Bytes): Promise<boolean> => {
    const data = Buffer.from(bytes as string);
    const part = data.length <= left ? data : data.subarray(0, left);
    left -= part.length;
    if (socket.destroyed) return false;
    if (!socket.write(part)) await drained(socket);
    return part.length === data.length && !socket.destroyed;
  };
  const { body = '' } = answer;
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const framing = isWhole ? `Content-Length: ${Buffer.byteLength(body)}` : 'Transfer-Encoding: chunked';
  const lines = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${answer.status ?? 200} Said\r\n${lines.join('')}${framing}\r\n\r\n`;
  if (!(await write(answer.head ?? head))) return false;
  if (isWhole) return write(body);
  for await (const bytes of body) {
    const data = Buffer.from(bytes as string);
    if (data.length === 0) continue;
    const chunk = Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
    if (!(await write(chunk))) return false;
  }
  return write('0\r\n\r\n');
}

/** Resolves when more can be written, or nothing any more. */
function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** Reads the requests of one connection, one after the other. */
class RequestReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** `null` when the client has gone. */
  async next(): Promise<Asked | null> {
    const head = await this.#takeThrough('\r\n\r\n');
    if (head === null) return null;
    const [line = '', ...fields] = head.trimEnd().split('\r\n');
    const headers = new Map(
      fields.map((field) => {
        const at = field.indexOf(':');
        return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()];
      }),
    );
    const [method = '', target = ''] = line.split(' ');
    const sent =
      headers.get('transfer-encoding') === 'chunked'
        ? await this.#takeChunks()
        : await this.#take(Number(headers.get('content-length') ?? 0));
    if (sent === null) return null;
    const body = headers.get('content-encoding') === 'gzip' ? gunzipSync(sent) : sent;
    return { method, target, headers, body };
  }

  async #takeChunks(): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt((await this.#takeThrough('\r\n')) ?? '', 16);
      const chunk = Number.isNaN(size) ? null : await this.#take(size + 2);
      if (chunk === null) return null;
      if (size === 0) return Buffer.concat(parts);
      parts.push(chunk.subarray(0, size));
    }
  }

  async #takeThrough(mark: string): Promise<string | null> {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at >= 0) return ((await this.#take(at + mark.length)) ?? '').toString('latin1');
      // What begins with no letter or digit is no HTTP: the greeting of TLS, say.
      if (!(await this.#more()) || !/^\w/.test(this.#bytes.toString('latin1', 0, 1))) return null;
    }
  }

  async #take(bytes: number): Promise<Buffer | null> {
    while (this.#bytes.length < bytes) if (!(await this.#more())) return null;
    const taken = this.#bytes.subarray(0, bytes);
    this.#bytes = this.#bytes.subarray(bytes);
    return taken;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next().catch(() => ({ done: true as const, value: undefined }));
    if (next.done === true) return false;
    this.#bytes = Buffer.concat([this.#bytes, next.value]);
    return true;
  }
}

/** The bytes in pieces of this size, one in so many milliseconds. */
export async function* drip(bytes: Bytes, size: number, everyMs: number): AsyncGenerator<Buffer> {
  const data = Buffer.from(bytes as string);
  for (let at = 0; at < data.length; at += size) {
    yield data.subarray(at, at + size);
    await delay(everyMs);
  }
}

/** These bytes once, then the others again and again. */
export async function* withoutEnd(first: Bytes, again: Bytes): AsyncGenerator<Bytes> {
  yield first;
  for (;;) yield again;
}
