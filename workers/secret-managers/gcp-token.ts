// Whom Google sees: the service account of a builtin secret, or the one that the metadata server gives the delegate's machine or
// pod. Never a developer's login: no file and no variable of the environment is looked at.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import http from 'node:http';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { registerSecret } from '../../src/kernel/redact.js';
import type { Secret } from '../../src/kernel/secret.js';
import { codeOf, GcpLine } from './gcp-line.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';

const TOKEN_ENDPOINT = 'https://oauth2.googleapis.com';
/** By address: no name that somebody else could resolve to themselves. */
const METADATA = 'http://169.254.169.254';
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
const ASSERTION_SECONDS = 3_600;
const ANSWER_BYTES_MAX = 64 * 1024;
const RSA_BITS_MIN = 2_048;
/** A token with less time left is not used any more. */
const MARGIN_MS = 60_000;

export interface GcpSettings {
  endpoint?: string | undefined;
  tokenEndpoint?: string | undefined;
  ca?: string | undefined;
}

/** What a delegate's surroundings are. */
export interface GcpSurroundings {
  /** Where the metadata server is: scheme, host and port. */
  metadata?: string;
}

/** The other members are not looked at: a file may name endpoints and commands, which are not its to choose. */
const ServiceAccount = z.object({
  type: z.literal('service_account'),
  client_email: z.string().regex(/^[\w.+-]{1,64}@[\w.-]{1,190}$/),
  private_key_id: z.string().regex(/^\w{1,128}$/),
  private_key: z.string().max(16_384),
});

const Token = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_in: z.number().positive().max(86_400),
  token_type: z.string().regex(/^bearer$/i),
});

interface Account {
  email: string;
  keyId: string;
  key: KeyObject;
}

interface Question {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string | number>;
  body?: string;
}

interface Source {
  line: GcpLine;
  /** What is asked, made anew for every time. */
  question: () => Question;
  /** In whose name. */
  who: string;
  accepts?: (headers: http.IncomingHttpHeaders) => boolean;
}

interface Held {
  token: string;
  until: number;
  forget: () => void;
}

