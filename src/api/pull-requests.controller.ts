import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { PageLimit } from '../policy/text.js';
import { PullRequestsRepository } from '../pulls/pull-requests.repository.js';
import { PullRequestsService } from '../pulls/pull-requests.service.js';
import { scopeOf } from '../scopes/scope.js';
import { actorOf } from './access.js';
import { Answers, ofHost, ofRoad } from './answers.js';
import { Cursor, NamedParameters, OperationParameters, PAGE_DEFAULT, toCursor, under } from './parameters.js';
import {
  addressOf,
  PullRequestAnswer,
  PullRequestPage,
  PullRequestState,
  toPullRequest,
} from './pull-request-answer.js';

const PullRequestQuery = z.strictObject({
  state: PullRequestState.optional(),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type PullRequestQuery = z.infer<typeof PullRequestQuery>;

@Controller(under('connectors/:id/pull-requests'))
export class ConnectorPullRequestsController {
  constructor(
    private readonly requests: PullRequestsRepository,
    private readonly connectors: ConnectorsRepository,
  ) {}

  @Get()
  @Answers({
    needs: 'entity.view',
    summary: 'List the pull requests of a connector, newest first',
    problems: ['NOT_FOUND'],
    200: PullRequestPage,
  })
  async list(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: PullRequestQuery }) { state, cursor, limit = PAGE_DEFAULT }: PullRequestQuery,
  ) {
    const connector = await this.connectors.get(scopeOf(names), id);
    const { rows, next } = await this.requests.list(connector, { state, before: cursor, limit });
    return { pullRequests: rows.map(toPullRequest), nextCursor: next === null ? null : toCursor(next) };
  }
}

@Controller(under('pull-requests'))
export class PullRequestsController {
  constructor(
    private readonly requests: PullRequestsRepository,
    private readonly service: PullRequestsService,
  ) {}

  @Get(':id')
  @Answers({
    needs: 'entity.view',
    summary: 'Read a pull request and how it stands',
    problems: ['NOT_FOUND'],
    200: PullRequestAnswer,
  })
  async get(@Param({ schema: OperationParameters }) { id, ...names }: OperationParameters) {
    return toPullRequest(await this.requests.get(scopeOf(names), id));
  }

  @Post(':id/close')
  @HttpCode(200)
  @Answers({
    needs: 'entity.edit',
    summary: 'Close a pull request without merging it, or give up one that is not open yet',
    problems: ['NOT_FOUND', 'PULL_REQUEST_BUSY', ...ofHost, ...ofRoad],
    200: PullRequestAnswer,
  })
  async close(
    @Param({ schema: OperationParameters }) { id, ...names }: OperationParameters,
    @Req() request: FastifyRequest,
  ) {
    return toPullRequest(await this.service.close(scopeOf(names), id, actorOf(request)));
  }

  @Post(':id/retry')
  @HttpCode(202)
  @Answers({
    needs: 'entity.edit',
    summary: 'Try again to open a pull request that failed, or ask the host how one stands',
    problems: ['NOT_FOUND'],
    202: PullRequestAnswer,
  })
  async retry(
    @Param({ schema: OperationParameters }) { id, ...names }: OperationParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const pull = await this.service.retry(scopeOf(names), id, actorOf(request));
    reply.header('Location', addressOf(pull));
    return toPullRequest(pull);
  }
}
