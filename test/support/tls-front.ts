// Encryption in front of a Git host, as a reverse proxy does it: HTTP/1.1 or HTTP/2 outside, HTTP/1.1 to the host.
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pair } from './certificates.js';

export type Request = http.IncomingMessage | http2.Http2ServerRequest;
export type Response = http.ServerResponse | http2.Http2ServerResponse;

export interface FrontOptions {
  pair: Pair;
  /** Whether HTTP/2 is offered. */
  http2: boolean;
  /** Authority of the clients' certificates; with one, they are required. */
  clientsOf?: string;
  /** Answers instead of the host; `false` to let the host answer after all. */
  answer?: (request: Request, response: Response) => boolean;
}

export class TlsFront {
  /** Connections that were made. */
  connections = 0;
  /** `<version> <method> <address>` of each request. */
  readonly requests: string[] = [];
  readonly #sockets = new Set<Duplex>();

  private constructor(
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  static async open(hostUrl: string, options: FrontOptions): Promise<TlsFront> {
    let front: TlsFront;
    const settings = {
      cert: fs.readFileSync(options.pair.certificateFile),
      key: fs.readFileSync(options.pair.keyFile),
      ...(options.clientsOf === undefined
        ? {}
        : { ca: fs.readFileSync(options.clientsOf), requestCert: true, rejectUnauthorized: true }),
    };
    const serve = (request: Request, response: Response): void => {
      front.requests.push(`${request.httpVersion} ${request.method} ${request.url}`);
      if (options.answer?.(request, response) !== true) forward(hostUrl, request, response);
    };
    const server = options.http2
      ? http2.createSecureServer({ ...settings, allowHTTP1: true }, serve)
      : https.createServer(settings, serve);
    server.on('secureConnection', (socket: Socket) => {
      front.connections++;
      front.#sockets.add(socket);
      socket.on('close', () => front.#sockets.delete(socket)).on('error', () => undefined);
    });
    // What breaks here is the client's to notice.
    server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of front.#sockets) socket.destroy();
      });
    front = new TlsFront((server.address() as AddressInfo).port, close);
    return front;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function forward(hostUrl: string, request: Request, response: Response): void {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !name.startsWith(':') && name !== 'connection'),
  );
  const upstream = http.request(hostUrl + request.url, { method: request.method, headers, agent: false });
  upstream.on('response', (answer) => {
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = answer.headers;
    (response as http.ServerResponse).writeHead(answer.statusCode ?? 502, rest);
    answer.pipe(response as http.ServerResponse);
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}
