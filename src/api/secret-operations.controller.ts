import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SecretOperationsFlow } from '../connectivity/secret-operations.flow.js';
import { Failure } from '../kernel/failure.js';
import { Identifier, OutwardName } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import {
  type ItemTrouble,
  type Progress,
  type SecretOperationRecord,
  SecretOperationsRepository,
} from '../secrets/secret-operations.repository.js';
import type { KeptBy } from '../secrets/secrets.repository.js';
import { actorOf } from './access.js';
import { Answers, ofBody, ProblemAnswer } from './answers.js';
import { Cursor, OperationParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';
import { toProblem } from './problem.filter.js';

const of = {
  manager: OutwardName.optional().meta({
    description: 'All that this secret manager keeps in the scope and within; or name one secret',
  }),
  secret: Identifier.optional().meta({ description: 'The one secret of this very scope' }),
};
const names = z
  .object(of)
  .refine(
    ({ manager, secret }) => (manager === undefined) !== (secret === undefined),
    'names either a manager or a secret',
  )
  .transform(({ manager, secret }) => (secret === undefined ? { manager: manager as string } : { secret }));

const renewal = (action: 'rewrap' | 'reencrypt') => z.strictObject({ action: z.literal(action), ...of });
export const SecretOperationBody = z.discriminatedUnion('action', [
  renewal('rewrap'),
  renewal('reencrypt'),
  z.strictObject({
    action: z.literal('migrate'),
    ...of,
    to: OutwardName.meta({ description: 'Secret manager that keeps them afterwards' }),
    policy: z.enum(['replace', 'only-if-absent']).default('replace').meta({
      description: 'Into a store: what to do where it has something at the path already',
    }),
    revealToManager: z.boolean().default(false).meta({
      description: 'Needed to migrate into builtin: the manager sees the values from then on',
    }),
  }),
]);
type SecretOperationBody = z.infer<typeof SecretOperationBody>;

const Keeper = z.string().meta({ description: '`builtin`, or `{scope}/secret-managers/{id}`' });
export const SecretOperationAnswer = z
  .strictObject({
    id: z.uuid(),
    scope: z.string(),
    action: z.enum(['rewrap', 'reencrypt', 'migrate']),
    from: Keeper,
    to: Keeper.nullable(),
    requestedBy: z.string().meta({ description: 'The token: its name, and how its id begins' }),
    state: z.enum(['pending', 'succeeded', 'failed', 'cancelled']),
    progress: z
      .strictObject({ total: z.int(), pending: z.int(), done: z.int(), skipped: z.int(), failed: z.int() })
      .meta({ description: 'In secret versions; skipped: written, deleted or cancelled meanwhile' }),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'SecretOperation' });

export const SecretOperationDetails = SecretOperationAnswer.extend({
  troubles: z
    .array(
      z.strictObject({
        scope: z.string(),
        secret: z.string(),
        state: z.enum(['failed', 'pending']),
        problem: ProblemAnswer,
      }),
    )
    .meta({ description: 'The first hundred secrets that failed, or were tried in vain so far' }),
}).meta({ id: 'SecretOperationDetails' });

export const SecretOperationPage = z
  .strictObject({ secretOperations: z.array(SecretOperationAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'SecretOperationPage' });

const ListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
type ListQuery = z.infer<typeof ListQuery>;

@Controller(under('secret-operations'))
export class SecretOperationsController {
  constructor(
    private readonly flow: SecretOperationsFlow,
    private readonly operations: SecretOperationsRepository,
  ) {}

  @Post()
  @HttpCode(202)
  @Answers({
    needs: 'secret.manage',
    summary: 'Rewrap, reencrypt or migrate one secret, or all that a secret manager keeps',
    problems: [
      ...ofBody,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'INPUT_REFUSED',
      'SECRET_MANAGER_UNFIT',
      'SECRET_REVEAL_UNCONFIRMED',
    ],
    202: SecretOperationAnswer,
  })
  async accept(
    @Param({ schema: ScopeParameters }) parameters: ScopeParameters,
    @Body({ schema: SecretOperationBody }) body: SecretOperationBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(parameters);
    const named = names.safeParse(body);
    if (!named.success)
      throw new Failure('REQUEST_INVALID', { problem: 'manager or secret: the body names neither, or both' });
    const record = await this.flow.accept({
      scope,
      action: body.action,
      of: named.data,
      requestedBy: actorOf(request),
      ...(body.action === 'migrate' && { to: toTarget(body) }),
    });
    reply.header('location', `/api/v1/${scope}/secret-operations/${record.id}`);
    return this.#answer(record);
  }

  @Get()
  @Answers({
    needs: 'secret.view',
    summary: 'List the operations on secrets of a scope, newest first',
    200: SecretOperationPage,
  })
  async list(
    @Param({ schema: ScopeParameters }) parameters: ScopeParameters,
    @Query({ schema: ListQuery }) { limit = PAGE_DEFAULT, cursor }: ListQuery,
  ) {
    const found = await this.operations.list(scopeOf(parameters), limit + 1, cursor);
    const page = found.slice(0, limit);
    const progress = await this.operations.progress(page.map(({ id }) => id));
    const last = page.at(-1);
    return {
      secretOperations: page.map((record) => toAnswer(record, progress.get(record.id) as Progress)),
      nextCursor: found.length > limit && last !== undefined ? toCursor(last.sequence) : null,
    };
  }

  @Get(':id')
  @Answers({
    needs: 'secret.view',
    summary: 'Read how far an operation on secrets is, and what stands in its way',
    problems: ['NOT_FOUND'],
    200: SecretOperationDetails,
  })
  async get(@Param({ schema: OperationParameters }) { id, ...parameters }: OperationParameters) {
    return this.#details(await this.operations.get(scopeOf(parameters), id));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Answers({
    needs: 'secret.manage',
    summary: 'Let go of what an operation on secrets has not done yet',
    problems: ['NOT_FOUND'],
    200: SecretOperationDetails,
  })
  async cancel(
    @Param({ schema: OperationParameters }) { id, ...parameters }: OperationParameters,
    @Req() request: FastifyRequest,
  ) {
    return this.#details(await this.flow.cancel(scopeOf(parameters), id, actorOf(request)));
  }

  @Post(':id/retry')
  @HttpCode(200)
  @Answers({
    needs: 'secret.manage',
    summary: 'Try again what failed of an operation on secrets',
    problems: ['NOT_FOUND'],
    200: SecretOperationDetails,
  })
  async retry(
    @Param({ schema: OperationParameters }) { id, ...parameters }: OperationParameters,
    @Req() request: FastifyRequest,
  ) {
    return this.#details(await this.flow.retry(scopeOf(parameters), id, actorOf(request)));
  }

  async #details(record: SecretOperationRecord) {
    const troubles = (await this.operations.troubles(record.id)).map(toTrouble);
    return { ...(await this.#answer(record)), troubles };
  }

  async #answer(record: SecretOperationRecord) {
    const progress = await this.operations.progress([record.id]);
    return toAnswer(record, progress.get(record.id) as Progress);
  }
}

const toTarget = ({ to, policy, revealToManager }: Extract<SecretOperationBody, { action: 'migrate' }>) => ({
  manager: to,
  onlyIfAbsent: policy === 'only-if-absent',
  revealToManager,
});

const nameOf = (keptBy: KeptBy): string =>
  keptBy === null ? 'builtin' : `${keptBy.scope}/secret-managers/${keptBy.id}`;

const toAnswer = (
  record: SecretOperationRecord,
  progress: Progress,
): z.infer<typeof SecretOperationAnswer> => ({
  id: record.id,
  scope: record.scope,
  action: record.action,
  from: nameOf(record.from),
  to: record.action === 'migrate' ? nameOf(record.to) : null,
  requestedBy: record.requestedBy,
  state: record.state,
  progress,
  createdAt: record.createdAt.toISOString(),
  finishedAt: record.finishedAt?.toISOString() ?? null,
});

const toTrouble = ({ scope, secret, state, failure }: ItemTrouble) => ({
  scope,
  secret,
  state: state as 'failed' | 'pending',
  problem: toProblem(Failure.fromWire(failure)),
});
