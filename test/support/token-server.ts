// Where tokens come from, on loopback: the refresh grant of OAuth 2 with tokens that rotate, Entra's client credentials, and the
// installations of a GitHub App. It counts what is asked, and a refresh token is taken once.
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const fresh = (what: string): string => `${what}-${randomBytes(18).toString('base64url')}`;

/** Who may ask, and what with. */
export class Authorisation {
  clientSecret = fresh('client-secret');
  refreshToken = fresh('refresh');
  /** The only one that counts. */
  accessToken = '';
  /** Every one that was given. */
  readonly accessTokens = new Set<string>();
  /** Whether the refresh token before is taken as long as nobody has used the access token that came with its successor. */
  isLenient = false;
  #before: string | undefined;
  /** How often a token was given. */
  given = 0;
  /** How often it was asked for. */
  asked = 0;
  /** Whether the refresh token is another one after every use. */
  rotates = true;
  expiresIn: number | undefined = 3_600;
  /** Only the head of the request may hold the client’s secret. */
  wantsBasic = false;
  /** Answers in place of all that. */
  answer: [status: number, body: unknown, headers?: Record<string, string>] | undefined;

  constructor(readonly clientId: string = fresh('client')) {}

  takes(refreshToken: string | null): boolean {
    return refreshToken === this.refreshToken || (this.isLenient && refreshToken === this.#before);
  }

  rotate(): void {
    this.#before = this.refreshToken;
    this.refreshToken = fresh('refresh');
  }

  /** Somebody showed the current access token. */
  use(): void {
    this.#before = undefined;
  }

  /** Whatever was given counts no more. */
  revoke(): void {
    this.use();
    this.refreshToken = fresh('refresh');
    this.accessToken = '';
  }
}

export class TokenServer {
  readonly authorisations = new Map<string, Authorisation>();
  /** PEM of the app's public key, and what its installation answers. */
  app: { publicKey: string; id: string } | undefined;
  readonly installation = {
    asked: [] as { claims: Record<string, number | string>; body: Record<string, unknown> }[],
    answer: undefined as [number, unknown, Record<string, string>?] | undefined,
    /** Names of what it may do; all where nothing is said. */
    granted: undefined as readonly string[] | undefined,
    token: '',
    livesMs: 3_600_000,
  };
  /** Requests that are held. */
  waiting = 0;
  #held: Promise<void> | undefined;

  private constructor(
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<TokenServer> {
    let here: TokenServer;
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      const answer = async (): Promise<void> => {
        here.waiting += 1;
        await here.#held;
        here.waiting -= 1;
        const [status, body, headers] = here.#answer(request, Buffer.concat(chunks).toString());
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      request.on('end', () => void answer());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    here = new TokenServer((server.address() as AddressInfo).port, close);
    return here;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get tokenUrl(): string {
    return `${this.url}/oauth/token`;
  }

  authorise(clientId?: string): Authorisation {
    const made = new Authorisation(clientId);
    this.authorisations.set(made.clientId, made);
    return made;
  }

  /** Nothing is answered until the answer is called. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.#held = undefined;
      release();
    };
  }

  #answer(request: http.IncomingMessage, body: string): [number, unknown, Record<string, string>?] {
    const url = request.url ?? '';
    if (url.startsWith('/app/installations/')) return this.#install(request, body);
    const form = new URLSearchParams(body);
    const { named, word, isInHead } = clientOf(request, form);
    const known = this.authorisations.get(named);
    if (known === undefined) return [401, { error: 'invalid_client' }];
    known.asked += 1;
    if (known.answer !== undefined) return known.answer;
    if (word !== known.clientSecret || (known.wantsBasic && !isInHead))
      return [401, { error: 'invalid_client', error_description: 'who is that' }];
    if (form.get('grant_type') === 'refresh_token') return this.#refresh(known, form);
    return url.endsWith('/oauth2/v2.0/token') && form.get('grant_type') === 'client_credentials'
      ? give(known, {})
      : [400, { error: 'unsupported_grant_type' }];
  }

  #refresh(known: Authorisation, form: URLSearchParams): [number, unknown] {
    if (!known.takes(form.get('refresh_token')))
      return [400, { error: 'invalid_grant', error_description: 'The refresh token was used before' }];
    if (known.rotates) known.rotate();
    return give(known, { refresh_token: known.refreshToken });
  }

  #install(request: http.IncomingMessage, body: string): [number, unknown, Record<string, string>?] {
    const { app, installation } = this;
    const [head = '', claims = '', signature = ''] = (request.headers.authorization ?? '')
      .replace('Bearer ', '')
      .split('.');
    const isSigned =
      app !== undefined &&
      verify(
        'RSA-SHA256',
        Buffer.from(`${head}.${claims}`),
        createPublicKey(app.publicKey),
        Buffer.from(signature, 'base64url'),
      );
    if (!isSigned) return [401, { message: 'A JSON web token could not be decoded' }];
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const now = Date.now() / 1_000;
    if (said.iss !== app.id || said.iat > now || said.exp > now + 600 || said.exp < now)
      return [401, { message: 'the claims are not right' }];
    installation.asked.push({ claims: said, body: JSON.parse(body) });
    if (installation.answer !== undefined) return installation.answer;
    if (!isGranted(installation.granted, JSON.parse(body).permissions))
      return [422, { message: 'The permissions requested are not granted to this installation.' }];
    installation.token = fresh('ghs');
    const expires_at = new Date(Date.now() + installation.livesMs).toISOString();
    return [201, { token: installation.token, expires_at }];
  }
}

const isGranted = (granted: readonly string[] | undefined, permissions: object): boolean =>
  granted === undefined || Object.keys(permissions).every((name) => granted.includes(name));

function clientOf(request: http.IncomingMessage, form: URLSearchParams) {
  const head = /^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1];
  const pair = head === undefined ? undefined : Buffer.from(head, 'base64').toString().split(':');
  const [named = '', word = ''] = pair?.map(decodeURIComponent) ?? [
    form.get('client_id') ?? '',
    form.get('client_secret') ?? '',
  ];
  return { named, word, isInHead: head !== undefined };
}

function give(known: Authorisation, more: object): [number, unknown] {
  known.given += 1;
  known.accessToken = fresh('access');
  known.accessTokens.add(known.accessToken);
  const lives = known.expiresIn === undefined ? {} : { expires_in: known.expiresIn };
  return [200, { access_token: known.accessToken, token_type: 'bearer', ...lives, ...more }];
}

/** A Git host in front of another one, which lets in whom it is told to. */
export class TokenGate {
  /** What was refused. */
  refused = 0;

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  /** `behind`: the other's address with user name and password. */
  static async open(behind: string, isWelcome: (authorization: string) => boolean): Promise<TokenGate> {
    let gate: TokenGate;
    const target = new URL(behind);
    const basic = `Basic ${Buffer.from(`${target.username}:${target.password}`).toString('base64')}`;
    const server = http.createServer((request, response) => {
      if (!isWelcome(request.headers.authorization ?? '')) {
        gate.refused += 1;
        request.resume();
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="gate"' }).end();
      }
      const upstream = http.request({
        host: target.hostname,
        port: target.port,
        path: request.url,
        method: request.method,
        headers: { ...request.headers, authorization: basic },
        agent: false,
      });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      request.pipe(upstream);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    gate = new TokenGate(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return gate;
  }
}
