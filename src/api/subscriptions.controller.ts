import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { toEventCursor } from '../events/position.js';
import { BranchName } from '../policy/branches.js';
import { Identifier, OutwardName } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import type { Subscription } from '../subscriptions/subscription.js';
import { SubscriptionsRepository } from '../subscriptions/subscriptions.repository.js';
import { SubscriptionsService, type Written } from '../subscriptions/subscriptions.service.js';
import { actorOf, mayUse } from './access.js';
import { Answers, ofBody } from './answers.js';
import { EventCursor, EventPattern } from './events.controller.js';
import { Cursor, NamedParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';

const LIST_MAX = 32;

export const SubscriptionBody = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2_048)
    .meta({ description: 'Where events are sent by POST: https, without user-info' }),
  types: z.array(EventPattern).min(1).max(LIST_MAX),
  kinds: z.array(Identifier).min(1).max(LIST_MAX).optional().meta({
    description: 'Events of entities and operations of these kinds alone',
  }),
  branches: z.array(BranchName).min(1).max(LIST_MAX).optional().meta({
    description: 'Events of entities and operations on these branches alone',
  }),
  enabled: z
    .boolean()
    .optional()
    .meta({ description: 'Default: true. Where it had stopped, it begins again' }),
  secret: OutwardName.optional().meta({
    description:
      'A builtin secret that holds `whsec_` and base64; without it one is made, or the one of before stays. One that is replaced signs on for a day',
  }),
});
type SubscriptionBody = z.infer<typeof SubscriptionBody>;

const moment = z.iso.datetime();
const subscription = {
  scope: z.string(),
  id: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  kinds: z.array(z.string()).nullable(),
  branches: z.array(z.string()).nullable(),
  enabled: z.boolean(),
  state: z.enum(['active', 'retrying', 'paused', 'disabled']).meta({
    description:
      '`retrying`: the receiver did not take an event, which is tried again; `paused`: it was tried for long enough, or is gone; `disabled`: by its users, or by a receiver that answered 410',
  }),
  secret: z.string(),
  secretScope: z.string(),
  previousSecret: z
    .strictObject({ secret: z.string(), secretScope: z.string(), until: moment })
    .nullable()
    .meta({ description: 'What signs as well, until then' }),
  cursor: z.string().meta({ description: 'Everything up to here was delivered or not wanted' }),
  failure: z
    .strictObject({
      error: z.string(),
      since: moment.nullable(),
      failures: z.int(),
      nextAttemptAt: moment.nullable(),
    })
    .nullable(),
  deliveredAt: moment.nullable().meta({ description: 'When a receiver last took an event' }),
  createdAt: moment,
  updatedAt: moment,
};
export const SubscriptionAnswer = z.strictObject(subscription).meta({ id: 'Subscription' });
export const WrittenSubscriptionAnswer = z
  .strictObject({
    ...subscription,
    signingSecret: z.string().optional().meta({
      description: 'Where one was made: shown here and never again',
    }),
  })
  .meta({ id: 'WrittenSubscription' });
