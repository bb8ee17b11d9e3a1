// What a client was answered, beside what the audit has of it.
import { actions, questions, roadOf } from '../../src/api/actions.js';
import type { Answer, Json } from './api.js';
import type { Answered, DocumentedApi } from './documented-api.js';

const SCOPE = /^accounts\/\w+(\/orgs\/\w+(\/projects\/\w+)?)?/;

/** Both as `action in scope`, sorted: what was answered to this client’s token, and what is on record of it as done. */
export async function compareWithAudit(
  api: DocumentedApi,
): Promise<{ expected: string[]; recorded: string[] }> {
  const expected = api.document.answered.flatMap((one) => (one.token === api.token ? actOf(one) : []));
  const entries: Json[] = [];
  for (let cursor = ''; ; ) {
    const page = await api.ok('GET', `accounts/demo/audit?limit=1000&outcome=done&actor=documented${cursor}`);
    entries.push(...page.entries);
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  const recorded = entries.map(({ action, scope }) => `${action} in ${scope}`);
  const order = (one: string, other: string): number => one.localeCompare(other);
  return { expected: expected.toSorted(order), recorded: recorded.toSorted(order) };
}

/** Nothing for what was refused, and for what changed nothing. */
function actOf({ method, path, address, sent, answer }: Answered): string | [] {
  const road = roadOf(method, path.replace(/\{(\w+)\}/g, ':$1'));
  const isAccepted = answer.status < 300 || answer.body?.operationId !== undefined;
  if (method === 'GET' || road === undefined || questions.has(road) || !isAccepted) return [];
  if (changesNothing(road, sent, answer)) return [];
  // A session is on record where its token is.
  return `${actions[road]} in ${SCOPE.exec(address)?.[0] ?? 'accounts/demo'}`;
}

/** What only asks, what says again what was said, and a name that the repository has already. */
function changesNothing(road: string, sent: Json, { body }: Answer): boolean {
  // What shows a token alone has no session to end.
  if (road === 'DELETE session') return true;
  if (road === 'POST moves') return sent?.dryRun === true;
  if (road === 'PUT secrets/:id') return body?.waitsFor === 'the same value is on its way already';
  return road === 'POST connectors/:id/rename';
}
