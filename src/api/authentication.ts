// Everything but whether Sallyport is up, and the door of webhooks, is denied without a token of the account it concerns, before a
// byte of the body is read.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { nameActor } from '../kernel/actor.js';
import { Failure } from '../kernel/failure.js';
import type { Log } from '../kernel/log.js';
import type { Right, Token, TokensRepository } from '../scopes/tokens.repository.js';
import { isConnectionFault } from '../storage/database.js';
import { sendProblem, toProblem } from './problem.filter.js';
import { WEBHOOK_ROUTE } from './webhook-door.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is; absent only where no token is needed, or could be checked. */
    token?: Token;
    /** In place of an API token, where a delegate enrols; not yet checked. */
    delegateToken?: string;
  }
}

const HEALTH = '/api/v1/health';
const ENROLMENTS = '/api/v1/enrolments';

export function registerAuthentication(fastify: FastifyInstance, tokens: TokensRepository, log: Log): void {
  fastify.addHook('onRequest', async (request, reply) => {
    try {
      await authenticate(request, tokens);
    } catch (error) {
      if (isConnectionFault(error) && isHealth(request)) return undefined;
      const failure = isConnectionFault(error)
        ? (new Failure('DATABASE_UNAVAILABLE', { reason: 'the token cannot be checked' }) as Failure)
        : Failure.from(error, request.id);
      if (failure.code === 'INTERNAL') log.error({ err: error }, 'authentication');
      return sendProblem(reply, toProblem(failure));
    }
    return undefined;
  });
}

/** Whose request it is, for the records. */
export const actorOf = ({ token }: FastifyRequest): string =>
  token === undefined ? 'nobody' : nameActor(token);

/** @throws RIGHT_MISSING */
export function requireRight({ token }: FastifyRequest, right: Right): void {
  if (token?.rights.includes(right) !== true) throw new Failure('RIGHT_MISSING', { right });
}

async function authenticate(request: FastifyRequest, tokens: TokensRepository): Promise<void> {
  // A Git host has no token: its deliveries prove themselves.
  if (request.routeOptions.url === WEBHOOK_ROUTE) return;
  const header = request.headers.authorization;
  if (header === undefined && isHealth(request)) return;
  const text = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1];
  if (text === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is missing' });
  if (request.routeOptions.url === ENROLMENTS) {
    // Used up with the enrolment itself: one that fails must not cost a use.
    request.delegateToken = text;
    return;
  }
  request.token = await tokens.authenticate(text);
  assertReaches(request.token, request.params);
}

const isHealth = ({ routeOptions, method }: FastifyRequest): boolean =>
  routeOptions.url === HEALTH && (method === 'GET' || method === 'HEAD');

/** Every route that belongs to an account names it as `:account`. */
function assertReaches(token: Token, params: unknown): void {
  const { account } = (params ?? {}) as { account?: string };
  if (account !== undefined && token.account !== `accounts/${account}`)
    throw new Failure('ACCESS_DENIED', { account });
}
