import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Acts } from '../audit/acts.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import { Failure } from '../kernel/failure.js';
import { BranchName } from '../policy/branches.js';
import { BranchPattern, FilePattern } from '../policy/file-patterns.js';
import { Identifier } from '../policy/identifiers.js';
import { PageLimit } from '../policy/text.js';
import { accountOf, outwards, scopeOf } from '../scopes/scope.js';
import { type FileProblem, FileProblemsRepository } from '../sync/file-problems.repository.js';
import { type HostPatience, HostPauses } from '../sync/host-pauses.js';
import { PollFlow } from '../sync/poll.flow.js';
import { webhookHealth } from '../sync/poll-interval.js';
import { type BranchRecord, type Tracking, TrackingRepository } from '../sync/tracking.repository.js';
import { Answers, ofBody, ProblemAnswer } from './answers.js';
import { RenamedTo } from './connectors.controller.js';
import { NamedParameters, PAGE_DEFAULT, ScopePath, under } from './parameters.js';
import { toProblem } from './problem.filter.js';

const Rule = z.strictObject({
  kinds: z.array(Identifier).min(1).max(100).optional().meta({ description: 'Default: all' }),
  scopes: z
    .array(ScopePath)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'These, with all below them; default: all' }),
  create: z.boolean().default(true),
  change: z.boolean().default(true),
  delete: z.boolean().default(true),
});

export const TrackingBody = z
  .strictObject({
    branches: z
      .array(BranchPattern)
      .max(100)
      .default([])
      .meta({ description: 'Patterns of branches; none: the default branch' }),
    files: z
      .array(z.strictObject({ pattern: FilePattern, kind: Identifier }))
      .max(200)
      .default([])
      .meta({ description: 'Which files are entities, the first that fits; none: where the kinds put them' }),
    rules: z.array(Rule).max(100).default([]).meta({
      description: 'What may be done from the Git side, the first that fits; without one everything may',
    }),
  })
  .meta({ id: 'TrackingWrite' });
type TrackingBody = z.infer<typeof TrackingBody>;

/** Of the host, as far as the manager that answers knows it. */
const PatienceAnswer = z
  .strictObject({
    gitPausedUntil: z.iso.datetime().nullable().meta({
      description: 'Until then Git at the host is left alone, because it asked for patience',
    }),
    apiPausedUntil: z.iso.datetime().nullable(),
    apiRate: z
      .strictObject({
        limit: z.number().nullable(),
        remaining: z.number().nullable(),
        resetAt: z.iso.datetime().nullable(),
      })
      .nullable()
      .meta({
        description: 'How much more the API answers, as it said last; null where it said nothing lately',
      }),
  })
  .meta({
    id: 'HostPatience',
    description: 'What the manager that answers was told by the host; others may have been told other things',
  });

const BranchAnswer = z
  .strictObject({
    branch: z.string(),
    state: z.enum(['current', 'behind', 'refreshing', 'failing', 'gone']),
    head: z.string().nullable().meta({ description: 'Where it pointed when refs were listed last' }),
    synced: z.string().nullable().meta({ description: 'The commit that the copy equals' }),
    syncedAt: z.iso.datetime().nullable(),
    problem: ProblemAnswer.nullable(),
  })
  .meta({ id: 'TrackedBranch' });

export const TrackingAnswer = z
  .strictObject({
    scope: z.string(),
    connector: z.string(),
    branches: z.array(z.string()),
    files: z.array(z.strictObject({ pattern: z.string(), kind: z.string() })),
    rules: z.array(Rule),
    defaultBranch: z.string().nullable(),
    webhook: z
      .enum(['none', 'healthy', 'losing'])
      .meta({ description: '`losing`: a look found lately what no webhook had told of' }),
    polledAt: z.iso.datetime().nullable(),
    nextPollAt: z.iso.datetime(),
    problem: ProblemAnswer.nullable().meta({
      description: 'Why the last look at the repository failed, or passed over branches',
    }),
    renamedTo: RenamedTo.nullable(),
    host: PatienceAnswer,
    followed: z.array(BranchAnswer),
  })
  .meta({ id: 'Tracking' });

const FileProblemAnswer = z
  .strictObject({
    branch: z.string(),
    path: z.string(),
    verdict: z.enum(['invalid', 'refused']),
    blobId: z.string().nullable(),
    commitId: z.string(),
    kind: z.string().nullable(),
    scope: z.string().nullable(),
    entity: z.string().nullable(),
    problem: ProblemAnswer,
    since: z.iso.datetime(),
  })
  .meta({ id: 'FileProblem' });

