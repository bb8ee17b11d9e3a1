// Words of a Git host are never passed on as they came: control characters go, and 300 characters are enough.
import { Failure } from '../kernel/failure.js';

const QUOTE_CHARACTERS_MAX = 300;

/** How failures name the bound on an answer's size. */
export const ANSWER_LIMIT = 'bytes of one answer';

/** Server text as it may appear in a failure: printable, on one line, at most 300 characters. */
export function quoteServer(text: string | Uint8Array): string {
  const decoded = typeof text === 'string' ? text : Buffer.from(text.subarray(0, 4_096)).toString('utf8');
  const clean = decoded
    .slice(0, 4_096)
    .replace(/\u001b\[[0-9;?]{0,16}[A-Za-z]/g, '')
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return clean.length > QUOTE_CHARACTERS_MAX ? `${clean.slice(0, QUOTE_CHARACTERS_MAX - 1)}…` : clean;
}

/** The failure for an answer that breaks the protocol. `reason` must already be fit to print. */
export function refuseAnswer(host: string, reason: string): Failure<'GIT_ANSWER_INVALID'> {
  return new Failure('GIT_ANSWER_INVALID', { host, reason });
}

/** The failure for an answer larger than `max` of what `limit` names. */
export function refuseExcess(host: string, limit: string, max: number): Failure<'GIT_LIMIT_EXCEEDED'> {
  return new Failure('GIT_LIMIT_EXCEEDED', { host, limit, max });
}

/** The failure for an error a server reported in the protocol itself (`ERR` line or error channel). */
export function quoteError(host: string, text: string | Uint8Array): Failure {
  const words = quoteServer(text);
  const missing = /not our ref ([0-9a-f]{40})|^want ([0-9a-f]{40}) not valid/.exec(words);
  if (missing !== null)
    return new Failure('GIT_OBJECT_NOT_FOUND', { object: `object ${missing[1] ?? missing[2]}` }) as Failure;
  if (/^(?:git )?repository not found/i.test(words))
    return new Failure('GIT_REPOSITORY_NOT_FOUND', { host }) as Failure;
  if (/^service not enabled/i.test(words))
    return new Failure('GIT_AUTH_REJECTED', { host, status: 403 }) as Failure;
  if (/^internal server error/i.test(words))
    return new Failure('GIT_HOST_ERROR', { host, status: 500 }) as Failure;
  return refuseAnswer(host, `it reported "${words}"`) as Failure;
}
