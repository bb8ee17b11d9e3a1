import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Failure } from '../kernel/failure.js';
import { ENTITIES_MAX, MoveFlow, MoveRefused, type MoveRequest } from '../moves/move.flow.js';
import { type Destination, targetOf } from '../moves/move-plan.js';
import { BranchName } from '../policy/branches.js';
import { Identifier } from '../policy/identifiers.js';
import { FolderPath, PathTemplate, RepositoryPath } from '../policy/paths.js';
import { CommitMessage, PageLimit, PersonEmail, PersonName } from '../policy/text.js';
import { type Scope, scopeOf } from '../scopes/scope.js';
import { type MoveRecord, MovesRepository, type Target } from '../sync/moves.repository.js';
import { actorOf } from './access.js';
import { Answers, ofBody, ofRoad } from './answers.js';
import { Described } from './described.js';
import {
  MoveAnswer,
  MoveItemPage,
  MoveItemState,
  MovePage,
  MoveReport,
  toItem,
  toMoveAnswer,
  toPlanned,
  toReport,
} from './move-answer.js';
import { Cursor, MoveParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';
import { sendProblem, toProblem } from './problem.filter.js';
import { idempotencyOf, waitMsOf } from './request-preferences.js';

const ConnectorName = Identifier.meta({ description: 'As a save names it' });

const ToGit = z.strictObject({
  store: z.literal('git'),
  connector: ConnectorName,
  branch: BranchName,
  newBranchFrom: BranchName.optional(),
  path: RepositoryPath.optional().meta({ description: 'Of one entity' }),
  pathTemplate: PathTemplate.optional().meta({ description: 'Default: the kind’s' }),
});

export const MoveBody = z
  .strictObject({
    entities: z
      .array(z.strictObject({ kind: Identifier, id: Identifier }))
      .min(1)
      .max(ENTITIES_MAX)
      .optional()
      .meta({ description: 'These entities of the scope' }),
    from: z
      .strictObject({
        connector: ConnectorName.optional(),
        branch: BranchName.optional().meta({
          description: 'Which copies are moved; default: those of the branch where each was first saved',
        }),
        folder: FolderPath.optional(),
        kind: Identifier.optional(),
        store: z.enum(['git', 'inline']).optional().meta({ description: 'Default: git' }),
      })
      .optional()
      .meta({ description: 'Without entities: those that fit. With entities: the branch alone' }),
    to: z.discriminatedUnion('store', [ToGit, z.strictObject({ store: z.literal('inline') })]),
    otherBranches: z.enum(['refuse', 'forget']).default('refuse').meta({
      description:
        'Of an entity that becomes inline and is on other branches, too; `forget`: it is not any more, and its files stay there',
    }),
    keepFiles: z
      .boolean()
      .default(false)
      .meta({ description: 'Leave the files that the entities came from where they are' }),
    skipBlocked: z
      .boolean()
      .default(false)
      .meta({ description: 'Move what can be moved, also where something else cannot' }),
    dryRun: z.boolean().default(false).meta({ description: 'Say what it would do, and change nothing' }),
    message: CommitMessage.optional(),
    author: z.strictObject({ name: PersonName, email: PersonEmail }).optional(),
  })
  .meta({ id: 'MoveWrite' });
type MoveBody = z.infer<typeof MoveBody>;

const MoveListQuery = z.strictObject({
  connector: Identifier.optional().meta({ description: 'From its repository, or to it' }),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type MoveListQuery = z.infer<typeof MoveListQuery>;

const ItemQuery = z.strictObject({
  state: MoveItemState.optional(),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type ItemQuery = z.infer<typeof ItemQuery>;

@Controller(under('moves'))
export class MovesController {
  constructor(
    private readonly config: Config,
    private readonly flow: MoveFlow,
    private readonly moves: MovesRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  @Post()
  @Described(({ ApiHeader }) => [
    ApiHeader({
      name: 'Prefer',
      description: '`wait=N`: seconds to wait for the move’s end before answering 202',
      required: false,
    }),
    ApiHeader({
      name: 'Idempotency-Key',
      description: 'Makes a retry harmless; remembered for seven days',
      required: false,
    }),
  ])
  @HttpCode(202)
  @Answers({
    needs: 'entity.edit',
    summary: 'Move entities into Git, out of it or within it, or report what that would do',
    problems: [
      ...ofBody,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'INPUT_REFUSED',
      'IDEMPOTENCY_KEY_REUSED',
      'ENTITY_PLACE_TAKEN',
      'ENTITY_ELSEWHERE',
      'MOVE_REFUSED',
      'MOVE_TOO_LARGE',
      'MOVE_CONFLICT',
      'OPERATION_CANCELLED',
      'OPERATION_EXPIRED',
      'OPERATION_IN_DOUBT',
      ...ofRoad,
    ],
    200: z.union([MoveAnswer, MoveReport]),
    202: MoveAnswer,
  })
  async accept(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Body({ schema: MoveBody }) body: MoveBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted = await this.#toRequest(scopeOf(names), body, request);
    const target = targetOf(wanted.wish.to);
    if (body.dryRun) {
      reply.status(200);
      return toReport(await this.flow.report(wanted), target);
    }
    try {
      return await this.#answer(await this.flow.accept(wanted, waitMsOf(request, this.config)), reply);
    } catch (error) {
      if (!(error instanceof MoveRefused)) throw error;
      const blocked = error.planned.filter(({ outcome }) => outcome === 'blocked');
      return sendProblem(
        reply,
        toProblem(error.failure, { blocked: blocked.map((one) => toPlanned(one, target)) }),
      );
    }
  }

  @Get(':id')
  @Answers({
    needs: 'entity.view',
    summary: 'Read a move and how far it is',
    problems: ['NOT_FOUND'],
    200: MoveAnswer,
  })
  async get(@Param({ schema: MoveParameters }) { id, ...names }: MoveParameters) {
    const [answer] = await this.#toAnswers([await this.moves.get(scopeOf(names), id)]);
    return answer;
  }

  @Get(':id/entities')
  @Answers({
    needs: 'entity.view',
    summary: 'List the entities of a move, and what became of each',
    problems: ['NOT_FOUND'],
    200: MoveItemPage,
  })
  async entities(
    @Param({ schema: MoveParameters }) { id, ...names }: MoveParameters,
    @Query({ schema: ItemQuery }) { state, cursor, limit = PAGE_DEFAULT }: ItemQuery,
  ) {
    const move = await this.moves.get(scopeOf(names), id);
    const after = cursor === undefined ? undefined : cursor - 1;
    const rows = await this.moves.items(id, { state, after, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      entities: page.map((item) => toItem(item, move.target as Target)),
      nextCursor: rows.length > limit && last !== undefined ? toCursor(last.at + 1) : null,
    };
  }

  @Get()
  @Answers({ needs: 'entity.view', summary: 'List the moves of a scope, newest first', 200: MovePage })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: MoveListQuery }) { connector, cursor, limit = PAGE_DEFAULT }: MoveListQuery,
  ) {
    const rows = await this.moves.list(scopeOf(names), { connector, before: cursor, limit });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      moves: await this.#toAnswers(page),
      nextCursor: rows.length > limit && last !== undefined ? toCursor(last.sequence) : null,
    };
  }

  async #toRequest(scope: Scope, body: MoveBody, request: FastifyRequest): Promise<MoveRequest> {
    assertOneWish(body);
    const { entities, from = {}, keepFiles, otherBranches, skipBlocked, message, author } = body;
    const { connector, ...selection } = from;
    const place = connector === undefined ? undefined : await this.connectors.resolve(scope, connector);
    return {
      wish: {
        scope,
        to: await this.#toDestination(scope, body),
        branch: from.branch,
        keepFiles,
        otherBranches,
      },
      entities: entities ?? null,
      selection: { ...selection, connector: place },
      skipBlocked,
      message,
      author,
      idempotency: idempotencyOf(request),
      requestedBy: actorOf(request),
    };
  }

  async #toDestination(scope: Scope, { to }: MoveBody): Promise<Destination> {
    if (to.store === 'inline') return to;
    const { store, branch, newBranchFrom, path, pathTemplate } = to;
    const connector = await this.connectors.resolve(scope, to.connector);
    return { store, connector, branch, newBranchFrom, path, pathTemplate };
  }

  /** The commits when they are on their branches, the problem when there will be none, else where to look for them. */
  async #answer(move: MoveRecord, reply: FastifyReply) {
    if (move.state === 'failed') return sendProblem(reply, await this.#problemOf(move));
    if (move.state !== 'done') reply.status(202).header('Location', `/api/v1/${move.scope}/moves/${move.id}`);
    else reply.status(200);
    const [answer] = await this.#toAnswers([move]);
    return answer;
  }

  async #problemOf({ id }: MoveRecord) {
    const operations = await this.moves.operations([id]);
    const [failed] = operations.filter(({ failure }) => failure !== null);
    if (failed === undefined || failed.failure === null)
      return toProblem(new Failure('INTERNAL', { reference: id }));
    return toProblem(Failure.fromWire(failed.failure), { operationId: failed.id });
  }

  async #toAnswers(moves: MoveRecord[]) {
    const ids = moves.map(({ id }) => id);
    const counts = await this.moves.counts(ids);
    const operations = Map.groupBy(await this.moves.operations(ids), ({ move_id }) => move_id);
    return moves.map((move) =>
      toMoveAnswer(move, {
        counts: counts.get(move.id) as NonNullable<ReturnType<typeof counts.get>>,
        operations: (operations.get(move.id) ?? []).map(({ id }) => id),
      }),
    );
  }
}

