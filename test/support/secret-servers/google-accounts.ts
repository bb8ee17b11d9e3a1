// Where tokens of Google come from: the token endpoint, which checks what a service account signed, and the metadata server.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Tls {
  cert: Buffer;
  key: Buffer;
}

/** What is answered instead of a token; `silence` never. */
export type TokenFault = { status: number; text: string } | 'silence' | 'hang-up';

interface Account {
  email: string;
  key: KeyObject;
}

const HOUR_SECONDS = 3_600;
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
const scopes = ['https://www.googleapis.com/auth/cloudkms', 'https://www.googleapis.com/auth/cloud-platform'];

export class GoogleAccounts {
  readonly violations: string[] = [];
  /** How often somebody asked for a token. */
  asked = 0;
  /** In whose name tokens were given, in order. */
  readonly given: string[] = [];
  /** Whom the metadata server speaks for; null where it has nobody. */
  attached: string | null = 'attached@acme.iam.gserviceaccount.com';
  fault: TokenFault | undefined;
  livesSeconds = HOUR_SECONDS;
  /** A key for whoever does not mind which. */
  readonly sharedKey: Record<string, string>;
  readonly #accounts = new Map<string, Account>();
  readonly #tokens = new Map<string, string>();
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;

  private constructor(tls: Tls | undefined) {
    this.#scheme = tls === undefined ? 'http' : 'https';
    const serve = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#serve(request, response).catch((error: unknown) => {
        this.violations.push(String(error));
        response.destroy();
      });
    };
    this.#server = tls === undefined ? http.createServer(serve) : https.createServer(tls, serve);
    this.sharedKey = this.makeKey();
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(tls?: Tls): Promise<GoogleAccounts> {
    const accounts = new GoogleAccounts(tls);
    await new Promise<void>((resolve) => accounts.#server.listen(0, '127.0.0.1', resolve));
    return accounts;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A key of a service account, as its owner downloads it. */
  makeKey(email = 'sallyport@acme.iam.gserviceaccount.com'): Record<string, string> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const keyId = randomBytes(20).toString('hex');
    this.#accounts.set(keyId, {
      email,
      key: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
    });
    return {
      type: 'service_account',
      project_id: 'acme',
      private_key_id: keyId,
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: email,
      client_id: '1',
      auth_uri: 'https://auth.invalid/auth',
      token_uri: 'http://token.invalid/token',
      universe_domain: 'universe.invalid',
    };
  }

  /** Nobody can sign with them any more. */
  removeKeys(): void {
    this.#accounts.clear();
  }

  /** Every token that was given so far is worth nothing any more. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  /** Whose token it is. */
  ownerOf(token: string): string | undefined {
    return this.#tokens.get(token);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.asked += 1;
    if (this.fault === 'silence') return;
    if (this.fault === 'hang-up') return void request.socket.destroy();
    if (this.fault !== undefined) return void response.writeHead(this.fault.status).end(this.fault.text);
    const asked = `${request.method} ${request.url}`;
    if (asked === `GET ${METADATA_PATH}`) return this.#serveMetadata(request, response);
    if (asked !== 'POST /token') throw new Error(`${asked} was not expected`);
    if (request.headers['content-type'] !== 'application/x-www-form-urlencoded')
      throw new Error('a token was asked for in another form');
    const form = new URLSearchParams(body);
    if ([...form.keys()].toSorted().join() !== 'assertion,grant_type')
      throw new Error(`a token was asked for with ${[...form.keys()].join()}`);
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      throw new Error('another grant was asked for');
    const email = this.#verify(form.get('assertion') ?? '');
    if (email === undefined)
      return void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"error":"invalid_grant","error_description":"Invalid JWT Signature."}');
    this.#give(email, response);
  }

  #serveMetadata(request: http.IncomingMessage, response: http.ServerResponse): void {
    if (request.headers['metadata-flavor'] !== 'Google')
      throw new Error('metadata was asked for without its header');
    response.setHeader('Metadata-Flavor', 'Google');
    if (this.attached === null) return void response.writeHead(404).end();
    this.#give(this.attached, response);
  }

  #give(email: string, response: http.ServerResponse): void {
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#tokens.set(token, email);
    this.given.push(email);
    const answer = { access_token: token, expires_in: this.livesSeconds, token_type: 'Bearer' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  /** Whose assertion it is; undefined where nobody known signed it. */
  #verify(assertion: string): string | undefined {
    const [header = '', claims = '', signature = ''] = assertion.split('.');
    const { alg, kid } = parse(header);
    if (alg !== 'RS256') throw new Error(`an assertion is signed by ${String(alg)}`);
    const account = this.#accounts.get(String(kid));
    const bytes = Buffer.from(`${header}.${claims}`);
    if (account === undefined || !verify('sha256', bytes, account.key, Buffer.from(signature, 'base64url')))
      return undefined;
    const { iss, aud, scope, iat, exp } = parse(claims);
    const now = Date.now() / 1_000;
    if (aud !== `${this.url}/token`) throw new Error(`an assertion is for ${String(aud)}`);
    if (!scopes.includes(String(scope))) throw new Error(`an assertion asks for ${String(scope)}`);
    if (Number(iat) > now + 1 || Number(exp) < now || Number(exp) - Number(iat) > HOUR_SECONDS)
      throw new Error('an assertion is not of this time');
    return iss === account.email ? account.email : undefined;
  }
}

const parse = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
