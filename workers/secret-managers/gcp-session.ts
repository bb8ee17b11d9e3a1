// One client of Google and what every call of it has: a token, a deadline over all attempts, at most two of them, a bound on what
// is read, and failures of our own. The clients look at the environment for credentials, certificates, proxies and
// other endpoints; each of these ways is closed here.
import { grpc, loggingUtils } from 'google-gax';
import { type Faults, isGrpcError, toFailure, UNAUTHENTICATED, UNAVAILABLE } from './gcp-faults.js';
import { GcpLine } from './gcp-line.js';
import { type GcpSettings, type GcpSurroundings, GcpTokens } from './gcp-token.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';

// Both write requests and tokens to standard error when the environment asks for it.
loggingUtils.setBackend(null);
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

const ATTEMPTS = 2;
const ANSWER_BYTES_MAX = 1024 * 1024;
const IDLE_MS = 60_000;

export type ClientOptions = ReturnType<typeof clientOptions>;
export type CallOptions = ReturnType<typeof callOptions>;

export interface GcpService<C> {
  /** Where it is unless the settings say otherwise. */
  endpoint: string;
  /** What tokens are asked for. */
  scope: string;
  open: (options: ClientOptions) => C;
  faults: Faults;
}

export interface CallRules {
  signal?: AbortSignal | undefined;
  /** Whether it does no harm when it comes twice. */
  isRepeatable: boolean;
}

export class GcpSession<C extends { close(): Promise<void> }> {
  readonly #keeper: Keeper;
  readonly #deadlineMs: number;
  readonly #faults: Faults;
  readonly #line: GcpLine;
  readonly #tokens: GcpTokens;
  readonly #client: C;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(
    setup: ProviderSetup<GcpSettings>,
    surroundings: GcpSurroundings,
    { endpoint, scope, open, faults }: GcpService<C>,
  ) {
    const { keeper, settings, deadlineMs, proxy } = setup;
    const ca = settings.endpoint === undefined ? undefined : settings.ca;
    this.#keeper = keeper;
    this.#deadlineMs = deadlineMs;
    this.#faults = faults;
    this.#line = new GcpLine(settings.endpoint ?? endpoint, { keeper, ca, proxy, connectMs: deadlineMs });
    this.#tokens = new GcpTokens(setup, surroundings, scope);
    this.#client = open(clientOptions(this.#line));
  }

  /** All that `ask` sends is one call, with one deadline. @throws as the tables of faults say */
  async call<T>(
    ask: (client: C, options: () => CallOptions) => Promise<T>,
    { signal, isRepeatable }: CallRules,
  ): Promise<T> {
    try {
      return await this.#within(signal, async (ending) => {
        for (let attempt = 1; ; attempt += 1) {
          ending.throwIfAborted();
          const token = await this.#tokens.get();
          ending.throwIfAborted();
          try {
            return await ask(this.#client, () => callOptions(token, this.#deadlineMs, ending));
          } catch (error) {
            if (attempt === ATTEMPTS || !this.#mayAskAgain(error, token, isRepeatable)) throw error;
          }
        }
      });
    } catch (error) {
      throw toFailure(error, this.#keeper, { faults: this.#faults, lineFault: this.#line.lastFault });
    }
  }

  garbled(reason: string): Error {
    return refusal('SECRET_MANAGER_GARBLED', this.#keeper, reason);
  }

  async close(): Promise<void> {
    this.#tokens.close();
    await this.#client.close();
    this.#line.close();
  }

  #mayAskAgain(error: unknown, token: string, isRepeatable: boolean): boolean {
    if (isGrpcError(error, UNAVAILABLE)) return isRepeatable;
    if (!isGrpcError(error, UNAUTHENTICATED)) return false;
    this.#tokens.drop(token);
    return true;
  }

  async #within<T>(signal: AbortSignal | undefined, work: (ending: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    const ended = new Promise<never>((_, reject) => {
      ending.signal.addEventListener('abort', () => reject(ending.signal.reason as Error), { once: true });
    });
    const end = (reason: string): void =>
      ending.abort(refusal('SECRET_MANAGER_UNAVAILABLE', this.#keeper, reason));
    const cancel = (): void => end('it was cancelled');
    const timer = setTimeout(() => end('no answer in time'), this.#deadlineMs);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      if (signal?.aborted === true) cancel();
      return await Promise.race([ended, work(ending.signal)]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }
}

function clientOptions(line: GcpLine) {
  return {
    // With its scheme, so that no name of a host is taken for one.
    apiEndpoint: `dns:${line.hop.slice(0, line.hop.lastIndexOf(':'))}`,
    port: Number(line.hop.slice(line.hop.lastIndexOf(':') + 1)),
    fallback: false,
    sslCreds: new LineCredentials(line),
    // Else the default credentials are looked for, to learn their universe.
    clientOptions: { universeDomain: 'googleapis.com' },
    // Else a program of a developer's files may be run to get some; the credentials above have the last word.
    cert: 'none',
    key: 'none',
    enableTelemetryTracing: false,
    enableTelemetryLogging: false,
    'grpc.default_authority': line.authority,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.client_idle_timeout_ms': IDLE_MS,
  };
}

/** The token is sent as a header, since the clients would add none to a line that is not TLS. */
function callOptions(token: string, timeout: number, signal: AbortSignal) {
  return { timeout, signal, retry: null, otherArgs: { headers: { authorization: `Bearer ${token}` } } };
}

type Connector = ReturnType<grpc.ChannelCredentials['_createSecureConnector']>;

/** Has gRPC use our line. */
class LineCredentials extends grpc.ChannelCredentials {
  readonly #line: GcpLine;

  constructor(line: GcpLine) {
    super();
    this.#line = line;
  }

  override _isSecure(): boolean {
    return this.#line.isSecure;
  }

  override _equals(other: grpc.ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[, , callCredentials = grpc.CallCredentials.createEmpty()]: Parameters<
      grpc.ChannelCredentials['_createSecureConnector']
    >
  ): Connector {
    const line = this.#line;
    return {
      connect: async (tcp) => ({ socket: await line.complete(tcp, ['h2']), secure: line.isSecure }),
      waitForReady: async () => undefined,
      getCallCredentials: () => callCredentials,
      destroy: () => undefined,
    };
  }
}
