// Long-lived secrets against a server that gives tokens: what is sent, what is taken, and what every refusal becomes.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  apiOfGitHub,
  appErrandOf,
  appTokenKey,
  fetchInstallationToken,
  repositoryOf,
} from '../../../src/credentials/github-app.js';
import { refresh, signInToEntra } from '../../../src/credentials/oauth2.js';
import { assertGranted, type Grant, type Spent } from '../../../src/credentials/token-endpoint.js';
import { Network } from '../../../src/git/network.js';
import { redact } from '../../../src/kernel/redact.js';
import { Secret } from '../../../src/kernel/secret.js';
import { type Authorisation, TokenServer } from '../../support/token-server.js';
import { failureFrom } from '../support/refusals.js';

let server: TokenServer;
let known: Authorisation;
const network = new Network({ addresses: { allowPrivate: true }, http2: false });
const options = { network, deadlineMs: 5_000 };
const secretOf = (text: string): Secret => new Secret(Buffer.from(text));
const textOf = (secret: Secret | null | undefined): string | undefined =>
  secret?.use((bytes) => bytes.toString());
const secondsLeft = ({ expiresAt }: Grant): number => Math.round((expiresAt - Date.now()) / 1_000);

beforeAll(async () => {
  server = await TokenServer.open();
});
afterAll(async () => {
  await network.close();
  await server.close();
});
beforeEach(() => {
  known = server.authorise();
});

const exchange = (
  more: { tokenUrl?: string; refreshToken?: string; clientSecret?: string } = {},
): Promise<Grant | Spent> =>
  refresh(
    {
      tokenUrl: more.tokenUrl ?? server.tokenUrl,
      clientId: known.clientId,
      clientSecret: secretOf(more.clientSecret ?? known.clientSecret),
      refreshToken: secretOf(more.refreshToken ?? known.refreshToken),
    },
    options,
  );
const ask = async (...wish: Parameters<typeof exchange>): Promise<Grant> =>
  assertGranted(await exchange(...wish));

