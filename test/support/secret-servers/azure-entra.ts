// Who may sign in, and the tokens that were given: by a client's secret, by a token that Kubernetes signed, and to a machine.
import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { type Reply, Violation } from './azure-vault.js';

export const tenant = 'a3f2a9d0-52e6-4a0c-9c3e-0d6f6f3f1c11';
export const client = '5b1d3c7e-8a49-4f0e-b7ce-6a2f7f1f9a22';

interface GivenToken {
  audience: string;
  expiresAt: number;
  isGood: boolean;
}

type Right = 'get' | 'set' | 'list';

const AUDIENCE = 'api://AzureADTokenExchange';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export class Entra {
  readonly clientSecret = randomBytes(20).toString('base64url');
  readonly identityHeader = randomBytes(16).toString('hex');
  readonly tokens = new Map<string, GivenToken>();
  /** How every client signed in, in order. */
  readonly signIns: ('secret' | 'assertion' | 'machine')[] = [];
  rights = new Set<Right>(['get', 'set', 'list']);
  /** As it is told. A token is taken for a while longer, as the real one’s clocks differ. */
  lifeSeconds = 3_600;
  readonly #cluster = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #authority: () => string;

  constructor(authority: () => string) {
    this.#authority = authority;
  }

  /** What Kubernetes puts into a pod. */
  makeAssertion(subject = 'system:serviceaccount:sallyport:delegate', seconds = 600): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1_000) + seconds;
    const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ aud: AUDIENCE, sub: subject, exp })}`;
    const key = { key: this.#cluster.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  }

  /** From now on nothing that was given is taken. */
  revokeAll(): void {
    for (const token of this.tokens.values()) token.isGood = false;
  }

  /** The token’s right to ask this vault. */
  isGood(text: string, audience: string): boolean {
    const token = this.tokens.get(text);
    if (token !== undefined && token.audience !== audience)
      throw new Violation(`a token for ${token.audience}`);
    return token?.isGood === true && token.expiresAt > Date.now();
  }

  handle(method: string, path: string, form: URLSearchParams): Reply {
    if (method === 'GET' && path === `/${tenant}/v2.0/.well-known/openid-configuration`)
      return { status: 200, body: this.#metadata() };
    if (method !== 'POST' || path !== `/${tenant}/oauth2/v2.0/token`)
      throw new Violation(`${method} ${path} at the authority`);
    if (form.get('grant_type') !== 'client_credentials')
      throw new Violation(`a grant of ${form.get('grant_type')}`);
    const [, resource] = /^(https:\/\/\S+)\/\.default$/.exec(form.get('scope')?.split(' ')[0] ?? '') ?? [];
    if (resource === undefined) throw new Violation(`a scope of ${form.get('scope')}`);
    if (form.get('client_id') !== client) return refuseSignIn('unauthorized_client', 700016);
    if (!this.#isProof(form)) return refuseSignIn('invalid_client', 7000215);
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: this.lifeSeconds, access_token: this.#give(resource) },
    };
  }

  /** As an app’s own endpoint answers. */
  handleMachine(query: URLSearchParams, header: string | undefined): Reply {
    if (query.get('api-version') !== '2019-08-01') throw new Violation('another version of the endpoint');
    if (header !== this.identityHeader) return { status: 401 };
    if (query.get('client_id') !== null && query.get('client_id') !== client) return { status: 400 };
    this.signIns.push('machine');
    const token = this.#give(query.get('resource') ?? '');
    const expires_on = String(Math.floor(Date.now() / 1_000) + this.lifeSeconds);
    return { status: 200, body: { access_token: token, expires_on, token_type: 'Bearer' } };
  }

  #give(audience: string): string {
    const text = randomBytes(32).toString('base64url');
    this.tokens.set(text, {
      audience,
      expiresAt: Date.now() + (this.lifeSeconds + 60) * 1_000,
      isGood: true,
    });
    return text;
  }

  #isProof(form: URLSearchParams): boolean {
    const assertion = form.get('client_assertion');
    if (assertion === null) {
      this.signIns.push('secret');
      return form.get('client_secret') === this.clientSecret;
    }
    this.signIns.push('assertion');
    if (form.get('client_assertion_type') !== ASSERTION || form.has('client_secret'))
      throw new Violation('an assertion of another type, or beside a secret');
    return this.#isFromCluster(assertion);
  }

  #isFromCluster(jwt: string): boolean {
    const [head = '', claims = '', signature = ''] = jwt.split('.');
    const key = {
      key: createPublicKey(this.#cluster.publicKey.export({ type: 'spki', format: 'pem' })),
      dsaEncoding: 'ieee-p1363',
    } as const;
    const signed = Buffer.from(`${head}.${claims}`);
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return false;
    const { aud, sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
      string,
      unknown
    >;
    return (
      aud === AUDIENCE &&
      sub === 'system:serviceaccount:sallyport:delegate' &&
      Number(exp) * 1_000 > Date.now()
    );
  }

  #metadata(): object {
    const base = `${this.#authority()}/${tenant}`;
    return {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }
}

export const refuseSignIn = (error: string, number: number, status = 401): Reply => ({
  status,
  body: { error, error_description: `AADSTS${number}: told by it`, error_codes: [number] },
});
