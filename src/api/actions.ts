// What each route that changes something is called in the audit, by method and path below the scope. A route without a line is
// found by a test.

export const actions: Readonly<Record<string, string>> = {
  'POST session': 'session.begin',
  'DELETE session': 'session.end',
  'PUT ': 'scope.put',
  'DELETE ': 'scope.delete',
  'PUT kinds/:kind': 'kind.put',
  'POST tokens': 'token.create',
  'DELETE tokens/:id': 'token.revoke',
  'PUT role-bindings/:id': 'role-binding.put',
  'DELETE role-bindings/:id': 'role-binding.delete',
  'PUT roles/:id': 'role.put',
  'DELETE roles/:id': 'role.delete',
  'PUT identity-providers/:id': 'identity-provider.put',
  'DELETE identity-providers/:id': 'identity-provider.delete',
  'DELETE members/:id': 'member.delete',
  'PUT connectors/:id': 'connector.put',
  'DELETE connectors/:id': 'connector.delete',
  'POST connectors/:id/check': 'connector.check',
  'POST connectors/:id/rename': 'connector.rename',
  'PUT connectors/:id/tracking': 'tracking.put',
  'DELETE connectors/:id/tracking': 'tracking.delete',
  'POST connectors/:id/tracking/poll': 'tracking.poll',
  'PUT connectors/:id/webhook': 'webhook.put',
  'DELETE connectors/:id/webhook': 'webhook.delete',
  'POST connectors/:id/webhook/register': 'webhook.register',
  'POST connectors/:id/webhook/deliveries/:delivery/replay': 'webhook-delivery.replay',
  'POST connectors/:id/drift/repair': 'drift.repair',
  'POST connectors/:connector/imports': 'import.begin',
  'POST connectors/:connector/imports/:id/apply': 'import.apply',
  'POST connectors/:connector/imports/:id/cancel': 'import.cancel',
  'POST operations/:id/cancel': 'operation.cancel',
  'POST pull-requests/:id/close': 'pull-request.close',
  'POST pull-requests/:id/retry': 'pull-request.retry',
  'PUT secrets/:id': 'secret.put',
  'DELETE secrets/:id': 'secret.delete',
  'POST secrets/:id/refresh': 'secret.refresh',
  'PUT secret-managers/:id': 'secret-manager.put',
  'DELETE secret-managers/:id': 'secret-manager.delete',
  'POST secret-managers/:id/check': 'secret-manager.check',
  'POST secret-managers/:id/keys/retire': 'key.retire',
  'POST secret-managers/:id/keys/reinstate': 'key.reinstate',
  'POST secret-operations': 'secret-operation.begin',
  'POST secret-operations/:id/cancel': 'secret-operation.cancel',
  'POST secret-operations/:id/retry': 'secret-operation.retry',
  'PUT entities/:kind/:id': 'entity.save',
  'DELETE entities/:kind/:id': 'entity.delete',
  'POST moves': 'move.begin',
  'POST delegate-tokens': 'delegate-token.create',
  'DELETE delegate-tokens/:id': 'delegate-token.revoke',
  'POST delegates/:id/enable': 'delegate.enable',
  'POST delegates/:id/disable': 'delegate.disable',
  'POST delegates/:id/drain': 'delegate.drain',
  'POST delegates/:id/revoke': 'delegate.revoke',
  'POST delegate-groups/:group/rotate': 'delegate-group.rotate',
  'PUT subscriptions/:id': 'subscription.put',
  'DELETE subscriptions/:id': 'subscription.delete',
  'POST subscriptions/:id/rotate-secret': 'subscription.rotate-secret',
  'POST subscriptions/:id/replay': 'subscription.replay',
  'POST subscriptions/:id/test': 'subscription.test',
};

/** Routes with a body that change nothing. */
export const questions: ReadonlySet<string> = new Set(['POST explain']);

const PREFIX = /^\/api\/v1\/accounts\/:account(?:\/orgs\/:org)?(?:\/projects\/:project)?(?:\/|$)/;

/** Of whoever asks, whatever the account. */
const OWN = '/api/v1/session';

/** 'POST', '/api/v1/accounts/:account/orgs/:org/moves' → 'POST moves'; undefined for what belongs to no account. */
export function roadOf(method: string, url: string): string | undefined {
  if (url === OWN) return `${method} session`;
  return PREFIX.test(url) ? `${method} ${url.replace(PREFIX, '')}` : undefined;
}
