// A receiver of webhooks that does as it is told, and verifies what it gets by itself.
import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, type Json } from './api.js';

export interface Delivery {
  path: string;
  headers: http.IncomingHttpHeaders;
  text: string;
  event: Json;
  at: number;
}

export type Behaviour = (response: http.ServerResponse, delivery: Delivery) => void;

export const answer =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end();

export class Receiver {
  readonly deliveries: Delivery[] = [];
  /** By path: what is done next, the last of them again and again. */
  readonly #behaviours = new Map<string, Behaviour[]>();
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async open(): Promise<Receiver> {
    const server = http.createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => void receiver.#take(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is done at this path, one after the other. Without a word, 204. */
  will(path: string, ...behaviours: Behaviour[]): void {
    this.#behaviours.set(path, behaviours);
  }

  at(path: string): Delivery[] {
    return this.deliveries.filter((one) => one.path === path);
  }

  async first(path: string, count: number): Promise<Delivery[]> {
    await eventually(
      async () => this.at(path).length >= count,
      () => `${count} deliveries at ${path}, ${this.at(path).length} so far`,
    );
    return this.at(path).slice(0, count);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const path = request.url ?? '';
    const delivery = { path, headers: request.headers, text, event: JSON.parse(text), at: Date.now() };
    this.deliveries.push(delivery);
    const behaviours = this.#behaviours.get(path) ?? [];
    const next = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    (next ?? answer(204))(response, delivery);
  }
}

/** How many of the signatures are by this secret, by the words of Standard Webhooks. */
export function signaturesBy(secret: string, { headers, text }: Delivery): number {
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], text].join('.');
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const wanted = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((one) => one === wanted).length;
}
