// Every request is counted, and begins a trace or goes on with its caller’s, from before anybody looks at its token to the end of its
// answer.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { beginSpan, readTraceparent, type Span, within } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';

/** Names that HTTP has for methods; whatever else is sent counts as one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As proxies call a request whose caller left before there was an answer. */
const CALLER_LEFT = 499;

export function registerRequestRecord(fastify: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  fastify.addHook('onRequest', (request, reply, done) => {
    const span = beginSpan(spanOf(request));
    if (span !== undefined) spans.set(request, span);
    const at = performance.now();
    tell('api.flight', { change: 1 });
    // The framework’s own hook does not hear of callers that leave.
    reply.raw.once('close', () => noteEnd(request, reply, { at, span }));
    within(span, done);
  });
  // What reads a body goes on in the connection’s name, and not in the request’s.
  fastify.addHook('preValidation', (request, _reply, done) => within(spans.get(request), done));
}

function noteEnd(
  request: FastifyRequest,
  { raw }: FastifyReply,
  { at, span }: { at: number; span: Span | undefined },
): void {
  const status = raw.headersSent ? raw.statusCode : CALLER_LEFT;
  span?.note({ 'http.response.status_code': status });
  span?.end(status >= 500 ? `HTTP_${status}` : undefined);
  tell('api.flight', { change: -1 });
  const seconds = isStream(raw) ? null : secondsSince(at);
  tell('api.request', { method: methodOf(request), route: routeOf(request), status, seconds });
}

function spanOf(request: FastifyRequest) {
  const [method, route] = [methodOf(request), routeOf(request)];
  return {
    name: route === null ? method : `${method} ${route}`,
    kind: 'server' as const,
    parent: readTraceparent(request.headers.traceparent) ?? null,
    attributes: { 'http.request.method': method, ...(route === null ? {} : { 'http.route': route }) },
  };
}

const methodOf = ({ method }: FastifyRequest): string => (METHODS.has(method) ? method : 'other');

const routeOf = ({ routeOptions }: FastifyRequest): string | null => routeOptions.url ?? null;

/** It ends when nobody listens any more, which says nothing of how long anything takes. */
const isStream = (raw: FastifyReply['raw']): boolean =>
  String(raw.getHeader('content-type')).startsWith('text/event-stream');
