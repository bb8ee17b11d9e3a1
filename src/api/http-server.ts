// What happens before a route is reached: how long a request may take to arrive, and the answer to one that is none.
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';
import { sendProblem, toProblem } from './problem.filter.js';

const HEADERS_MS_MAX = 10_000;
/** For the whole of a request to arrive; how long its answer is waited for has nothing to do with it. */
const REQUEST_MS_MAX = 30_000;
const ARRIVAL_CHECK_MS = 1_000;
const HEADERS_BYTES_MAX = 16 * 1024;

/** Longer than any identifier in its longest encoding. */
const PARAMETER_CHARACTERS_MAX = 512;

export const httpServer = {
  requestTimeout: REQUEST_MS_MAX,
  http: {
    headersTimeout: HEADERS_MS_MAX,
    connectionsCheckingInterval: ARRIVAL_CHECK_MS,
    maxHeaderSize: HEADERS_BYTES_MAX,
  },
  routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
  clientErrorHandler: refuseConnection,
  frameworkErrors: (_error: Error, _request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(reply, toProblem(invalid(ADDRESS_UNREADABLE))),
};

const ADDRESS_UNREADABLE = 'The address is not UTF-8 in percent-encoding, or a part of it is too long';

/** What Node takes for no request: it gets its answer on the bare connection, which is then closed. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const problem = toProblem(invalid(wordsOf(error.code)));
    const body = JSON.stringify(problem);
    const lines = [
      `HTTP/1.1 ${problem.status} Bad Request`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroySoon();
}

function wordsOf(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW')
    return `Address and header fields together are longer than ${HEADERS_BYTES_MAX} bytes`;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return `The request did not arrive in time: ${HEADERS_MS_MAX / 1000} s for its header, ${REQUEST_MS_MAX / 1000} s for all of it`;
  return 'This is not an HTTP/1.1 request';
}

/** Refuses a query that would be read as something else than what was sent. */
export function registerQueryCheck(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async ({ url, query }) => {
    if (!isPercentEncoded(url)) throw invalid(ADDRESS_UNREADABLE);
    // Schemas pass over this one name, unknown as it is.
    if (Object.hasOwn(query as object, '__proto__')) throw invalid('Unrecognized key: "__proto__"');
  });
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const invalid = (problem: string): Failure => new Failure('REQUEST_INVALID', { problem }) as Failure;
