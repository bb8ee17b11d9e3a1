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
  async ended(operation: string, timeoutMs = 30_000, scope = 'accounts/demo'): Promise<Json> {
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

/** Asks until there is an answer. A condition that is never met is an error that names it. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string,
  timeoutMs = 30_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