/** @throws REQUEST_INVALID */
function assertOneWish({ entities, from, to }: MoveBody): void {
  const { path, pathTemplate } = to.store === 'git' ? to : {};
  const problem = entities === undefined ? problemOfSelected(from) : problemOfNamed(entities, from);
  if (typeof problem === 'string') throw new Failure('REQUEST_INVALID', { problem });
  const one = path === undefined || entities?.length === 1 || 'to.path: is for one entity that is named';
  const either =
    path === undefined || pathTemplate === undefined || 'to: path and pathTemplate exclude each other';
  for (const wrong of [one, either])
    if (typeof wrong === 'string') throw new Failure('REQUEST_INVALID', { problem: wrong });
}

function problemOfSelected(from: MoveBody['from']): string | undefined {
  if (from === undefined) return 'Name the entities, or where they are, in from';
  const { store, connector, branch, folder } = from;
  const isPlaced = [connector, branch, folder].some((one) => one !== undefined);
  return store === 'inline' && isPlaced
    ? 'from: inline entities have no connector, branch or folder'
    : undefined;
}

function problemOfNamed(
  entities: NonNullable<MoveBody['entities']>,
  { branch: _branch, ...others }: NonNullable<MoveBody['from']> = {},
): string | undefined {
  if (Object.keys(others).length > 0) return 'from: with entities, it takes the branch alone';
  const names = new Set(entities.map(({ kind, id }) => `${kind} ${id}`));
  return names.size < entities.length ? 'entities: names one twice' : undefined;
}
