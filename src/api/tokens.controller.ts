import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { assertGrantable } from '../identity/caller.js';
import { RolesRepository } from '../identity/roles.repository.js';
import { type TokenRecord, TokensRepository } from '../identity/tokens.repository.js';
import { Identifier } from '../policy/identifiers.js';
import { TokenName } from '../policy/text.js';
import { accountOf, scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { Storage } from '../storage/database.js';
import { actorOf, callerOf } from './access.js';
import { Answers, ofBody } from './answers.js';
import { ScopeParameters, TokenParameters, under } from './parameters.js';

const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;

export const TokenBody = z.strictObject({
  name: TokenName,
  role: Identifier.meta({ description: '`viewer`, `editor`, `admin`, or a role of the account' }),
  days: z.int().min(1).max(DAYS_MAX).default(90).meta({ description: 'How long it is good' }),
});
type TokenBody = z.infer<typeof TokenBody>;

const Token = z.strictObject({
  id: z.uuid(),
  scope: z.string(),
  name: z.string(),
  role: z.string(),
  expiresAt: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  createdBy: z.string().nullable().meta({ description: 'Null: on the manager’s own machine' }),
});
export const TokenAnswer = Token.meta({ id: 'Token' });
export const NewTokenAnswer = Token.extend({
  token: z.string().meta({ description: 'Shown this once' }),
}).meta({ id: 'NewToken' });
export const TokensAnswer = z.strictObject({ tokens: z.array(TokenAnswer) }).meta({ id: 'Tokens' });

@Controller(under('tokens'))
export class TokensController {
  constructor(
    private readonly storage: Storage,
    private readonly scopes: ScopesRepository,
    private readonly roles: RolesRepository,
    private readonly tokens: TokensRepository,
  ) {}

  @Post()
  @HttpCode(201)
  @Answers({
    needs: 'access.manage',
    summary: 'Make an API token that has a role in this scope and in all that is below it',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'NOT_FOUND'],
    201: NewTokenAnswer,
  })
  async make(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Body({ schema: TokenBody }) { name, role, days }: TokenBody,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof NewTokenAnswer>> {
    const scope = scopeOf(names);
    const { permissions } = await this.roles.get(accountOf(scope), role);
    assertGrantable(callerOf(request), permissions, scope);
    const expiresAt = new Date(Date.now() + days * DAY_MS);
    const wish = { scope, name, role, expiresAt, createdBy: actorOf(request) };
    const { record, text } = await this.tokens.create(wish);
    return { ...toAnswer(record), token: text };
  }

  @Get()
  @Answers({
    needs: 'access.view',
    summary: 'List the API tokens of a scope, the newest first; their texts are nowhere',
    problems: ['SCOPE_NOT_FOUND'],
    200: TokensAnswer,
  })
  async list(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    const scope = scopeOf(names);
    await this.scopes.get(scope);
    return { tokens: (await this.tokens.list(scope)).map(toAnswer) };
  }

  @Delete(':id')
  @HttpCode(204)
  @Answers({
    needs: 'access.manage',
    summary: 'Revoke an API token, with the sessions that began by it',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async revoke(@Param({ schema: TokenParameters }) { id, ...names }: TokenParameters): Promise<void> {
    await this.storage.transact(async (tx) => this.tokens.revoke(tx, scopeOf(names), id));
  }
}

const toAnswer = (token: TokenRecord): z.infer<typeof TokenAnswer> => ({
  ...token,
  expiresAt: token.expiresAt.toISOString(),
  createdAt: token.createdAt.toISOString(),
});
