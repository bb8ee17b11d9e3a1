import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DisplayName, PageLimit } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { type ScopeRecord, ScopesRepository } from '../scopes/scopes.repository.js';
import { callerOf } from './access.js';
import { Answers, ofBody } from './answers.js';
import {
  AccountParameters,
  PAGE_DEFAULT,
  SCOPES,
  ScopeCursor,
  ScopeParameters,
  toNameCursor,
} from './parameters.js';

/** May be left out as a whole: a scope then shows its identifier. */
export const ScopeBody = z.strictObject({ displayName: DisplayName.optional() }).default({});
type ScopeBody = z.infer<typeof ScopeBody>;

export const ScopeAnswer = z
  .strictObject({ scope: z.string(), displayName: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Scope' });

export const ScopesAnswer = z
  .strictObject({ scopes: z.array(ScopeAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'Scopes' });

const ScopeListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: ScopeCursor.optional() });
type ScopeListQuery = z.infer<typeof ScopeListQuery>;

@Controller(SCOPES)
export class ScopesController {
  constructor(private readonly scopes: ScopesRepository) {}

  @Put()
  @Answers({
    needs: 'scope.manage',
    summary: 'Create or rename a scope',
    problems: [...ofBody, 'SCOPE_NOT_FOUND'],
    200: ScopeAnswer,
    201: ScopeAnswer,
  })
  async put(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Body({ schema: ScopeBody }) body: ScopeBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const name = body.displayName ?? names.project ?? names.org ?? names.account;
    const { record, created } = await this.scopes.put(scopeOf(names), name);
    reply.status(created ? 201 : 200);
    return toAnswer(record);
  }

  @Get()
  @Answers({
    needs: 'scope.view below',
    summary: 'Read a scope',
    problems: ['SCOPE_NOT_FOUND'],
    200: ScopeAnswer,
  })
  async get(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    return toAnswer(await this.scopes.get(scopeOf(names)));
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'scope.manage',
    summary: 'Delete an empty scope',
    problems: ['SCOPE_NOT_FOUND', 'STILL_IN_USE'],
    204: null,
  })
  async delete(@Param({ schema: ScopeParameters }) names: ScopeParameters): Promise<void> {
    await this.scopes.delete(scopeOf(names));
  }
}

@Controller('accounts/:account/scopes')
export class ScopeListController {
  constructor(private readonly scopes: ScopesRepository) {}

  @Get()
  @Answers({
    needs: 'scope.view below',
    summary: 'List the scopes of an account that the caller may read, with those around them',
    problems: ['SCOPE_NOT_FOUND'],
    200: ScopesAnswer,
  })
  async list(
    @Param({ schema: AccountParameters }) names: AccountParameters,
    @Query({ schema: ScopeListQuery }) { limit = PAGE_DEFAULT, cursor: after }: ScopeListQuery,
    @Req() request: FastifyRequest,
  ) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    const inner = callerOf(request)
      .grants.filter(({ permissions }) => permissions.includes('scope.view'))
      .map(({ scope }) => scope);
    const { rows, next } = await this.scopes.list(account, { inner, after, limit });
    return { scopes: rows.map(toAnswer), nextCursor: next === null ? null : toNameCursor(next) };
  }
}

const toAnswer = ({ path, displayName, createdAt }: ScopeRecord): z.infer<typeof ScopeAnswer> => ({
  scope: path,
  displayName,
  createdAt: createdAt.toISOString(),
});