export class GcpTokens {
  readonly #keeper: Keeper;
  readonly #deadlineMs: number;
  readonly #source: Source;
  readonly #closing = new AbortController();
  #held: Held | undefined;
  #asking: Promise<Held> | undefined;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<GcpSettings>, surroundings: GcpSurroundings, scope: string) {
    this.#keeper = setup.keeper;
    this.#deadlineMs = setup.deadlineMs;
    this.#source =
      setup.credential === null
        ? metadataSource(setup, surroundings)
        : accountSource(setup, readAccount(setup.credential, setup.keeper), scope);
  }

  /** One request for everybody who waits. @throws SECRET_MANAGER_* */
  async get(): Promise<string> {
    if (this.#held !== undefined && this.#held.until > Date.now()) return this.#held.token;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return (await this.#asking).token;
  }

  /** It was refused; unless there is another by now, the next one is asked for. */
  drop(token: string): void {
    if (this.#held?.token !== token) return;
    this.#held.forget();
    this.#held = undefined;
  }

  close(): void {
    this.#closing.abort();
    this.#source.line.close();
    this.#held?.forget();
    this.#held = undefined;
  }

  async #ask(): Promise<Held> {
    const { line, question, who, accepts } = this.#source;
    const timeout = AbortSignal.timeout(this.#deadlineMs);
    const signal = AbortSignal.any([this.#closing.signal, timeout]);
    const answer = await this.#exchange(line, question(), signal);
    const { status } = answer;
    if (status === 200 && accepts?.(answer.headers) !== false) return this.#hold(answer.body);
    throw this.#refuse(status, who);
  }

  async #exchange(line: GcpLine, question: Question, signal: AbortSignal): Promise<Answer> {
    const socket = await line.connect();
    try {
      return await exchange(socket, line.authority, question, signal);
    } catch (cause) {
      const isForeign = codeOf(cause).startsWith('HPE_');
      throw isForeign
        ? refusal('SECRET_MANAGER_GARBLED', this.#keeper, 'what gives tokens speaks no HTTP', { cause })
        : refusal('SECRET_MANAGER_UNAVAILABLE', this.#keeper, 'what gives tokens did not answer', { cause });
    } finally {
      socket.destroy();
    }
  }

  #hold(body: string): Held {
    const parsed = Token.safeParse(parseJson(body));
    if (!parsed.success)
      throw refusal('SECRET_MANAGER_GARBLED', this.#keeper, 'what was to be a token is none');
    const { access_token: token, expires_in: seconds } = parsed.data;
    const until = Date.now() + seconds * 1_000 - MARGIN_MS;
    this.#held?.forget();
    this.#held = { token, until, forget: registerSecret(token) };
    return this.#held;
  }

  #refuse(status: number, who: string): Error {
    const told = `no token for ${who} (HTTP ${status})`;
    if (status === 429) return refusal('SECRET_MANAGER_THROTTLED', this.#keeper, told);
    if (status >= 500) return refusal('SECRET_MANAGER_UNAVAILABLE', this.#keeper, told);
    if (status >= 400) return refusal('SECRET_MANAGER_SIGN_IN_REFUSED', this.#keeper, told);
    return refusal('SECRET_MANAGER_GARBLED', this.#keeper, told);
  }
}

function readAccount(secret: Secret, keeper: Keeper): Account {
  const parsed = ServiceAccount.safeParse(secret.use((bytes) => parseJson(bytes.toString('utf8'))));
  const key = parsed.success ? readKey(parsed.data.private_key) : undefined;
  if (!parsed.success || key === undefined)
    throw refusal(
      'SECRET_MANAGER_MISCONFIGURED',
      keeper,
      'the credential is not the JSON of a key of a service account',
    );
  return { email: parsed.data.client_email, keyId: parsed.data.private_key_id, key };
}

function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= RSA_BITS_MIN ? key : undefined;
  } catch {
    return undefined;
  }
}

function accountSource(setup: ProviderSetup<GcpSettings>, account: Account, scope: string): Source {
  const { keeper, settings, proxy, deadlineMs: connectMs } = setup;
  const endpoint = settings.tokenEndpoint ?? TOKEN_ENDPOINT;
  const ca = settings.tokenEndpoint === undefined ? undefined : settings.ca;
  const question = (): Question => {
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      // For whoever is asked and nobody else: it could not be used at Google by a token endpoint that is not Google's.
      assertion: makeAssertion(account, `${endpoint}/token`, scope),
    }).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    };
    return { method: 'POST', path: '/token', headers, body };
  };
  return {
    line: new GcpLine(endpoint, { keeper, ca, proxy, connectMs }),
    question,
    who: 'the service account',
  };
}

function makeAssertion({ email, keyId, key }: Account, audience: string, scope: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const header = { alg: 'RS256', typ: 'JWT', kid: keyId };
  const claims = { iss: email, scope, aud: audience, iat: now, exp: now + ASSERTION_SECONDS };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

/** The metadata server is on the machine itself: no proxy is on the way. */
function metadataSource(
  { keeper, deadlineMs: connectMs }: ProviderSetup<GcpSettings>,
  { metadata = METADATA }: GcpSurroundings,
): Source {
  return {
    line: new GcpLine(metadata, { keeper, connectMs }),
    question: () => ({ method: 'GET', path: METADATA_PATH, headers: { 'metadata-flavor': 'Google' } }),
    who: 'the delegate’s identity',
    accepts: (headers) => headers['metadata-flavor'] === 'Google',
  };
}

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

async function exchange(
  socket: Socket,
  host: string,
  { method, path, headers, body }: Question,
  signal: AbortSignal,
): Promise<Answer> {
  const request = http.request({
    createConnection: () => socket,
    method,
    path,
    signal,
    headers: { host, accept: 'application/json', connection: 'close', ...headers },
  });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
    request.end(body);
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('too long');
  }
  const { statusCode: status = 0, headers: answered } = response;
  return { status, headers: answered, body: Buffer.concat(chunks).toString('utf8') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