export const FileProblemPage = z
  .strictObject({ files: z.array(FileProblemAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'FileProblemPage' });

/** A page's end: branch and path, opaque to callers. */
const PlaceCursor = z
  .string()
  .max(8_192)
  .transform((text, context) => {
    try {
      const parsed = z
        .tuple([z.string(), z.string()])
        .parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
      return { branch: parsed[0], path: parsed[1] };
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a cursor of this list' });
      return z.NEVER;
    }
  });

const FileProblemQuery = z.strictObject({
  branch: BranchName.optional(),
  limit: PageLimit.optional(),
  cursor: PlaceCursor.optional(),
});
type FileProblemQuery = z.infer<typeof FileProblemQuery>;

@Controller(under('connectors/:id/tracking'))
export class TrackingController {
  constructor(
    private readonly tracking: TrackingRepository,
    private readonly problems: FileProblemsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly kinds: KindsRepository,
    private readonly poll: PollFlow,
    private readonly pauses: HostPauses,
    private readonly acts: Acts,
  ) {}

  @Put()
  @Answers({
    needs: 'connector.manage',
    summary: 'Follow a connector’s repository, or change what of it is followed',
    problems: [...ofBody, 'NOT_FOUND'],
    200: TrackingAnswer,
    201: TrackingAnswer,
  })
  async put(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Body({ schema: TrackingBody }) body: TrackingBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    await this.connectors.get(scope, id);
    for (const kind of new Set(body.files.map((file) => file.kind)))
      await this.kinds.get(accountOf(scope), kind);
    const foreign = body.rules
      .flatMap(({ scopes = [] }) => scopes)
      .find((one) => !outwards(one).includes(scope));
    if (foreign !== undefined)
      throw new Failure('REQUEST_INVALID', {
        problem: `rules: ${foreign} is not a scope that the connector serves`,
      });
    const { tracking, created } = await this.tracking.put({ scope, connector: id }, body);
    void this.poll.sweep();
    reply.status(created ? 201 : 200);
    return this.#answer(tracking);
  }

  @Get()
  @Answers({
    needs: 'connector.view',
    summary: 'Read what of a connector’s repository is followed, and how far',
    problems: ['NOT_FOUND'],
    200: TrackingAnswer,
  })
  async get(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters) {
    return this.#answer(await this.tracking.get({ scope: scopeOf(names), connector: id }));
  }

  @Delete()
  @HttpCode(204)
  @Answers({
    needs: 'connector.manage',
    summary: 'Follow the repository no longer; copies stay',
    problems: ['NOT_FOUND'],
    204: null,
  })
  async delete(@Param({ schema: NamedParameters }) { id, ...names }: NamedParameters): Promise<void> {
    await this.tracking.delete({ scope: scopeOf(names), connector: id });
  }

  @Post('poll')
  @HttpCode(202)
  @Answers({
    needs: 'connector.use',
    summary: 'Look at the repository now',
    problems: ['NOT_FOUND'],
    202: TrackingAnswer,
  })
  async look(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const key = { scope: scopeOf(names), connector: id };
    await this.tracking.get(key);
    await this.acts.note({ action: 'tracking.poll', scope: key.scope, target: `connectors/${id}/tracking` });
    await this.tracking.wake(key, { isHint: false });
    void this.poll.sweep();
    const answer = await this.#answer(await this.tracking.get(key));
    reply.header('Location', `/api/v1/${key.scope}/connectors/${id}/tracking`);
    return answer;
  }

  @Get('problems')
  @Answers({
    needs: 'connector.view',
    summary: 'List tracked files that are no valid entities, or whose change is not allowed from Git',
    problems: ['NOT_FOUND'],
    200: FileProblemPage,
  })
  async list(
    @Param({ schema: NamedParameters }) { id, ...names }: NamedParameters,
    @Query({ schema: FileProblemQuery }) { branch, cursor, limit = PAGE_DEFAULT }: FileProblemQuery,
  ) {
    const key = { scope: scopeOf(names), connector: id };
    await this.tracking.get(key);
    const after = cursor === undefined ? {} : { after: cursor };
    const rows = await this.problems.list(key, { branch, ...after, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor =
      rows.length > limit && last !== undefined
        ? Buffer.from(JSON.stringify([last.branch, last.path])).toString('base64url')
        : null;
    return { files: page.map(toFileProblem), nextCursor };
  }

  async #answer(tracking: Tracking) {
    const { scope, connector, branches, files, rules, defaultBranch, polledAt, dueAt, fault } = tracking;
    const followed = await this.tracking.branches(tracking);
    const asked = await this.connectors.get(scope, connector);
    return {
      scope,
      connector,
      branches,
      files,
      rules,
      defaultBranch,
      webhook: webhookHealth(tracking, Date.now()),
      polledAt: polledAt?.toISOString() ?? null,
      nextPollAt: dueAt.toISOString(),
      problem: fault === null ? null : toProblem(Failure.fromWire(fault)),
      renamedTo: asked.renamedTo,
      host: toPatience(this.pauses.known(asked)),
      followed: followed.map(toBranch),
    };
  }
}

function toPatience({ git, api, rate }: HostPatience): z.infer<typeof PatienceAnswer> {
  const resetAt = rate?.resetAt ?? null;
  return {
    gitPausedUntil: git?.toISOString() ?? null,
    apiPausedUntil: api?.toISOString() ?? null,
    apiRate:
      rate === null
        ? null
        : {
            limit: rate.limit,
            remaining: rate.remaining,
            resetAt: resetAt === null ? null : new Date(resetAt).toISOString(),
          },
  };
}

function toBranch(record: BranchRecord) {
  return {
    branch: record.branch,
    state: stateOf(record),
    head: record.listed,
    synced: record.synced,
    syncedAt: record.synced_at?.toISOString() ?? null,
    problem: record.fault === null ? null : toProblem(Failure.fromWire(record.fault as never)),
  };
}

function stateOf({ listed, synced, target, fault }: BranchRecord) {
  if (fault !== null) return 'failing' as const;
  if (listed === null) return 'gone' as const;
  if (target !== null) return 'refreshing' as const;
  return listed === synced ? ('current' as const) : ('behind' as const);
}

function toFileProblem(row: FileProblem) {
  return {
    branch: row.branch,
    path: row.path,
    verdict: row.verdict,
    blobId: row.blob_id,
    commitId: row.commit_id,
    kind: row.kind,
    scope: row.entity_scope,
    entity: row.entity_id,
    problem: toProblem(Failure.fromWire(row.failure as never)),
    since: row.created_at.toISOString(),
  };
}
