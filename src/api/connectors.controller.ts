import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Acts } from '../audit/acts.js';
import { Access } from '../connectivity/access.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { ConnectorsService } from '../connectors/connectors.service.js';
import { Tag } from '../contract/presence.js';
import { HostFeatures } from '../contract/tasks.js';
import type { StageResult } from '../git/git.js';
import { describeCosts } from '../git/host-costs.js';
import { Failure } from '../kernel/failure.js';
import { ApiCredential, GitCredential, Trust } from '../policy/credentials.js';
import { KnownHosts } from '../policy/known-hosts.js';
import { GroupName, PageLimit } from '../policy/text.js';
import { Provider } from '../providers/provider.js';
import { scopeOf } from '../scopes/scope.js';
import { actorOf, mayUse } from './access.js';
import { Answers, ofBody, ofRoad } from './answers.js';
import { ConnectorCredential, TrustAnswer } from './credential-answers.js';
import {
  NameCursor,
  NamedParameters,
  PAGE_DEFAULT,
  ScopeParameters,
  toNameCursor,
  under,
} from './parameters.js';
import { toProblem } from './problem.filter.js';

const remote = {
  url: z.string().min(1).max(2_048).meta({
    description:
      'Repository URL, without user-info; with connectivity `delegate` also `ssh://[user@]host[:port]/path` or `user@host:path`',
  }),
  credential: GitCredential.optional(),
  apiCredential: ApiCredential.optional(),
  trust: Trust.optional(),
  knownHosts: KnownHosts.optional(),
  provider: Provider.optional().meta({ description: 'The Git host product; default: `generic`, plain Git' }),
  apiUrl: z.string().min(1).max(2_048).optional().meta({
    description:
      'Where the host’s API is; default: where the provider has it, judged by the repository’s URL',
  }),
};

export const ConnectorBody = z.discriminatedUnion('connectivity', [
  z.strictObject({ ...remote, connectivity: z.literal('manager') }),
  z.strictObject({
    ...remote,
    connectivity: z.literal('delegate'),
    group: GroupName.optional().meta({
      description: 'The one delegate group that may serve it; default: any in its scope or further out',
    }),
    tags: z.array(Tag).max(32).optional().meta({ description: 'A delegate that serves it has all of these' }),
  }),
]);
type ConnectorBody = z.infer<typeof ConnectorBody>;

export const RenamedTo = z
  .strictObject({ url: z.string(), by: z.enum(['webhook', 'redirect']), seenAt: z.iso.datetime() })
  .meta({
    id: 'RenamedTo',
    description: 'What its host was heard to call the repository now; a hint that nobody follows',
  });

export const ConnectorAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    url: z.string(),
    connectivity: z.enum(['manager', 'delegate']),
    group: z.string().nullable(),
    tags: z.array(z.string()),
    credential: ConnectorCredential.nullable(),
    apiCredential: ConnectorCredential.nullable(),
    trust: TrustAnswer.nullable(),
    needsAuthorisation: z
      .strictObject({ since: z.iso.datetime(), code: z.string(), detail: z.string(), hint: z.string() })
      .nullable()
      .meta({ description: 'Its refresh token is void, until the credential or one of its secrets changes' }),
    knownHosts: z.string().nullable(),
    provider: Provider,
    apiUrl: z.string().nullable(),
    revision: z.string(),
    renamedTo: RenamedTo.nullable(),
  })
  .meta({ id: 'Connector' });

export const CheckAnswer = z
  .strictObject({
    ok: z.boolean(),
    connectivity: z.enum(['manager', 'delegate']),
    stages: z.array(
      z.strictObject({
        stage: z.enum(['reach', 'authenticate', 'read', 'write']),
        ok: z.boolean(),
        ms: z.number(),
        code: z.string().optional(),
        detail: z.string().optional(),
        hint: z.string().optional(),
      }),
    ),
    host: HostFeatures.extend({
      costs: z.array(z.string()).meta({ description: 'What the host lacks, and what that costs' }),
    })
      .nullable()
      .meta({ description: 'What the host was found to support; null when it was not asked' }),
  })
  .meta({ id: 'ConnectorCheck' });

export const ConnectorPage = z
  .strictObject({ connectors: z.array(ConnectorAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'ConnectorPage' });

const ConnectorListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: NameCursor.optional() });
type ConnectorListQuery = z.infer<typeof ConnectorListQuery>;

