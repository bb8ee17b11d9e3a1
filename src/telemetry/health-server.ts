// A port for whoever operates a process, where they want one: whether it lives, whether it takes work, and what it counted. It is a
// delegate’s only one. It tells nothing that a neighbour on the same network may not know.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { awaitListening } from '../kernel/listening.js';

/** Whom the server asks. */
export interface Health {
  /** Why no work is taken; none where it is. */
  objections: () => Promise<string[]>;
  metrics: () => Promise<{ contentType: string; text: string }>;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

const CONNECTIONS_MAX = 64;
const REQUEST_MS = 5_000;
const HEADER_BYTES_MAX = 8_192;

export class HealthServer {
  readonly #server: http.Server;

  private constructor(health: Health) {
    this.#server = http.createServer({ maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('request', (request, response) => void respond(health, request, response));
  }

  /** `what` it is and the `setting` of its port, for whoever has to choose another one. @throws ADDRESS_IN_USE */
  static async open(
    { host, port, what, setting }: { host: string; port: number; what: string; setting: string },
    health: Health,
  ): Promise<HealthServer> {
    const server = new HealthServer(health);
    const listening = new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen({ host, port }, resolve);
    });
    await awaitListening(listening, {
      what,
      address: `${host}:${port}`,
      setting,
    });
    return server;
  }

  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Ends at once: whoever is still reading is not waited for. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function respond(
  health: Health,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  // What a request brings is not read.
  request.resume();
  const { status, type, body } = await answer(health, request).catch(() =>
    json(500, { error: 'look at the log' }),
  );
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 ? { allow: 'GET' } : {}),
  });
  response.end(body);
}

async function answer(health: Health, { method, url = '' }: http.IncomingMessage): Promise<Answer> {
  const [path = ''] = url.split('?');
  const route = Object.hasOwn(routes, path) ? routes[path as keyof typeof routes] : undefined;
  if (route === undefined) return json(404, { error: 'there are /healthz, /readyz and /metrics' });
  if (method !== 'GET') return json(405, { error: 'only GET is answered' });
  return route(health);
}

const routes = {
  '/healthz': async (): Promise<Answer> => json(200, { alive: true }),
  '/readyz': async ({ objections }: Health): Promise<Answer> => {
    const reasons = await objections();
    return reasons.length === 0 ? json(200, { ready: true }) : json(503, { ready: false, reasons });
  },
  '/metrics': async ({ metrics }: Health): Promise<Answer> => {
    const { contentType, text } = await metrics();
    return { status: 200, type: contentType, body: text };
  },
};

const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});
