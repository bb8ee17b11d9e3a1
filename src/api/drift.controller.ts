import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Acts } from '../audit/acts.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { BranchName } from '../policy/branches.js';
import { scopeOf } from '../scopes/scope.js';
import { DriftFlow } from '../sync/drift.flow.js';
import { DIFFERENCES_MAX, type Difference, type DriftSection, differenceKinds } from '../sync/drift.js';
import { type ConnectorKey, TrackingRepository } from '../sync/tracking.repository.js';
import { actorOf } from './access.js';
import { Answers, ofBody, ProblemAnswer } from './answers.js';
import { NamedParameters, under } from './parameters.js';
import { toProblem } from './problem.filter.js';

const DifferenceAnswer = z
  .strictObject({
    kind: z.enum(differenceKinds),
    path: z.string().nullable(),
    scope: z.string().nullable(),
    entityKind: z.string().nullable(),
    entity: z.string().nullable(),
    git: z.string().nullable().meta({ description: 'Blob id in Git' }),
    copy: z.string().nullable().meta({ description: 'Blob id of what the copy holds' }),
    problem: ProblemAnswer.nullable().meta({ description: 'Why, where that is known' }),
  })
  .meta({ id: 'Difference' });

export const DriftAnswer = z
  .strictObject({
    sections: z.array(
      z.strictObject({
        source: z.enum(['branch', 'webhook']),
        branch: z.string().nullable(),
        tracked: z.boolean().meta({ description: 'False: only saves and imports know of the branch' }),
        head: z.string().nullable().meta({ description: 'Where the branch points now' }),
        synced: z.string().nullable().meta({ description: 'The commit that it has been followed to' }),
        copies: z.int(),
        counts: z.record(z.enum(differenceKinds), z.int()),
        differences: z.array(DifferenceAnswer).meta({ description: `The first ${DIFFERENCES_MAX}` }),
      }),
    ),
    nextCursor: z.string().nullable().meta({ description: 'Of the branches that come next; null: no more' }),
  })
  .meta({ id: 'Drift' });

export const RepairBody = z.strictObject({ branch: BranchName.optional() }).meta({ id: 'DriftRepairWrite' });
type RepairBody = z.infer<typeof RepairBody>;

export const RepairAnswer = z
  .strictObject({
    branches: z.array(
      z.strictObject({
        branch: z.string(),
        created: z.int(),
        changed: z.int(),
        moved: z.int(),
        deleted: z.int(),
        invalid: z.int(),
        refused: z.int(),
        restored: z.int().meta({ description: 'Copies whose document had been changed by hand' }),
      }),
    ),
    webhook: z.strictObject({ problem: ProblemAnswer.nullable() }).nullable().meta({
      description: 'Null where none was registered at the host; the problem says why it still is not',
    }),
  })
  .meta({ id: 'DriftRepair' });

/** The branch that the report before ended with, opaque to callers. */
const BranchCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,1024}$/, 'is not a cursor of this report')
  .transform((text) => Buffer.from(text, 'base64url').toString('utf8'));

const DriftQuery = z.strictObject({ branch: BranchName.optional(), cursor: BranchCursor.optional() });
type DriftQuery = z.infer<typeof DriftQuery>;

const ofGit = ['GIT_UNREACHABLE', 'GIT_AUTH_REJECTED', 'GIT_HOST_ERROR', 'GIT_LIMIT_EXCEEDED'] as const;

/** Of branches, on record. */
const NAMED_MAX = 100;

@Controller(under('connectors/:id/drift'))
export class DriftController {
  constructor(
    private readonly connectors: ConnectorsRepository,
    private readonly drift: DriftFlow,
    private readonly tracking: TrackingRepository,
    private readonly acts: Acts,
  ) {}

  @Get()
  @Answers({
    needs: 'connector.view',
    summary: 'Compare the copy with what Git has, whatever was followed',
    problems: ['NOT_FOUND', ...ofGit],
    200: DriftAnswer,
  })
  async report(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: DriftQuery }) { branch, cursor: after }: DriftQuery,
    @Req() request: FastifyRequest,
  ) {
    const key = { scope: scopeOf(names), connector: id };
    const { sections, next } = await this.drift.report(key, { branch, after, actor: actorOf(request) });
    const nextCursor = next === null ? null : Buffer.from(next).toString('base64url');
    return { sections: sections.map(toSection), nextCursor };
  }

  @Post('repair')
  @HttpCode(200)
  @Answers({
    needs: 'connector.use',
    summary:
      'Bring the copy to what Git has by a comparison of the whole, and the webhook to what was registered; nothing is written to Git',
    problems: [...ofBody, 'NOT_FOUND', 'TRACKING_BUSY', ...ofGit],
    200: RepairAnswer,
  })
  async repair(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: RepairBody }) { branch }: RepairBody,
    @Req() request: FastifyRequest,
  ) {
    const key = { scope: scopeOf(names), connector: id };
    await this.connectors.get(key.scope, id);
    const { branches, webhook } = await this.acts.outside(
      { action: 'drift.repair', scope: key.scope, target: `connectors/${id}` },
      () => this.#repair(key, branch, actorOf(request)),
      (done) => ({
        branches: done.branches.map((one) => one.branch).slice(0, NAMED_MAX),
        restored: done.branches.reduce((sum, one) => sum + one.restored, 0),
      }),
    );
    return {
      branches,
      webhook: webhook === undefined ? null : { problem: toProblemOrNull(webhook.failure) },
    };
  }

  async #repair(key: ConnectorKey, branch: string | undefined, actor: string) {
    const things = branch === undefined ? await this.drift.repairThings(key, actor) : [];
    const webhook = things.find(({ source }) => source === 'webhook');
    // A connector that is not tracked may have a webhook all the same.
    const isAll = webhook !== undefined && (await this.tracking.find(key)) === undefined;
    const branches = isAll ? [] : await this.drift.repair(key, { branch, actor });
    return { branches, webhook };
  }
}

const toSection = ({ isTracked: tracked, differences, ...section }: DriftSection) => ({
  ...section,
  tracked,
  differences: differences.map(toDifference),
});

const toDifference = ({ kind, path, entity, git, copy, problem }: Difference) => ({
  kind,
  path,
  scope: entity?.scope ?? null,
  entityKind: entity?.kind ?? null,
  entity: entity?.id ?? null,
  git,
  copy,
  problem: toProblemOrNull(problem),
});

const toProblemOrNull = (failure: WireFailure | null) =>
  failure === null ? null : toProblem(Failure.fromWire(failure));
