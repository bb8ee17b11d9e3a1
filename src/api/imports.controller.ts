import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import { ImportFlow } from '../imports/import.flow.js';
import { type ImportItem, type ImportRecord, outcomes, progressOf } from '../imports/import-rows.js';
import { ImportsRepository } from '../imports/imports.repository.js';
import { Failure } from '../kernel/failure.js';
import { BranchName } from '../policy/branches.js';
import { FilePattern } from '../policy/file-patterns.js';
import { Identifier } from '../policy/identifiers.js';
import { FolderPath, RepositoryPath } from '../policy/paths.js';
import { PageLimit } from '../policy/text.js';
import { accountOf, isWithin, scopeOf } from '../scopes/scope.js';
import { TrackingRepository } from '../sync/tracking.repository.js';
import { actorOf } from './access.js';
import { Answers, ofBody, ProblemAnswer } from './answers.js';
import {
  ConnectorParameters,
  Cursor,
  ImportParameters,
  PAGE_DEFAULT,
  ScopePath,
  toCursor,
  under,
} from './parameters.js';
import { toProblem } from './problem.filter.js';

const FILES_MAX = 1_000;

const Identity = z.strictObject({
  path: RepositoryPath,
  kind: Identifier,
  id: Identifier,
  scope: ScopePath.optional().meta({ description: 'Default: the connector’s' }),
});

export const ImportBody = z
  .strictObject({
    branch: BranchName,
    files: z
      .array(Identity)
      .min(1)
      .max(FILES_MAX)
      .optional()
      .meta({ description: 'These files, as these entities' }),
    folder: FolderPath.optional().meta({
      description: 'What is below it; without files and folder, the whole branch',
    }),
    patterns: z
      .array(z.strictObject({ pattern: FilePattern, kind: Identifier }))
      .min(1)
      .max(200)
      .optional()
      .meta({
        description: 'Which files are entities; default: as the tracking says, or where the kinds put them',
      }),
    dryRun: z.boolean().default(false).meta({ description: 'Report, and wait for `apply`' }),
  })
  .meta({ id: 'ImportWrite' });
type ImportBody = z.infer<typeof ImportBody>;

const Outcome = z.enum(outcomes);
const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, z.int()])) as Record<
  (typeof outcomes)[number],
  z.ZodInt
>;

