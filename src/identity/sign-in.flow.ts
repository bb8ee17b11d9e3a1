// Signing in by an identity provider: the browser goes there, comes back, and has a session.
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { type IdentityProvider, IdentityProvidersRepository } from './identity-providers.repository.js';
import { type Member, MembersRepository } from './members.repository.js';
import { type Begun, OpenId } from './openid.js';

/** Of one manager at the same time: whoever knocks without a name makes it ask somebody else. */
const RUNNING_MAX = 16;

@Injectable()
export class SignInFlow {
  #running = 0;

  constructor(
    private readonly providers: IdentityProvidersRepository,
    private readonly members: MembersRepository,
    private readonly openId: OpenId,
    private readonly secrets: CurrentSecretsRepository,
    private readonly opener: SecretsService,
  ) {}

  /** @throws NOT_FOUND, SIGN_IN_FAILED, RATE_LIMITED */
  async begin(account: Scope, id: string, redirectUri: string): Promise<{ url: string; begun: Begun }> {
    const provider = await this.providers.get(account, id);
    return this.#within(() => this.openId.begin(provider, redirectUri));
  }

  /** @throws NOT_FOUND, SIGN_IN_FAILED, RATE_LIMITED, SECRET_DELETED and what opening a secret throws */
  async end(
    account: Scope,
    id: string,
    { callback, begun }: { callback: URL; begun: Begun },
  ): Promise<Member> {
    const provider = await this.providers.get(account, id);
    return this.#within(async () => {
      const secret = await this.#secretOf(provider);
      const user = await this.openId.end(provider, { callback, begun, secret });
      return this.members.note(account, id, user);
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
