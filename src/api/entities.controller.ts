import { createHash } from 'node:crypto';
import { Controller, Delete, Get, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository, type EntityRecord } from '../entities/entities.repository.js';
import { BranchName } from '../policy/branches.js';
import { parseIfMatch, parseIfNoneMatch, parsePrefer } from '../policy/headers.js';
import { IdempotencyKey } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import type { OperationRecord, OperationResult } from '../sync/operations.repository.js';
import { SaveFlow, type SaveRequest } from '../sync/save.flow.js';
import { Answers } from './answers.js';
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

@Controller(under('entities'))
export class EntitiesController {
  constructor(
    private readonly config: Config,
    private readonly flow: SaveFlow,
    private readonly entities: EntitiesRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  @Put(':kind/:id')
  @ApiBody({ standardSchema: SaveBody } as never)
  @Answers({ summary: 'Save an entity', 200: EntityAnswer, 201: EntityAnswer, 202: OperationAnswer })
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
  @Answers({ summary: 'Delete an entity and its file', 200: DeletionAnswer, 202: OperationAnswer })
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
  @Answers({ summary: 'Read an entity', 200: EntityAnswer })
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
    const found = await this.entities.list({
      scope: scopeOf(names),
      kind,
      branch,
      after: cursor,
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const entities = await Promise.all(
      page.map(async (one) => toEntityAnswer(one, await this.#connectivityOf(one))),
    );
    return { entities, nextCursor: found.length > limit ? toCursor(page.at(-1)?.sequence ?? 0) : null };
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
  ): Promise<'manager' | 'delegate'> {
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
  if (parseIfNoneMatch(headers['if-none-match'])) return 'absent';
  return match ?? 'any';
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
