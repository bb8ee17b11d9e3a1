// HTTP as Git needs it: pooled connections of the whole process, the credential from the first request, no redirects, every
// answer bounded in bytes, before and after decompression, and in time.
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { Failure } from '../kernel/failure.js';
import { gunzip } from './gunzip.js';
import { ANSWER_LIMIT, quoteServer, refuseAnswer, refuseExcess } from './host-answer.js';
import { ProxyRefused } from './network-proxy.js';
import { RequestRecord } from './request-record.js';
import { explainEnd, type Session } from './session.js';

export interface GitRequest {
  method: 'GET' | 'POST';
  /** What follows the repository's path: `/info/refs?service=…`. */
  suffix: string;
  /** The one content type the answer may have. */
  accept: string;
  contentType?: string;
  body?: Buffer;
  /** Asks for protocol version 2. */
  version2?: boolean;
}

/** What is still read of an answer after its reader has left. */
const REST_BYTES_MAX = 16 * 1024;
const REST_MS_MAX = 1_000;
/** How long whoever left waits for that. After a push nobody does: its hooks may go on, and no request follows. */
const REST_PATIENCE_MS = 10;
/** A host that asks for more patience than this gets this much. */
const RETRY_AFTER_SECONDS_MAX = 900;

/**
 * Sends one request and gives the chunks of the answer. The caller reads to the end, or ends its loop early, which gives up
 * the rest of the answer.
 * @throws Failure as the table of statuses and socket errors in this file says.
 */
export async function sendRequest(session: Session, request: GitRequest): Promise<AsyncIterable<Buffer>> {
  const record = recordOf(session, request);
  try {
    const answer = await dispatch(session, request);
    record.status(answer.statusCode);
    const refusal = refuseStatus(session, request, answer) ?? refuseHeaders(session, request, answer);
    if (refusal === null)
      return readBody(session, answer, { patienceMs: isPush(request) ? 0 : REST_PATIENCE_MS, record });
    answer.body.on('error', () => undefined).destroy();
    throw refusal;
  } catch (error) {
    record.end(error);
    throw error;
  }
}

function recordOf({ host }: Session, { method, suffix, body }: GitRequest): RequestRecord {
  const [service = '', query = ''] = suffix.slice(1).split('?service=');
  const what = [service, query].filter((part) => /^[a-z/-]{1,32}$/.test(part)).join(' ');
  return new RequestRecord({ host, kind: 'git', method, what, bytesUp: body?.length ?? 0 });
}

/** Whether the failure came before anything was sent: no connection was made, so nothing can have been done. */
export function isUnsent(failure: Failure): boolean {
  if (failure.code !== 'GIT_UNREACHABLE') return false;
  return failure.cause instanceof ProxyRefused || unsentFaults.has(codeOf(failure.cause) ?? '');
}

function isPush({ method, suffix }: GitRequest): boolean {
  return method === 'POST' && suffix === '/git-receive-pack';
}

async function dispatch(session: Session, request: GitRequest): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = {
    accept: request.accept,
    'accept-encoding': 'gzip',
    'user-agent': 'git/sallyport',
  };
  if (request.contentType !== undefined) headers['content-type'] = request.contentType;
  if (request.version2 === true) headers['git-protocol'] = 'version=2';
  if (session.authorization !== undefined) headers.authorization = session.authorization;
  const ask = async (): Promise<Dispatcher.ResponseData> => {
    session.deadline.signal.throwIfAborted();
    return session.network.agentFor(request.body?.length ?? 0).request({
      origin: session.origin,
      path: session.path + request.suffix,
      method: request.method,
      headers,
      body: request.body ?? null,
      signal: session.deadline.signal,
    });
  };
  try {
    return await ask().catch((error: unknown) => {
      if (isPush(request) || !hungUp.has(codeOf(error) ?? '')) throw error;
      return ask();
    });
  } catch (error) {
    throw nameFault(session, error);
  }
}

