// Finding the request of two branches where a repository has thousands of open ones: Gitea and Forgejo can be asked for the two
// branches, and answer the first request that ever was of them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostSuite, wish } from '../support/host-servers/host-suite.js';
import { failureFrom } from '../unit/support/refusals.js';

describe.each(['gitea', 'forgejo'] as const)('the request of two branches at %s', (provider) => {
  const suite = new HostSuite({
    provider,
    dialect: (token) => giteaDialect(token, provider),
    path: '/forge/acme/app.git',
    username: 'sallyport',
    token: '0123456789abcdef0123456789abcdef01234567',
    reviewer: (_, name) => name,
    nobody: 'nobody-knows-me',
    sees: { protected: true, canPush: true },
    malform: () => undefined,
    registrations: () => 1,
  });
  beforeAll(() => suite.start());
  beforeEach(() => {
    suite.reset();
    // As many pages as requests.
    suite.server.state.pageMax = 1;
  });
  afterEach(() => suite.server.assertDescribed());
  afterAll(() => suite.server.stop());

  const crowd = (count: number): void => {
    for (let n = 0; n < count; n += 1) suite.server.state.add({ ...wish, head: `other-${n}` });
  };
  const asked = (): string[] => suite.server.requests.map(({ path }) => path);
  const direct = '/repos/acme/app/pulls/main/topic';
  const list = '/repos/acme/app/pulls';

  it('is found by one question, however many there are', async () => {
    suite.server.state.add(wish);
    crowd(40);
    expect(await suite.api.findPull(wish)).toMatchObject({ number: 1, state: 'open' });
    expect(asked()).toEqual([direct]);
  });

  it('is known not to be there by two', async () => {
    crowd(40);
    expect(await suite.api.findPull(wish)).toBeNull();
    expect(asked()).toEqual([direct, list]);
    expect(await suite.api.ensurePull(wish)).toMatchObject({ created: true });
  });

  it('is looked for on all pages where the first one of these branches is over', async () => {
    suite.server.state.add(wish, { state: 'merged' });
    suite.server.state.add(wish);
    crowd(40);
    expect(await suite.api.findPull(wish)).toMatchObject({ number: 2, state: 'open' });
    expect(asked()).toHaveLength(1 + 41);
  });

  it('is looked for on so many pages and no more, which the failure says', async () => {
    suite.server.state.add(wish, { state: 'closed' });
    crowd(201);
    const failure = await failureFrom(suite.api.findPull(wish));
    expect(failure).toMatchObject({ code: 'HOST_API_UNSUPPORTED', data: { reason: expect.any(String) } });
    expect(failure.message).toContain('more than 200 pages');
    expect(asked()).toHaveLength(1 + 200);
  });

  it('into a branch with a slash is found behind a proxy that lets no encoded slash through', async () => {
    suite.server.state.add({ ...wish, base: 'release/1' });
    crowd(3);
    suite.server.instead = ({ path }) => (path.includes('%2F') ? { status: 404, text: 'none' } : undefined);
    expect(await suite.api.findPull({ head: 'topic', base: 'release/1' })).toMatchObject({ number: 1 });
  });

  it('into a branch with a slash is found by one question where that comes through', async () => {
    suite.server.state.add({ ...wish, base: 'release/1' });
    crowd(3);
    expect(await suite.api.findPull({ head: 'topic', base: 'release/1' })).toMatchObject({ number: 1 });
    expect(asked()).toHaveLength(1);
  });

  it.each(['files', 'merge', 'reviews/mine'])(
    'of the branch %s is listed, since its address is another thing’s',
    async (head) => {
      suite.server.state.add({ ...wish, head });
      crowd(2);
      expect(await suite.api.findPull({ head, base: 'main' })).toMatchObject({ number: 1 });
      expect(new Set(asked())).toEqual(new Set([list]));
    },
  );
});