export const SubscriptionPage = z
  .strictObject({ subscriptions: z.array(SubscriptionAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'SubscriptionPage' });

const attempt = {
  eventId: z.uuid(),
  type: z.string(),
  ms: z.int(),
  status: z.int().nullable().meta({ description: 'What the receiver answered; null where it did not' }),
  error: z.string().nullable().meta({ description: 'Null where it was delivered' }),
};
export const AttemptAnswer = z.strictObject(attempt).meta({ id: 'SubscriptionTest' });
export const AttemptsAnswer = z
  .strictObject({ attempts: z.array(z.strictObject({ ...attempt, at: moment })) })
  .meta({ id: 'SubscriptionAttempts' });

const PageQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
type PageQuery = z.infer<typeof PageQuery>;

const AttemptsQuery = z.strictObject({ limit: PageLimit.optional() });
type AttemptsQuery = z.infer<typeof AttemptsQuery>;

const ReplayBody = z.union([
  z.strictObject({ after: EventCursor }),
  z.strictObject({ since: z.iso.datetime({ offset: true }).transform((text) => new Date(text)) }),
]);
type ReplayBody = z.infer<typeof ReplayBody>;

const HOURS_MAX = 168;
const RotationBody = z.strictObject({
  keepHours: z.int().min(0).max(HOURS_MAX).optional().meta({
    description: 'How long the secret of before signs as well; default 24',
  }),
});
type RotationBody = z.infer<typeof RotationBody>;

const ATTEMPTS_DEFAULT = 20;

@Controller()
export class SubscriptionsController {
  constructor(
    private readonly service: SubscriptionsService,
    private readonly subscriptions: SubscriptionsRepository,
  ) {}

  @Get(under('subscriptions'))
  @Answers({
    needs: 'subscription.view',
    summary: 'List the subscriptions of a scope',
    200: SubscriptionPage,
  })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: PageQuery }) { cursor = 0, limit = PAGE_DEFAULT }: PageQuery,
  ) {
    const { rows, next } = await this.subscriptions.list(scopeOf(names), cursor, limit);
    return { subscriptions: rows.map(toAnswer), nextCursor: next === null ? null : toCursor(next) };
  }

  @Put(under('subscriptions/:id'))
  @Answers({
    needs: 'subscription.manage',
    summary: 'Send events of a scope, and of what is below it, to a URL; or change where, and which',
    problems: [
      ...ofBody,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'RECEIVER_DENIED',
      'SUBSCRIPTION_UNFIT',
      'SECRET_OUT_OF_REACH',
      'SECRET_DELETED',
      'SECRET_UNREADABLE',
      'MASTER_KEY_MISSING',
    ],
    200: WrittenSubscriptionAnswer,
    201: WrittenSubscriptionAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: SubscriptionBody }) { enabled = true, ...body }: SubscriptionBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const by = { actor: actorOf(request), mayUse: mayUse(request) };
    const written = await this.service.put(scopeOf(names), id, { ...body, enabled }, by);
    reply.status(written.created ? 201 : 200);
    return toWritten(written);
  }

  @Get(under('subscriptions/:id'))
  @Answers({
    needs: 'subscription.view',
    summary: 'Read a subscription, and how it fares',
    problems: ['NOT_FOUND'],
    200: SubscriptionAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return toAnswer(await this.subscriptions.get(scopeOf(names), id));
  }

  @Delete(under('subscriptions/:id'))
  @HttpCode(204)
  @Answers({
    needs: 'subscription.manage',
    summary: 'Delete a subscription, with a secret that was made for it',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.service.delete(scopeOf(names), id);
  }

  @Post(under('subscriptions/:id/rotate-secret'))
  @HttpCode(200)
  @Answers({
    needs: 'subscription.manage',
    summary: 'Make a new signing secret; the one of before signs as well for a while',
    problems: [...ofBody, 'NOT_FOUND'],
    200: WrittenSubscriptionAnswer,
  })
  async rotate(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: RotationBody }) { keepHours }: RotationBody,
  ) {
    return toWritten(await this.service.rotate(scopeOf(names), id, keepHours));
  }

  @Post(under('subscriptions/:id/replay'))
  @HttpCode(200)
  @Answers({
    needs: 'subscription.manage',
    summary: 'Send again what came after a cursor or since a moment',
    problems: [...ofBody, 'NOT_FOUND', 'EVENTS_GONE'],
    200: SubscriptionAnswer,
  })
  async replay(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: ReplayBody }) body: ReplayBody,
  ) {
    return toAnswer(await this.service.replay(scopeOf(names), id, body));
  }

  @Get(under('subscriptions/:id/attempts'))
  @Answers({
    needs: 'subscription.view',
    summary: 'List the last attempts to deliver, newest first; 100 are kept',
    problems: ['NOT_FOUND'],
    200: AttemptsAnswer,
  })
  async attempts(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: AttemptsQuery }) { limit = ATTEMPTS_DEFAULT }: AttemptsQuery,
  ): Promise<z.infer<typeof AttemptsAnswer>> {
    const attempts = await this.subscriptions.attempts(scopeOf(names), id, limit);
    return {
      attempts: attempts.map(({ event_id, type, ms, status, error, at }) => ({
        eventId: event_id,
        type,
        ms,
        status,
        error,
        at: at.toISOString(),
      })),
    };
  }

  @Post(under('subscriptions/:id/test'))
  @HttpCode(200)
  @Answers({
    needs: 'subscription.manage',
    summary: 'Send a test event now, and tell what became of it',
    problems: ['NOT_FOUND'],
    200: AttemptAnswer,
  })
  async test(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof AttemptAnswer>> {
    const { event, ms, status, error } = await this.service.test(scopeOf(names), id, actorOf(request));
    return { eventId: event.id, type: event.type, ms, status, error };
  }
}

const toText = (at: Date | null): string | null => at?.toISOString() ?? null;

function toAnswer(one: Subscription): z.infer<typeof SubscriptionAnswer> {
  const { previousSecret: previous, fault } = one;
  const isLive = previous !== null && previous.until.getTime() > Date.now();
  return {
    scope: one.scope,
    id: one.id,
    url: one.url,
    types: one.types,
    kinds: one.kinds,
    branches: one.branches,
    enabled: one.enabled,
    state: one.state,
    secret: one.secret.id,
    secretScope: one.secret.scope,
    previousSecret: isLive
      ? { secret: previous.id, secretScope: previous.scope, until: previous.until.toISOString() }
      : null,
    cursor: toEventCursor(one.position),
    failure:
      fault === null
        ? null
        : {
            error: fault.error,
            failures: fault.failures,
            since: toText(fault.since),
            nextAttemptAt: toText(fault.nextAttemptAt),
          },
    deliveredAt: toText(one.deliveredAt),
    createdAt: one.createdAt.toISOString(),
    updatedAt: one.updatedAt.toISOString(),
  };
}

const toWritten = ({
  subscription: one,
  signingSecret,
}: Written): z.infer<typeof WrittenSubscriptionAnswer> => ({
  ...toAnswer(one),
  ...(signingSecret === undefined ? {} : { signingSecret }),
});
