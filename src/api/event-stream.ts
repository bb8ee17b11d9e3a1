// Events as server-sent events. What is not read is not sent: a client that takes nothing for a while is cut off, and goes on from
// the last id that it has.
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { toCloudEvent } from '../events/cloud-event.js';
import { type EventFilter, isWanted } from '../events/event.js';
import type { EventFeed } from '../events/event-feed.js';
import { type Position, toEventCursor } from '../events/position.js';
import { Failure } from '../kernel/failure.js';

/** Something is said at least this often, so that nobody takes the line for dead. */
const HEARTBEAT_MS = 15_000;
/** How long a client may take nothing while there is something for it. */
const STALL_MS_MAX = 30_000;
const BUFFER_BYTES_MAX = 64 * 1024;

export interface StreamOptions {
  filter: EventFilter;
  account: string;
  from: Position;
  /** Until when it may go on at most. */
  endsAt: Date;
  /** Asked every so often. */
  mayGoOn: () => Promise<boolean>;
  /** What it is written to. */
  line: ServerResponse;
  /** Called once, when it has ended. */
  ended: () => void;
}

export function openEventStream(feed: EventFeed, options: StreamOptions): Readable {
  const over = new AbortController();
  const stream = Readable.from(
    guarded(write(feed, options, over), () => stream),
    { objectMode: false, highWaterMark: BUFFER_BYTES_MAX },
  );
  const end = (): void => {
    over.abort();
    options.ended();
  };
  // Sooner than the stream itself closes, which waits for what it is at. A client that left while its request was looked at says so
  // no more.
  if (options.line.destroyed) end();
  else options.line.once('close', end);
  return stream;
}

async function* write(
  feed: EventFeed,
  options: StreamOptions,
  over: AbortController,
): AsyncGenerator<string> {
  const { filter, account, from, endsAt, mayGoOn } = options;
  const expiry = setTimeout(() => over.abort(), Math.min(endsAt.getTime() - Date.now(), 2 ** 31 - 1));
  let askedAt = Date.now();
  try {
    yield 'retry: 1000\n\n';
    for await (const { events, reached } of feed.follow(account, from, {
      signal: over.signal,
      idleMs: HEARTBEAT_MS,
    })) {
      if (Date.now() - askedAt >= HEARTBEAT_MS) {
        if (!(await mayGoOn())) return;
        askedAt = Date.now();
      }
      const wanted = events.filter((event) => isWanted(event, filter));
      for (const event of wanted) yield format(toCloudEvent(event));
      // The id alone is no event, and tells a client that comes back where to go on.
      yield `: heartbeat\nid: ${toEventCursor(reached)}\n\n`;
    }
  } catch (error) {
    // What is gone is told to the client when it comes back.
    if (!(error instanceof Failure)) throw error;
  } finally {
    clearTimeout(expiry);
  }
}

const format = (event: ReturnType<typeof toCloudEvent>): string =>
  `id: ${event.cursor}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Cuts the stream off when what it has to say is not taken. */
async function* guarded(chunks: AsyncGenerator<string>, stream: () => Readable): AsyncGenerator<string> {
  for await (const chunk of chunks) {
    const timer = setTimeout(() => stream().destroy(), STALL_MS_MAX);
    try {
      yield chunk;
    } finally {
      clearTimeout(timer);
    }
  }
}
