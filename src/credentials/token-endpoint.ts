// Where long-lived secrets become short-lived tokens: one form goes there, JSON comes back.

import { quoteServer, refuseAnswer } from '../git/host-answer.js';
import { askHost, type HostAnswer } from '../git/host-http.js';
import { patienceOf } from '../git/http-transport.js';
import type { Network } from '../git/network.js';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { isLimit } from '../providers/host-refusals.js';

/** A token, how long it lives, and what takes the place of the secret that it was got with. */
export interface Grant {
  token: Secret;
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** Null where the secret stays as it is. */
  rotated: Secret | null;
}

/** The host has replaced the secret, and what it gave for it is none that can be used. */
export interface Spent {
  token: null;
  fault: Failure;
  rotated: Secret;
}

export interface EndpointOptions {
  network: Network;
  deadlineMs: number;
}

/** What a host says no word about lives so long for us. */
const LIFETIME_SECONDS = 600;
/** A year: what a host promises beyond it is fetched anew by then. */
const LIFETIME_SECONDS_MAX = 31_536_000;
const TOKEN_BYTES_MAX = 65_536;
/** Of an answer, where it is looked for what the host complains of. */
const SAID_BYTES_MAX = 16_384;
const VISIBLE = /^[\x20-\x7e]+$/;
/** The grant itself is void; asking again with it never helps. */
const VOID = new Set(['invalid_grant', 'bad_refresh_token']);

export type Form = Record<string, string>;

/**
 * @throws CREDENTIAL_REFUSED, `isVoid` where the grant itself is; GIT_HOST_ERROR for what passes by itself, GIT_ANSWER_INVALID,
 * GIT_UNREACHABLE, GIT_ADDRESS_DENIED, GIT_TIMEOUT
 */
export async function postForm(
  url: URL,
  form: Form,
  { network, deadlineMs }: EndpointOptions,
  authorization?: string,
): Promise<Grant | Spent> {
  const body = Buffer.from(new URLSearchParams(form).toString());
  try {
    const answer = await askHost(network, deadlineOf(deadlineMs), {
      url,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body,
    });
    return readGrant(url.host, answer);
  } finally {
    body.fill(0);
  }
}

export function deadlineOf(deadlineMs: number) {
  return {
    signal: AbortSignal.timeout(deadlineMs),
    cancel: undefined,
    totalMs: deadlineMs,
    endsAt: performance.now() + deadlineMs,
  };
}

/** A status that says nothing of the credential. @throws GIT_HOST_ERROR, GIT_ANSWER_INVALID */
export function assertAnswered(host: string, answer: HostAnswer): void {
  const status = isLimit(answer, answer.body.toString('latin1', 0, SAID_BYTES_MAX)) ? 429 : answer.status;
  if (status === 408 || status === 429 || status >= 500)
    throw new Failure('GIT_HOST_ERROR', { host, status, ...patienceOf(answer) });
  if (status >= 300 && status < 400)
    throw refuseAnswer(host, `status ${status} redirects, and no redirect is followed with a credential`);
}

/** @throws GIT_ANSWER_INVALID */
export function parseJson(host: string, { status, body }: HostAnswer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // What is no JSON may hold anything, so nothing of it is quoted.
  }
  throw refuseAnswer(host, `status ${status} with something else than a JSON object`);
}

function readGrant(host: string, answer: HostAnswer): Grant | Spent {
  assertAnswered(host, answer);
  const said = parseJson(host, answer);
  // GitHub says no with 200.
  if (answer.status !== 200 || typeof said.error === 'string') throw refusalOf(host, answer.status, said);
  const { refresh_token } = said;
  // Whatever else is in the answer, the refresh token of before may be void by now.
  const rotated = refresh_token === undefined ? null : toSecret(host, 'refresh_token', refresh_token);
  try {
    return { token: readToken(host, said), expiresAt: endOf(said.expires_in), rotated };
  } catch (error) {
    if (rotated === null) throw error;
    return { token: null, fault: Failure.from(error), rotated };
  }
}

function readToken(host: string, { access_token, token_type }: Record<string, unknown>): Secret {
  if (token_type !== undefined && !(typeof token_type === 'string' && /^bearer$/i.test(token_type)))
    throw refuseAnswer(host, 'its token is of a type that is not known');
  return toSecret(host, 'access_token', access_token);
}

/** Where nothing follows the secret that was shown. @throws what was wrong with the answer */
export function assertGranted(answer: Grant | Spent): Grant {
  if (answer.token !== null) return answer;
  answer.rotated.wipe();
  throw answer.fault;
}

/** Whatever the host says of it, the refresh token is spent by now, so nobody may stumble over it. */
function endOf(expiresIn: unknown): number {
  const seconds = Number(expiresIn ?? LIFETIME_SECONDS);
  const isSaid = Number.isFinite(seconds) && seconds > 0;
  return Math.floor(Date.now() + Math.min(isSaid ? seconds : LIFETIME_SECONDS, LIFETIME_SECONDS_MAX) * 1_000);
}

function refusalOf(host: string, status: number, said: Record<string, unknown>): Failure {
  const { error, error_description } = said;
  const words = [error, error_description]
    .filter((one) => typeof one === 'string')
    .map((one) => quoteServer(one));
  const reason = words.length === 0 ? `status ${status}` : words.join(': ');
  const isVoid = typeof error === 'string' && VOID.has(error) ? { isVoid: true } : {};
  return new Failure('CREDENTIAL_REFUSED', { host, reason, ...isVoid }) as Failure;
}

/** @throws GIT_ANSWER_INVALID for what cannot be sent in a head */
export function toSecret(host: string, name: string, value: unknown): Secret {
  if (typeof value !== 'string' || value.length > TOKEN_BYTES_MAX || !VISIBLE.test(value))
    throw refuseAnswer(host, `its ${name} is none`);
  return new Secret(Buffer.from(value));
}
