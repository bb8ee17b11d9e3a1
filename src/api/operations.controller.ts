import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { PageLimit } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { OperationsRepository } from '../sync/operations.repository.js';
import { Answers } from './answers.js';
import { OperationAnswer, OperationPage, toOperationAnswer } from './operation-answer.js';
import { Cursor, OperationParameters, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';

const OperationListQuery = z.strictObject({
  state: z.enum(['pending', 'succeeded', 'conflict', 'failed']).optional(),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type OperationListQuery = z.infer<typeof OperationListQuery>;

@Controller(under('operations'))
export class OperationsController {
  constructor(private readonly operations: OperationsRepository) {}

  @Get(':id')
  @Answers({
    summary: 'Read an operation and what became of it',
    problems: ['NOT_FOUND'],
    200: OperationAnswer,
  })
  async get(@Param({ schema: OperationParameters }) { id, ...names }: OperationParameters) {
    return toOperationAnswer(await this.operations.get(scopeOf(names), id));
  }

  @Get()
  @Answers({ summary: 'List the operations of a scope, newest first', 200: OperationPage })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: OperationListQuery }) { state, cursor, limit = PAGE_DEFAULT }: OperationListQuery,
  ) {
    const filter = { scope: scopeOf(names), state, before: cursor, limit };
    const { rows, next } = await this.operations.list(filter);
    return { operations: rows.map(toOperationAnswer), nextCursor: next === null ? null : toCursor(next) };
  }
}
