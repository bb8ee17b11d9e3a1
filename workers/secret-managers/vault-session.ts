// Being signed in to Vault or OpenBao: one login at a time, renewed while it can be, revoked when it is no longer needed.
import fs from 'node:fs/promises';
import { z } from 'zod';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { Secret } from '../../src/kernel/secret.js';
import { ownBytes } from './json-member.js';
import { type ProviderSetup, refusal } from './provider.js';
import { type Answer, type Question, type VaultLine, within } from './vault-line.js';
import { refuseStatus } from './vault-refusals.js';

export type VaultSettings = Pick<SettingsOf<'vault-kv'>, 'address' | 'namespace' | 'ca' | 'auth'>;

/** Where Kubernetes puts a pod’s own token. */
export const KUBERNETES_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A token with less than this left may run out on the way. */
const LEFT_MS_MIN = 60_000;
/** A renewal that gains less has met the token’s longest life. */
const GAIN_MS_MIN = 1_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const FAREWELL_MS_MAX = 2_000;
const TOKEN_FILE_BYTES_MAX = 16_384;

/** What may stand in a header or a field of a login as it is. */
const Plain = z.string().regex(/^[\x21-\x7e]{1,8192}$/);
const Seconds = z.number().int().nonnegative();
const LoggedIn = z.object({
  auth: z.object({
    client_token: Plain,
    lease_duration: Seconds,
    renewable: z.boolean(),
    token_type: z.string().optional(),
  }),
});
const LookedUp = z.object({ data: z.object({ ttl: Seconds, renewable: z.boolean() }) });
const Renewed = z.object({ auth: z.object({ lease_duration: Seconds, renewable: z.boolean() }) });

export interface Lease {
  token: Secret;
  /** Grows with every sign-in. */
  serial: number;
  expiresAt: number;
  isRenewable: boolean;
  /** A token that was given is not ours to revoke; one without a record at the other side cannot be. */
  isRevocable: boolean;
}

export class VaultSession {
  readonly #setup: ProviderSetup<VaultSettings>;
  readonly #line: VaultLine;
  readonly #tokenFile: string;
  readonly #ending = new AbortController();
  readonly #farewells = new Set<Promise<void>>();
  #lease: Lease | null = null;
  #signingIn: Promise<Lease> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #serial = 0;

  constructor(setup: ProviderSetup<VaultSettings>, line: VaultLine, tokenFile: string) {
    this.#setup = setup;
    this.#line = line;
    this.#tokenFile = tokenFile;
  }

  /** Of the last sign-in. */
  get serial(): number {
    return this.#serial;
  }

