import { createHash } from 'node:crypto';
import { applyDecorators, Controller, Delete, Get, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository, type EntityRecord } from '../entities/entities.repository.js';
import type { ErrorCode } from '../kernel/errors.js';
import { Failure } from '../kernel/failure.js';
import { BranchName } from '../policy/branches.js';
import { parseIfMatch, parseIfNoneMatch, parsePrefer } from '../policy/headers.js';
import { IdempotencyKey } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import type { OperationRecord, OperationResult } from '../sync/operations.repository.js';
import { SaveFlow, type SaveRequest } from '../sync/save.flow.js';
import { Answers, ofBody, ofRoad } from './answers.js';
import { actorOf } from './authentication.js';
import {
  DeletionAnswer,
  EntityAnswer,
  EntityPage,
  OperationAnswer,
  problemOf,
  toEntityAnswer,
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
import { DeleteQuery, GitQuery, parse, parseSaveBody, ReadQuery, SaveBody } from './save-request.js';

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
  'OPERATION_EXPIRED',
  'OPERATION_IN_DOUBT',
  ...ofRoad,
];

const ChangeHeaders = (): MethodDecorator =>
  applyDecorators(
    ...[
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
    private readonly entities: EntitiesRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  @Put(':kind/:id')
  @ApiConsumes('application/json', 'application/yaml')
  @ApiBody({ standardSchema: SaveBody } as never)
  @ChangeHeaders()
  @Answers({
    summary: 'Save an entity',
    problems: [...ofBody, ...ofChange],
    etag: [200, 201],
    200: EntityAnswer,
    201: EntityAnswer,
    202: OperationAnswer,
  })
  async save(
    @Param({ schema: EntityParameters }) params: EntityParameters,
    @Query({ schema: GitQuery }) query: GitQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { yaml, git } = parseSaveBody(request.body, query);
    const operation = await this.#accept(params, { yaml, git }, request);
    return this.#answer(operation, params, reply);
  }

  @Delete(':kind/:id')
  @ChangeHeaders()
  @Answers({
    summary: 'Delete an entity and its file',
    problems: ofChange,
    200: DeletionAnswer,
    202: OperationAnswer,
  })
  async delete(
    @Param({ schema: EntityParameters }) params: EntityParameters,
    @Query({ schema: DeleteQuery }) query: DeleteQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { authorName, authorEmail, ...rest } = query;
    const author = authorName === undefined ? undefined : { name: authorName, email: authorEmail as string };
    const operation = await this.#accept(params, { yaml: null, git: { ...rest, author } }, request);
    return this.#answer(operation, params, reply);
  }

  @Get(':kind/:id')
  @Answers({ summary: 'Read an entity', problems: ['NOT_FOUND'], etag: [200], 200: EntityAnswer })
  async get(
    @Param({ schema: EntityParameters }) { kind, id, ...names }: EntityParameters,
    @Query({ schema: ReadQuery }) { branch }: { branch?: BranchName | undefined },
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const entity = await this.entities.get({ scope: scopeOf(names), kind, id }, branch);
    reply.header('ETag', `"${entity.blob_id}"`);
    return toEntityAnswer(entity, await this.#connectivityOf(entity));
  }

  @Get()
  @Answers({ summary: 'List the entities of a scope', 200: EntityPage })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: EntityListQuery }) { kind, branch, cursor = 0, limit = PAGE_DEFAULT }: EntityListQuery,
  ) {
    const filter = { scope: scopeOf(names), kind, branch, after: cursor, limit };
    const { rows, next } = await this.entities.list(filter);
    return { entities: await this.#toAnswers(rows), nextCursor: next === null ? null : toCursor(next) };
  }

  /** Asks for each connector once. */
  async #toAnswers(page: EntityRecord[]): Promise<EntityAnswer[]> {
    const roads = new Map<string, Promise<Connector['connectivity']>>();
    const answers = page.map(async (one) => {
      const connector = `${one.connector_scope}/${one.connector_id}`;
      const road = roads.get(connector) ?? this.#connectivityOf(one);
      roads.set(connector, road);
      return toEntityAnswer(one, await road);
    });
    return Promise.all(answers);
  }

  async #accept(
    { kind, id, ...names }: EntityParameters,
    change: Pick<SaveRequest, 'yaml' | 'git'>,
    request: FastifyRequest,
  ): Promise<OperationRecord> {
    const { headers } = request;
    const { waitSeconds = this.config.SALLYPORT_WAIT_DEFAULT_SECONDS } = parsePrefer(
      headers.prefer as string | undefined,
    );
    const wait = Math.min(waitSeconds, this.config.SALLYPORT_WAIT_MAX_SECONDS);
    const save: SaveRequest = {
      scope: scopeOf(names),
      kind,
      id,
      ...change,
      expected: expectationOf(request),
      idempotency: idempotencyOf(request),
      requestedBy: actorOf(request),
    };
    return this.flow.accept(save, wait * 1000);
  }

  /** The commit when it is on the branch, the problem when there will be none, else where to look for it. */
  async #answer(
    operation: OperationRecord,
    { kind: _kind, id: _id, ...names }: EntityParameters,
    reply: FastifyReply,
  ) {
    const problem = problemOf(operation);
    if (problem !== null) return sendProblem(reply, problem);
    if (operation.state === 'pending') {
      const url = `/api/v1/${scopeOf(names)}/operations/${operation.id}`;
      reply.status(202).header('Location', url);
      return toOperationAnswer(operation);
    }
    const result = operation.result as OperationResult;
    reply.status(result.created ? 201 : 200);
    if (operation.action === 'delete') return toDeletion(operation, result);
    reply.header('ETag', `"${result.blobId}"`);
    return toSavedAnswer(operation, await this.#connectivityOf(operation));
  }

  async #connectivityOf(
    place: Pick<EntityRecord, 'connector_scope' | 'connector_id'>,
  ): Promise<Connector['connectivity']> {
    const connector = await this.connectors.find(place.connector_scope, place.connector_id);
    return connector?.connectivity ?? 'manager';
  }
}

function toDeletion(operation: OperationRecord, { commitId }: OperationResult) {
  const { kind, entity_id: id, scope, connector_id: connector, branch, path } = operation;
  return { kind, id, scope, git: { connector, branch, path, commitId }, operationId: operation.id };
}

function expectationOf({ headers }: FastifyRequest): string {
  const match = parseIfMatch(headers['if-match']);
  if (!parseIfNoneMatch(headers['if-none-match'])) return match ?? 'any';
  if (match === undefined) return 'absent';
  throw new Failure('PRECONDITION_REFUSED', { problem: 'If-Match and If-None-Match exclude each other' });
}

/** The key, and a digest of all that makes two requests the same. */
function idempotencyOf(request: FastifyRequest): SaveRequest['idempotency'] {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = parse(IdempotencyKey, given, 'Idempotency-Key');
  const { method, url, headers, bodyBytes = Buffer.alloc(0) } = request;
  const parts = [method, url, headers['content-type'], headers['if-match'], headers['if-none-match']];
  const requestHash = createHash('sha256').update(JSON.stringify(parts)).update(bodyBytes).digest();
  return { key, requestHash };
}
