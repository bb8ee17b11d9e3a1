// A TCP line to a host that counts what passes, and tells of each request before it goes on.
import net, { type AddressInfo } from 'node:net';

const REQUEST = /^(GET|POST) (\S+) HTTP\/1\.1\r$/gm;

export class ListeningLine {
  bytesUp = 0;
  bytesDown = 0;
  /** `GET /path` of every request, as they came. */
  requests: string[] = [];
  /** Called with a request before the host gets it. */
  onRequest: (request: string) => void = () => undefined;
  /** Whether nothing goes on to the host any more. */
  isHeld = false;

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async open(hostUrl: string): Promise<ListeningLine> {
    let line: ListeningLine;
    const target = new URL(hostUrl);
    const sockets = new Set<net.Socket>();
    const server = net.createServer((near) => {
      const far = net.connect(Number(target.port), target.hostname);
      for (const socket of [near, far]) sockets.add(socket);
      line.#join(near, far);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    };
    line = new ListeningLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return line;
  }

  #join(near: net.Socket, far: net.Socket): void {
    near.on('data', (chunk: Buffer) => {
      this.bytesUp += chunk.length;
      for (const [, method, address] of chunk.toString('latin1').matchAll(REQUEST)) {
        this.requests.push(`${method} ${address}`);
        this.onRequest(`${method} ${address}`);
      }
      if (!this.isHeld) far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      this.bytesDown += chunk.length;
      near.write(chunk);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('end', () => other.end()).on('error', () => other.destroy());
  }
}
