import { Controller, Delete, Get, Param, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntityPagesRepository, type Listed } from '../entities/pages.repository.js';
import type { ErrorCode } from '../kernel/errors.js';
import { Failure } from '../kernel/failure.js';
import { parseIfMatch, parseIfNoneMatch } from '../policy/headers.js';
import { PullRequestsService, type WithPull } from '../pulls/pull-requests.service.js';
import { scopeOf } from '../scopes/scope.js';
import { HistoryFlow } from '../sync/history.flow.js';
import type { OperationResult } from '../sync/operations.repository.js';
import { ReadFlow } from '../sync/read.flow.js';
import { SaveFlow, type SaveRequest } from '../sync/save.flow.js';
import { actorOf } from './access.js';
import { Answers, ofBody, ofHost, ofRoad } from './answers.js';
import { CompareQuery, ComparisonAnswer, toSide } from './comparison-answer.js';
import { Described } from './described.js';
import { HistoryAnswer, HistoryQuery, toHistoryAnswer } from './history-answer.js';
import {
  DeletionAnswer,
  EntityAnswer,
  EntityPage,
  inlineFreshness,
  OperationAnswer,
  problemOf,
  SavedAnswer,
  toDeletion,
  toEntityAnswer,
  toFreshness,
  toInlineAnswer,
  toOperationAnswer,
  toSavedAnswer,
} from './operation-answer.js';
import {
  EntityListQuery,
  EntityParameters,
  PAGE_DEFAULT,
  ScopeParameters,
  toCursor,
  under,
} from './parameters.js';
import { sendProblem } from './problem.filter.js';
import { addressOf } from './pull-request-answer.js';
import { idempotencyOf, waitMsOf } from './request-preferences.js';
import { DeleteQuery, GitQuery, parseSaveBody, ReadQuery, SaveBody, toHome } from './save-request.js';

const ofChange: readonly ErrorCode[] = [
  'SCOPE_NOT_FOUND',
  'NOT_FOUND',
  'INPUT_REFUSED',
  'PRECONDITION_REFUSED',
  'IDEMPOTENCY_KEY_REUSED',
  'YAML_REFUSED',
  'ENTITY_INVALID',
  'ENTITY_EXISTS',
  'ENTITY_CONFLICT',
  'ENTITY_PLACE_TAKEN',
  'ENTITY_ELSEWHERE',
  'ENTITY_INLINE',
  'ENTITY_IN_GIT',
  'ENTITY_MOVING',
  'OPERATION_CANCELLED',
  'OPERATION_EXPIRED',
  'OPERATION_IN_DOUBT',
  'PULL_REQUEST_UNFIT',
  ...ofHost,
  ...ofRoad,
];

const ChangeHeaders = (): MethodDecorator =>
  Described(({ ApiHeader }) =>
    [
      {
        name: 'If-Match',
        description: 'ETag the change was made from; anything else at its place is a conflict',
      },
      { name: 'If-None-Match', description: '`*`: only create' },
      { name: 'Idempotency-Key', description: 'Makes a retry harmless; remembered for seven days' },
      { name: 'Prefer', description: '`wait=N`: seconds to wait for the commit before answering 202' },
    ].map((header) => ApiHeader({ ...header, required: false })),
  );

@Controller(under('entities'))
export class EntitiesController {
  constructor(
    private readonly config: Config,
    private readonly flow: SaveFlow,
    private readonly pages: EntityPagesRepository,
    private readonly reads: ReadFlow,
    private readonly connectors: ConnectorsRepository,
    private readonly pulls: PullRequestsService,
    private readonly histories: HistoryFlow,
  ) {}

  @Put(':kind/:id')
  @Described(({ ApiBody, ApiConsumes }) => [
    ApiBody({ standardSchema: SaveBody } as never),
    ApiConsumes('application/json', 'application/yaml'),
  ])
  @ChangeHeaders()
  @Answers({
    needs: 'entity.edit',
    summary: 'Save an entity',
    problems: [...ofBody, ...ofChange],
    etag: [200, 201],
    location: [200, 201],
    200: SavedAnswer,
    201: SavedAnswer,
    202: OperationAnswer,
  })
  async save(
    @Param({ schema: EntityParameters }) params: EntityParameters,
    @Query({ schema: GitQuery }) query: GitQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const change = parseSaveBody(request.body, query);
    return this.#answer(await this.#accept(params, change, request), params, reply);
  }

  @Delete(':kind/:id')
  @ChangeHeaders()
  @Answers({
    needs: 'entity.edit',
    summary: 'Delete an entity and its file',
    problems: ofChange,
    location: [200],
    200: DeletionAnswer,
    202: OperationAnswer,
  })
  async delete(
    @Param({ schema: EntityParameters }) params: EntityParameters,
    @Query({ schema: DeleteQuery }) query: DeleteQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const change = { yaml: null, ...toHome(query) };
    return this.#answer(await this.#accept(params, change, request), params, reply);
  }

