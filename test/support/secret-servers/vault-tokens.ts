// Who is signed in to a Vault: roles and their logins, tokens with a life and uses, and what a token’s policies allow.
import { randomBytes } from 'node:crypto';
import { type Call, fieldsOf, type Reply, Violation } from './vault-engines.js';

export interface TokenTerms {
  ttlSeconds: number;
  /** No renewal goes beyond; null: there is no such bound. */
  maxTtlSeconds: number | null;
  type: 'service' | 'batch';
  isRenewable: boolean;
  /** Requests it is good for; null: any number. */
  uses: number | null;
  policies: string[];
}

export interface Token extends TokenTerms {
  text: string;
  expiresAt: number;
  lastsUntil: number;
  usesLeft: number;
}

interface Rule {
  path: string;
  capabilities: string[];
}

/** What a login hands over, by what it asks: AppRole’s role and secret id, or Kubernetes’ role and token. */
interface Door {
  role: string;
  proof: string;
  /** How often the proof is good; a secret id may have a number of uses. */
  usesLeft: number;
  terms: TokenTerms;
}

const deny: Reply = { status: 403, body: { errors: ['permission denied'] } };
const selfService: Rule[] = [
  { path: 'auth/token/lookup-self', capabilities: ['read'] },
  { path: 'auth/token/renew-self', capabilities: ['update'] },
  { path: 'auth/token/revoke-self', capabilities: ['update'] },
];

export class VaultTokens {
  readonly doors = { approle: [] as Door[], kubernetes: [] as Door[] };
  readonly #policies = new Map<string, Rule[]>([['default', selfService]]);
  readonly #tokens = new Map<string, Token>();
  readonly #now: () => number;
  issued = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** In the words of a policy file. */
  writePolicy(name: string, hcl: string): void {
    const rules = [...hcl.matchAll(/path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}/g)];
    if (rules.length === 0) throw new Error('The policy has no rules');
    this.#policies.set(
      name,
      rules.map(([, path = '', list = '']) => ({
        path,
        capabilities: [...list.matchAll(/\w+/g)].map(([word]) => word),
      })),
    );
  }

  issue(terms: TokenTerms): Token {
    this.issued++;
    const now = this.#now();
    const lastsUntil = terms.maxTtlSeconds === null ? Infinity : now + terms.maxTtlSeconds * 1_000;
    const token: Token = {
      ...terms,
      text: `${terms.type === 'batch' ? 'hvb' : 'hvs'}.${randomBytes(18).toString('base64url')}`,
      expiresAt: terms.ttlSeconds === 0 ? Infinity : Math.min(now + terms.ttlSeconds * 1_000, lastsUntil),
      lastsUntil,
      usesLeft: terms.uses ?? Infinity,
    };
    this.#tokens.set(token.text, token);
    return token;
  }

  /** All that are alive. */
  get alive(): Token[] {
    return [...this.#tokens.values()].filter((token) => token.expiresAt > this.#now() && token.usesLeft > 0);
  }

  /** As an administrator or a clock would end them. */
  revokeAll(): void {
    this.#tokens.clear();
  }

  /** The token a request came with, one use of it taken. */
  use(text: string | undefined): Token | undefined {
    const token = this.alive.find((one) => one.text === text);
    if (token !== undefined) token.usesLeft--;
    return token;
  }

  allows(token: Token, capability: string, path: string): boolean {
    if (token.policies.includes('root')) return true;
    const rules = this.#rulesOf(token).filter((rule) => isFor(rule, path));
    // The most exact rule has the word.
    const [rule] = rules.toSorted((a, b) => b.path.length - a.path.length);
    return rule?.capabilities.includes(capability) === true;
  }

  hasAnyRightIn(token: Token, mount: string): boolean {
    return (
      token.policies.includes('root') || this.#rulesOf(token).some(({ path }) => path.startsWith(`${mount}/`))
    );
  }

  logIn(method: 'approle' | 'kubernetes', call: Call): Reply {
    if (call.method !== 'POST') throw new Violation('a login that posts nothing');
    const [roleField, proofField] = method === 'approle' ? ['role_id', 'secret_id'] : ['role', 'jwt'];
    const fields = fieldsOf(call, roleField ?? '', proofField ?? '');
    const door = this.doors[method].find(
      ({ role, proof, usesLeft }) =>
        role === fields[roleField ?? ''] && proof === fields[proofField ?? ''] && usesLeft > 0,
    );
    if (door === undefined && method === 'approle')
      return { status: 400, body: { errors: ['invalid role or secret ID'] } };
    if (door === undefined) return deny;
    door.usesLeft--;
    const token = this.issue(door.terms);
    return {
      status: 200,
      body: { auth: { ...this.#auth(token), policies: token.policies, accessor: 'accessor' } },
    };
  }

  /** A token about itself. */
  handle(call: Call, token: Token): Reply {
    switch (`${call.method} ${call.path}`) {
      case 'GET lookup-self':
        return {
          status: 200,
          body: { data: { ttl: this.#ttlOf(token), renewable: token.isRenewable, type: token.type } },
        };
      case 'POST renew-self':
        fieldsOf(call, 'increment');
        return this.#renew(token);
      case 'POST revoke-self':
        fieldsOf(call);
        if (token.type === 'batch')
          return { status: 400, body: { errors: ['batch tokens cannot be revoked'] } };
        this.#tokens.delete(token.text);
        return { status: 204 };
      default:
        throw new Violation(`${call.method} auth/token/${call.path} is nothing that there is`);
    }
  }

  #renew(token: Token): Reply {
    if (!token.isRenewable || token.type === 'batch')
      return { status: 400, body: { errors: ['lease is not renewable'] } };
    token.expiresAt = Math.min(this.#now() + token.ttlSeconds * 1_000, token.lastsUntil);
    return { status: 200, body: { auth: this.#auth(token) } };
  }

  #auth(token: Token) {
    return {
      client_token: token.text,
      lease_duration: this.#ttlOf(token),
      renewable: token.isRenewable,
      token_type: token.type,
    };
  }

  #ttlOf(token: Token): number {
    return token.expiresAt === Infinity ? 0 : Math.ceil((token.expiresAt - this.#now()) / 1_000);
  }

  #rulesOf(token: Token): Rule[] {
    return ['default', ...token.policies].flatMap((name) => this.#policies.get(name) ?? []);
  }
}

/** 'secret/data/a/*' is for 'secret/data/a/b/c'. */
function isFor({ path: pattern }: Rule, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
