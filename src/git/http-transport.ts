// HTTP as Git needs it: pooled connections of the whole process, the credential from the first request, no redirects, no
// decompression, every dialled address checked, every answer bounded in bytes and time.
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { Failure } from '../kernel/failure.js';
import { lookupAllowed, requireAllowed } from './address-policy.js';
import { quoteServer, refuseAnswer, refuseExcess } from './host-answer.js';
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

/** How failures name the bound on an answer's size. */
export const ANSWER_LIMIT = 'bytes of one answer';
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 32;

const agents = new Map<boolean, Agent>();

/**
 * Sends one request and gives the chunks of the answer. The caller reads to the end, or ends its loop early, which closes
 * the connection.
 * @throws Failure as the table of statuses and socket errors in this file says.
 */
export async function sendRequest(session: Session, request: GitRequest): Promise<AsyncIterable<Buffer>> {
  const answer = await dispatch(session, request);
  const refusal = refuseStatus(session, answer) ?? refuseHeaders(session, request, answer);
  if (refusal === null) return readBody(session, answer.body);
  answer.body.on('error', () => undefined).destroy();
  throw refusal;
}

/** Whether the failure came before anything was sent: no connection was made, so nothing can have been done. */
export function isUnsent(failure: Failure): boolean {
  return failure.code === 'GIT_UNREACHABLE' && unsentFaults.has(codeOf(failure.cause) ?? '');
}

async function dispatch(session: Session, request: GitRequest): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = { accept: request.accept, 'user-agent': 'git/sallyport' };
  if (request.contentType !== undefined) headers['content-type'] = request.contentType;
  if (request.version2 === true) headers['git-protocol'] = 'version=2';
  if (session.authorization !== undefined) headers.authorization = session.authorization;
  try {
    session.deadline.signal.throwIfAborted();
    return await agentFor(session.allowPrivate).request({
      origin: session.origin,
      path: session.path + request.suffix,
      method: request.method,
      headers,
      body: request.body ?? null,
      signal: session.deadline.signal,
    });
  } catch (error) {
    throw nameFault(session, error);
  }
}

function agentFor(allowPrivate: boolean): Agent {
  const known = agents.get(allowPrivate);
  if (known !== undefined) return known;
  const agent = new Agent({
    connect: connectAllowed(allowPrivate),
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    allowH2: false,
    // The deadline of the operation is the only clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  agents.set(allowPrivate, agent);
  return agent;
}

/** Checks names when they resolve, literal addresses (which are never looked up) and the peer of the open socket. */
function connectAllowed(allowPrivate: boolean): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: lookupAllowed(allowPrivate),
  } as buildConnector.BuildOptions);
  const denied = (host: string, address: string): Error | null => {
    try {
      requireAllowed(host, address, allowPrivate);
      return null;
    } catch (error) {
      return Failure.from(error);
    }
  };
  return (options, callback) => {
    const { hostname } = options;
    const literal = /^[\d.]+$|:/.test(hostname) ? denied(hostname, hostname) : null;
    if (literal !== null) return callback(literal, null);
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      const refusal = denied(hostname, socket.remoteAddress ?? 'an unknown address');
      if (refusal === null) return callback(null, socket);
      socket.destroy();
      callback(refusal, null);
    });
  };
}

function refuseStatus({ host }: Session, answer: Dispatcher.ResponseData): Failure | null {
  const status = answer.statusCode;
  if (status === 200) return null;
  if (status === 401 || status === 403) return new Failure('GIT_AUTH_REJECTED', { host, status }) as Failure;
  if (status === 404 || status === 410) return new Failure('GIT_REPOSITORY_NOT_FOUND', { host }) as Failure;
  if (status === 429 || status >= 500) return new Failure('GIT_HOST_ERROR', { host, status }) as Failure;
  if (status < 300 || status >= 400) return refuseAnswer(host, `status ${status}`) as Failure;
  const target = quoteServer(String(answer.headers.location ?? 'nowhere'));
  return refuseAnswer(
    host,
    `status ${status} redirects to ${target}, and redirects are not followed`,
  ) as Failure;
}

function refuseHeaders(
  { host }: Session,
  request: GitRequest,
  answer: Dispatcher.ResponseData,
): Failure | null {
  const contentType = String(answer.headers['content-type'] ?? 'none');
  if (contentType.split(';')[0]?.trim().toLowerCase() !== request.accept)
    return refuseAnswer(host, `content type ${quoteServer(contentType)}`) as Failure;
  const encoding = answer.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return null;
  return refuseAnswer(
    host,
    `content encoding ${quoteServer(String(encoding))}, which was not asked for`,
  ) as Failure;
}

async function* readBody(session: Session, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const max = session.limits.answerBytes;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > max) throw refuseExcess(session.host, ANSWER_LIMIT, max);
      yield chunk;
    }
  } catch (error) {
    throw nameFault(session, error);
  }
}

/** What sockets, TLS and DNS report, in words. */
const faults: Record<string, string> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
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
};

const unsentFaults = new Set(
  Object.keys(faults).filter((code) =>
    /^(?:ENOTFOUND|EAI_|ECONNREFUSED|E.*UNREACH|UND_ERR_CONNECT|.*CERT)/.test(code),
  ),
);

function nameFault(session: Session, error: unknown): unknown {
  const { host, deadline } = session;
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Failure) return at;
  if (deadline.signal.aborted) return explainEnd(session, error);
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new Failure('GIT_ANSWER_INVALID', { host, reason: `it is not HTTP (${code})` }, { cause: error });
  return new Failure('GIT_UNREACHABLE', { host, reason: faults[code] ?? code }, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return codeOf(first);
}
