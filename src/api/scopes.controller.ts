import { Body, Controller, Delete, Get, HttpCode, Param, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DisplayName } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { type ScopeRecord, ScopesRepository } from '../scopes/scopes.repository.js';
import { Answers, ofBody } from './answers.js';
import { SCOPES, ScopeParameters } from './parameters.js';

/** May be left out as a whole: a scope then shows its identifier. */
export const ScopeBody = z.strictObject({ displayName: DisplayName.optional() }).default({});
type ScopeBody = z.infer<typeof ScopeBody>;

export const ScopeAnswer = z
  .strictObject({ scope: z.string(), displayName: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Scope' });

@Controller(SCOPES)
export class ScopesController {
  constructor(private readonly scopes: ScopesRepository) {}

  @Put()
  @Answers({
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
  @Answers({ summary: 'Read a scope', problems: ['SCOPE_NOT_FOUND'], 200: ScopeAnswer })
  async get(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    return toAnswer(await this.scopes.get(scopeOf(names)));
  }

  @Delete()
  @HttpCode(204)
  @Answers({ summary: 'Delete an empty scope', problems: ['SCOPE_NOT_FOUND', 'STILL_IN_USE'], 204: null })
  async delete(@Param({ schema: ScopeParameters }) names: ScopeParameters): Promise<void> {
    await this.scopes.delete(scopeOf(names));
  }
}

const toAnswer = ({ path, displayName, createdAt }: ScopeRecord): z.infer<typeof ScopeAnswer> => ({
  scope: path,
  displayName,
  createdAt: createdAt.toISOString(),
});
