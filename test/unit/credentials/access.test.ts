// How credentials are shown, and how long tokens are at hand.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AccessKind, presentationOf, usernameFor } from '../../../src/credentials/access.js';
import { AccessTokens, usableUntil } from '../../../src/credentials/access-tokens.js';
import { ReauthorisingGit } from '../../../src/credentials/reauthorising-git.js';
import { ReauthorisingHostApi } from '../../../src/credentials/reauthorising-host-api.js';
import type { Grant } from '../../../src/credentials/token-endpoint.js';
import type { Git } from '../../../src/git/git.js';
import { Failure } from '../../../src/kernel/failure.js';
import { redact } from '../../../src/kernel/redact.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { HostApi } from '../../../src/providers/host-api.js';
import type { Provider } from '../../../src/providers/provider.js';

const secretOf = (text: string): Secret => new Secret(Buffer.from(text));
const textOf = (secret: Secret | undefined): string | undefined => secret?.use((bytes) => bytes.toString());

it.each<[AccessKind, Provider, string | undefined, string]>([
  ['token', 'github', undefined, 'basic x-access-token'],
  ['token', 'gitlab', undefined, 'basic oauth2'],
  ['token', 'bitbucket-cloud', undefined, 'basic x-token-auth'],
  ['token', 'bitbucket-dc', undefined, 'bearer x-token-auth'],
  ['token', 'bitbucket-dc', 'ada', 'basic ada'],
  ['token', 'gitea', undefined, 'basic oauth2'],
  ['token', 'azure', undefined, 'basic '],
  ['oauth2', 'azure', undefined, 'bearer '],
  ['oauth2', 'gitlab', undefined, 'basic oauth2'],
  ['github-app', 'github', undefined, 'basic x-access-token'],
  ['azure-entra', 'azure', undefined, 'bearer '],
  ['basic', 'generic', 'ada', 'basic ada'],
])('%s for %s beside %s is shown as %s', (kind, provider, given, shown) => {
  const { scheme, username } = presentationOf(kind, provider, given);
  expect(`${scheme} ${username}`).toBe(shown);
});

it('an API token of Bitbucket Cloud goes beside another name, unless one is given', () => {
  const shown = presentationOf('token', 'bitbucket-cloud', undefined);
  expect(usernameFor(shown, secretOf('ATATT3xabc'))).toBe('x-bitbucket-api-token-auth');
  expect(usernameFor(shown, secretOf('ATCTT3xabc'))).toBe('x-token-auth');
  const given = presentationOf('token', 'bitbucket-cloud', 'x-token-auth');
  expect(usernameFor(given, secretOf('ATATT3xabc'))).toBe('x-token-auth');
});

describe('tokens', () => {
  let tokens = new AccessTokens();
  afterEach(() => {
    tokens.close();
    tokens = new AccessTokens();
    vi.useRealTimers();
  });
  const grantOf = (text: string, livesMs = 3_600_000): Grant => ({
    token: secretOf(text),
    expiresAt: Date.now() + livesMs,
    rotated: null,
  });

  it('are used until five minutes before their end, of short ones for three quarters', () => {
    expect(usableUntil(3_600_000, 0)).toBe(3_300_000);
    expect(usableUntil(60_000, 0)).toBe(45_000);
    expect(usableUntil(0, 60_000)).toBe(0);
  });

  it('are fetched once for all who ask at the same time, and each has its own', async () => {
    let fetched = 0;
    const fetch = async (): Promise<Grant> => {
      fetched += 1;
      return grantOf('token-one');
    };
    const taken = await Promise.all([
      tokens.take('a', fetch),
      tokens.take('a', fetch),
      tokens.take('a', fetch),
    ]);
    expect(fetched).toBe(1);
    taken[0]?.secret.wipe();
    expect(taken.slice(1).map(({ secret }) => textOf(secret))).toEqual(['token-one', 'token-one']);
    expect(await tokens.take('a', fetch)).toMatchObject({ isFresh: false });
    expect(await tokens.take('b', fetch)).toMatchObject({ isFresh: true });
    expect(fetched).toBe(2);
  });

  it('that could not be fetched are asked for again', async () => {
    const away = new Error('away');
    await expect(tokens.take('a', () => Promise.reject(away))).rejects.toBe(away);
    expect(textOf((await tokens.take('a', async () => grantOf('token-two'))).secret)).toBe('token-two');
  });

  it('are wiped and forgotten at their end, and when they are of no use', () => {
    vi.useFakeTimers();
    const grant = grantOf('token-three', 60_000);
    tokens.keep('a', grant);
    expect(redact('token-three')).toBe('******');
    vi.advanceTimersByTime(44_000);
    expect(tokens.find('a')).toBeDefined();
    vi.advanceTimersByTime(2_000);
    expect(tokens.find('a')).toBeUndefined();
    expect(grant.token.use((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    const other = grantOf('token-four');
    tokens.keep('b', other);
    tokens.forget('b');
    expect(other.token.use((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});

describe('what a host refuses', () => {
  type RefusalCode =
    | 'GIT_AUTH_REJECTED'
    | 'GIT_UNREACHABLE'
    | 'CREDENTIAL_STALE'
    | 'HOST_API_AUTH_REJECTED'
    | 'HOST_API_FORBIDDEN'
    | 'HOST_API_UNREACHABLE';
  const refusing = (code: RefusalCode, status?: number) => {
    let asked = 0;
    const data = {
      host: 'git.example',
      attempt: 'ask',
      reason: 'no',
      ...(status === undefined ? {} : { status }),
    };
    const ask = async (): Promise<string> => {
      asked += 1;
      if (asked === 1) throw new Failure(code, data as never);
      return 'f'.repeat(40);
    };
    return {
      git: { head: ask } as unknown as Git,
      api: { closePull: ask } as unknown as HostApi,
      asked: () => asked,
    };
  };

  it.each<[Parameters<typeof refusing>, boolean, number]>([
    [['GIT_AUTH_REJECTED', 401], true, 2],
    [['GIT_AUTH_REJECTED'], true, 2],
    [['CREDENTIAL_STALE'], true, 2],
    [['GIT_AUTH_REJECTED', 401], false, 1],
    [['GIT_AUTH_REJECTED', 403], true, 1],
    [['GIT_UNREACHABLE'], true, 1],
  ])('with %j, a token at hand: %s, is asked %i times', async (failing, isAtHand, times) => {
    const { git, asked } = refusing(...failing);
    await new ReauthorisingGit(git, { forget: () => isAtHand }).head('main').catch(() => undefined);
    expect(asked()).toBe(times);
  });

  it.each<[RefusalCode, boolean, number]>([
    ['HOST_API_AUTH_REJECTED', true, 2],
    ['CREDENTIAL_STALE', true, 2],
    ['HOST_API_AUTH_REJECTED', false, 1],
    ['HOST_API_FORBIDDEN', true, 1],
    ['HOST_API_UNREACHABLE', true, 1],
  ])('through its API with %s, a token at hand: %s, is asked %i times', async (code, isAtHand, times) => {
    const { api, asked } = refusing(code);
    await new ReauthorisingHostApi(api, { forget: () => isAtHand }).closePull(1).catch(() => undefined);
    expect(asked()).toBe(times);
  });
});
