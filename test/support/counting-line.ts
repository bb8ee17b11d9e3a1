// A line to a Git host that notes every request and counts every byte, headers included.
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface NotedRequest {
  /** 'POST git-receive-pack', or 'POST fetch' for a command of protocol version 2. */
  name: string;
  body: Buffer;
}

export class CountingLine {
  requests: NotedRequest[] = [];
  readonly #sockets = new Set<Socket>();
  #up = 0;
  #down = 0;

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async open(hostUrl: string): Promise<CountingLine> {
    let line: CountingLine;
    const server = http.createServer((request, response) => line.#forward(hostUrl, request, response));
    server.on('connection', (socket) => line.#sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    line = new CountingLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return line;
  }

  get names(): string[] {
    return this.requests.map(({ name }) => name);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get bytesUp(): number {
    return this.#sum('bytesRead') - this.#up;
  }

  get bytesDown(): number {
    return this.#sum('bytesWritten') - this.#down;
  }

  /** Forgets what was counted so far. */
  reset(): void {
    this.requests = [];
    this.#up = this.#sum('bytesRead');
    this.#down = this.#sum('bytesWritten');
  }

  #sum(counter: 'bytesRead' | 'bytesWritten'): number {
    return [...this.#sockets].reduce((sum, socket) => sum + socket[counter], 0);
  }

  #forward(hostUrl: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    const upstream = http.request(hostUrl + request.url, {
      method: request.method,
      headers: request.headers,
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.requests.push(describe(request, Buffer.concat(chunks))));
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.on('error', () => upstream.destroy());
    response.on('close', () => response.writableFinished || upstream.destroy());
    request.pipe(upstream);
  }
}

function describe({ method = '', url = '' }: http.IncomingMessage, body: Buffer): NotedRequest {
  const command = /^[0-9a-f]{4}command=(\S+)/.exec(body.toString('latin1', 0, 64))?.[1];
  const suffix = /[^/]*$/.exec(url)?.[0] ?? '';
  return { name: `${method} ${command ?? suffix}`, body };
}