  @Get(':kind/:id')
  @Answers({
    needs: 'entity.view',
    summary: 'Read an entity',
    problems: ['NOT_FOUND', 'ENTITY_INLINE', ...ofRoad],
    etag: [200],
    200: EntityAnswer,
  })
  async get(
    @Param({ schema: EntityParameters }) { kind, id, ...names }: EntityParameters,
    @Query({ schema: ReadQuery }) { branch, commit, freshness: level = 'cached' }: ReadQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const reader = { key: { scope: scopeOf(names), kind, id }, branch, actor: actorOf(request) };
    const read = await (commit === undefined
      ? this.reads.read(reader, level)
      : this.reads.readAt(reader, commit));
    if ('inline' in read) {
      reply.header('ETag', `"${read.inline.blob_id}"`);
      return { ...toInlineAnswer(read.inline), freshness: inlineFreshness };
    }
    const { entity, freshness } = read;
    reply.header('ETag', `"${entity.blob_id}"`);
    const answer = toEntityAnswer(entity, await this.#connectivityOf(entity));
    return { ...answer, freshness: toFreshness(freshness) };
  }

  @Get(':kind/:id/compare')
  @Answers({
    needs: 'entity.view',
    summary: 'Compare an entity between two branches or commits, as Git has it',
    problems: ['NOT_FOUND', 'ENTITY_INLINE', ...ofRoad],
    200: ComparisonAnswer,
  })
  async compare(
    @Param({ schema: EntityParameters }) { kind, id, ...names }: EntityParameters,
    @Query({ schema: CompareQuery }) { from, to }: CompareQuery,
    @Req() request: FastifyRequest,
  ): Promise<ComparisonAnswer> {
    const reader = { key: { scope: scopeOf(names), kind, id }, actor: actorOf(request) };
    const [before, after] = await Promise.all([
      this.reads.documentAt(reader, from),
      this.reads.documentAt(reader, to),
    ]);
    return { kind, id, same: before.file?.id === after.file?.id, from: toSide(before), to: toSide(after) };
  }

  @Get(':kind/:id/history')
  @Answers({
    needs: 'entity.view',
    summary: 'List the commits that changed an entity, newest first, as Git has them',
    problems: ['NOT_FOUND', 'ENTITY_INLINE', ...ofRoad],
    200: HistoryAnswer,
  })
  async history(
    @Param({ schema: EntityParameters }) { kind, id, ...names }: EntityParameters,
    @Query({ schema: HistoryQuery }) { branch, cursor, limit = PAGE_DEFAULT }: HistoryQuery,
    @Req() request: FastifyRequest,
  ): Promise<HistoryAnswer> {
    const reader = { key: { scope: scopeOf(names), kind, id }, branch, actor: actorOf(request) };
    const history = await this.histories.page(reader, { cursor, limit });
    const pulls = history.commits.flatMap(({ made }) => made?.pullRequest ?? []);
    return toHistoryAnswer({ kind, id }, history, await this.pulls.load(pulls));
  }

  @Get()
  @Answers({ needs: 'entity.view', summary: 'List the entities of a scope', 200: EntityPage })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: EntityListQuery }) { cursor = 0, limit = PAGE_DEFAULT, ...wanted }: EntityListQuery,
  ) {
    const filter = { scope: scopeOf(names), ...wanted, after: cursor, limit };
    const { rows, next } = await this.pages.list(filter);
    return { entities: await this.#toAnswers(rows), nextCursor: next === null ? null : toCursor(next) };
  }

  /** Asks for each connector once. */
  async #toAnswers(page: Listed[]): Promise<EntityAnswer[]> {
    const roads = new Map<string, Promise<Connector['connectivity']>>();
    const answers = page.map(async ({ store, entity: one }) => {
      if (store === 'inline') return toInlineAnswer(one);
      const connector = `${one.connector_scope}/${one.connector_id}`;
      const road = roads.get(connector) ?? this.#connectivityOf(one);
      roads.set(connector, road);
      return toEntityAnswer(one, await road);
    });
    return Promise.all(answers);
  }

  async #accept(
    { kind, id, ...names }: EntityParameters,
    change: Pick<SaveRequest, 'yaml' | 'store' | 'git'>,
    request: FastifyRequest,
  ): Promise<WithPull> {
    const waitMs = waitMsOf(request, this.config);
    const began = performance.now();
    const save: SaveRequest = {
      scope: scopeOf(names),
      kind,
      id,
      ...change,
      expected: expectationOf(request),
      idempotency: idempotencyOf(request),
      requestedBy: actorOf(request),
    };
    const operation = await this.flow.accept(save, waitMs);
    return this.pulls.settle(operation, waitMs - (performance.now() - began));
  }

  /**
   * The commit when it is on the branch, the problem when there will be none, else where to look for it; and where to look for a
   * pull request that is not open yet.
   */
  async #answer(
    { operation, pull }: WithPull,
    { kind: _kind, id: _id, ...names }: EntityParameters,
    reply: FastifyReply,
  ) {
    const problem = problemOf(operation);
    if (problem !== null) return sendProblem(reply, problem);
    if (operation.state === 'pending') {
      const url = `/api/v1/${scopeOf(names)}/operations/${operation.id}`;
      reply.status(202).header('Location', url);
      return toOperationAnswer(operation, pull);
    }
    const result = operation.result as OperationResult;
    reply.status(result.created ? 201 : 200);
    if (pull?.state === 'wanted') reply.header('Location', addressOf(pull));
    if (operation.action === 'delete') return toDeletion(operation, pull);
    // What the entity is, where it is, has another.
    if (result.elsewhere === undefined) reply.header('ETag', `"${result.blobId}"`);
    return toSavedAnswer(operation, pull, await this.#connectivityOf(operation));
  }

  async #connectivityOf(place: {
    connector_scope: string | null;
    connector_id: string | null;
  }): Promise<Connector['connectivity']> {
    const { connector_scope: scope, connector_id: id } = place;
    const connector = scope === null || id === null ? undefined : await this.connectors.find(scope, id);
    return connector?.connectivity ?? 'manager';
  }
}

function expectationOf({ headers }: FastifyRequest): string {
  const match = parseIfMatch(headers['if-match']);
  if (!parseIfNoneMatch(headers['if-none-match'])) return match ?? 'any';
  if (match === undefined) return 'absent';
  throw new Failure('PRECONDITION_REFUSED', { problem: 'If-Match and If-None-Match exclude each other' });
}
