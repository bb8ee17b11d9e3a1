// Calls of the routes of access, in this order, and the status that each is answered with.
import type { Api } from './api.js';
import type { RouteCall } from './route-calls.js';

const NOBODY = '00000000-0000-4000-8000-000000000000';

export async function accessCalls(api: Api, scope: string, issuer: string): Promise<RouteCall[]> {
  const { id } = await api.ok('POST', `${scope}/tokens`, { name: 'described', role: 'viewer', days: 1 });
  const binding = { principal: { kind: 'group', name: 'platform' }, role: 'editor' };
  return [
    [201, 'POST', `${scope}/tokens`, { name: 'other', role: 'viewer' }],
    [404, 'POST', `${scope}/tokens`, { name: 'other', role: 'none' }],
    [400, 'POST', `${scope}/tokens`, { name: 'other', role: 'viewer', days: 0 }],
    [200, 'GET', `${scope}/tokens`],
    [204, 'DELETE', `${scope}/tokens/${id}`],
    [404, 'DELETE', `${scope}/tokens/${NOBODY}`],
    [201, 'PUT', `${scope}/role-bindings/described`, binding],
    [200, 'PUT', `${scope}/role-bindings/described`, binding],
    [404, 'PUT', `${scope}/role-bindings/described`, { ...binding, role: 'none' }],
    [200, 'GET', `${scope}/role-bindings`],
    [200, 'GET', `${scope}/role-bindings/described`],
    [404, 'GET', `${scope}/role-bindings/none`],
    [204, 'DELETE', `${scope}/role-bindings/described`],
    [404, 'DELETE', `${scope}/role-bindings/described`],
    ...(scope.includes('/orgs/') ? [] : accountCalls(scope, issuer)),
  ];
}

const accountCalls = (account: string, issuer: string): RouteCall[] => [
  [200, 'GET', `${account}/scopes`],
  [201, 'PUT', `${account}/roles/described`, { permissions: ['entity.view'] }],
  [200, 'PUT', `${account}/roles/described`, { permissions: ['entity.view'], description: 'Reads' }],
  [422, 'PUT', `${account}/roles/viewer`, { permissions: ['entity.view'] }],
  [400, 'PUT', `${account}/roles/described`, { permissions: ['entity.burn'] }],
  [200, 'GET', `${account}/roles`],
  [200, 'GET', `${account}/roles/described`],
  [404, 'GET', `${account}/roles/none`],
  [204, 'DELETE', `${account}/roles/described`],
  [404, 'DELETE', `${account}/roles/described`],
  [200, 'GET', `${account}/kinds`],
  [201, 'PUT', `${account}/identity-providers/described`, { issuer, clientId: 'public' }],
  [200, 'PUT', `${account}/identity-providers/described`, { issuer, clientId: 'public' }],
  [422, 'PUT', `${account}/identity-providers/described`, { issuer: 'none', clientId: 'public' }],
  [200, 'GET', `${account}/identity-providers`],
  [200, 'GET', `${account}/identity-providers/described`],
  [200, 'GET', `${account}/members`],
  [404, 'DELETE', `${account}/members/${NOBODY}`],
  [200, 'GET', 'sign-in'],
  [404, 'GET', 'sign-in/none?account=demo'],
  [204, 'DELETE', `${account}/identity-providers/described`],
  [404, 'DELETE', `${account}/identity-providers/described`],
  [200, 'GET', 'me'],
  [204, 'POST', 'session'],
  [204, 'DELETE', 'session'],
];
