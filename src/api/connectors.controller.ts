import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { ConnectorsService } from '../connectors/connectors.service.js';
import { Tag } from '../contract/presence.js';
import { HostFeatures } from '../contract/tasks.js';
import type { StageResult } from '../git/git.js';
import { describeCosts } from '../git/host-costs.js';
import { Failure } from '../kernel/failure.js';
import { OutwardName } from '../policy/identifiers.js';
import { KnownHosts } from '../policy/known-hosts.js';
import { PathReferenceText } from '../policy/path-references.js';
import { GroupName, Username } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { Answers, ofBody, ofRoad } from './answers.js';
import { actorOf } from './authentication.js';
import { NamedParameters, under } from './parameters.js';
import { toProblem } from './problem.filter.js';

const credentials = {
  secret: z.strictObject({ username: Username, secret: OutwardName }),
  reference: z.strictObject({ username: Username, reference: PathReferenceText }),
};

const Credential = z
  .union([credentials.secret, credentials.reference], { error: ({ input }) => describeMisfit(input) })
  .meta({
    description:
      'User name, and the secret that holds the password or token, or the private key for SSH; or, with connectivity `delegate`, where a store has it',
  });

const remote = {
  url: z.string().min(1).max(2_048).meta({
    description:
      'Repository URL, without user-info; with connectivity `delegate` also `ssh://[user@]host[:port]/path` or `user@host:path`',
  }),
  credential: Credential.optional(),
  knownHosts: KnownHosts.optional(),
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

export const ConnectorAnswer = z
  .strictObject({
    scope: z.string(),
    id: z.string(),
    url: z.string(),
    connectivity: z.enum(['manager', 'delegate']),
    group: z.string().nullable(),
    tags: z.array(z.string()),
    credential: z
      .union([
        z.strictObject({ username: z.string(), secret: z.string(), secretScope: z.string() }),
        z.strictObject({
          username: z.string(),
          reference: z.string(),
          manager: z.string(),
          managerScope: z.string(),
        }),
      ])
      .nullable(),
    knownHosts: z.string().nullable(),
    revision: z.string(),
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

@Controller(under('connectors/:id'))
export class ConnectorsController {
  constructor(
    private readonly service: ConnectorsService,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
  ) {}

  @Put()
  @Answers({
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
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { connector, created } = await this.service.put(scopeOf(names), id, body);
    reply.status(created ? 201 : 200);
    return connector;
  }

  @Get()
  @Answers({ summary: 'Read a connector', problems: ['NOT_FOUND'], 200: ConnectorAnswer })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<Connector> {
    return this.connectors.get(scopeOf(names), id);
  }

  @Delete()
  @HttpCode(204)
  @Answers({
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
    summary: 'Try a connector: reach, authenticate, read, write',
    problems: ['NOT_FOUND', ...ofRoad],
    200: CheckAnswer,
  })
  async check(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Req() request: FastifyRequest,
  ) {
    const connector = await this.connectors.get(scopeOf(names), id);
    const cause = { kind: 'connector-check' as const, operations: [], actors: [actorOf(request)] };
    const git = await this.connectivity.open(connector, cause);
    const { stages, host } = await git.check();
    return {
      ok: stages.every(({ ok }) => ok),
      connectivity: connector.connectivity,
      stages: stages.map(toStage),
      host: host === null ? null : { ...host, costs: describeCosts(host) },
    };
  }
}

function toStage({ stage, ok, ms, failure }: StageResult): z.infer<typeof CheckAnswer>['stages'][number] {
  if (failure === undefined) return { stage, ok, ms };
  const { code, detail, hint } = toProblem(Failure.fromWire(failure));
  return { stage, ok, ms, code, detail, hint };
}

/** By the form that a credential of neither seems to be meant as. */
function describeMisfit(input: unknown): string | undefined {
  const body = z.record(z.string(), z.unknown()).safeParse(input).data ?? {};
  const form = 'reference' in body ? credentials.reference : credentials.secret;
  const issue = form.safeParse(input).error?.issues[0];
  return issue === undefined ? undefined : [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}
