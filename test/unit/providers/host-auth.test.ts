// Which headers prove who asks, for what people have on each host.
import { expect, it } from 'vitest';
import { authorize } from '../../../src/providers/host-auth.js';
import type { Provider } from '../../../src/providers/provider.js';

const basic = (text: string): object => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const bearer = (token: string): object => ({ authorization: `Bearer ${token}` });
const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
const hex = '0123456789abcdef0123456789abcdef01234567';
const dcToken = `${'MDM0MjM5NDc2MDxx'.repeat(2)}abcdefghijkl`;

it.each([
  ['github', 'x-access-token', 'github_pat_1', bearer('github_pat_1')],
  ['github', 'ada', 'ghp_1', bearer('ghp_1')],
  ['gitlab', 'oauth2', 'glpat-1', { 'private-token': 'glpat-1' }],
  ['gitlab', 'ada', 'gldt-1', { 'private-token': 'gldt-1' }],
  ['gitlab', 'oauth2', 'a'.repeat(64), bearer('a'.repeat(64))],
  ['gitlab', 'oauth2', 'acme-own-prefix-1', bearer('acme-own-prefix-1')],
  ['bitbucket-cloud', 'x-token-auth', 'ATCTT1', bearer('ATCTT1')],
  ['bitbucket-cloud', '', 'ATCTT1', bearer('ATCTT1')],
  ['bitbucket-cloud', 'ada@acme.example', 'ATATT1', basic('ada@acme.example:ATATT1')],
  ['bitbucket-dc', 'ada', 'BBDC-1', bearer('BBDC-1')],
  ['bitbucket-dc', 'ada', dcToken, bearer(dcToken)],
  ['bitbucket-dc', 'x-token-auth', 'whatever', bearer('whatever')],
  ['bitbucket-dc', 'ada', 'a password', basic('ada:a password')],
  ['gitea', 'ada', hex, { authorization: `token ${hex}` }],
  ['forgejo', '', 'short', { authorization: 'token short' }],
  ['gitea', 'ada', jwt, bearer(jwt)],
  ['gitea', 'ada', 'pass:wörd', basic('ada:pass:wörd')],
  ['azure', 'ada', 'pat1', basic(':pat1')],
  ['azure', 'ada', jwt, bearer(jwt)],
  ['generic', 'ada', 'pat1', {}],
  ['gogs', 'ada', 'pat1', {}],
] as [Provider, string, string, object][])('%s as %j with %s', (provider, username, secret, headers) => {
  expect(authorize(provider, { username }, Buffer.from(secret))).toEqual(headers);
});

it.each([
  ['azure', '', 'opaque', 'bearer', bearer('opaque')],
  ['azure', '', 'pat1', 'basic', basic(':pat1')],
  ['bitbucket-dc', 'x-token-auth', 'opaque', 'bearer', bearer('opaque')],
  ['generic', '', 'opaque', 'bearer', {}],
] as const)('%s as %j with %s, shown as %s', (provider, username, secret, scheme, headers) => {
  expect(authorize(provider, { username, scheme }, Buffer.from(secret))).toEqual(headers);
});
