// Says in one place what a route answers; the OpenAPI document is made from it.
import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { ApiResponseOptions } from '@nestjs/swagger';
import { z } from 'zod';
import { type ErrorCode, errors } from '../kernel/errors.js';
import type { Needs } from './access.js';
import { Described } from './described.js';

export const ProblemAnswer = z
  .strictObject({
    type: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; listed in docs/reference/errors.md' }),
    title: z.string(),
    detail: z.string(),
    hint: z.string(),
    operationId: z.string().optional(),
    delegate: z.string().optional(),
    versions: z.record(z.string(), z.unknown()).optional(),
    blocked: z.array(z.record(z.string(), z.unknown())).optional(),
  })
  .meta({ id: 'Problem' });

interface Description {
  /** Without it nobody could reach the route. */
  needs: Needs;
  summary: string;
  /** Codes this route answers with, beside those that all of them do. */
  problems?: readonly ErrorCode[];
  /** Statuses whose answer carries the blob id as ETag. */
  etag?: readonly number[];
  /** Statuses whose answer may say where to look for the rest. */
  location?: readonly number[];
  /** Of a route that answers lines of JSON: what they are. */
  lines?: string;
}

/** What a route needs, its summary, its problems, and the schema of its answer by status; `null` for an answer without a body. */
export function Answers(answers: Description & Record<number, z.ZodType | null>): MethodDecorator {
  const { needs, summary, problems = [], etag = [], location = [], lines, ...byStatus } = answers;
  const responses = Object.entries(byStatus).map(([status, schema]) => ({
    status: Number(status),
    description: schema === null ? 'Done' : summary,
    headers: headersOf(Number(status), etag, location),
    ...(schema === null ? {} : { standardSchema: schema }),
  }));
  const free = [...EVERYWHERE, ...problems].filter((code) => !(errors[code].status in byStatus));
  const described = Described(({ ApiExtension, ApiOperation, ApiResponse, ApiSecurity }) => [
    ApiOperation({ summary }),
    ...securityOf(needs).map((one) => ApiSecurity(one as string)),
    ApiExtension('x-needs', needs),
    ...[...responses, ...refusals(free)].map((response) => ApiResponse(response)),
    ...(lines === undefined ? [] : [ApiResponse({ status: 200, description: lines, content: LINES })]),
  ]);
  return applyDecorators(RouteConfig({ needs }), described);
}

/** Beside what the document says of all routes; an empty one stands for nothing. */
function securityOf(needs: Needs): (string | object)[] {
  if (needs === 'nothing') return [{}];
  return needs === 'sign-in if shown' ? ['bearer', 'session', {}] : [];
}

/** OpenAPI 3.1 has no words for the schema of a line. */
const LINES = { 'application/x-ndjson': { schema: { type: 'string' as const } } };

const EVERYWHERE: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'TOKEN_REJECTED',
  'SESSION_REJECTED',
  'ACCESS_DENIED',
  'PERMISSION_MISSING',
  'ORIGIN_REJECTED',
  'DATABASE_UNAVAILABLE',
  'INTERNAL',
];

/** What a route that reads a body refuses it for. */
export const ofBody = ['BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'] as const;

/** What may come back from the other end of a connector, over either road. */
export const ofRoad = (Object.keys(errors) as ErrorCode[]).filter((code) =>
  /^(GIT|DELEGATE|TASK|SECRET|QUEUE|CONNECTOR)_/.test(code),
);

/** What the API of a host is refused or fails with, beside what may come of the road to it. */
export const ofHost = (Object.keys(errors) as ErrorCode[]).filter((code) =>
  /^(HOST_API_|PULL_REQUESTS_UNSUPPORTED)/.test(code),
);

function headersOf(status: number, etag: readonly number[], location: readonly number[]) {
  const schema = { type: 'string' as const };
  const ETag = { schema, description: 'The blob id in quotes, for If-Match', required: true };
  const Location = { schema, description: 'Where to look for what becomes of it', required: true };
  const rest = { schema, description: 'The pull request, where it is not open yet', required: false };
  return {
    ...(etag.includes(status) ? { ETag } : {}),
    ...(status === 202 || status === 302 ? { Location } : {}),
    ...(location.includes(status) ? { Location: rest } : {}),
  };
}

/** One answer for each status, which lists its codes. */
function refusals(codes: readonly ErrorCode[]): ApiResponseOptions[] {
  const byStatus = Map.groupBy(codes, (code) => errors[code].status);
  return [...byStatus].map(([status, group]) => ({
    status,
    description: group.map((code) => `${code}: ${errors[code].title}`).join('\n'),
    standardSchema: ProblemAnswer,
  }));
}
