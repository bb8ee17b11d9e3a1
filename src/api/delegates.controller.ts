import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Tag } from '../contract/presence.js';
import { Admission } from '../delegates/admission.js';
import { DelegateTokensRepository } from '../delegates/delegate-tokens.repository.js';
import { type DelegateRecord, DelegatesRepository } from '../delegates/delegates.repository.js';
import { DelegatesService } from '../delegates/delegates.service.js';
import { GroupName } from '../policy/text.js';
import { QueueAccess } from '../queue/queue-access.js';
import { outwards, scopeOf } from '../scopes/scope.js';
import { fingerprintOf } from '../sealing/identity.js';
import type { DelegateState } from '../storage/schema.js';
import { Answers, ofBody } from './answers.js';
import { DelegateParameters, ScopeParameters, TokenParameters, under } from './parameters.js';

const HOUR_SECONDS = 3_600;

export const DelegateTokenBody = z.strictObject({
  group: GroupName.meta({ description: 'Group the delegates join; made where there is none in this scope' }),
  expiresInSeconds: z
    .int()
    .min(60)
    .max(30 * 24 * HOUR_SECONDS)
    .optional()
    .meta({ description: 'Default: an hour' }),
  uses: z.int().min(1).max(1_000).optional().meta({ description: 'How many delegates may enrol; default 1' }),
});
type DelegateTokenBody = z.infer<typeof DelegateTokenBody>;

const token = {
  id: z.string(),
  group: z.string(),
  usesLeft: z.int(),
  expiresAt: z.iso.datetime(),
};
export const DelegateTokenAnswer = z
  .strictObject({ ...token, token: z.string().meta({ description: 'Shown here and never again' }) })
  .meta({ id: 'NewDelegateToken' });
export const DelegateTokensAnswer = z
  .strictObject({
    tokens: z.array(z.strictObject({ ...token, revoked: z.boolean(), createdAt: z.iso.datetime() })),
  })
  .meta({ id: 'DelegateTokens' });

export const DelegateAnswer = z
  .strictObject({
    id: z.string(),
    scope: z.string(),
    group: z.string(),
    name: z.string(),
    state: z.enum(['enabled', 'disabled', 'draining', 'revoked']),
    alive: z.boolean(),
    lastSeenAt: z.iso.datetime().nullable(),
    enrolledAt: z.iso.datetime(),
    version: z.string(),
    contract: z.int(),
    tags: z.array(Tag),
    capabilities: z.strictObject({
      nativeGit: z.boolean(),
      gitAllowed: z.array(z.string()).nullable(),
    }),
    tasksMax: z.int(),
    running: z.int(),
    fingerprint: z.string().meta({ description: 'Of its identity key, as the delegate printed it' }),
    groupFingerprint: z
      .string()
      .meta({ description: 'Of the group’s identity, as enrolment showed it; to be compared or pinned' }),
    lastFault: z.strictObject({ code: z.string(), message: z.string(), at: z.iso.datetime() }).nullable(),
  })
  .meta({ id: 'Delegate' });
export const DelegatesAnswer = z
  .strictObject({ delegates: z.array(DelegateAnswer) })
  .meta({ id: 'Delegates' });

@Controller()
export class DelegatesController {
  constructor(
    private readonly enrolment: Admission,
    private readonly tokens: DelegateTokensRepository,
    private readonly delegates: DelegatesRepository,
    private readonly presence: DelegatesService,
    private readonly access: QueueAccess,
  ) {}