/** A host may close a kept connection in the moment that it is used. A question can be asked again; a push is not one. */
const hungUp = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Below 500, what passes by itself: a wait that was too long, somebody else at work, a replayed early request, a limit. */
const transient = new Set([408, 409, 425, 429]);

function refuseStatus(
  session: Session,
  request: GitRequest,
  answer: Dispatcher.ResponseData,
): Failure | null {
  const { host } = session;
  const status = answer.statusCode;
  if (status === 200) return null;
  const patience = patienceOf(answer);
  if (status === 403 && patience.retryAfterSeconds !== undefined)
    return new Failure('GIT_HOST_ERROR', { host, status, ...patience }) as Failure;
  if (status === 401 || status === 403) return new Failure('GIT_AUTH_REJECTED', { host, status }) as Failure;
  if (status === 404 || status === 410) return new Failure('GIT_REPOSITORY_NOT_FOUND', { host }) as Failure;
  if (status === 413)
    return new Failure('GIT_PUSH_REJECTED', { host, reason: 'it takes no push of this size' }) as Failure;
  if (transient.has(status) || status >= 500)
    return new Failure('GIT_HOST_ERROR', { host, status, ...patience }) as Failure;
  if (status < 300 || status >= 400) return refuseAnswer(host, `status ${status}`) as Failure;
  return refuseRedirect(session, request, answer);
}

function refuseRedirect(session: Session, request: GitRequest, answer: Dispatcher.ResponseData): Failure {
  const { host } = session;
  const { location } = answer.headers;
  const moved = movedTo(session, request, location);
  if (moved !== undefined) return new Failure('GIT_REPOSITORY_MOVED', { host, target: moved }) as Failure;
  const where = quoteServer(String(location ?? 'nowhere'));
  const { statusCode: status } = answer;
  return refuseAnswer(
    host,
    `status ${status} redirects to ${where}, and redirects are not followed`,
  ) as Failure;
}

/**
 * The repository's URL by a redirect of what was asked of it, without user-info and as far as it is fit to print; undefined where
 * it leads to anything else, such as a page to sign in.
 */
export function movedTo(
  { origin, path }: Pick<Session, 'origin' | 'path'>,
  { suffix }: Pick<GitRequest, 'suffix'>,
  location: string | string[] | undefined,
): string | undefined {
  const [asked = ''] = suffix.split('?');
  const target = URL.parse(String(location ?? ''), `${origin}${path}${suffix}`);
  if (target === null || !/^https?:$/.test(target.protocol) || !target.pathname.endsWith(asked))
    return undefined;
  const url = `${target.origin}${target.pathname.slice(0, -asked.length)}`;
  const isPlain = url !== `${origin}${path}` && quoteServer(url) === url && target.pathname !== asked;
  return isPlain ? url : undefined;
}

/** What the host asks for, by `Retry-After` or, like GitHub, by saying that nothing is left until a moment in Unix seconds. */
export function patienceOf({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): {
  retryAfterSeconds?: number;
} {
  const asked = parseRetryAfter(headers['retry-after']);
  if (asked.retryAfterSeconds !== undefined || String(headers['x-ratelimit-remaining']) !== '0') return asked;
  const reset = Number(headers['x-ratelimit-reset']);
  return Number.isFinite(reset) ? parseRetryAfter(String(Math.ceil(reset - Date.now() / 1_000))) : {};
}

function refuseHeaders(
  { host }: Session,
  request: GitRequest,
  answer: Dispatcher.ResponseData,
): Failure | null {
  const contentType = String(answer.headers['content-type'] ?? 'none');
  if (contentType.split(';')[0]?.trim().toLowerCase() !== request.accept)
    return refuseAnswer(host, `content type ${quoteServer(contentType)}`) as Failure;
  const encoding = encodingOf(answer);
  if (encoding === 'identity' || encoding === 'gzip') return null;
  return refuseAnswer(host, `content encoding ${quoteServer(encoding)}, which was not asked for`) as Failure;
}

/** 'GZIP' → 'gzip'; encodings that are chained stay as they are, and nobody takes them. */
function encodingOf({ headers }: Dispatcher.ResponseData): string {
  return String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
}

/** '120' and an HTTP date → so many seconds from now, within bounds; nothing where nothing usable was said. */
export function parseRetryAfter(header: string | string[] | undefined): { retryAfterSeconds?: number } {
  const text = String(header ?? '').trim();
  const isSeconds = /^\d{1,10}$/.test(text);
  const isDate = /^[A-Z][a-z]{2,8},? /.test(text);
  if (!isSeconds && !isDate) return {};
  const seconds = isSeconds ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1_000);
  if (!(seconds > 0)) return {};
  return { retryAfterSeconds: Math.min(seconds, RETRY_AFTER_SECONDS_MAX) };
}

