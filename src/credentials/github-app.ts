// An installation of a GitHub App: what it may do here it gets for an hour, with a statement that its key signs.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { quoteServer, refuseAnswer } from '../git/host-answer.js';
import { askHost, type HostAnswer } from '../git/host-http.js';
import { Failure } from '../kernel/failure.js';
import type { Secret } from '../kernel/secret.js';
import { step } from '../kernel/step.js';
import {
  assertAnswered,
  deadlineOf,
  type EndpointOptions,
  type Grant,
  parseJson,
  toSecret,
} from './token-endpoint.js';

export interface GitHubApp {
  /** Of the host's API, without a slash at its end. */
  apiUrl: string;
  appId: string;
  installationId: string;
  privateKey: Secret;
  /** Names without their owner: nothing else can be reached with the token. */
  repositories: readonly string[];
}

/** What a token is for, and so all that it may do. */
export type AppErrand = 'git' | 'hooks';

/** Asked for one after the other: GitHub gives nothing where an app was not granted all of it. */
const permissionsFor: Record<AppErrand, readonly Record<string, 'write'>[]> = {
  git: [
    { contents: 'write', pull_requests: 'write', workflows: 'write' },
    { contents: 'write', pull_requests: 'write' },
    { contents: 'write', workflows: 'write' },
    { contents: 'write' },
  ],
  // An app that may not manage webhooks gets no token for them, and the others all the same.
  hooks: [{ repository_hooks: 'write' }],
};

/** The work that a secret is opened for says what the token is for. */
export const appErrandOf = (kind: string | undefined): AppErrand => (kind === 'webhook' ? 'hooks' : 'git');

/** The name by which the token for an errand is kept, beside that of the credential. */
export const appTokenKey = (fingerprint: string, errand: AppErrand): string =>
  errand === 'git' ? fingerprint : `${fingerprint} ${errand}`;

/** Clocks differ: the statement holds from so long ago, and for less than the ten minutes that GitHub allows. */
const BACK_SECONDS = 30;
const AHEAD_SECONDS = 540;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** 'https://github.com/acme/app.git' → 'app' */
export const repositoryOf = (url: string): string => /([^/]*?)(?:\.git)?\/*$/.exec(url)?.[1] ?? '';

export function apiOfGitHub(repositoryUrl: string, apiUrl: string | null): string {
  if (apiUrl !== null) return apiUrl.replace(/\/+$/, '');
  const { protocol, host } = new URL(repositoryUrl);
  return host === 'github.com' ? 'https://api.github.com' : `${protocol}//${host}/api/v3`;
}

/** @throws CREDENTIAL_UNUSABLE */
export function signStatement(appId: string, privateKey: Secret, now: Date = new Date()): string {
  const seconds = Math.floor(now.getTime() / 1_000);
  const claims = { iat: seconds - BACK_SECONDS, exp: seconds + AHEAD_SECONDS, iss: appId };
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), readKey(privateKey)).toString('base64url')}`;
}

/**
 * @throws CREDENTIAL_APP_SUSPENDED, CREDENTIAL_APP_GONE, CREDENTIAL_REFUSED, CREDENTIAL_UNUSABLE; GIT_HOST_ERROR for what passes by
 * itself, GIT_ANSWER_INVALID, GIT_UNREACHABLE, GIT_ADDRESS_DENIED, GIT_TIMEOUT
 */
export async function fetchInstallationToken(
  app: GitHubApp,
  options: EndpointOptions,
  errand: AppErrand = 'git',
): Promise<Grant> {
  const { installationId, repositories } = app;
  const url = new URL(`${app.apiUrl}/app/installations/${installationId}/access_tokens`);
  const { host } = url;
  const statement = signStatement(app.appId, app.privateKey);
  const deadline = deadlineOf(options.deadlineMs);
  const ask = (permissions: object): Promise<HostAnswer> =>
    askHost(options.network, deadline, {
      url,
      method: 'POST',
      headers: {
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'content-type': 'application/json',
        authorization: `Bearer ${statement}`,
      },
      body: Buffer.from(JSON.stringify({ repositories, permissions })),
    });
  const { status, said } = await step('credentials.exchange', async () => {
    const wishes = permissionsFor[errand];
    for (let at = 0; ; at++) {
      const answer = await ask(wishes[at] as object);
      assertAnswered(host, answer);
      const known = { status: answer.status, said: parseJson(host, answer) };
      if (at === wishes.length - 1 || !isBeyondGrant(known)) return known;
    }
  });
  if (status !== 201) throw refusalOf(host, status, said, installationId);
  const expiresAt = Date.parse(String(said.expires_at));
  if (Number.isNaN(expiresAt)) throw refuseAnswer(host, 'its expires_at is no date');
  return { token: toSecret(host, 'token', said.token), expiresAt, rotated: null };
}

const isBeyondGrant = ({ status, said }: { status: number; said: Record<string, unknown> }): boolean =>
  status === 422 && /permission/i.test(String(said.message));

function refusalOf(
  host: string,
  status: number,
  { message }: Record<string, unknown>,
  installation: string,
): Failure {
  const reason = typeof message === 'string' ? quoteServer(message) : `status ${status}`;
  if (status === 404) return new Failure('CREDENTIAL_APP_GONE', { host, installation }) as Failure;
  if (status === 403 && /suspended/i.test(reason))
    return new Failure('CREDENTIAL_APP_SUSPENDED', { host, installation }) as Failure;
  return new Failure('CREDENTIAL_REFUSED', { host, reason }) as Failure;
}

function readKey(privateKey: Secret): KeyObject {
  const key = privateKey.use((bytes) => {
    try {
      return createPrivateKey(bytes);
    } catch {
      return undefined;
    }
  });
  if (key?.asymmetricKeyType === 'rsa') return key;
  throw new Failure('CREDENTIAL_UNUSABLE', {
    problem: 'The private key of the app is no RSA key in PEM',
    mend: 'Put the file into the secret that GitHub gave when the key was made',
  });
}
