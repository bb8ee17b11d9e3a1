// A credential that is exchanged and stays as it is, an app’s of GitHub or a client’s of Entra, with where its tokens come from and a
// Git host that takes the current one alone.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { type Authorisation, TokenGate, TokenServer } from './token-server.js';

export const exchangedKinds = ['github-app', 'azure-entra'] as const;
export type ExchangedKind = (typeof exchangedKinds)[number];

export abstract class ExchangedCredential {
  /** What is exchanged: a private key or a client’s secret. */
  secret = '';
  /** Every token that the host has seen as the current one. */
  readonly tokens = new Set<string>();
  /** Times that the host refused a token. */
  refused = 0;
  /** Whether the host takes every token that it ever took. */
  takesAll = false;
  gate!: TokenGate;

  protected constructor(protected readonly server: TokenServer) {}

  /** `behind`: the repository’s host with user name and password. */
  static async open(kind: ExchangedKind, behind: string): Promise<ExchangedCredential> {
    const server = await TokenServer.open();
    const made = kind === 'github-app' ? new AppCredential(server) : new EntraCredential(server);
    made.renewSecret();
    made.gate = await TokenGate.open(behind, (authorization) => made.#isWelcome(authorization));
    return made;
  }

  async close(): Promise<void> {
    await this.gate.close();
    await this.server.close();
  }

  /** Times that a token was asked for with what is known at least by its name. */
  abstract get asked(): number;
  /** What a token was asked to permit, time by time, where that is said. */
  get wished(): unknown[] {
    return [];
  }
  /** Names who asks; no secret. */
  abstract get clientId(): string;
  /** What a connector says of it, with the name of its secret. */
  abstract connector(secret: string): object;
  /** How long the next tokens live. */
  abstract live(seconds: number): void;
  /** Instead of tokens, to whoever may ask; undefined: tokens again. */
  abstract answer(answer: [status: number, body: unknown] | undefined): void;
  /** The one before is taken no more. */
  abstract renewSecret(): void;
  /** The host takes the current token no more. */
  abstract endToken(): void;
  protected abstract get current(): string;
  /** How the token is shown to the host. */
  protected abstract proofOf(token: string): string;

  #isWelcome(authorization: string): boolean {
    const { current } = this;
    const isCurrent = current !== '' && authorization === this.proofOf(current);
    if (isCurrent) this.tokens.add(current);
    if (isCurrent || (this.takesAll && [...this.tokens].some((one) => authorization === this.proofOf(one))))
      return true;
    if (authorization !== '') this.refused += 1;
    return false;
  }
}

class AppCredential extends ExchangedCredential {
  readonly clientId = `Iv1.${randomBytes(8).toString('hex')}`;

  override get asked(): number {
    return this.server.installation.asked.length;
  }

  override get wished(): unknown[] {
    return this.server.installation.asked.map(({ body }) => body.permissions);
  }

  override connector(privateKey: string): object {
    const credential = { kind: 'github-app', appId: this.clientId, installationId: '7', privateKey };
    return { provider: 'github', apiUrl: this.server.url, credential };
  }

  override live(seconds: number): void {
    this.server.installation.livesMs = seconds * 1_000;
  }

  override answer(answer: [number, unknown] | undefined): void {
    this.server.installation.answer = answer;
  }

  override renewSecret(): void {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    this.secret = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const known = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.server.app = { publicKey: known, id: this.clientId };
  }

  override endToken(): void {
    this.server.installation.token = '';
  }

  protected override get current(): string {
    return this.server.installation.token;
  }

  protected override proofOf(token: string): string {
    return `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  }
}

class EntraCredential extends ExchangedCredential {
  readonly #known: Authorisation = this.server.authorise(randomUUID());

  override get asked(): number {
    return this.#known.asked;
  }

  override get clientId(): string {
    return this.#known.clientId;
  }

  override connector(secret: string): object {
    const { clientId, server } = this;
    const credential = {
      kind: 'azure-entra',
      tenant: 'acme.example',
      clientId,
      secret,
      authority: server.url,
    };
    return { provider: 'azure', credential };
  }

  override live(seconds: number): void {
    this.#known.expiresIn = seconds;
  }

  override answer(answer: [number, unknown] | undefined): void {
    this.#known.answer = answer;
  }

  override renewSecret(): void {
    this.#known.clientSecret = `entra-${randomBytes(24).toString('base64url')}`;
    this.secret = this.#known.clientSecret;
  }

  override endToken(): void {
    this.#known.accessToken = '';
  }

  protected override get current(): string {
    return this.#known.accessToken;
  }

  protected override proofOf(token: string): string {
    return `Bearer ${token}`;
  }
}