@Controller(under('connectors'))
export class ConnectorListController {
  constructor(
    private readonly connectors: ConnectorsRepository,
    private readonly access: Access,
  ) {}

  @Get()
  @Answers({
    needs: 'connector.view',
    summary: 'List the connectors of a scope by their identifiers',
    200: ConnectorPage,
  })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: ConnectorListQuery }) { limit = PAGE_DEFAULT, cursor }: ConnectorListQuery,
  ): Promise<z.infer<typeof ConnectorPage>> {
    const { rows, next } = await this.connectors.list(scopeOf(names), { limit, after: cursor });
    const connectors: z.infer<typeof ConnectorAnswer>[] = [];
    for (const row of rows) connectors.push(await describe(row, this.access));
    return { connectors, nextCursor: next === null ? null : toNameCursor(next) };
  }
}

@Controller(under('connectors/:id'))
export class ConnectorsController {
  constructor(
    private readonly service: ConnectorsService,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
    private readonly access: Access,
    private readonly acts: Acts,
  ) {}

  @Put()
  @Answers({
    needs: 'connector.manage',
    summary: 'Create or replace a connector',
    problems: [
      ...ofBody,
      'SCOPE_NOT_FOUND',
      'NOT_FOUND',
      'CONNECTOR_DENIED',
      'CONNECTOR_UNFIT',
      'SECRET_OUT_OF_REACH',
      'SECRET_DELETED',
      'SECRET_MANAGER_UNFIT',
      'STILL_IN_USE',
    ],
    200: ConnectorAnswer,
    201: ConnectorAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: ConnectorBody }) body: ConnectorBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { connector, created } = await this.service.put(scopeOf(names), id, body, mayUse(request));
    reply.status(created ? 201 : 200);
    return describe(connector, this.access);
  }

  @Get()
  @Answers({
    needs: 'connector.view',
    summary: 'Read a connector',
    problems: ['NOT_FOUND'],
    200: ConnectorAnswer,
  })
  async get(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
  ): Promise<z.infer<typeof ConnectorAnswer>> {
    return describe(await this.connectors.get(scopeOf(names), id), this.access);
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'connector.manage',
    summary: 'Delete a connector that no entity uses',
    problems: ['NOT_FOUND', 'STILL_IN_USE'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.service.delete(scopeOf(names), id);
  }

  @Post('check')
  @HttpCode(200)
  @Answers({
    needs: 'connector.use',
    summary: 'Try a connector: reach, authenticate, read, write',
    problems: ['NOT_FOUND', ...ofRoad],
    200: CheckAnswer,
  })
  async check(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ) {
    const scope = scopeOf(names);
    const connector = await this.connectors.get(scope, id);
    const cause = { kind: 'connector-check' as const, operations: [], actors: [actorOf(request)] };
    const { stages, host } = await this.acts.outside(
      { action: 'connector.check', scope, target: `connectors/${id}` },
      async () => (await this.connectivity.open(connector, cause)).check(),
      (checked) => ({ ok: isSound(checked.stages) }),
    );
    return {
      ok: isSound(stages),
      connectivity: connector.connectivity,
      stages: stages.map(toStage),
      host: host === null ? null : { ...host, costs: describeCosts(host) },
    };
  }
}

/** A secret that is gone is another matter, which the next use tells. */
async function describe(connector: Connector, access: Access): Promise<z.infer<typeof ConnectorAnswer>> {
  const refusal = await access.refusalOf(connector).catch(() => undefined);
  return { ...connector, needsAuthorisation: refusal === undefined ? null : toAuthorisation(refusal) };
}

const isSound = (stages: StageResult[]): boolean => stages.every((stage) => stage.ok);

const toAuthorisation = ({ failure, at }: { failure: Failure; at: Date }) => {
  const { code, detail, hint } = toProblem(failure);
  return { since: at.toISOString(), code, detail, hint };
};

function toStage({ stage, ok, ms, failure }: StageResult): z.infer<typeof CheckAnswer>['stages'][number] {
  if (failure === undefined) return { stage, ok, ms };
  const { code, detail, hint } = toProblem(Failure.fromWire(failure));
  return { stage, ok, ms, code, detail, hint };
}
