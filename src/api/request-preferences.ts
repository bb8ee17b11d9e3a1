// What headers say of a request that changes something: how long it may wait, and which other requests are the same.
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { parsePrefer } from '../policy/headers.js';
import { IdempotencyKey } from '../policy/text.js';
import { parse } from './save-request.js';

/** The key, and a digest of all that makes two requests the same. @throws REQUEST_INVALID */
export function idempotencyOf(request: FastifyRequest): { key: string; requestHash: Buffer } | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = parse(IdempotencyKey, given, 'Idempotency-Key');
  const { method, url, headers, bodyBytes = Buffer.alloc(0) } = request;
  const parts = [method, url, headers['content-type'], headers['if-match'], headers['if-none-match']];
  const requestHash = createHash('sha256').update(JSON.stringify(parts)).update(bodyBytes).digest();
  return { key, requestHash };
}

/** How long the request wants to wait for its end, as far as it may. Milliseconds. */
export function waitMsOf({ headers }: FastifyRequest, config: Config): number {
  const { waitSeconds = config.SALLYPORT_WAIT_DEFAULT_SECONDS } = parsePrefer(
    headers.prefer as string | undefined,
  );
  return Math.min(waitSeconds, config.SALLYPORT_WAIT_MAX_SECONDS) * 1_000;
}
