// A client of the event stream, as a browser’s EventSource is one: it keeps the last id, and reads events by their lines.
import { eventually, type Json } from './api.js';
import { sql } from './database.js';
import type { Stack } from './stack.js';

export interface Received {
  id: string;
  event: string;
  data: Json;
}

/** Until nothing that has happened is still to be shown: what is new begins behind the oldest transaction under way, of anybody in the server. */
export async function allShown(databaseUrl: string): Promise<void> {
  await eventually(async () => {
    const [found] = await sql<{ shown: boolean }>(
      databaseUrl,
      'select coalesce(bool_and(transaction < pg_snapshot_xmin(pg_current_snapshot())), true) as shown from event',
    );
    return found?.shown;
  }, 'all events to be shown');
}

export class EventStream {
  readonly events: Received[] = [];
  lastId = '';
  /** Why it ended, once it has. */
  ended: string | undefined;
  readonly #over = new AbortController();

  private constructor(
    readonly status: number,
    readonly headers: Headers,
    /** The answer where it is no stream. */
    readonly problem: Json,
  ) {}

  static async open(
    { manager, token }: Pick<Stack, 'manager' | 'token'>,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<EventStream> {
    const over = new AbortController();
    const response = await fetch(`${manager?.url}/api/v1/${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
      signal: over.signal,
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const problem = isStream ? undefined : await response.json();
    const stream = new EventStream(response.status, response.headers, problem);
    stream.#over.signal.addEventListener('abort', () => over.abort());
    if (isStream) void stream.#read(response.body as ReadableStream<Uint8Array>);
    return stream;
  }

  close(): void {
    this.#over.abort();
  }

  /** The first so many, as soon as they are there. */
  async first(count: number): Promise<Received[]> {
    await eventually(
      async () => this.events.length >= count,
      () => `${count} events: ${JSON.stringify(this.events)}`,
    );
    return this.events.slice(0, count);
  }

  /** Types and subjects, in short. */
  get told(): string[] {
    return this.events.map(({ event, data }) => `${event.replace('sallyport.', '')} ${data.subject}`);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
      this.ended = 'the end';
    } catch (error) {
      this.ended = String(error);
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
    );
    const id = fields.get('id');
    if (id !== undefined) this.lastId = id;
    const data = fields.get('data');
    if (data !== undefined)
      this.events.push({ id: this.lastId, event: fields.get('event') ?? '', data: JSON.parse(data) });
  }
}
