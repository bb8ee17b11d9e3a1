import { expect, it } from 'vitest';
import { keptHeaders } from '../../../src/webhooks/kept-headers.js';

it('what says which event it is is kept, and nothing that could prove one', () => {
  const kept = {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/1',
    'x-github-event': 'push',
    'x-github-delivery': 'd-1',
    'x-gitlab-event': 'Push Hook',
    'x-event-key': 'repo:push',
    'x-forgejo-event': 'push',
    'webhook-id': 'w-1',
  };
  const proofs = {
    authorization: 'Basic dXNlcjpzZWNyZXQ=',
    'x-gitlab-token': 'secret',
    'x-hub-signature': 'sha1=1',
    'x-hub-signature-256': 'sha256=1',
    'x-gitea-signature': '1',
    'x-gogs-signature': '1',
    'webhook-signature': 'v1,1',
    'x-sallyport-secret': 'secret',
    'x-my-own': 'secret',
    cookie: 'a=b',
    constructor: 'x',
  };
  expect(keptHeaders({ ...kept, ...proofs })).toEqual(kept);
});

it('a long one is cut, and one that is no text left out', () => {
  expect(keptHeaders({ 'user-agent': 'x'.repeat(9_000), 'x-github-event': ['a', 'b'] as never })).toEqual({
    'user-agent': 'x'.repeat(512),
  });
});
