// A client as a careful user would write one: every change has an idempotency key, is sent again with it when the answer is
// lost, and stands in a journal.
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sent } from './journal.js';
import type { Random } from './random.js';

export interface Tenant {
  scope: string;
  token: string;
  repository: string;
  branches: string[];
}

export interface ClientOptions {
  name: string;
  tenant: Tenant;
  branch: string;
  random: Random;
  /** URLs of the managers that are there. */
  managers: () => string[];
}

const OWN_ENTITIES = 4;
const SHARED_ENTITIES = 2;
const PAUSE_MS: [number, number] = [250, 800];
/** How long one request may take; the client then asks again, elsewhere if it can. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 200;

interface Wish {
  entity: string;
  isOwn: boolean;
  yaml: string | null;
  expected: Sent['expected'];
  /** Content the change was made from, where the client says so. */
  from: string | undefined;
}

export class Client {
  readonly journal: Sent[] = [];
  readonly #options: ClientOptions;
  /** Contents this client has given its own entities, the latest last; null where it deleted. */
  readonly #history = new Map<string, (string | null)[]>();
  #count = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Saves until `isOver`; then only what was begun is brought to its answer, until `giveUpAt`. */
  async run(isOver: () => boolean, giveUpAt: () => number): Promise<void> {
    while (!isOver()) {
      await this.#change(giveUpAt);
      await delay(this.#options.random.between(...PAUSE_MS));
    }
  }

  async #change(giveUpAt: () => number): Promise<void> {
    const wish = this.#wish();
    const { name, tenant, branch } = this.#options;
    const { scope, repository } = tenant;
    const { entity, isOwn, yaml, expected } = wish;
    const sent: Sent = {
      key: randomUUID(),
      client: name,
      scope,
      repository,
      branch,
      entity,
      isOwn,
      yaml,
      expected,
      operations: [],
      answer: '',
    };
    this.journal.push(sent);
    const request = this.#describe(wish, sent.key);
    do {
      if (await this.#send(request, sent)) break;
      await delay(RETRY_MS);
    } while (Date.now() < giveUpAt());
    if (sent.operations.length === 0 || !wish.isOwn || wish.expected === 'conflict') return;
    const history = this.#history.get(wish.entity) ?? [];
    this.#history.set(wish.entity, [...history, wish.yaml]);
  }

  /** Mostly plain saves; some that name the version they were made from, right or outdated; some deletions. */
  #wish(): Wish {
    const { random, name } = this.#options;
    const content = `name: ${name}-${++this.#count}\nnote: ${'x'.repeat(random.between(0, 200))}\n`;
    const chance = random.next();
    const at = random.between(1, OWN_ENTITIES);
    if (chance < 0.25) {
      const entity = `shared${random.between(1, SHARED_ENTITIES)}`;
      return { entity, isOwn: false, yaml: content, expected: 'succeeded', from: undefined };
    }
    const own = { entity: `${name}-${at}`, isOwn: true, yaml: content, expected: 'succeeded' as const };
    const [before, last] = (this.#history.get(own.entity) ?? []).slice(-2);
    if (chance < 0.32 && typeof before === 'string' && typeof last === 'string')
      return { ...own, expected: 'conflict', from: before };
    if (chance < 0.42 && typeof last === 'string') return { ...own, from: last };
    if (chance < 0.48 && typeof last === 'string') return { ...own, yaml: null, from: undefined };
    return { ...own, from: undefined };
  }

  #describe({ entity, yaml, from }: Wish, key: string): { path: string; init: RequestInit } {
    const { tenant, branch, random } = this.#options;
    const connector = random.next() < 0.75 ? 'delegated' : 'direct';
    const headers: Record<string, string> = {
      authorization: `Bearer ${tenant.token}`,
      'idempotency-key': key,
      prefer: `wait=${random.between(0, 3)}`,
      ...(from === undefined ? {} : { 'if-match': `"${blobIdOf(from)}"` }),
    };
    const path = `${tenant.scope}/entities/pipeline/${entity}`;
    if (yaml === null) return { path: `${path}?branch=${branch}`, init: { method: 'DELETE', headers } };
    const body = JSON.stringify({ yaml, git: { connector, branch } });
    return {
      path,
      init: { method: 'PUT', headers: { ...headers, 'content-type': 'application/json' }, body },
    };
  }

  /** Whether the answer is one to be content with: an operation, or a refusal. */
  async #send({ path, init }: { path: string; init: RequestInit }, sent: Sent): Promise<boolean> {
    const managers = this.#options.managers();
    if (managers.length === 0) return false;
    const url = `${this.#options.random.pick(managers)}/api/v1/${path}`;
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response.text();
      sent.answer = `${response.status} ${text.slice(0, 300)}`;
      const body = JSON.parse(text) as { id?: string; operationId?: string };
      const operation = response.status === 202 ? body.id : body.operationId;
      if (operation === undefined) return response.status < 500 && response.status !== 429;
      if (!sent.operations.includes(operation)) sent.operations.push(operation);
      return true;
    } catch (error) {
      sent.answer = `no answer: ${(error as Error).message}`;
      return false;
    }
  }
}

/** The id Git gives to this content. */
export const blobIdOf = (content: string): string => {
  const bytes = Buffer.from(content);
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
};
