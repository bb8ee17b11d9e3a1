// A TCP line that can be cut and mended: a server that goes away, as its clients see it.
import net, { type AddressInfo } from 'node:net';

export class TcpLine {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #port = 0;

  private constructor(target: URL) {
    this.#server = net.createServer((socket) => this.#join(socket, target));
  }

  /** A line to the host and port of this URL. */
  static async open(url: string): Promise<TcpLine> {
    const line = new TcpLine(new URL(url));
    await line.mend();
    return line;
  }

  get port(): number {
    return this.#port;
  }

  /** The URL with this line in the place of its host and port. */
  through(url: string): string {
    const changed = new URL(url);
    changed.host = `127.0.0.1:${this.#port}`;
    return changed.href;
  }

  /** Drops every connection, and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Takes connections, again on the port it had. */
  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Lets every connection fall silent without an end. New ones are as good as ever. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #join(near: net.Socket, target: URL): void {
    const far = net.connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
