import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { toCloudEvent } from '../events/cloud-event.js';
import { type EventFilter, isWanted, type StoredEvent, typePatterns } from '../events/event.js';
import { EventFeed } from '../events/event-feed.js';
import { EventsRepository } from '../events/events.repository.js';
import { type Position, readEventCursor, START, toEventCursor } from '../events/position.js';
import { allows } from '../identity/caller.js';
import { BranchName } from '../policy/branches.js';
import { Identifier } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { accountOf, type Scope, scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { isConnectionFault } from '../storage/database.js';
import { callerOf } from './access.js';
import { Answers } from './answers.js';
import { openEventStream } from './event-stream.js';
import { PAGE_DEFAULT, ScopeParameters, under } from './parameters.js';
import { invalid } from './save-request.js';

/** A cursor of events, or `start` for all that are kept. */
export const EventCursor = z
  .string()
  .transform((text) => (text === 'start' ? START : readEventCursor(text)))
  .refine((position) => position !== undefined, 'is neither start nor a cursor of events')
  .transform((position) => position as Position)
  .meta({ description: 'A cursor of events, or `start` for all that are kept', type: 'string' });

export const EventPattern = z
  .string()
  .refine((text) => typePatterns.has(text), 'is not a type of events or a group such as entity.*')
  .meta({ description: 'A type of events, or a group such as `entity.*`' });

const LIST_MAX = 32;
const listed = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(item).max(LIST_MAX));

const EventsQuery = z.strictObject({
  after: EventCursor.optional(),
  types: listed(EventPattern)
    .optional()
    .meta({ description: 'Types, or groups such as `entity.*`, with commas' }),
  kind: Identifier.optional(),
  branch: BranchName.optional(),
  limit: PageLimit.optional().meta({ description: 'Of a page; a stream has none' }),
});
type EventsQuery = z.infer<typeof EventsQuery>;

const CloudEventAnswer = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: z.uuid(),
    source: z.string(),
    type: z.string(),
    subject: z.string(),
    time: z.iso.datetime(),
    datacontenttype: z.literal('application/json'),
    cursor: z.string(),
    data: z.record(z.string(), z.unknown()).meta({ description: 'By type as docs/reference/events.md says' }),
  })
  .meta({ id: 'Event' });

export const EventPageAnswer = z
  .strictObject({
    events: z.array(CloudEventAnswer),
    nextCursor: z
      .string()
      .meta({ description: 'What comes later is after this, also where no event is here' }),
    more: z.boolean().meta({ description: 'Whether there may be more already' }),
  })
  .meta({ id: 'EventPage' });

/** Events that are looked through for one page. */
const LOOKED_THROUGH_MAX = 5_000;
const READ = 500;

@Controller()
export class EventsController {
  constructor(
    private readonly events: EventsRepository,
    private readonly feed: EventFeed,
    private readonly scopes: ScopesRepository,
  ) {}

  @Get(under('events'))
  @Answers({
    needs: 'event.view',
    summary:
      'Read the events of a scope and what is below it: a page, or, with Accept: text/event-stream, a stream of server-sent events',
    problems: ['SCOPE_NOT_FOUND', 'EVENTS_GONE', 'EVENT_STREAMS_FULL'],
    200: EventPageAnswer,
  })
  async read(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: EventsQuery }) query: EventsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    await this.scopes.get(scope);
    const { types, kind, branch, limit = PAGE_DEFAULT } = query;
    const filter: EventFilter = { scope, types, kinds: list(kind), branches: list(branch) };
    const wantsStream = request.method === 'GET' && isForStream(request.headers.accept);
    const from = (wantsStream ? readLastId(request) : undefined) ?? query.after ?? (await this.events.now());
    // Before anything is answered: a stream that has begun cannot say why it ends.
    const first = await this.events.read(accountOf(scope), from, wantsStream ? 1 : READ);
    if (!wantsStream) return this.#page(filter, first, limit);
    const stream = this.#open(filter, from, { request, reply });
    reply.header('content-type', 'text/event-stream; charset=utf-8');
    reply.header('cache-control', 'no-store');
    reply.header('x-accel-buffering', 'no');
    return stream;
  }

  #open(
    filter: EventFilter,
    from: Position,
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  ) {
    const account = accountOf(filter.scope);
    const ended = this.feed.admit(account);
    return openEventStream(this.feed, {
      filter,
      account,
      from,
      endsAt: callerOf(request).expiresAt,
      mayGoOn: async () => mayStillRead(request, filter.scope),
      line: reply.raw,
      ended,
    });
  }

  async #page(filter: EventFilter, first: Awaited<ReturnType<EventsRepository['read']>>, limit: number) {
    const found: StoredEvent[] = [];
    let page = first;
    for (let seen = 0; ; ) {
      for (const event of page.events) {
        if (isWanted(event, filter)) found.push(event);
        if (found.length === limit) return toPage(found, event.position, true);
      }
      seen += page.events.length;
      if (!page.isFull || seen >= LOOKED_THROUGH_MAX) return toPage(found, page.reached, page.isFull);
      page = await this.events.read(accountOf(filter.scope), page.reached, READ);
    }
  }
}

/** While the database is silent, what was allowed before is. */
async function mayStillRead(request: FastifyRequest, scope: Scope): Promise<boolean> {
  try {
    const caller = await request.callerNow?.();
    return caller !== undefined && allows(caller, 'event.view', scope);
  } catch (error) {
    if (isConnectionFault(error)) return true;
    throw error;
  }
}

const toPage = (
  events: StoredEvent[],
  reached: Position,
  more: boolean,
): z.infer<typeof EventPageAnswer> => ({
  events: events.map(toCloudEvent),
  nextCursor: toEventCursor(reached),
  more,
});

const isForStream = (accept = ''): boolean => /(^|[\s,])text\/event-stream\b/i.test(accept);

const list = (item: string | undefined): string[] | undefined => (item === undefined ? undefined : [item]);

/** What a client that comes back had last. */
function readLastId(request: FastifyRequest): Position | undefined {
  const text = request.headers['last-event-id'];
  if (text === undefined || text === '') return undefined;
  const result = EventCursor.safeParse(text);
  if (!result.success) throw invalid([{ message: 'is no cursor of events', path: ['Last-Event-ID'] }]);
  return result.data;
}
