// The HostApi port across the queue: every call is a task of a real delegate, which asks a Gitea on loopback.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import type { HostApi } from '../../src/providers/host-api.js';
import { type DelegatedRoad, openDelegatedRoad } from '../support/delegated-road.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { commitOf } from '../support/host-servers/host-state.js';
import { createDatabase } from '../support/stack.js';
import { failureFrom } from '../unit/support/refusals.js';

const token = '0123456789abcdef0123456789abcdef01234567';
const account = { username: 'sallyport', password: token };
const wish = {
  head: 'topic',
  base: 'main',
  title: 'T',
  body: 'B',
  draft: true,
  reviewers: ['grace', 'nobody'],
};
const url = 'https://sallyport.example/webhooks/1';

let database: Awaited<ReturnType<typeof createDatabase>>;
let server: HostServer;
let road: DelegatedRoad;
let api: HostApi;
beforeAll(async () => {
  server = await HostServer.start(giteaDialect(token));
  database = await createDatabase(inject('embeddedPostgres'));
  const rules = { git: { allow: [`${new URL(server.origin).host}/forge/acme/*`] } };
  road = await openDelegatedRoad({ databaseUrl: database.url }, 'in-process', rules);
});
beforeEach(() => {
  server.reset();
  api = road.host(place(), account);
});
afterEach(() => server.assertDescribed());
afterAll(async () => {
  await road.close();
  await database.drop();
  await server.stop();
});

const place = (more: { url?: string; apiUrl?: string } = {}) => ({
  provider: 'gitea' as const,
  url: `${server.origin}/forge/acme/app.git`,
  apiUrl: null,
  ...more,
});

it('tells what the host says of the repository, and of its limits', async () => {
  const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '59' };
  server.meddle = (_, reply) => ({ ...reply, headers });
  expect(api.rate).toBeNull();
  expect(await api.repo()).toMatchObject({ fullName: 'acme/app', defaultBranch: 'main', canPush: true });
  expect(api.rate).toMatchObject({ limit: 60, remaining: 59 });
  expect(await api.branch('main')).toEqual({ commit: commitOf('a'), protected: true });
  expect(await api.branch('nowhere')).toBeNull();
});

it('opens a pull request once, follows it and closes it', async () => {
  expect(api.caps.drafts).toBe('prefix');
  expect(await api.findPull(wish)).toBeNull();
  const opened = await api.ensurePull(wish);
  expect(opened).toMatchObject({ number: 1, draft: true, created: true, reviewersRefused: ['nobody'] });
  expect(await api.ensurePull(wish)).toMatchObject({ number: 1, created: false });
  expect(await api.findPull(wish)).toMatchObject({ number: 1 });
  expect(await api.pull(1)).toMatchObject({ state: 'open', head: 'topic' });
  expect(await api.closePull(1)).toMatchObject({ state: 'closed' });
});

it('registers a webhook, mends and removes it, under the secret it was given', async () => {
  const ensure = (text: string, renewSecret: boolean) =>
    api.ensureHook({ url, secret: new Secret(Buffer.from(text)), topics: ['push'], renewSecret });
  expect(await ensure('geheim \u{1F511} eins', false)).toMatchObject({
    outcome: 'created',
    topics: ['push'],
  });
  expect(server.state.hooks[0]?.secret).toBe('geheim \u{1F511} eins');
  expect(await ensure('zwei', true)).toMatchObject({ outcome: 'repaired' });
  expect(await api.findHook(url)).toMatchObject({ url, active: true });
  expect(server.state.hooks.map(({ secret }) => secret)).toEqual(['zwei']);
  expect(await api.removeHook(url)).toBe(true);
  expect(await api.removeHook(url)).toBe(false);
});

describe('a failure', () => {
  it('of the host arrives as the delegate met it', async () => {
    expect(await failureFrom(api.pull(77))).toMatchObject({
      code: 'HOST_API_NOT_FOUND',
      data: { host: new URL(server.origin).host, attempt: 'read the pull request' },
    });
    expect(await failureFrom(api.ensurePull({ ...wish, head: 'same' }))).toMatchObject({
      code: 'HOST_API_NO_CHANGES',
    });
  });

  it('is the delegate’s policy for a repository that it does not name, and for an API elsewhere', async () => {
    const elsewhere = road.host(place({ url: `${server.origin}/forge/other/app.git` }), account);
    expect(await failureFrom(elsewhere.repo())).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'git.allow', reason: expect.stringContaining('/forge/other/app') },
    });
    const spy = road.host(place({ apiUrl: 'https://collector.example/api/v1' }), account);
    expect(await failureFrom(spy.repo())).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      data: { rule: 'git.allow', reason: 'no pattern names the API at collector.example' },
    });
    expect(server.requests).toEqual([]);
  });
});
