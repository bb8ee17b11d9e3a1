// The one place where a failure becomes an answer: application/problem+json with a code and a way out.
import { randomUUID } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { isConnectionFault } from '../storage/database.js';
import { askedMs } from '../sync/host-pauses.js';
import type { OperationFailure } from '../sync/operations.repository.js';
import { bodyBytesMax } from './body-parsers.js';

export interface Problem {
  type: string;
  status: number;
  code: string;
  title: string;
  detail: string;
  hint: string;
  operationId?: string;
  /** The delegate that met the failure. */
  delegate?: string;
  /** With a conflict: what the save was made from, what Git holds, what the save wanted. */
  versions?: OperationFailure['versions'];
  /** Of a move: each entity that stands in its way, and why. */
  blocked?: Record<string, unknown>[];
}

/** A failure in the words of RFC 9457. */
export function toProblem(
  failure: Failure,
  more: Pick<Problem, 'operationId' | 'versions' | 'blocked'> = {},
): Problem {
  return {
    type: `urn:sallyport:error:${failure.code}`,
    status: failure.status,
    code: failure.code,
    title: failure.title,
    detail: failure.message,
    hint: failure.hint,
    ...(failure.delegate === undefined ? {} : { delegate: failure.delegate }),
    ...more,
  };
}

/** @param askedMs for which whoever stands in the way wants to be left alone */
export function sendProblem(reply: FastifyReply, problem: Problem, askedMs = 0): FastifyReply {
  if (problem.status === 401) reply.header('WWW-Authenticate', 'Bearer');
  if (problem.status === 503 || askedMs > 0)
    reply.header('Retry-After', String(Math.max(1, Math.ceil(askedMs / 1_000))));
  return reply
    .status(problem.status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const failure = this.#toFailure(error, http.getRequest<FastifyRequest>());
    sendProblem(http.getResponse<FastifyReply>(), toProblem(failure), askedMs(failure));
  }

  #toFailure(error: unknown, request: FastifyRequest): Failure {
    if (error instanceof Failure) return error;
    const known = refusalOf(error, request);
    if (known !== undefined) return known;
    if (isConnectionFault(error)) return unavailable(error);
    const reference = randomUUID();
    this.log.error({ err: error, reference, method: request.method }, 'unexpected fault');
    return new Failure('INTERNAL', { reference }) as Failure;
  }
}

const unavailable = (error: unknown): Failure =>
  new Failure('DATABASE_UNAVAILABLE', { reason: (error as Error).message }) as Failure;

/** As much of it as is worth repeating. */
const MEDIA_TYPE_CHARACTERS_MAX = 200;

/** What Fastify and Nest refuse by themselves. */
function refusalOf(error: unknown, request: FastifyRequest): Failure | undefined {
  const path = request.url.split('?')[0] ?? '';
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
  const problem = (error as Error).message;
  switch (status) {
    case 400:
      return new Failure('REQUEST_INVALID', { problem }) as Failure;
    case 404:
      return new Failure('ROUTE_NOT_FOUND', { method: request.method, path }) as Failure;
    case 413:
      return new Failure('BODY_TOO_LARGE', { bytesMax: bodyBytesMax }) as Failure;
    case 415:
      return new Failure('MEDIA_TYPE_UNSUPPORTED', {
        mediaType: request.headers['content-type']?.slice(0, MEDIA_TYPE_CHARACTERS_MAX) ?? 'none',
      }) as Failure;
    default:
      return undefined;
  }
}
