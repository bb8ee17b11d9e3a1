import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Identifier, OutwardName } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { Provider } from '../providers/provider.js';
import { type Scope, scopeOf } from '../scopes/scope.js';
import { DeliveriesFlow } from '../webhooks/deliveries.flow.js';
import { DeliveriesRepository, type DeliveryRecord } from '../webhooks/deliveries.repository.js';
import { outcomeKinds } from '../webhooks/outcome.js';
import { pastes } from '../webhooks/paste.js';
import { Registrar } from '../webhooks/registrar.js';
import { type Webhook, WebhooksRepository } from '../webhooks/webhooks.repository.js';
import { WebhooksService } from '../webhooks/webhooks.service.js';
import { actorOf, mayUse } from './access.js';
import { Answers, ofBody, ofHost, ofRoad } from './answers.js';
import { Cursor, NamedParameters, PAGE_DEFAULT, toCursor, under } from './parameters.js';

const DeliveryParameters = z.strictObject({ ...NamedParameters.shape, id: Identifier, delivery: z.uuid() });
type DeliveryParameters = z.infer<typeof DeliveryParameters>;

const DeliveryListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
type DeliveryListQuery = z.infer<typeof DeliveryListQuery>;

export const WebhookBody = z.strictObject({
  secrets: z.array(OutwardName).min(1).max(2).optional().meta({
    description:
      'Builtin secrets, each of which proves a delivery; two while one takes the place of the other. Default: those it has, or one that is made for it',
  }),
});
type WebhookBody = z.infer<typeof WebhookBody>;

const moment = z.iso.datetime().nullable();

export const WebhookAnswer = z
  .strictObject({
    scope: z.string(),
    connector: z.string(),
    provider: Provider,
    url: z.string().nullable().meta({ description: 'Null unless SALLYPORT_PUBLIC_URL is set' }),
    path: z.string().meta({ description: 'What the URL ends with. It proves nothing' }),
    secrets: z.array(
      z.strictObject({
        scope: z.string(),
        secret: z.string(),
        made: z.boolean().meta({ description: 'By Sallyport, for this webhook alone' }),
      }),
    ),
    state: z.enum(['silent', 'working', 'refusing']).meta({
      description: '`silent`: nothing was verified yet; `refusing`: the last delivery was refused',
    }),
    registration: z
      .strictObject({ id: z.string(), url: z.string(), active: z.boolean(), at: z.iso.datetime() })
      .nullable()
      .meta({ description: 'As the host said when it was registered by way of this API' }),
    toPaste: z
      .strictObject({
        url: z.string(),
        contentType: z.string(),
        secret: z.strictObject({
          name: z.string(),
          value: z.string().nullable().meta({ description: 'Of one that was just made; never told again' }),
          field: z.string(),
        }),
        events: z.array(z.string()),
        where: z.string(),
        headers: z.record(z.string(), z.string()),
        notes: z.array(z.string()),
      })
      .meta({ description: 'For the pages of the host' }),
    health: z.strictObject({
      lastDeliveryAt: moment,
      lastVerifiedAt: moment,
      lastRefusedAt: moment,
      refusedSince: moment.meta({ description: 'First of those refused since the last that was verified' }),
      refused: z.int().meta({ description: 'Of all time' }),
      waiting: z.int().meta({ description: 'Stored, and not processed yet' }),
    }),
  })
  .meta({ id: 'Webhook' });

export const DeliveryAnswer = z
  .strictObject({
    id: z.string(),
    deliveryId: z
      .string()
      .nullable()
      .meta({ description: 'As the host calls it; null where it was refused' }),
    provider: Provider,
    receivedAt: z.iso.datetime(),
    source: z.string().meta({ description: 'Address that it came from' }),
    verified: z.boolean(),
    why: z.string().nullable().meta({ description: 'Why it was refused' }),
    bodyBytes: z.int(),
    state: z.enum(['waiting', 'done', 'refused']),
    event: z.string().nullable().meta({ description: 'In short' }),
    outcome: z.strictObject({ kind: z.enum(outcomeKinds), details: z.array(z.string()) }).nullable(),
    duplicates: z.int().meta({ description: 'How often the same came again, and was not processed again' }),
    replays: z.int(),
    replayedAt: moment,
    processedAt: moment,
  })
  .meta({ id: 'WebhookDelivery' });

