// A TCP line on loopback with faults: cut, silent for a while, or slow.
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export class Line {
  readonly #server: net.Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<net.Socket>();
  #port = 0;
  #slowMs = 0;
  #silence: Promise<void> | undefined;
  #break: () => void = () => undefined;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = net.createServer((near) => this.#join(near));
  }

  static async open(targetPort: number): Promise<Line> {
    const line = new Line(targetPort);
    await line.mend();
    return line;
  }

  get port(): number {
    return this.#port;
  }

  /** Drops every connection and refuses new ones, until `mend`. */
  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Takes connections on the port it has always had. */
  async mend(): Promise<void> {
    if (this.#server.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nothing passes until `resume`, and nobody is told. */
  stall(): void {
    this.#silence ??= new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  resume(): void {
    this.#break();
    this.#silence = undefined;
  }

  /** Everything takes so much longer, each way; 0 ends it. */
  slow(ms: number): void {
    this.#slowMs = ms;
  }

  async close(): Promise<void> {
    this.resume();
    await this.cut();
  }

  #join(near: net.Socket): void {
    const far = net.connect(this.#targetPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      void this.#pass(from, to);
    }
  }

  async #pass(from: net.Socket, to: net.Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        while (this.#silence !== undefined) await this.#silence;
        if (this.#slowMs > 0) await delay(this.#slowMs);
        to.write(chunk as Buffer);
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}
