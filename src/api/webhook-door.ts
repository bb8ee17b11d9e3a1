// The door that Git hosts knock at: outside of the API, without a token, and with the body as it came. What a host is answered is
// what makes it come again, or not: 202 for all that is proven, whatever it is about, and never 410, which makes some give up.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../kernel/failure.js';
import type { Log } from '../kernel/log.js';
import { isConnectionFault, isWriteFault } from '../storage/database.js';
import { CallerGone, discard } from '../webhooks/read-body.js';
import type { ReceptionFlow } from '../webhooks/reception.flow.js';
import { sendProblem, toProblem } from './problem.filter.js';

export const WEBHOOK_ROUTE = '/webhooks/:address';

export function registerWebhookDoor(fastify: FastifyInstance, reception: ReceptionFlow, log: Log): void {
  fastify.register(async (door) => {
    door.removeAllContentTypeParsers();
    // An empty field is a missing one for codecs, and for Fastify a media type that is none.
    door.addHook('onRequest', async ({ raw: { headers } }) => {
      if (headers['content-type'] === '') delete headers['content-type'];
    });
    // Nobody but the reception reads it, once it knows how much it may become.
    door.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
    door.post(WEBHOOK_ROUTE, { config: { needs: 'nothing' } }, async (request, reply) =>
      receive(request, reply, { reception, log }),
    );
    door.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: WEBHOOK_ROUTE,
      // A Git host has no token: its deliveries prove themselves.
      config: { needs: 'nothing' },
      handler: async ({ method }, reply) => refuse(reply, notThere(method)),
    });
  });
}

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  { reception, log }: { reception: ReceptionFlow; log: Log },
): Promise<FastifyReply> {
  const { address } = request.params as { address: string };
  try {
    await reception.receive({ address, source: request.ip, request: request.raw });
    return reply.status(202).send();
  } catch (error) {
    if (error instanceof CallerGone) return reply.hijack();
    const failure = toFailure(error, request.id);
    if (failure.code === 'INTERNAL') log.error({ err: error }, 'webhook door');
    if (!request.raw.readableEnded) discard(request.raw);
    return refuse(reply, failure);
  }
}

function toFailure(error: unknown, reference: string): Failure {
  if (!isConnectionFault(error) && !isWriteFault(error)) return Failure.from(error, reference);
  return new Failure('DATABASE_UNAVAILABLE', { reason: 'the delivery cannot be stored' }) as Failure;
}

function refuse(reply: FastifyReply, failure: Failure): FastifyReply {
  const { retryAfterSeconds } = failure.data as { retryAfterSeconds?: number };
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds);
  return sendProblem(reply, toProblem(failure));
}

const notThere = (method: string): Failure =>
  new Failure('ROUTE_NOT_FOUND', { method, path: '/webhooks/…' }) as Failure;