  /** @throws SECRET_MANAGER_SIGN_IN_REFUSED and the codes of `ask` */
  async lease(): Promise<Lease> {
    const held = this.#lease;
    if (held !== null && held.expiresAt - Date.now() >= LEFT_MS_MIN) return held;
    this.#signingIn ??= this.#signIn().finally(() => {
      this.#signingIn = null;
    });
    return this.#signingIn;
  }

  /** Another lease, where this one was refused and nobody has replaced it yet. @throws as `lease` */
  async replace(refused: Lease): Promise<Lease> {
    if (this.#lease === refused) {
      this.#drop();
      this.#revoke(refused);
    }
    return this.lease();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#signingIn?.catch(() => undefined);
    const held = this.#lease;
    this.#drop();
    if (held !== null) this.#revoke(held);
    await Promise.all(this.#farewells);
  }

  async #signIn(): Promise<Lease> {
    const lease = await this.#bounded(async (signal) =>
      this.#setup.settings.auth.method === 'token' ? this.#lookUp(signal) : this.#logIn(signal),
    );
    const before = this.#lease;
    this.#drop();
    before?.token.wipe();
    this.#lease = lease;
    this.#renewLater(lease);
    return lease;
  }

  /** A token that was given is asked about itself: how long it lasts, and whether it is one at all. */
  async #lookUp(signal: AbortSignal): Promise<Lease> {
    const token = this.#credential('token');
    const question: Question = { method: 'GET', path: 'auth/token/lookup-self', isRepeatable: true };
    const answer = await this.#line.send(question, token, signal);
    if (answer.status === 403)
      throw this.#refuse('it does not know the token, or the token may not look itself up');
    const { ttl, renewable } = this.#parse(LookedUp, answer, 'token').data;
    const granted = { seconds: ttl, isRenewable: renewable, isRevocable: false };
    return this.#newLease(new Secret(ownBytes(token, 'latin1')), granted);
  }

  async #logIn(signal: AbortSignal): Promise<Lease> {
    const { path, body } = await this.#login();
    const answer = await this.#line.send({ method: 'POST', path, body }, null, signal);
    if ([400, 401, 403].includes(answer.status))
      throw this.#refuse(`it answered ${answer.status} to the login`);
    const { auth } = this.#parse(LoggedIn, answer, 'login');
    return this.#newLease(new Secret(ownBytes(auth.client_token, 'latin1')), {
      seconds: auth.lease_duration,
      isRenewable: auth.renewable,
      isRevocable: auth.token_type !== 'batch',
    });
  }

  async #login(): Promise<{ path: string; body: object }> {
    const { auth } = this.#setup.settings;
    switch (auth.method) {
      case 'approle':
        return {
          path: `auth/${auth.mount}/login`,
          body: { role_id: auth.roleId, secret_id: this.#credential('AppRole’s secret id') },
        };
      case 'kubernetes': {
        if (this.#setup.credential !== null)
          throw this.#misfit('Kubernetes signs in as the delegate itself, without a credential');
        return {
          path: `auth/${auth.mount}/login`,
          body: { role: auth.role, jwt: await this.#readTokenFile() },
        };
      }
      case 'token':
        throw new Error('A token does not log in');
    }
  }

  /** Kubernetes exchanges the file while the pod runs. */
  async #readTokenFile(): Promise<string> {
    const bytes = await fs.readFile(this.#tokenFile).catch((error: NodeJS.ErrnoException) => {
      throw this.#misfit(`the delegate has no token of Kubernetes (${error.code ?? 'unknown'})`);
    });
    try {
      const text = bytes.toString('latin1').trim();
      if (bytes.byteLength > TOKEN_FILE_BYTES_MAX || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
        throw this.#misfit('the delegate’s file of its Kubernetes token holds something else');
      return text;
    } finally {
      bytes.fill(0);
    }
  }

  /** One line of text, which files tend to end with a line end. */
  #credential(what: string): string {
    const text = this.#setup.credential?.use((bytes) => bytes.toString('utf8').replace(/\r?\n$/, ''));
    if (text === undefined) throw this.#misfit(`it needs the ${what} as its credential`);
    if (!Plain.safeParse(text).success) throw this.#misfit(`its credential is no ${what}`);
    return text;
  }

  #newLease(token: Secret, granted: { seconds: number; isRenewable: boolean; isRevocable: boolean }): Lease {
    return {
      token,
      serial: ++this.#serial,
      expiresAt: expiryAfter(granted.seconds),
      isRenewable: granted.isRenewable,
      isRevocable: granted.isRevocable,
    };
  }

  #renewLater(lease: Lease): void {
    const leftMs = lease.expiresAt - Date.now();
    if (!lease.isRenewable || leftMs < LEFT_MS_MIN || leftMs === Infinity || this.#ending.signal.aborted)
      return;
    // All who signed in together must not come back together.
    const delayMs = Math.min(leftMs * (2 / 3) * (0.9 + Math.random() / 10), TIMER_MS_MAX);
    this.#timer = setTimeout(() => void this.#renew(lease), delayMs).unref();
  }

  /** Never fails: what cannot be renewed runs out, and the next call signs in again. */
  async #renew(lease: Lease): Promise<void> {
    const answer = await this.#askToRenew(lease);
    if (this.#lease !== lease) return;
    if (answer === null || answer.status === 429 || answer.status >= 500) return this.#renewLater(lease);
    const renewed = Renewed.safeParse(answer.body);
    if (answer.status === 403) {
      this.#drop();
      return this.#revoke(lease);
    }
    if (answer.status !== 200 || !renewed.success) return;
    const before = lease.expiresAt;
    lease.expiresAt = expiryAfter(renewed.data.auth.lease_duration);
    lease.isRenewable = renewed.data.auth.renewable && lease.expiresAt - before >= GAIN_MS_MIN;
    this.#renewLater(lease);
  }

  async #askToRenew(lease: Lease): Promise<Answer | null> {
    const question: Question = {
      method: 'POST',
      path: 'auth/token/renew-self',
      body: {},
      isRepeatable: true,
    };
    const send = (signal: AbortSignal) => this.#line.send(question, textOf(lease), signal);
    return this.#bounded(send).catch(() => null);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#lease = null;
  }

  /** Best effort: a token that stays behind runs out by itself. */
  #revoke(lease: Lease): void {
    if (!lease.isRevocable) return lease.token.wipe();
    const { keeper } = this.#setup;
    const deadlineMs = Math.min(this.#setup.deadlineMs, FAREWELL_MS_MAX);
    const question: Question = {
      method: 'POST',
      path: 'auth/token/revoke-self',
      body: {},
      isRepeatable: true,
    };
    const farewell = within({ keeper, deadlineMs }, (signal) =>
      this.#line.send(question, textOf(lease), signal),
    )
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        lease.token.wipe();
        this.#farewells.delete(farewell);
      });
    this.#farewells.add(farewell);
  }

  /** On its own time: whoever shares a sign-in must not lose it because another caller gave up. */
  async #bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { keeper, deadlineMs } = this.#setup;
    return within({ keeper, deadlineMs, signal: this.#ending.signal }, work);
  }

  #parse<T>(schema: z.ZodType<T>, answer: Answer, what: string): T {
    if (answer.status !== 200) throw refuseStatus(this.#setup.keeper, answer);
    const parsed = schema.safeParse(answer.body);
    if (parsed.success) return parsed.data;
    throw refusal('SECRET_MANAGER_GARBLED', this.#setup.keeper, `its answer about the ${what} is none`);
  }

  #refuse(reason: string): Error {
    return refusal('SECRET_MANAGER_SIGN_IN_REFUSED', this.#setup.keeper, reason);
  }

  #misfit(reason: string): Error {
    return refusal('SECRET_MANAGER_MISCONFIGURED', this.#setup.keeper, reason);
  }
}

/** Zero is a token that never expires. */
function expiryAfter(seconds: number): number {
  return seconds === 0 ? Infinity : Date.now() + seconds * 1_000;
}

export function textOf({ token }: Lease): string {
  return token.use((bytes) => bytes.toString('latin1'));
}