export const WholeDeliveryAnswer = z
  .strictObject({
    ...DeliveryAnswer.shape,
    headers: z.record(z.string(), z.string()).meta({ description: 'Without those that prove it' }),
    told: z.unknown().meta({ description: 'The event, as it was read; null where it was not' }),
  })
  .meta({ id: 'WholeWebhookDelivery' });

export const DeliveryPage = z
  .strictObject({ deliveries: z.array(DeliveryAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'WebhookDeliveryPage' });

@Controller(under('connectors/:id/webhook'))
export class WebhooksController {
  constructor(
    private readonly service: WebhooksService,
    private readonly webhooks: WebhooksRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly deliveries: DeliveriesRepository,
    private readonly flow: DeliveriesFlow,
    private readonly registrar: Registrar,
  ) {}

  @Put()
  @Answers({
    needs: 'connector.manage',
    summary: 'Give a connector a webhook, or its webhook other secrets',
    problems: [...ofBody, 'NOT_FOUND', 'SECRET_DELETED', 'WEBHOOK_SECRET_UNFIT'],
    200: WebhookAnswer,
    201: WebhookAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: WebhookBody }) { secrets }: WebhookBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const by = { actor: actorOf(request), mayUse: mayUse(request) };
    const { webhook, connector, created, value } = await this.service.put(scopeOf(names), id, secrets, by);
    reply.status(created ? 201 : 200);
    return this.#answer(webhook, connector, value);
  }

  @Get()
  @Answers({
    needs: 'connector.view',
    summary: 'Read the webhook of a connector',
    problems: ['NOT_FOUND'],
    200: WebhookAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    const scope = scopeOf(names);
    return this.#answer(await this.webhooks.get(scope, id), await this.connectors.get(scope, id), null);
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'connector.manage',
    summary:
      'Delete the webhook of a connector, with its deliveries and the secret that was made for it, and at the host where it lets us',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async delete(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.registrar.delete(scopeOf(names), id, actorOf(request));
  }

  @Post('register')
  @HttpCode(200)
  @Answers({
    needs: 'connector.manage',
    summary: 'Register the webhook at its host, or repair it there',
    problems: ['NOT_FOUND', 'WEBHOOK_ADDRESS_UNKNOWN', ...ofHost, ...ofRoad],
    200: WebhookAnswer,
  })
  async register(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ) {
    const scope = scopeOf(names);
    await this.registrar.register(scope, id, actorOf(request));
    return this.#answer(await this.webhooks.get(scope, id), await this.connectors.get(scope, id), null);
  }

  @Get('deliveries')
  @Answers({
    needs: 'connector.view',
    summary: 'List the deliveries, newest first',
    problems: ['NOT_FOUND'],
    200: DeliveryPage,
  })
  async list(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: DeliveryListQuery }) { cursor, limit = PAGE_DEFAULT }: DeliveryListQuery,
  ): Promise<z.infer<typeof DeliveryPage>> {
    const scope = scopeOf(names);
    await this.webhooks.get(scope, id);
    const { rows, next } = await this.deliveries.list(scope, id, { before: cursor, limit });
    return { deliveries: rows.map(toAnswer), nextCursor: next === null ? null : toCursor(next) };
  }

  @Get('deliveries/:delivery')
  @Answers({
    needs: 'connector.view',
    summary: 'Read a delivery',
    problems: ['NOT_FOUND'],
    200: WholeDeliveryAnswer,
  })
  async getOne(@Param({ schema: DeliveryParameters }) { id, delivery, ...names }: DeliveryParameters) {
    return toWholeAnswer(await this.deliveries.get(scopeOf(names), id, delivery));
  }

  @Post('deliveries/:delivery/replay')
  @HttpCode(200)
  @Answers({
    needs: 'connector.use',
    summary: 'Process a delivery again',
    problems: ['NOT_FOUND', 'WEBHOOK_REPLAY_REFUSED'],
    200: WholeDeliveryAnswer,
  })
  async replay(@Param({ schema: DeliveryParameters }) { id, delivery, ...names }: DeliveryParameters) {
    const record = await this.deliveries.replay(scopeOf(names), id, delivery);
    this.flow.hint();
    return toWholeAnswer(record);
  }

  async #answer(
    webhook: Webhook,
    { provider }: Connector,
    value: string | null,
  ): Promise<z.infer<typeof WebhookAnswer>> {
    const { scope, id, secrets, refused, refusedSince, lastRefusedAt, lastVerifiedAt } = webhook;
    const { url, path } = this.service.addressOf(webhook);
    const { secretField, contentType, events, where, headers, notes } = pastes[provider];
    return {
      scope,
      connector: id,
      provider,
      url,
      path,
      secrets,
      state: stateOf(webhook),
      registration: toRegistration(webhook),
      toPaste: {
        url: url ?? path,
        contentType,
        secret: { name: secrets[0]?.secret ?? '', value, field: secretField },
        events: [...events],
        where,
        headers: { ...headers },
        notes: [...notes],
      },
      health: {
        lastDeliveryAt: toText(laterOf(lastRefusedAt, lastVerifiedAt)),
        lastVerifiedAt: toText(lastVerifiedAt),
        lastRefusedAt: toText(lastRefusedAt),
        refusedSince: toText(refusedSince),
        refused,
        waiting: await this.#waiting(scope, id),
      },
    };
  }

  #waiting(scope: Scope, id: string): Promise<number> {
    return this.deliveries.waiting(scope, id);
  }
}

