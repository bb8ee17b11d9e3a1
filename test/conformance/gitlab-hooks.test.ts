// How a webhook of GitLab proves what it sends: by a signature where this GitLab can sign, and by the secret itself where it cannot.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import { gitLabDialect } from '../support/host-servers/gitlab.js';
import { HostSuite } from '../support/host-servers/host-suite.js';

const url = 'https://sallyport.example/webhooks/1';
const signing = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

interface Sent {
  method: string;
  body: { token?: string; signing_token?: string };
}

function suiteOf(signs: boolean): HostSuite {
  const suite = new HostSuite({
    provider: 'gitlab',
    dialect: (token) => gitLabDialect(token, { signs }),
    path: '/gitlab/acme/team/app.git',
    needsApiUrl: true,
    username: 'oauth2',
    token: 'glpat-0123456789abcdef',
    reviewer: (_, name) => name,
    nobody: 'nobody-knows-me',
    sees: { protected: true, canPush: true },
    malform: () => undefined,
    registrations: () => 1,
  });
  beforeAll(() => suite.start());
  beforeEach(() => suite.reset());
  afterEach(() => suite.server.assertDescribed());
  afterAll(() => suite.server.stop());
  return suite;
}

const ensure = (suite: HostSuite, secret: string, renewSecret = false) =>
  suite.api.ensureHook({
    url,
    secret: new Secret(Buffer.from(secret)),
    topics: ['push', 'pull'],
    renewSecret,
  });
/** What was sent of secrets, request by request. */
const sent = (suite: HostSuite): Sent['body'][] =>
  suite.server.requests
    .filter(({ method }) => method === 'POST' || method === 'PUT')
    .map(({ body }) => {
      const { token, signing_token } = body as Sent['body'];
      return { ...(token && { token }), ...(signing_token && { signing_token }) };
    });
const flags = ({ server }: HostSuite) => server.state.hooks.map(({ more }) => more);

describe('a GitLab that signs', () => {
  const suite = suiteOf(true);

  it('gets a signing token alone, so that no secret travels with deliveries', async () => {
    expect(await ensure(suite, signing(1))).toMatchObject({ outcome: 'created', wellFormed: true });
    expect(sent(suite)).toEqual([{ signing_token: signing(1) }]);
    expect(flags(suite)).toMatchObject([{ signing_token_present: true, token_present: false }]);
    expect(await ensure(suite, signing(1))).toMatchObject({ outcome: 'sound' });
    expect(await ensure(suite, signing(2), true)).toMatchObject({ outcome: 'repaired' });
    expect(suite.server.state.hooks).toMatchObject([{ secret: signing(2) }]);
  });

  it.each(['a-secret-of-ones-own', 'whsec_c2hvcnQ='])(
    'gets %s, which cannot sign, as a token',
    async (own) => {
      await ensure(suite, own);
      expect(sent(suite)).toEqual([{ token: own }]);
    },
  );

  it('has a webhook made anew that had a token, which would go on travelling', async () => {
    const { id } = await ensure(suite, 'a-secret-of-ones-own');
    expect(await ensure(suite, signing(1), true)).toMatchObject({ outcome: 'repaired' });
    expect(suite.server.state.hooks).toMatchObject([{ secret: signing(1) }]);
    expect(suite.server.state.hooks[0]?.id).not.toBe(id);
    expect(flags(suite)).toMatchObject([{ signing_token_present: true, token_present: false }]);
  });

  it('has a webhook made anew that would go on signing by the secret of before', async () => {
    await ensure(suite, signing(1));
    await ensure(suite, 'a-secret-of-ones-own', true);
    expect(suite.server.state.hooks).toMatchObject([{ secret: 'a-secret-of-ones-own' }]);
    expect(flags(suite)).toMatchObject([{ signing_token_present: false, token_present: true }]);
  });

  it('has a webhook mended that proves nothing', async () => {
    await ensure(suite, signing(1));
    for (const { more } of suite.server.state.hooks) more.signing_token_present = false;
    expect(await suite.api.findHook(url)).toMatchObject({ wellFormed: false });
    expect(await ensure(suite, signing(1))).toMatchObject({ outcome: 'repaired', wellFormed: true });
  });
});

describe('a GitLab that does not', () => {
  const suite = suiteOf(false);

  it('gets the secret as its token, once its answer has shown that it pays no heed to the other', async () => {
    expect(await ensure(suite, signing(1))).toMatchObject({ outcome: 'created', wellFormed: true });
    expect(sent(suite).at(-1)).toMatchObject({ token: signing(1) });
    expect(suite.server.state.hooks).toMatchObject([{ secret: signing(1) }]);
    expect(await ensure(suite, signing(1))).toMatchObject({ outcome: 'sound' });
    expect(await ensure(suite, signing(2), true)).toMatchObject({ outcome: 'repaired' });
    expect(suite.server.state.hooks).toMatchObject([{ secret: signing(2) }]);
  });
});