async function* readBody(
  session: Session,
  answer: Dispatcher.ResponseData,
  { patienceMs, record }: { patienceMs: number; record: RequestRecord },
): AsyncGenerator<Buffer> {
  const max = session.limits.answerBytes;
  const isZipped = encodingOf(answer) === 'gzip';
  const body: Readable = isZipped ? gunzip(session.host, answer.body, max) : answer.body;
  let bytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      record.down(chunk.length);
      if (bytes > max) throw refuseExcess(session.host, ANSWER_LIMIT, max);
      yield chunk;
    }
  } catch (error) {
    const fault = nameFault(session, error);
    record.end(fault);
    throw fault;
  } finally {
    record.end();
    await leave(body, patienceMs);
  }
}

/**
 * Nearly always nothing follows what was wanted but the end itself; once that is read, the connection serves the next request,
 * which is worth a moment. Where more comes, the connection is closed.
 */
async function leave(body: Readable, patienceMs: number): Promise<void> {
  body.on('error', () => undefined);
  if (body.readableEnded || body.destroyed) return;
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), REST_MS_MAX).unref();
  const closed = new Promise<void>((resolve) => body.once('close', resolve));
  body.once('close', () => clearTimeout(timer));
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > REST_BYTES_MAX) body.destroy();
  });
  await Promise.race([closed, delay(patienceMs)]);
}

/** What sockets, TLS and DNS report, in words. */
export const faults: Record<string, string> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  ERR_HTTP2_STREAM_ERROR: 'the connection broke',
  ERR_HTTP2_SESSION_ERROR: 'the connection broke',
  ERR_HTTP2_STREAM_CANCEL: 'the connection broke',
  UND_ERR_INFO: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection broke before the answer was complete',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the connection was not made in time',
  UND_ERR_CONNECT_TIMEOUT: 'the connection was not made in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of its certificate is not known',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants a client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not accept the client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not know the issuer of the client certificate',
};

const unsentFaults = new Set(
  Object.keys(faults).filter((code) =>
    /^(?:ENOTFOUND|EAI_|ECONNREFUSED|E.*UNREACH|UND_ERR_CONNECT|.*(?:CERT|_CA$))/.test(code),
  ),
);

/** What went wrong on the way, as a Failure where it has a name. */
export function nameFault(session: Pick<Session, 'host' | 'deadline'>, error: unknown): unknown {
  const { host, deadline } = session;
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Failure) return at;
  if (deadline.signal.aborted) return explainEnd(session, error);
  const code = codeOf(error);
  if (error instanceof ProxyRefused)
    return new Failure('GIT_UNREACHABLE', { host, reason: error.message }, { cause: error });
  if (isNotHttp(error, code))
    return new Failure('GIT_ANSWER_INVALID', { host, reason: 'it is not HTTP' }, { cause: error });
  if (code === undefined) return error;
  if (code.startsWith('Z_')) return refuseAnswer(host, 'its compression is broken');
  return new Failure('GIT_UNREACHABLE', { host, reason: faults[code] ?? code }, { cause: error });
}

/** The parser names its complaints, but does not number all of them. */
function isNotHttp(error: unknown, code = ''): boolean {
  const isParsers = error instanceof Error && error.name === 'HTTPParserError';
  return isParsers || code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW';
}

export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return codeOf(first);
}
