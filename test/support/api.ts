// A client as a user would write one: fetch, a token, and nothing of Sallyport's own code.

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into freely
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

export class Api {
  constructor(
    readonly url: string,
    readonly token: string,
    private readonly heard: (answer: Answer) => void = () => undefined,
  ) {}

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const bytes = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: {
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': bytes ? 'application/yaml' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytes ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== '' && /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    const { status, headers: answered } = response;
    const answer = { status, headers: answered, body: isJson ? JSON.parse(text) : text, text };
    this.heard(answer);
    return answer;
  }

  /** The answer's body; anything but success is an error that shows it. */
  async ok(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> {
    const answer = await this.request(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  save(
    id: string,
    yaml: string,
    git: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.request('PUT', `accounts/demo/entities/pipeline/${id}`, { yaml, git }, headers);
  }

  /** Looks at the operation until it has ended. */
  async ended(operation: string, timeoutMs = WAIT_MS, scope = 'accounts/demo'): Promise<Json> {
    return eventually(
      async () => {
        const body = await this.ok('GET', `${scope}/operations/${operation}`);
        return body.state === 'pending' ? undefined : body;
      },
      `operation ${operation} to end`,
      timeoutMs,
    );
  }
}

/** The longest that anything is waited for that is not said to take longer: machines are slow, and busy with other tests. */
const WAIT_MS = 60_000;

/** Asks until there is an answer. A condition that is never met is an error that names it. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string | (() => string),
  timeoutMs = WAIT_MS,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw inVain(what, timeoutMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What is promised. A promise that is not kept is an error that names it. */
export async function inTime<T>(
  promised: Promise<T>,
  what: string | (() => string),
  timeoutMs = 2 * WAIT_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(inVain(what, timeoutMs)), timeoutMs);
  });
  return Promise.race([promised, late]).finally(() => clearTimeout(timer));
}

const inVain = (what: string | (() => string), timeoutMs: number): Error =>
  new Error(`Waited ${timeoutMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