  @Post(under('delegate-tokens'))
  @HttpCode(201)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Make a token with which delegates enrol',
    problems: [...ofBody, 'SCOPE_NOT_FOUND'],
    201: DelegateTokenAnswer,
  })
  async makeToken(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Body({ schema: DelegateTokenBody }) body: DelegateTokenBody,
  ) {
    const { group, uses = 1, expiresInSeconds = HOUR_SECONDS } = body;
    const expiresAt = new Date(Date.now() + expiresInSeconds * 1_000);
    const { id, text } = await this.enrolment.makeToken(scopeOf(names), { group, uses, expiresAt });
    return { id, group, usesLeft: uses, expiresAt: expiresAt.toISOString(), token: text };
  }

  @Get(under('delegate-tokens'))
  @Answers({
    needs: 'delegate.view',
    summary: 'List the delegate tokens of a scope',
    200: DelegateTokensAnswer,
  })
  async listTokens(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    const tokens = await this.tokens.list(scopeOf(names));
    return {
      tokens: tokens.map(({ expiresAt, createdAt, ...rest }) => ({
        ...rest,
        expiresAt: expiresAt.toISOString(),
        createdAt: createdAt.toISOString(),
      })),
    };
  }

  @Delete(under('delegate-tokens/:id'))
  @HttpCode(204)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Revoke a delegate token; who has enrolled with it goes on',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async revokeToken(@Param({ schema: TokenParameters }) { id, ...names }: TokenParameters): Promise<void> {
    await this.tokens.revoke(scopeOf(names), id);
  }

  @Get(under('delegates'))
  @Answers({ needs: 'delegate.view', summary: 'List the delegates that serve a scope', 200: DelegatesAnswer })
  async list(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    const all = await this.delegates.list(outwards(scopeOf(names)));
    return { delegates: all.map(toAnswer) };
  }

  @Post(under('delegates/:id/enable'))
  @HttpCode(200)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Let a delegate take tasks',
    problems: ['NOT_FOUND'],
    200: DelegateAnswer,
  })
  async enable(@Param({ schema: DelegateParameters }) parameters: DelegateParameters) {
    return this.#set(parameters, 'enabled');
  }

  @Post(under('delegates/:id/disable'))
  @HttpCode(200)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Give a delegate no tasks',
    problems: ['NOT_FOUND'],
    200: DelegateAnswer,
  })
  async disable(@Param({ schema: DelegateParameters }) parameters: DelegateParameters) {
    return this.#set(parameters, 'disabled');
  }

  @Post(under('delegates/:id/drain'))
  @HttpCode(200)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Let a delegate finish what it has begun, and give what it has not to others',
    problems: ['NOT_FOUND'],
    200: DelegateAnswer,
  })
  async drain(@Param({ schema: DelegateParameters }) parameters: DelegateParameters) {
    return this.#set(parameters, 'draining');
  }

  @Post(under('delegates/:id/revoke'))
  @HttpCode(200)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Cut a delegate off for good; its tasks go to others',
    problems: ['NOT_FOUND', 'QUEUE_UNAVAILABLE', 'QUEUE_ACCESS_DENIED'],
    200: DelegateAnswer,
  })
  async revoke(@Param({ schema: DelegateParameters }) parameters: DelegateParameters) {
    const revoked = await this.#set(parameters, 'revoked');
    await this.access.expel(parameters.id);
    return { ...revoked, alive: false };
  }

  async #set({ id, ...names }: DelegateParameters, state: DelegateState) {
    return toAnswer(await this.presence.setState(scopeOf(names), id, state));
  }
}

const toAnswer = (one: DelegateRecord): z.infer<typeof DelegateAnswer> => ({
  id: one.id,
  scope: one.scope,
  group: one.group,
  name: one.name,
  state: one.state,
  alive: one.alive,
  lastSeenAt: one.lastSeenAt?.toISOString() ?? null,
  enrolledAt: one.enrolledAt.toISOString(),
  version: one.version,
  contract: one.contract,
  tags: one.tags,
  capabilities: one.capabilities,
  tasksMax: one.tasksMax,
  running: one.running,
  fingerprint: fingerprintOf(one.identityKey),
  groupFingerprint: fingerprintOf(one.groupIdentityKey),
  lastFault: one.lastFault,
});
