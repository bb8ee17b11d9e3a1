import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';
import { scopeOf } from '../scopes/scope.js';
import { RenameFlow } from '../sync/rename.flow.js';
import { Registrar } from '../webhooks/registrar.js';
import { actorOf, mayUse } from './access.js';
import { Answers, ofBody, ofRoad, ProblemAnswer } from './answers.js';
import { NamedParameters, under } from './parameters.js';
import { toProblem } from './problem.filter.js';

export const RenameBody = z
  .strictObject({
    url: z.string().min(1).max(2_048).meta({ description: 'Where the repository is now, as in a connector' }),
  })
  .meta({ id: 'ConnectorRename' });
type RenameBody = z.infer<typeof RenameBody>;

export const RenameAnswer = z
  .strictObject({
    url: z.string(),
    revision: z.string(),
    moved: z
      .strictObject({
        entities: z.int(),
        operations: z.int().meta({ description: 'Unfinished ones, which go on at the new URL' }),
        branches: z.int().meta({ description: 'Branches that are followed' }),
        pullRequests: z.int(),
        imports: z.int(),
      })
      .meta({ description: 'What came along; nothing where the connector had this URL already' }),
    webhook: z.strictObject({ problem: ProblemAnswer.nullable() }).nullable().meta({
      description:
        'Null where none was registered at the host; the problem says why it is not registered at the new place',
    }),
  })
  .meta({ id: 'ConnectorRenamed' });

@Controller(under('connectors/:id/rename'))
export class RenamesController {
  constructor(
    private readonly flow: RenameFlow,
    private readonly registrar: Registrar,
  ) {}

  @Post()
  @HttpCode(200)
  @Answers({
    needs: 'connector.manage',
    summary: 'Say that a connector’s repository was renamed or moved: all that is kept of it comes along',
    problems: [
      ...ofBody,
      'NOT_FOUND',
      'CONNECTOR_DENIED',
      'CONNECTOR_UNFIT',
      'CONNECTOR_BUSY',
      'REPOSITORY_DIFFERENT',
      'ENTITY_PLACE_TAKEN',
      'GIT_UNREACHABLE',
      'GIT_AUTH_REJECTED',
      'GIT_REPOSITORY_NOT_FOUND',
      'GIT_REPOSITORY_MOVED',
      ...ofRoad,
    ],
    200: RenameAnswer,
  })
  async rename(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: RenameBody }) { url }: RenameBody,
    @Req() request: FastifyRequest,
  ) {
    const scope = scopeOf(names);
    const actor = actorOf(request);
    const { connector, counts } = await this.flow.rename({ scope, id, url, actor, mayUse: mayUse(request) });
    const registered = await this.registrar.repair(scope, id, actor);
    return {
      url: connector.url,
      revision: connector.revision,
      moved: counts,
      webhook:
        registered === undefined
          ? null
          : {
              problem: registered.failure === null ? null : toProblem(Failure.fromWire(registered.failure)),
            },
    };
  }
}
