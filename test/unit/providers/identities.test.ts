// Which repository a delivery is about, and what the delivery itself is called.
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import type { HookHeaders } from '../../../src/providers/webhook.js';
import { parse } from '../support/deliveries.js';

describe('which repository it is', () => {
  const repoOf = (repository: unknown) => parse('github', { 'x-github-event': 'ping' }, { repository }).repo;

  it('takes what is right and leaves the rest', () => {
    expect(repoOf({ id: 5, full_name: 7, clone_url: 'https://x/a', ssh_url: 'a b' })).toEqual({
      hostRepoId: '5',
      cloneUrls: ['https://x/a'],
    });
  });

  it.each([
    null,
    5,
    'x',
    [],
    {},
    { id: -1 },
    { id: 1.5 },
    { id: 'a b' },
    { id: 'x'.repeat(201) },
    { full_name: '' },
  ])('is not known from %j', (repository) => {
    expect(repoOf(repository)).toEqual({ cloneUrls: [] });
  });

  it('takes no name or URL that is too long, or has control characters', () => {
    const long = 'x'.repeat(3_000);
    expect(repoOf({ full_name: long, clone_url: long })).toEqual({ cloneUrls: [] });
    expect(repoOf({ full_name: 'a\u001b[2J', clone_url: 'https://x\n' })).toEqual({ cloneUrls: [] });
  });
});

describe('the id of a delivery', () => {
  const raw = Buffer.from('{}');
  const digest = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
  const of = (host: Provider, headers: HookHeaders, body = raw) => codecs[host].deliveryId(headers, body);

  it.each([
    ['github', 'x-github-delivery'],
    ['gitlab', 'idempotency-key'],
    ['gitlab', 'webhook-id'],
    ['gitlab', 'x-gitlab-webhook-uuid'],
    ['bitbucket-cloud', 'x-request-uuid'],
    ['bitbucket-dc', 'x-request-id'],
    ['gitea', 'x-gitea-delivery'],
    ['forgejo', 'x-forgejo-delivery'],
    ['gogs', 'x-gogs-delivery'],
    ['generic', 'x-sallyport-delivery'],
  ] as const)('%s has it in %s', (host, header) => {
    expect(of(host, { [header]: '7f3b-1' })).toBe('7f3b-1');
    for (const bad of ['', ' ', 'a b', 'x'.repeat(201), 'ä', 'a\u0000'])
      expect(of(host, { [header]: bad })).toBe(digest);
    expect(of(host, { [header]: ['a', 'b'] })).toBe(digest);
  });

  it('GitLab: what stays the same at a repetition comes first', () => {
    const headers = { 'x-gitlab-webhook-uuid': 'c', 'x-gitlab-event-uuid': 'd' };
    expect(of('gitlab', { ...headers, 'idempotency-key': 'a', 'webhook-id': 'b' })).toBe('a');
    expect(of('gitlab', { ...headers, 'webhook-id': 'b' })).toBe('b');
    expect(of('gitlab', { 'x-gitlab-event-uuid': 'd' })).toBe(digest);
  });

  it.each([
    ['{"id":"a","notificationId":7,"subscriptionId":"b"}', 'a:7:b'],
    ['{"id":"a"}', 'a'],
    ['{"id":{},"notificationId":7}', '7'],
  ])('Azure has it in %s', (body, id) => {
    expect(of('azure', {}, Buffer.from(body))).toBe(id);
  });

  it('Azure: of a large body, which is not parsed at the door, it is the digest', () => {
    const body = JSON.stringify({ id: 'a', filler: 'x'.repeat(300_000) });
    expect(of('azure', {}, Buffer.from(body))).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['{}', '', 'x', '[]', '{"id":[]}', '{"id":"a b"}'])('Azure has none in %j', (body) => {
    expect(of('azure', {}, Buffer.from(body))).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(Provider.options)('%s: without one, equal bodies are equal and others are not', (host) => {
    expect(of(host, {})).toBe(digest);
    expect(of(host, {}, Buffer.from('{ }'))).not.toBe(digest);
  });
});
