import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { BranchName } from '../policy/branches.js';
import { Identifier } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { PullRequestsRepository } from '../pulls/pull-requests.repository.js';
import { scopeOf } from '../scopes/scope.js';
import { Cancellation } from '../sync/cancellation.js';
import { LanesRepository } from '../sync/lanes.repository.js';
import { type OperationRecord, OperationsRepository } from '../sync/operations.repository.js';
import { Answers } from './answers.js';
import { OperationAnswer, OperationPage, toOperationAnswer } from './operation-answer.js';
import { Cursor, OperationParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';

const OperationListQuery = z.strictObject({
  state: z.enum(['pending', 'succeeded', 'conflict', 'failed', 'cancelled']).optional(),
  kind: Identifier.optional().meta({ description: 'Of the entity; of a move, that of its first change' }),
  entity: Identifier.optional().meta({ description: 'Id of the entity, with `kind` or of any kind' }),
  connector: Identifier.optional().meta({ description: 'Leaves out what is inline' }),
  branch: BranchName.optional().meta({ description: 'Leaves out what is inline' }),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type OperationListQuery = z.infer<typeof OperationListQuery>;

@Controller(under('operations'))
export class OperationsController {
  constructor(
    private readonly operations: OperationsRepository,
    private readonly lanes: LanesRepository,
    private readonly pulls: PullRequestsRepository,
    private readonly cancellation: Cancellation,
  ) {}

  @Get(':id')
  @Answers({
    needs: 'entity.view',
    summary: 'Read an operation and what became of it',
    problems: ['NOT_FOUND'],
    200: OperationAnswer,
  })
  async get(@Param({ schema: OperationParameters }) { id, ...names }: OperationParameters) {
    const [answer] = await this.#answer([await this.operations.get(scopeOf(names), id)]);
    return answer;
  }

  @Get()
  @Answers({
    needs: 'entity.view',
    summary: 'List the operations of a scope, newest first',
    200: OperationPage,
  })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: OperationListQuery }) { cursor, limit = PAGE_DEFAULT, ...filter }: OperationListQuery,
  ) {
    const wanted = { ...filter, scope: scopeOf(names), before: cursor, limit };
    const { rows, next } = await this.operations.list(wanted);
    return {
      operations: await this.#answer(rows),
      nextCursor: next === null ? null : toCursor(next),
    };
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Answers({
    needs: 'entity.edit',
    summary: 'Cancel an operation that waits, and of which nothing is on its way to Git',
    problems: ['NOT_FOUND', 'OPERATION_UNDERWAY', 'OPERATION_ENDED'],
    200: OperationAnswer,
  })
  async cancel(@Param({ schema: OperationParameters }) { id, ...names }: OperationParameters) {
    const [answer] = await this.#answer([await this.cancellation.cancel(scopeOf(names), id)]);
    return answer;
  }

  async #answer(operations: OperationRecord[]): Promise<OperationAnswer[]> {
    const ids = operations.flatMap(({ pull_request_id: pull }) => pull ?? []);
    const pulls = await this.pulls.load(ids);
    const moves = operations.flatMap(({ action, id }) => (action === 'move' ? id : []));
    const changes = await this.operations.changesIn(moves);
    const pending = operations.filter(({ state }) => state === 'pending');
    const passages = await this.lanes.passages([...new Set(pending.flatMap(({ lane_id }) => lane_id ?? []))]);
    return operations.map((one) =>
      toOperationAnswer(one, pulls.get(one.pull_request_id ?? ''), {
        changes: changes.get(one.id),
        passage: passages.get(one.id),
      }),
    );
  }
}