export const ImportAnswer = z
  .strictObject({
    id: z.uuid(),
    scope: z.string(),
    connector: z.string(),
    branch: z.string(),
    folder: z.string().nullable(),
    dryRun: z.boolean(),
    state: z.enum(['reporting', 'reported', 'applying', 'done', 'failed', 'cancelled']),
    commitId: z.string().nullable().meta({ description: 'Where the branch pointed at the last look' }),
    counts: z.strictObject(counts).meta({ description: 'Files by what they came to, or would' }),
    progress: z.strictObject({ total: z.int(), done: z.int() }),
    requestedBy: z.string(),
    problem: ProblemAnswer.nullable().meta({ description: 'Why it failed, or does not get on' }),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Import' });

export const ImportPage = z
  .strictObject({ imports: z.array(ImportAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'ImportPage' });

const ImportListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
type ImportListQuery = z.infer<typeof ImportListQuery>;

const ItemAnswer = z
  .strictObject({
    path: z.string(),
    outcome: Outcome.nullable().meta({ description: 'Null before the file was looked at' }),
    kind: z.string().nullable(),
    scope: z.string().nullable(),
    entity: z.string().nullable(),
    blobId: z.string().nullable(),
    problem: ProblemAnswer.nullable(),
  })
  .meta({ id: 'ImportItem' });

export const ImportItemPage = z
  .strictObject({ files: z.array(ItemAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'ImportItemPage' });

/** A page's end: a path, opaque to callers. */
const PathCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,8192}$/, 'is not a cursor of this list')
  .transform((text) => Buffer.from(text, 'base64url').toString('utf8'))
  .refine((path) => !path.includes('\0'), 'is not a cursor of this list');

const ItemQuery = z.strictObject({
  outcome: Outcome.optional(),
  limit: PageLimit.optional(),
  cursor: PathCursor.optional(),
});
type ItemQuery = z.infer<typeof ItemQuery>;

@Controller(under('connectors/:connector/imports'))
export class ImportsController {
  constructor(
    private readonly flow: ImportFlow,
    private readonly imports: ImportsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly kinds: KindsRepository,
    private readonly tracking: TrackingRepository,
  ) {}

  @Post()
  @HttpCode(202)
  @Answers({
    needs: 'entity.edit',
    summary: 'Import files that are committed already: some, a folder or a branch',
    problems: [...ofBody, 'NOT_FOUND', 'INPUT_REFUSED'],
    202: ImportAnswer,
  })
  async accept(
    @Param({ schema: ConnectorParameters }) { connector: id, ...names }: ConnectorParameters,
    @Body({ schema: ImportBody }) body: ImportBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    const connector = await this.connectors.get(scope, id);
    assertOneWish(scope, body);
    const kinds = new Set([...(body.files ?? []), ...(body.patterns ?? [])].map(({ kind }) => kind));
    for (const kind of kinds) await this.kinds.get(accountOf(scope), kind);
    const tracked = await this.tracking.find({ scope, connector: id });
    const record = await this.flow.accept({
      scope,
      connector: id,
      repository: connector.url,
      branch: body.branch,
      folder: body.folder ?? '',
      patterns: body.files === undefined ? (body.patterns ?? tracked?.files ?? []) : null,
      files: (body.files ?? []).map((file) => ({ ...file, scope: file.scope ?? scope })),
      dryRun: body.dryRun,
      requestedBy: actorOf(request),
    });
    reply.header('location', placeOf(record));
    return toImport(record);
  }

  @Get()
  @Answers({
    needs: 'entity.view',
    summary: 'List imports, newest first',
    problems: ['NOT_FOUND'],
    200: ImportPage,
  })
  async list(
    @Param({ schema: ConnectorParameters }) { connector, ...names }: ConnectorParameters,
    @Query({ schema: ImportListQuery }) { cursor, limit = PAGE_DEFAULT }: ImportListQuery,
  ): Promise<z.infer<typeof ImportPage>> {
    const scope = scopeOf(names);
    await this.connectors.get(scope, connector);
    const { rows, next } = await this.imports.page({ scope, connector }, { before: cursor, limit });
    return { imports: rows.map((row) => toImport(row)), nextCursor: next === null ? null : toCursor(next) };
  }

  @Get(':id')
  @Answers({
    needs: 'entity.view',
    summary: 'Read how far an import is',
    problems: ['NOT_FOUND'],
    200: ImportAnswer,
  })
  async get(@Param({ schema: ImportParameters }) parameters: ImportParameters) {
    return toImport(await this.#find(parameters));
  }

  @Get(':id/files')
  @Answers({
    needs: 'entity.view',
    summary: 'List the files of an import, and what they came to or would',
    problems: ['NOT_FOUND'],
    200: ImportItemPage,
  })
  async files(
    @Param({ schema: ImportParameters }) parameters: ImportParameters,
    @Query({ schema: ItemQuery }) { outcome, cursor, limit = PAGE_DEFAULT }: ItemQuery,
  ) {
    const { id } = await this.#find(parameters);
    const rows = await this.imports.items(id, { outcome, after: cursor, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const more = rows.length > limit && last !== undefined;
    return {
      files: page.map(toItem),
      nextCursor: more ? Buffer.from(last.path).toString('base64url') : null,
    };
  }

  @Post(':id/apply')
  @HttpCode(202)
  @Answers({
    needs: 'entity.edit',
    summary: 'Do what a dry run reported',
    problems: ['NOT_FOUND', 'IMPORT_NOT_REPORTED'],
    202: ImportAnswer,
  })
  async apply(
    @Param({ schema: ImportParameters }) { connector, id, ...names }: ImportParameters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const record = await this.flow.apply({ scope: scopeOf(names), connector }, id);
    reply.header('location', placeOf(record));
    return toImport(record);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Answers({
    needs: 'entity.edit',
    summary: 'Let go of what an import has not done yet',
    problems: ['NOT_FOUND'],
    200: ImportAnswer,
  })
  async cancel(@Param({ schema: ImportParameters }) { connector, id, ...names }: ImportParameters) {
    return toImport(await this.imports.cancel({ scope: scopeOf(names), connector }, id));
  }

  async #find({ connector, id, ...names }: ImportParameters): Promise<ImportRecord> {
    return this.imports.get({ scope: scopeOf(names), connector }, id);
  }
}

const toImport = (record: ImportRecord, { counts, total, done } = progressOf(record)) => ({
  id: record.id,
  scope: record.scope,
  connector: record.connector,
  branch: record.branch,
  folder: record.folder === '' ? null : record.folder,
  dryRun: record.dry_run,
  state: record.state,
  commitId: record.commit_id,
  counts,
  progress: { total, done },
  requestedBy: record.requested_by,
  problem: record.fault === null ? null : toProblem(Failure.fromWire(record.fault as never)),
  createdAt: record.created_at.toISOString(),
  finishedAt: record.finished_at?.toISOString() ?? null,
});

const placeOf = ({ scope, connector, id }: ImportRecord): string =>
  `/api/v1/${scope}/connectors/${connector}/imports/${id}`;

/** @throws REQUEST_INVALID */
function assertOneWish(scope: string, { files, folder, patterns }: ImportBody): void {
  if (files === undefined) return;
  const invalid = (problem: string) => new Failure('REQUEST_INVALID', { problem });
  if (folder !== undefined || patterns !== undefined)
    throw invalid('files: stands beside folder or patterns; name the files, or where they are');
  if (new Set(files.map(({ path }) => path)).size < files.length) throw invalid('files: names a path twice');
  const foreign = files.find((file) => file.scope !== undefined && !isWithin(scope, file.scope));
  if (foreign !== undefined)
    throw invalid(`files: ${foreign.scope} is not a scope that the connector serves`);
}

function toItem(row: ImportItem) {
  const isSeen = row.outcome !== null;
  return {
    path: row.path,
    outcome: row.outcome as (typeof outcomes)[number] | null,
    kind: row.kind,
    scope: row.entity_scope,
    entity: row.entity_id,
    blobId: row.blob_id,
    problem: isSeen && row.failure !== null ? toProblem(Failure.fromWire(row.failure as never)) : null,
  };
}
