// A gate in front of a Git host: pushes stand there until they are let through one by one; everything else passes.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface HeldPush {
  /** Whose credential it carries. */
  user: string;
  pass: () => void;
}

export class PushGate {
  /** Pushes that stand here, the first to come first. */
  readonly held: HeldPush[] = [];
  /** All that have come so far. */
  arrived = 0;
  #isShut = false;

  private constructor(
    private readonly hostUrl: string,
    private readonly server: http.Server,
  ) {
    server.on('request', (request, response) => this.#receive(request, response));
  }

  static async before(hostUrl: string): Promise<PushGate> {
    const gate = new PushGate(hostUrl, http.createServer());
    await new Promise<void>((resolve) => gate.server.listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  shut(): void {
    this.#isShut = true;
  }

  /** Lets through what stands here, and whatever comes. */
  open(): void {
    this.#isShut = false;
    while (this.held.length > 0) this.passOne();
  }

  /** Lets through the push that has stood here longest. */
  passOne(): void {
    this.held.shift()?.pass();
  }

  async close(): Promise<void> {
    this.open();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  #receive(request: http.IncomingMessage, response: http.ServerResponse): void {
    const pass = (): void => this.#forward(request, response);
    if (request.method !== 'POST' || !request.url?.endsWith('/git-receive-pack')) return pass();
    this.arrived += 1;
    if (!this.#isShut) return pass();
    const credential = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
    this.held.push({ user: credential.split(':')[0] ?? '', pass });
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = 'GET', headers, url = '' } = request;
    const upstream = http.request(this.hostUrl + url, { method, headers });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  }
}