describe('a refresh token', () => {
  it('becomes an access token and its successor, which is another one', async () => {
    const before = known.refreshToken;
    const grant = await ask();
    expect(textOf(grant.token)).toBe(known.accessToken);
    expect(textOf(grant.rotated)).toBe(known.refreshToken);
    expect(known.refreshToken).not.toBe(before);
    expect(secondsLeft(grant)).toBe(3_600);
    expect(redact(`it is ${known.accessToken}`)).not.toContain(known.accessToken);
  });

  it('that the host keeps has no successor', async () => {
    known.rotates = false;
    expect((await ask()).rotated).toBeNull();
  });

  it('is shown in the head where the form is not taken', async () => {
    known.wantsBasic = true;
    expect(textOf((await ask()).token)).toBe(known.accessToken);
    expect(known.asked).toBe(2);
  });

  it('of a host that tells no end lives ten minutes', async () => {
    known.expiresIn = undefined;
    expect(secondsLeft(await ask())).toBe(600);
  });

  it.each([
    ['infinite', '1e999', 600],
    ['no number', '"soon"', 600],
    ['over already', '-1', 600],
    ['huge', '1e15', 31_536_000],
    ['a fraction', '90.0004', 90],
  ])(
    'of a host whose end is %s lives for whole milliseconds, and no longer than a year',
    async (_, told, seconds) => {
      known.answer = [200, `{ "access_token": "abcd", "expires_in": ${told} }`];
      const grant = await ask();
      expect(secondsLeft(grant)).toBe(seconds);
      expect(grant.expiresAt).toSatisfy(Number.isSafeInteger);
    },
  );

  it.each([
    ['no token', {}],
    ['a token that ends a head', { access_token: 'a\r\nb' }],
    ['a type that is not known', { access_token: 'abcd', token_type: 'mac' }],
  ])('that was replaced together with %s has its successor all the same', async (_, said) => {
    known.answer = [200, { ...said, refresh_token: 'the-next-one' }];
    const { rotated, ...rest } = await exchange();
    expect(textOf(rotated)).toBe('the-next-one');
    expect(rest).toMatchObject({ token: null, fault: { code: 'GIT_ANSWER_INVALID' } });
    known.answer = [200, { ...said, refresh_token: known.refreshToken }];
    expect(await failureFrom(ask())).toMatchObject({ code: 'GIT_ANSWER_INVALID' });
  });

  it('that was used before is void', async () => {
    const before = known.refreshToken;
    await ask();
    const failure = await failureFrom(ask({ refreshToken: before }));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_REFUSED', data: { isVoid: true } });
    expect(failure.message).toContain('invalid_grant');
    expect(failure.message).not.toContain(before);
  });

  it('of a client with another secret is refused, and not void', async () => {
    const failure = await failureFrom(ask({ clientSecret: 'another-secret' }));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_REFUSED', disposition: 'stop' });
    expect(failure.data).not.toHaveProperty('isVoid');
  });

  it.each<[string, [number, unknown, Record<string, string>?], string, object]>([
    ['GitHub’s no with 200', [200, { error: 'bad_refresh_token' }], 'CREDENTIAL_REFUSED', { isVoid: true }],
    [
      'a fault',
      [503, 'away', { 'retry-after': '7' }],
      'GIT_HOST_ERROR',
      { status: 503, retryAfterSeconds: 7 },
    ],
    ['too many requests', [429, {}], 'GIT_HOST_ERROR', { status: 429 }],
    [
      'too many requests until a date',
      [429, {}, { 'retry-after': new Date(Date.now() + 7_200_000).toUTCString() }],
      'GIT_HOST_ERROR',
      { status: 429, retryAfterSeconds: 900 },
    ],
    [
      'too many requests for hours',
      [429, {}, { 'retry-after': '7200' }],
      'GIT_HOST_ERROR',
      { retryAfterSeconds: 900 },
    ],
    [
      'a limit that is used up',
      [429, {}, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' }],
      'GIT_HOST_ERROR',
      { retryAfterSeconds: 900 },
    ],
    [
      'a limit that is called forbidden',
      [403, { error: 'rate limit exceeded' }],
      'GIT_HOST_ERROR',
      { status: 429 },
    ],
    ['a redirect', [302, '', { location: 'http://127.0.0.1:1/' }], 'GIT_ANSWER_INVALID', {}],
    ['a page', [200, '<html>'], 'GIT_ANSWER_INVALID', {}],
    ['a list', [200, '[]'], 'GIT_ANSWER_INVALID', {}],
    ['no token', [200, {}], 'GIT_ANSWER_INVALID', {}],
    ['a token that ends a head', [200, { access_token: 'a\r\nb' }], 'GIT_ANSWER_INVALID', {}],
    ['a token that is a number', [200, { access_token: 7 }], 'GIT_ANSWER_INVALID', {}],
    [
      'a successor that is none',
      [200, { access_token: 'abcd', refresh_token: [] }],
      'GIT_ANSWER_INVALID',
      {},
    ],
    [
      'a type that is not known',
      [200, { access_token: 'abcd', token_type: 'mac' }],
      'GIT_ANSWER_INVALID',
      {},
    ],
    [
      'an error of another form',
      [400, { error: { code: 1 } }],
      'CREDENTIAL_REFUSED',
      { reason: 'status 400' },
    ],
  ])('answered by %s fails by name', async (_, answer, code, data) => {
    known.answer = answer;
    expect(await failureFrom(ask())).toMatchObject({ code, data });
  });

  it('goes to no address that the network forbids', async () => {
    const closed = new Network({ addresses: { allowPrivate: false }, http2: false });
    const failure = refresh(
      {
        tokenUrl: server.tokenUrl,
        clientId: known.clientId,
        clientSecret: secretOf('client-secret'),
        refreshToken: secretOf('refresh-token'),
      },
      { ...options, network: closed },
    );
    expect(await failureFrom(failure)).toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
  });
});

it('a client of Entra gets a token for Azure DevOps', async () => {
  const entra = { tenant: 'acme.example', clientId: known.clientId, authority: `${server.url}/` };
  const grant = await signInToEntra({ ...entra, secret: secretOf(known.clientSecret) }, options);
  expect(textOf(grant.token)).toBe(known.accessToken);
  expect(grant.rotated).toBeNull();
  const failure = signInToEntra({ ...entra, secret: secretOf('wrong-secret') }, options);
  expect(await failureFrom(failure)).toMatchObject({ code: 'CREDENTIAL_REFUSED' });
});

describe('an installation of an app', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const install = (key = pem, errand?: 'hooks'): Promise<Grant> =>
    fetchInstallationToken(
      {
        apiUrl: server.url,
        appId: 'Iv1.abc',
        installationId: '7',
        privateKey: secretOf(key),
        repositories: ['app'],
      },
      options,
      errand,
    );
  beforeEach(() => {
    server.app = { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), id: 'Iv1.abc' };
    server.installation.answer = undefined;
    server.installation.granted = undefined;
    server.installation.asked.length = 0;
  });

  it('gets a token for its repositories, by a statement of RS256 that holds for less than ten minutes', async () => {
    const grant = await install();
    expect(textOf(grant.token)).toBe(server.installation.token);
    expect(secondsLeft(grant)).toBe(3_600);
    const [{ claims, body }] = server.installation.asked as [(typeof server.installation.asked)[number]];
    expect(body).toEqual({
      repositories: ['app'],
      permissions: { contents: 'write', pull_requests: 'write', workflows: 'write' },
    });
    const now = Date.now() / 1_000;
    expect(now - Number(claims.iat)).toBeGreaterThanOrEqual(29);
    expect(Number(claims.exp) - now).toBeLessThan(600);
  });

  it('gets another one to manage webhooks, which is kept beside the first', async () => {
    await install(pem, 'hooks');
    expect(server.installation.asked).toMatchObject([
      { body: { repositories: ['app'], permissions: { repository_hooks: 'write' } } },
    ]);
    expect(server.installation.asked[0]?.body.permissions).toEqual({ repository_hooks: 'write' });
    expect(['webhook', 'save', undefined].map(appErrandOf)).toEqual(['hooks', 'git', 'git']);
    expect(appTokenKey('f', 'git')).toBe('f');
    expect(appTokenKey('f', 'hooks')).not.toBe('f');
  });

  it.each([
    [['contents', 'pull_requests', 'metadata'], { contents: 'write', pull_requests: 'write' }, 2],
    [['contents', 'workflows'], { contents: 'write', workflows: 'write' }, 3],
    [['contents'], { contents: 'write' }, 4],
  ])('that may do %s gets a token for so much of it', async (granted, permissions, asked) => {
    server.installation.granted = granted;
    expect(textOf((await install()).token)).toBe(server.installation.token);
    expect(server.installation.asked.at(-1)?.body.permissions).toEqual(permissions);
    expect(server.installation.asked).toHaveLength(asked);
  });

  it.each([
    ['nothing of it', ['metadata'], undefined, 4],
    ['another repository alone', undefined, [422, { message: 'A repository is not accessible' }], 1],
  ] as const)('that may reach %s is refused', async (_, granted, answer, asked) => {
    server.installation.granted = granted;
    server.installation.answer = answer as typeof server.installation.answer;
    expect(await failureFrom(install())).toMatchObject({ code: 'CREDENTIAL_REFUSED' });
    expect(server.installation.asked).toHaveLength(asked);
  });

  it.each<[string, [number, unknown, Record<string, string>?], string, object?]>([
    [
      'asked too often',
      [
        403,
        { message: 'API rate limit exceeded' },
        { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' },
      ],
      'GIT_HOST_ERROR',
      { status: 429, retryAfterSeconds: 900 },
    ],
    [
      'asked too fast',
      [403, { message: 'You have exceeded a secondary rate limit. Please wait a few minutes.' }],
      'GIT_HOST_ERROR',
      { status: 429 },
    ],
    ['suspended', [403, { message: 'This installation has been suspended' }], 'CREDENTIAL_APP_SUSPENDED'],
    ['gone', [404, { message: 'Not Found' }], 'CREDENTIAL_APP_GONE'],
    [
      'without its rights',
      [422, { message: 'The permissions requested are not granted' }],
      'CREDENTIAL_REFUSED',
    ],
    ['of a host at fault', [502, {}], 'GIT_HOST_ERROR'],
    ['answered without an end', [201, { token: 'abcdef' }], 'GIT_ANSWER_INVALID'],
  ])('that is %s says so', async (_, answer, code, data = {}) => {
    server.installation.answer = answer;
    expect(await failureFrom(install())).toMatchObject({ code, data });
  });

  it('whose key is another’s, or none, is refused', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
    const refused = install(other.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(await failureFrom(refused)).toMatchObject({ code: 'CREDENTIAL_REFUSED' });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const none of ['no key at all', ec.export({ type: 'pkcs8', format: 'pem' }).toString()])
      expect(await failureFrom(install(none))).toMatchObject({ code: 'CREDENTIAL_UNUSABLE' });
  });

  it.each([
    ['https://github.com/acme/app.git', null, 'https://api.github.com', 'app'],
    ['https://git.example/acme/app', null, 'https://git.example/api/v3', 'app'],
    ['https://git.example/acme/a.b.git/', 'https://api.example/x/', 'https://api.example/x', 'a.b'],
  ])('of %s is asked for where the API is', (url, apiUrl, api, repository) => {
    expect(apiOfGitHub(url, apiUrl)).toBe(api);
    expect(repositoryOf(url)).toBe(repository);
  });
});
