// One request to a host’s API, over the same network as Git: the same addresses, proxy and certificates. Redirects are not
// followed, and every answer is bounded in bytes, before and after decompression, and in time.
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Failure } from '../kernel/failure.js';
import { gunzip } from './gunzip.js';
import { ANSWER_LIMIT, quoteServer, refuseAnswer, refuseExcess } from './host-answer.js';
import { nameFault } from './http-transport.js';
import type { Network } from './network.js';
import { RequestRecord } from './request-record.js';
import type { Deadline } from './session.js';

export const HOST_ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export interface HostAsk {
  url: URL;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers: Record<string, string>;
  body?: Buffer | undefined;
}

export interface HostAnswer {
  status: number;
  /** Names in lower case; of several with one name, the first. */
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * Whatever status the answer has. It is not asked twice.
 * @throws GIT_UNREACHABLE, GIT_ADDRESS_DENIED, GIT_TIMEOUT, GIT_ANSWER_INVALID, GIT_LIMIT_EXCEEDED
 */
export async function askHost(network: Network, deadline: Deadline, ask: HostAsk): Promise<HostAnswer> {
  const at = { host: ask.url.host, deadline };
  const record = new RequestRecord({
    host: at.host,
    kind: 'api',
    method: ask.method,
    what: 'API',
    bytesUp: ask.body?.length ?? 0,
  });
  try {
    deadline.signal.throwIfAborted();
    const answer = await network.agentFor(ask.body?.length ?? 0).request({
      origin: ask.url.origin,
      path: ask.url.pathname + ask.url.search,
      method: ask.method,
      headers: { 'accept-encoding': 'gzip', 'user-agent': 'sallyport', ...ask.headers },
      body: ask.body ?? null,
      signal: deadline.signal,
    });
    record.status(answer.statusCode);
    const body = await readAll(at.host, answer);
    record.down(body.length);
    record.end(answer.statusCode < 400 ? undefined : `HTTP_${answer.statusCode}`);
    return { status: answer.statusCode, headers: namesOf(answer), body };
  } catch (error) {
    const failure = Failure.from(nameFault(at, error));
    record.end(failure);
    throw failure;
  }
}

function namesOf({ headers }: Dispatcher.ResponseData): Record<string, string> {
  const pairs = Object.entries(headers).flatMap(([name, value]) => {
    const first = Array.isArray(value) ? value[0] : value;
    return first === undefined ? [] : [[name.toLowerCase(), first]];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

async function readAll(host: string, answer: Dispatcher.ResponseData): Promise<Buffer> {
  const encoding = String(answer.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    answer.body.on('error', () => undefined).destroy();
    throw refuseAnswer(host, `content encoding ${quoteServer(encoding)}, which was not asked for`);
  }
  const body: Readable = encoding === 'gzip' ? gunzip(host, answer.body, HOST_ANSWER_BYTES_MAX) : answer.body;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > HOST_ANSWER_BYTES_MAX) throw refuseExcess(host, ANSWER_LIMIT, HOST_ANSWER_BYTES_MAX);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
