// A Git host that sends webhooks, and what a user sees of them: as functions over a stack that may not run yet.
import { createHmac, randomUUID } from 'node:crypto';
import { eventually, type Json } from './api.js';
import type { Stack } from './stack.js';

export const ROOT = 'accounts/demo';

/** A connector with a webhook of its own. */
export interface Made {
  connector: string;
  /** Where the door is, at any manager. */
  path: string;
  secret: string;
}

export interface Sent {
  status: number;
  retryAfter: string | null;
  body: Json;
}

/** As plain Git and as Gitea send it. */
export function proof(body: string, secret: string): Record<string, string> {
  const hex = createHmac('sha256', secret).update(body).digest('hex');
  return { 'x-hub-signature-256': `sha256=${hex}`, 'x-gitea-signature': hex };
}

export const push = (ref = 'refs/heads/main', more: object = {}): string =>
  JSON.stringify({ event: 'push', ref, before: 'a'.repeat(40), after: 'b'.repeat(40), ...more });

export function webhooksOf(stack: () => Stack) {
  async function make(connector: string, provider = 'generic'): Promise<Made> {
    await stack().api.ok('PUT', `${ROOT}/connectors/${connector}`, {
      url: `http://127.0.0.1:9/team/${connector}.git`,
      connectivity: 'manager',
      provider,
    });
    const { path, toPaste } = await stack().api.ok('PUT', `${ROOT}/connectors/${connector}/webhook`, {});
    return { connector, path, secret: toPaste.secret.value };
  }

  async function post(
    path: string,
    body: string | Buffer,
    headers: Record<string, string> = {},
    manager = stack().api.url,
  ): Promise<Sent> {
    const answer = await fetch(`${manager}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body as string,
    });
    const text = await answer.text();
    const retryAfter = answer.headers.get('retry-after');
    return { status: answer.status, retryAfter, body: text === '' ? null : JSON.parse(text) };
  }

  /** A push that is proven, under an id of its own unless one is given. */
  const deliver = (
    { path, secret }: Pick<Made, 'path' | 'secret'>,
    body = push(),
    { id = randomUUID() as string, manager = stack().api.url, headers = {} } = {},
  ): Promise<Sent> =>
    post(path, body, { ...proof(body, secret), 'x-sallyport-delivery': id, ...headers }, manager);

  const hookOf = (connector: string): Promise<Json> =>
    stack().api.ok('GET', `${ROOT}/connectors/${connector}/webhook`);

  const deliveriesOf = async (connector: string): Promise<Json[]> =>
    (await stack().api.ok('GET', `${ROOT}/connectors/${connector}/webhook/deliveries`)).deliveries;

  /** Newest first, once all of them are processed. */
  const processed = (connector: string, count = 1): Promise<Json[]> =>
    eventually(async () => {
      const all = await deliveriesOf(connector);
      return all.length >= count && all.every(({ state }) => state !== 'waiting') && all;
    }, `${count} deliveries of ${connector} to be processed`);

  return { make, post, deliver, hookOf, deliveriesOf, processed };
}
