import { Body, Controller, Get, Param, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DocumentValidator } from '../entities/document.js';
import { type Kind, KindsRepository } from '../entities/kinds.repository.js';
import { PathTemplate } from '../policy/paths.js';
import { JsonPointer } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { Answers, ofBody } from './answers.js';
import { isStorable } from './json.js';
import { AccountParameters, KindParameters } from './parameters.js';

export const KindBody = z.strictObject({
  schema: z
    .record(z.string(), z.unknown())
    .refine(isStorable, 'holds a NUL, half a surrogate pair, or a number out of range')
    .meta({ description: 'JSON Schema, 2020-12' }),
  pathTemplate: PathTemplate,
  identity: z
    .strictObject({
      id: JsonPointer.optional(),
      org: JsonPointer.optional(),
      project: JsonPointer.optional(),
    })
    .optional()
    .meta({ description: 'Where documents name the entity that they are; what one says there must be so' }),
});
type KindBody = z.infer<typeof KindBody>;

export const KindAnswer = z
  .strictObject({
    id: z.string(),
    schema: z.record(z.string(), z.unknown()),
    pathTemplate: z.string(),
    identity: z
      .strictObject({
        id: z.string().optional(),
        org: z.string().optional(),
        project: z.string().optional(),
      })
      .nullable(),
    revision: z.string(),
  })
  .meta({ id: 'Kind' });

export const KindsAnswer = z
  .strictObject({ kinds: z.array(KindAnswer.omit({ schema: true })) })
  .meta({ id: 'Kinds' });

@Controller('accounts/:account/kinds')
export class KindListController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly kinds: KindsRepository,
  ) {}

  @Get()
  @Answers({
    needs: 'kind.view below',
    summary: 'List the kinds of an account without their schemas, those made first first',
    problems: ['SCOPE_NOT_FOUND'],
    200: KindsAnswer,
  })
  async list(@Param({ schema: AccountParameters }) names: AccountParameters) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    const kinds = await this.kinds.list(account);
    return {
      kinds: kinds.map(({ id, pathTemplate, identity, revision }) => ({
        id,
        pathTemplate,
        identity,
        revision,
      })),
    };
  }
}

@Controller('accounts/:account/kinds/:kind')
export class KindsController {
  constructor(
    private readonly scopes: ScopesRepository,
    private readonly kinds: KindsRepository,
    private readonly documents: DocumentValidator,
  ) {}

  @Put()
  @Answers({
    needs: 'kind.manage',
    summary: 'Create or replace a kind',
    problems: [...ofBody, 'SCOPE_NOT_FOUND', 'KIND_INVALID'],
    200: KindAnswer,
    201: KindAnswer,
  })
  async put(
    @Param({ schema: KindParameters }) { account, kind: id }: KindParameters,
    @Body({ schema: KindBody }) body: KindBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf({ account });
    await this.scopes.get(scope);
    await this.documents.checkSchema(body.schema);
    const { kind, created } = await this.kinds.put(scope, { id, ...body, identity: body.identity ?? null });
    reply.status(created ? 201 : 200);
    return toAnswer(kind);
  }

  @Get()
  @Answers({ needs: 'kind.view below', summary: 'Read a kind', problems: ['NOT_FOUND'], 200: KindAnswer })
  async get(@Param({ schema: KindParameters }) { account, kind }: KindParameters) {
    return toAnswer(await this.kinds.get(scopeOf({ account }), kind));
  }
}

const toAnswer = (kind: Kind): z.infer<typeof KindAnswer> => ({
  id: kind.id,
  schema: kind.schema as Record<string, unknown>,
  pathTemplate: kind.pathTemplate,
  identity: kind.identity,
  revision: kind.revision,
});
