// A line to a Git host that notes every request and counts every byte, headers included. It can make the host another one:
// older, of another name, or one that says yes to pushes it does not apply.
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface NotedRequest {
  /** 'POST git-receive-pack', or 'POST fetch' for a command of protocol version 2. */
  name: string;
  body: Buffer;
}

/** Requests of this name are answered with this; 429 goes with a wish for patience. */
interface Refusal {
  name: string;
  status: 429 | 500;
  /** Only those that have this in their body: an object id, say. */
  asking?: string;
}

export class CountingLine {
  requests: NotedRequest[] = [];
  /** Keeps the wish for a newer protocol from the host. */
  speaksVersion0 = false;
  /** Has the host call itself `got` instead of `git`. */
  isStranger = false;
  /** Pushes of this reference are answered with `ok` and go no further. */
  swallows: string | null = null;
  refuses: Refusal | null = null;
  patienceSeconds = 30;
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
    const headers = { ...request.headers };
    if (this.speaksVersion0) delete headers['git-protocol'];
    const isPush = request.method === 'POST' && (request.url ?? '').endsWith('/git-receive-pack');
    if (isPush && this.swallows !== null) return this.#swallow(this.swallows, request, response);
    if (this.refuses !== null) return this.#refuse(this.refuses, [hostUrl, headers], [request, response]);
    const upstream = http.request(hostUrl + request.url, { method: request.method, headers });
    this.#note(request);
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!this.isStranger) return answer.pipe(response);
      answer.on('data', (chunk: Buffer) => response.write(rename(chunk)));
      answer.on('end', () => response.end());
    });
    upstream.on('error', () => response.destroy());
    request.on('error', () => upstream.destroy());
    response.on('close', () => response.writableFinished || upstream.destroy());
    request.pipe(upstream);
  }

  #note(request: http.IncomingMessage): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.requests.push(describe(request, Buffer.concat(chunks))));
  }

  #refuse(
    { name, status, asking = '' }: Refusal,
    [hostUrl, headers]: [string, http.IncomingHttpHeaders],
    [request, response]: [http.IncomingMessage, http.ServerResponse],
  ): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const noted = describe(request, Buffer.concat(chunks));
      this.requests.push(noted);
      const more = status === 429 ? { 'retry-after': String(this.patienceSeconds) } : {};
      if (noted.name === name && noted.body.includes(asking))
        return void response.writeHead(status, more).end();
      const upstream = http.request(hostUrl + request.url, { method: request.method, headers });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      upstream.end(noted.body);
    });
  }

  #swallow(reference: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#note(request);
    const packet = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
    const report = `${packet('unpack ok\n')}${packet(`ok ${reference}\n`)}0000`;
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
      response.end(`${packet(`\u0001${report}`)}0000`);
    });
  }
}

/** Of the same length, so that packets keep theirs. */
function rename(chunk: Buffer): Buffer {
  return Buffer.from(chunk.toString('latin1').replaceAll('agent=git/', 'agent=got/'), 'latin1');
}

function describe({ method = '', url = '' }: http.IncomingMessage, body: Buffer): NotedRequest {
  const command = /^[0-9a-f]{4}command=(\S+)/.exec(body.toString('latin1', 0, 64))?.[1];
  const suffix = /[^/]*$/.exec(url)?.[0] ?? '';
  return { name: `${method} ${command ?? suffix}`, body };
}
