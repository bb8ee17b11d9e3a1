// Whose request it is, along its whole way; and what is put on record of one that is refused.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Acting, type Actor, actAs } from '../audit/acting.js';
import type { Attempts } from '../audit/attempts.js';
import { type ScopeNames, scopeOf } from '../scopes/scope.js';
import { actions, questions, roadOf } from './actions.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent where nobody is known to ask. */
    acting?: Acting;
  }
}

/** The one place that says who is behind a request; undefined where nobody is known to be. */
const whoActs = ({ caller }: FastifyRequest): (Actor & { account: string }) | undefined =>
  caller === undefined ? undefined : { ...caller.actor, account: caller.account };

export function registerActing(fastify: FastifyInstance, attempts: Attempts): void {
  fastify.addHook('preHandler', (request, _reply, done) => {
    const who = whoActs(request);
    if (who === undefined) return done();
    const { kind, id, name } = who;
    request.acting = { actor: { kind, id, name }, entries: 0 };
    return actAs(request.acting, done);
  });
  fastify.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode >= 400 && reply.statusCode < 500)
      await noteRefusal(attempts, request, { reply, payload });
    return payload;
  });
}

/** What somebody known may not do, and what of a change is refused for any other reason. */
async function noteRefusal(
  attempts: Attempts,
  request: FastifyRequest,
  { reply, payload }: { reply: FastifyReply; payload: unknown },
): Promise<void> {
  const who = whoActs(request);
  const road = roadOf(request.method, request.routeOptions.url ?? '');
  if (who === undefined || road === undefined) return;
  const outcome = reply.statusCode === 403 ? 'denied' : 'refused';
  const action = actions[road];
  // What was accepted and came to a conflict is on record as what it is.
  if (outcome === 'refused' && (action === undefined || isOnRecord(request))) return;
  const { kind, id, name, account } = who;
  await attempts.note({
    actor: { kind, id, name },
    action: action ?? (questions.has(road) ? 'explain' : 'read'),
    ...placeOf(request, account),
    outcome,
    code: codeOf(payload),
  });
}

const isOnRecord = ({ acting }: FastifyRequest): boolean => acting !== undefined && acting.entries > 0;

/** An attempt at another account is told to the one that the actor is of. */
function placeOf({ params, url }: FastifyRequest, account: string): { scope: string; target: string } {
  const asked = scopeOf({ account, ...(params as Partial<ScopeNames>) });
  const isOwn = asked === account || asked.startsWith(`${account}/`);
  return { scope: isOwn ? asked : account, target: targetOf(url, isOwn ? asked : '') };
}

const TARGET_CHARACTERS_MAX = 512;

/** Of the address what is below the scope, or all of it. */
function targetOf(url: string, scope: string): string {
  const path = (url.split('?')[0] ?? '').replace(/^\/api\/v1\//, '');
  const below = scope !== '' && path.startsWith(scope) ? path.slice(scope.length + 1) : path;
  return below.slice(0, TARGET_CHARACTERS_MAX);
}

function codeOf(payload: unknown): string {
  try {
    const { code } = JSON.parse(String(payload)) as { code?: unknown };
    return typeof code === 'string' ? code : 'REFUSED';
  } catch {
    return 'REFUSED';
  }
}
