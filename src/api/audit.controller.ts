import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AuditRepository, type AuditRow } from '../audit/audit.repository.js';
import { Failure } from '../kernel/failure.js';
import { PageLimit } from '../policy/text.js';
import { scopeOf } from '../scopes/scope.js';
import { ScopesRepository } from '../scopes/scopes.repository.js';
import { type Head, writeLink } from '../trail/link.js';
import { Answers } from './answers.js';
import { AccountParameters, Cursor, PAGE_DEFAULT, ScopeParameters, toCursor, under } from './parameters.js';

const Moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const AuditOutcome = z.enum(['done', 'refused', 'denied', 'begun', 'failed']);

const Pattern = (what: string) =>
  z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^*]*\*?$/, 'has a star anywhere but at its end')
    .meta({ description: `${what}, or with a star at its end all that begin so` });

const AuditQuery = z.strictObject({
  actor: z.string().min(1).max(256).optional().meta({ description: 'Its id, or its name' }),
  action: Pattern('An action, such as `connector.put`').optional(),
  target: Pattern('A target, such as `entities/pipeline/build`').optional(),
  outcome: AuditOutcome.optional(),
  since: Moment.optional(),
  until: Moment.optional(),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
type AuditQuery = z.infer<typeof AuditQuery>;

const AuditEntryAnswer = z
  .strictObject({
    position: z.int().min(1).meta({ description: 'In the trail of the account' }),
    hash: z.string(),
    at: z.iso.datetime(),
    actor: z.strictObject({
      kind: z.string().meta({ description: '`token`, `user`, `delegate`, `operator` or `system`' }),
      id: z.string(),
      name: z.string(),
    }),
    action: z.string(),
    scope: z.string(),
    target: z.string().meta({ description: 'As in the API, below its scope; empty for the scope itself' }),
    outcome: AuditOutcome,
    code: z.string().nullable().meta({ description: 'Why it was refused, or failed' }),
    data: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'AuditEntry' });

export const AuditPageAnswer = z
  .strictObject({ entries: z.array(AuditEntryAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'AuditPage' });

export const AuditHeadAnswer = z
  .strictObject({
    account: z.string(),
    position: z.int().min(0).meta({ description: 'Of the last entry; 0 where there is none' }),
    hash: z.string(),
  })
  .meta({ id: 'AuditHead' });

const ExportQuery = z.strictObject({
  after: z
    .string()
    .regex(/^(0|[1-9]\d{0,14})$/, 'is not the position of an entry')
    .transform(Number)
    .optional()
    .meta({ description: 'The position of the last entry that was exported before', type: 'string' }),
});
type ExportQuery = z.infer<typeof ExportQuery>;

/** Rows of one look: they, and as many that are written out, are all that is in memory. */
const READ = 500;

@Controller()
export class AuditController {
  constructor(
    private readonly audit: AuditRepository,
    private readonly scopes: ScopesRepository,
  ) {}

  @Get(under('audit'))
  @Answers({
    needs: 'audit.view',
    summary: 'List who did what in a scope and within, newest first',
    problems: ['SCOPE_NOT_FOUND'],
    200: AuditPageAnswer,
  })
  async list(
    @Param({ schema: ScopeParameters }) names: ScopeParameters,
    @Query({ schema: AuditQuery }) { cursor, limit = PAGE_DEFAULT, ...filter }: AuditQuery,
  ): Promise<z.infer<typeof AuditPageAnswer>> {
    const scope = scopeOf(names);
    await this.scopes.get(scope);
    const { rows, next } = await this.audit.list({ ...filter, scope, before: cursor, limit });
    return { entries: rows.map(toAnswer), nextCursor: next === null ? null : toCursor(next) };
  }

  @Get('accounts/:account/audit/head')
  @Answers({
    needs: 'audit.view',
    summary: 'Read where the trail of an account’s audit ends',
    problems: ['SCOPE_NOT_FOUND'],
    200: AuditHeadAnswer,
  })
  async head(@Param({ schema: AccountParameters }) names: AccountParameters) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    return { account, ...(await this.audit.head(account)) };
  }

  @Get('accounts/:account/audit/export')
  @Answers({
    needs: 'audit.view',
    summary: 'Export the trail of an account’s audit: a line of JSON for each entry, in their order',
    problems: ['SCOPE_NOT_FOUND'],
    lines:
      'A line of JSON for each entry: `account`, `position`, `previous`, `hash`, and `entry`, whose text is JSON exactly as it was hashed',
  })
  async export(
    @Param({ schema: AccountParameters }) names: AccountParameters,
    @Query({ schema: ExportQuery }) { after = 0 }: ExportQuery,
    @Req() { method }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const account = scopeOf(names);
    await this.scopes.get(account);
    const head = await this.audit.head(account);
    if (after > head.position)
      throw new Failure('REQUEST_INVALID', { problem: `after: the trail ends at ${head.position}` });
    reply.header('content-type', 'application/x-ndjson; charset=utf-8');
    reply.header('cache-control', 'no-store');
    // Who asks for the header alone is not made to wait for the lines.
    const lines = method === 'HEAD' ? [] : this.#lines(account, after, head);
    return Readable.from(lines, { objectMode: false });
  }

  /** No faster than they are taken; what is added meanwhile is not among them. */
  async *#lines(account: string, after: number, { position: last }: Head): AsyncGenerator<string> {
    for (let at = after; at < last; ) {
      const links = await this.audit.links(account, at, { last, limit: READ });
      if (links.length === 0) return;
      yield links.map((link) => `${writeLink(link)}\n`).join('');
      at = links.at(-1)?.position ?? last;
    }
  }
}

type Known = Omit<z.infer<typeof AuditEntryAnswer>, 'position' | 'hash' | 'code' | 'data'> & {
  code?: string;
  data?: Record<string, unknown>;
};

function toAnswer({ position, hash, entry }: AuditRow): z.infer<typeof AuditEntryAnswer> {
  const { at, actor, action, scope, target, outcome, code = null, data = null } = JSON.parse(entry) as Known;
  return { position, hash: hash.toString('hex'), at, actor, action, scope, target, outcome, code, data };
}
