// The one guard of the API. Every route says what it needs; one that does not say it is reached by nobody. It is asked before a byte
// of the body is read.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertAllowed, type Caller, type Reach } from '../identity/caller.js';
import type { Permission } from '../identity/permissions.js';
import type { SessionsRepository } from '../identity/sessions.repository.js';
import type { TokensRepository } from '../identity/tokens.repository.js';
import { nameActor } from '../kernel/actor.js';
import { Failure } from '../kernel/failure.js';
import type { Log } from '../kernel/log.js';
import { Identifier } from '../policy/identifiers.js';
import { type Scope, scopeOf } from '../scopes/scope.js';
import type { MayUse } from '../secrets/secret-use.js';
import { isConnectionFault } from '../storage/database.js';
import { sendProblem, toProblem } from './problem.filter.js';
import { readSession } from './session-cookie.js';

/**
 * What a route needs of whoever asks: a permission in the scope of its address, or in it or below it; any token or session; none,
 * though one that is shown has to be good; a delegate token; or nothing, whatever is shown.
 */
export type Needs =
  | Permission
  | `${Permission} below`
  | 'sign-in'
  | 'sign-in if shown'
  | 'delegate-token'
  | 'nothing';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; absent only where nobody has to say, or it could not be checked. */
    caller?: Caller;
    /** The same as it is later; undefined where the token or session is good no more. */
    callerNow?: () => Promise<Caller | undefined>;
    /** In place of an API token, where a delegate enrols; not yet checked. */
    delegateToken?: string;
  }
  interface FastifyContextConfig {
    needs?: Needs;
  }
}

export interface Identities {
  tokens: TokensRepository;
  sessions: SessionsRepository;
}

export function registerAccess(fastify: FastifyInstance, identities: Identities, log: Log): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const needs = request.routeOptions.config?.needs;
    try {
      await admit(request, needs, identities);
    } catch (error) {
      if (isConnectionFault(error) && needs === 'sign-in if shown') return undefined;
      const failure = isConnectionFault(error)
        ? (new Failure('DATABASE_UNAVAILABLE', { reason: 'the token cannot be checked' }) as Failure)
        : Failure.from(error, request.id);
      if (failure.code === 'INTERNAL') log.error({ err: error }, 'access');
      return sendProblem(reply, toProblem(failure));
    }
    return undefined;
  });
}

async function admit(
  request: FastifyRequest,
  needs: Needs | undefined,
  identities: Identities,
): Promise<void> {
  if (needs === 'nothing') return;
  if (needs === 'delegate-token') {
    // Used up with the enrolment itself: one that fails must not cost a use.
    request.delegateToken = bearerOf(request);
    return;
  }
  await identify(request, needs === 'sign-in if shown', identities);
  const { caller } = request;
  if (caller === undefined) return;
  assertReaches(caller, request.params);
  if (needs === undefined) {
    // An address that there is not is told apart from one that forgot to say what it needs.
    if (!request.is404) throw new Failure('INTERNAL', { reference: request.id });
    return;
  }
  if (needs === 'sign-in' || needs === 'sign-in if shown') return;
  const [permission, below] = needs.split(' ') as [Permission, 'below' | undefined];
  assertAllowed(caller, permission, scopeIn(request.params), below ?? 'scope');
}

/** @throws TOKEN_REJECTED, SESSION_REJECTED, ORIGIN_REJECTED */
async function identify(
  request: FastifyRequest,
  mayBeNobody: boolean,
  { tokens, sessions }: Identities,
): Promise<void> {
  if (request.headers.authorization !== undefined) {
    const caller = await tokens.authenticate(bearerOf(request));
    request.caller = caller;
    request.callerNow = async () => tokens.find(caller.actor.id);
    return;
  }
  const session = readSession(request);
  if (session !== undefined) {
    request.caller = await sessions.authenticate(session);
    request.callerNow = async () => sessions.find(session);
    return;
  }
  if (!mayBeNobody) throw new Failure('TOKEN_REJECTED', { reason: 'is missing' });
}

function bearerOf({ headers: { authorization } }: FastifyRequest): string {
  const text = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (text === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is missing' });
  return text;
}

/** Every route that belongs to an account names it as `:account`. */
function assertReaches(caller: Caller, params: unknown): void {
  const { account } = (params ?? {}) as { account?: string };
  if (account !== undefined && caller.account !== `accounts/${account}`)
    throw new Failure('ACCESS_DENIED', { account });
}

/** The scope that an address names. @throws REQUEST_INVALID for a name that is none: what is no scope is in nobody’s reach. */
function scopeIn(params: unknown): Scope {
  const { account, org, project } = params as Record<string, string | undefined>;
  for (const [name, value] of Object.entries({ account, org, project })) {
    const { success, error } = Identifier.optional().safeParse(value);
    if (!success) throw invalidName(name, error.issues[0]?.message ?? 'is not an identifier');
  }
  return scopeOf({ account: account ?? '', org, project });
}

const invalidName = (name: string, problem: string): Failure =>
  new Failure('REQUEST_INVALID', { problem: `${name}: ${problem}` }) as Failure;

/** Whoever asks, on a route that is reached by nobody else. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is missing' });
  return caller;
}

/** Whose request it is, for the records. */
export const actorOf = (request: FastifyRequest): string => nameActor(callerOf(request).actor);

/** What depends on more than the address. @throws PERMISSION_MISSING */
export function requirePermission(
  request: FastifyRequest,
  permission: Permission,
  scope: Scope,
  reach?: Reach,
): void {
  assertAllowed(callerOf(request), permission, scope, reach);
}

/** What is asked of whoever says where a secret goes. */
export const mayUse =
  (request: FastifyRequest): MayUse =>
  (scope) =>
    requirePermission(request, 'secret.use', scope);