function stateOf({ refusedSince, lastVerifiedAt }: Webhook): 'silent' | 'working' | 'refusing' {
  if (refusedSince !== null) return 'refusing';
  return lastVerifiedAt === null ? 'silent' : 'working';
}

function toRegistration({ registration }: Webhook): z.infer<typeof WebhookAnswer>['registration'] {
  if (registration === null) return null;
  const { id, url, active, at } = registration;
  return { id, url, active, at };
}

const toText = (at: Date | null): string | null => at?.toISOString() ?? null;

const laterOf = (one: Date | null, other: Date | null): Date | null => {
  if (one === null || other === null) return one ?? other;
  return one > other ? one : other;
};

const toAnswer = (record: DeliveryRecord): z.infer<typeof DeliveryAnswer> => ({
  id: record.id,
  deliveryId: record.deliveryId,
  provider: record.provider,
  receivedAt: record.receivedAt.toISOString(),
  source: record.source,
  verified: record.state !== 'refused',
  why: record.why,
  bodyBytes: record.bodyBytes,
  state: record.state,
  event: inShort(record),
  outcome: record.outcome,
  duplicates: record.duplicates,
  replays: record.replays,
  replayedAt: toText(record.replayedAt),
  processedAt: toText(record.processedAt),
});

const toWholeAnswer = (record: DeliveryRecord): z.infer<typeof WholeDeliveryAnswer> => ({
  ...toAnswer(record),
  headers: record.headers,
  told: record.event,
});

/** 'refs/heads/main and 2 more', 'pull request 7: merged', 'ping'. */
function inShort({ event }: DeliveryRecord): string | null {
  switch (event?.kind) {
    case undefined:
      return null;
    case 'pull':
      return `pull request ${event.number}: ${event.state}`;
    case 'refs': {
      if (event.changes === 'unknown') return 'refs that it does not tell';
      const [first, ...others] = event.changes.map(({ ref }) => ref);
      if (first === undefined) return 'no refs';
      return others.length === 0 ? first : `${first} and ${others.length} more`;
    }
    case 'ignored':
      return 'an event that is ignored';
    default:
      return event?.kind ?? null;
  }
}
