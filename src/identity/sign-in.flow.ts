// Signing in by an identity provider: the browser goes there, comes back, and has a session.
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { Storage } from '../storage/database.js';
import { type IdentityProvider, IdentityProvidersRepository } from './identity-providers.repository.js';
import { type Identified, MembersRepository } from './members.repository.js';
import { type Begun, OpenId } from './openid.js';
import { RolesRepository } from './roles.repository.js';
import { type Session, SessionsRepository } from './sessions.repository.js';

/** Of one manager at the same time: whoever knocks without a name makes it ask somebody else. */
const RUNNING_MAX = 16;

@Injectable()
export class SignInFlow {
  #running = 0;

  constructor(
    private readonly storage: Storage,
    private readonly providers: IdentityProvidersRepository,
    private readonly members: MembersRepository,
    private readonly roles: RolesRepository,
    private readonly sessions: SessionsRepository,
    private readonly openId: OpenId,
    private readonly secrets: CurrentSecretsRepository,
    private readonly opener: SecretsService,
  ) {}

  /** @throws NOT_FOUND, SIGN_IN_FAILED, RATE_LIMITED */
  async begin(account: Scope, id: string, redirectUri: string): Promise<{ url: string; begun: Begun }> {
    const provider = await this.providers.get(account, id);
    return this.#within(() => this.openId.begin(provider, redirectUri));
  }

  /** @throws NOT_FOUND, SIGN_IN_FAILED, RATE_LIMITED, SECRET_DELETED, AUDIT_UNWRITABLE and what opening a secret throws */
  async end(
    account: Scope,
    id: string,
    { callback, begun }: { callback: URL; begun: Begun },
  ): Promise<Session> {
    const provider = await this.providers.get(account, id);
    return this.#within(async () => {
      const secret = await this.#secretOf(provider);
      const user = await this.openId.end(provider, { callback, begun, secret });
      return this.#admit(account, id, user);
    });
  }

  /** Member, session and what is on record of it are one. */
  async #admit(account: Scope, provider: string, user: Identified): Promise<Session> {
    const grants = await this.roles.grantsOf(account, user.email, user.groups);
    const data = { provider, roles: grants.map(({ role, scope }) => `${role} in ${scope}`) };
    return this.storage.transact(async (tx) => {
      const { id, name } = await this.members.note(tx, account, provider, user);
      return this.sessions.open(tx, { actor: { kind: 'user', id, name }, account, grants }, data);
    });
  }

  async #secretOf({ account, id, secret }: IdentityProvider): Promise<string | undefined> {
    if (secret === null) return undefined;
    const held = await this.secrets.find(account, secret);
    const opened = await this.opener.open(held, {
      kind: 'sign-in',
      subject: `${account}/identity-providers/${id}`,
      operations: [],
      actors: [],
    });
    try {
      return opened.use((bytes) => bytes.toString('utf8'));
    } finally {
      opened.wipe();
    }
  }

  async #within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= RUNNING_MAX) throw new Failure('RATE_LIMITED', { retryAfterSeconds: 1 });
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }
}
