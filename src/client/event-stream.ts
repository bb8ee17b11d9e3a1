// The events of a scope as they come. A line that breaks is taken up again after the last event that was seen, so that none is
// missed and none comes twice.
import { createParser } from 'eventsource-parser';
import { ApiError } from './api-error.js';
import { authorizationOf, baseOf, type ClientOptions, type CloudEvent } from './client.js';
import { patientFetch, rest } from './patient-fetch.js';
import type { components } from './routes.js';

export interface EventOptions extends ClientOptions {
  /** Cursor of the last event that is known; without it, from now on. */
  after?: string;
  /** Types, or groups such as `entity.*`, with commas. */
  types?: string;
  kind?: string;
  branch?: string;
  /** Is told when a line is there, and when it ended: until the next one nothing is heard. */
  onLine?: (state: 'open' | 'lost') => void;
  /** Ends the iteration. */
  signal?: AbortSignal;
}

const PATIENCE_MS = 60_000;
/** Between a line that ended and the next. */
const PAUSE_MS = 500;
/** No event is longer. */
const EVENT_CHARS_MAX = 4 * 1024 * 1024;

/** What a line says, in its order: an event, or how far everything is told. */
type Said = { event: CloudEvent } | { reached: string };

/** @throws ApiError: EVENTS_GONE where the cursor is too old; TypeError once nobody answered for as long as its patience lasts */
export async function* readEvents(options: EventOptions): AsyncGenerator<CloudEvent, void, undefined> {
  const { signal, onLine, patienceMs = PATIENCE_MS } = options;
  const ask = patientFetch({ patienceMs });
  try {
    let last = options.after ?? (await readNow(options, ask));
    for (;;) {
      const response = await ask(requestOf(options, { after: last }, 'text/event-stream'));
      if (!response.ok) throw await ApiError.of(response);
      onLine?.('open');
      for await (const said of readLine(response)) {
        if ('event' in said) yield said.event;
        last = 'event' in said ? said.event.cursor : said.reached;
      }
      onLine?.('lost');
      await rest(PAUSE_MS, signal);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** Where the log ends now. */
async function readNow(options: EventOptions, ask: (request: Request) => Promise<Response>): Promise<string> {
  const response = await ask(requestOf(options, { limit: '1' }, 'application/json'));
  if (!response.ok) throw await ApiError.of(response);
  return ((await response.json()) as components['schemas']['EventPage']).nextCursor;
}

function requestOf(options: EventOptions, more: Record<string, string>, accept: string): Request {
  const { types, kind, branch, signal } = options;
  const url = new URL(`${baseOf(options)}/events`);
  for (const [name, value] of Object.entries({ types, kind, branch, ...more }))
    if (value !== undefined) url.searchParams.set(name, value);
  const headers = { accept, ...authorizationOf(options) };
  return new Request(url, { headers, ...(signal === undefined ? {} : { signal }) });
}

/** Until the line ends, however it ends. */
async function* readLine({ body }: Response): AsyncGenerator<Said> {
  const heard: Said[] = [];
  const parser = createParser({
    onId: (reached) => heard.push({ reached }),
    onEvent: ({ data }) => heard.push({ event: JSON.parse(data) as CloudEvent }),
    maxBufferSize: EVENT_CHARS_MAX,
  });
  const chunks = body?.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value } = (await chunks?.read().catch(() => undefined)) ?? {};
      if (value === undefined) return;
      parser.feed(value);
      // An id comes before its event, which stands for it: to go on after it would be to miss the event.
      const events = heard.splice(0);
      for (const [at, said] of events.entries()) {
        const next = events[at + 1];
        if ('reached' in said && next !== undefined && 'event' in next && next.event.cursor === said.reached)
          continue;
        yield said;
      }
    }
  } finally {
    await chunks?.cancel().catch(() => undefined);
  }
}
