// One operation against one repository: the parsed address, the open credential, the deadline. Nothing of it outlives the
// operation; the password is wiped when it ends.
import { createHash, randomBytes } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import type { Secret } from '../kernel/secret.js';
import type { Remote } from './git.js';
import type { Limits } from './limits.js';
import { type Network, plainNetwork } from './network.js';
import { parseRemoteUrl } from './remote-url.js';

export interface Session {
  origin: string;
  /** Path of the repository, without trailing slash. */
  path: string;
  /** `name[:port]`, as failures name the host. */
  host: string;
  /** Value of the Authorization header; absent when anonymous. */
  authorization: string | undefined;
  /** Whose trees these are: repository and credential, unreadable. */
  partition: string;
  network: Network;
  limits: Limits;
  deadline: Deadline;
}

export interface SessionOptions {
  allowHttp: boolean;
  /** Whether private addresses may be dialled; a network says so itself. */
  allowPrivate: boolean;
  network?: Network | undefined;
  deadlineMs: number;
  limits: Limits;
  /** Ends the operation before its time. */
  signal: AbortSignal | undefined;
}

/** When an operation, or a part of one, has to be over. */
export interface Deadline {
  signal: AbortSignal;
  /** Ends it before its time; part of `signal`. */
  cancel: AbortSignal | undefined;
  /** Milliseconds the whole was given; what a GIT_TIMEOUT reports. */
  totalMs: number;
  /** On the clock of `performance.now()`. */
  endsAt: number;
}

const partitionKey = randomBytes(32);

/**
 * Opens the remote for the length of `use`.
 * @throws Failure CONNECTOR_DENIED for an address of the wrong form; whatever opening the credential fails with.
 */
export async function withSession<T>(
  remote: Remote,
  options: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const address = parseRemoteUrl(remote.url, options.allowHttp);
  const password = await remote.credential?.open();
  try {
    const username = nameBeside(remote.credential, password);
    const authorization = password?.use((bytes) => authorizationOf(remote.credential, username, bytes));
    return await use(openSession(address, authorization, options));
  } finally {
    password?.wipe();
  }
}

/** The session without a credential: what is left to try when the secret cannot be opened. */
export function openAnonymous(remote: Remote, options: SessionOptions): Session {
  return openSession(parseRemoteUrl(remote.url, options.allowHttp), undefined, options);
}

/** The same session with only this share of the remaining time, so that something is left for what follows. */
export function limitTo(share: number, session: Session): Session {
  const { deadline } = session;
  const remainingMs = Math.max(1, (deadline.endsAt - performance.now()) * share);
  const signal = AbortSignal.any([deadline.signal, AbortSignal.timeout(Math.ceil(remainingMs))]);
  return { ...session, deadline: { ...deadline, signal, endsAt: performance.now() + remainingMs } };
}

/** @throws Failure GIT_TIMEOUT or GIT_CANCELLED when the operation, or this part of it, should be over */
export function requireTime(session: Session): void {
  if (session.deadline.signal.aborted) throw explainEnd(session);
}

function openSession(url: URL, authorization: string | undefined, options: SessionOptions): Session {
  const path = url.pathname;
  return {
    origin: url.origin,
    path,
    host: url.host,
    authorization,
    partition: createHash('sha256')
      .update(partitionKey)
      .update(JSON.stringify([url.origin, path, authorization ?? null]))
      .digest('base64url'),
    network: options.network ?? plainNetwork(options.allowPrivate),
    limits: options.limits,
    deadline: {
      signal: AbortSignal.any([AbortSignal.timeout(options.deadlineMs), options.signal ?? []].flat()),
      cancel: options.signal,
      totalMs: options.deadlineMs,
      endsAt: performance.now() + options.deadlineMs,
    },
  };
}

/** Why an operation whose signal went off ends. */
export function explainEnd({ host, deadline }: Pick<Session, 'host' | 'deadline'>, cause?: unknown): Failure {
  if (deadline.cancel?.aborted === true) return new Failure('GIT_CANCELLED', { host }, { cause }) as Failure;
  return new Failure('GIT_TIMEOUT', { host, seconds: deadline.totalMs / 1_000 }, { cause }) as Failure;
}

function nameBeside(credential: Remote['credential'], password: Secret | undefined): string {
  if (credential === undefined || password === undefined) return '';
  return credential.usernameFor?.(password) ?? credential.username;
}

function authorizationOf(credential: Remote['credential'], username: string, bytes: Buffer): string {
  if (credential?.scheme === 'bearer') return `Bearer ${bytes.toString('utf8')}`;
  return encodeBasic(Buffer.from(`${username}:`), bytes);
}

function encodeBasic(user: Buffer, password: Buffer): string {
  const joined = Buffer.concat([user, password]);
  try {
    return `Basic ${joined.toString('base64')}`;
  } finally {
    joined.fill(0);
  }
}
