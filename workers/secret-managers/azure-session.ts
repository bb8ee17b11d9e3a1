// One client of a key vault and what every call of it has: a deadline over all attempts, one of which may be made with a fresh
// sign-in, and failures of our own.
import { setTimeout as delay } from 'node:timers/promises';
import { SecretClient } from '@azure/keyvault-secrets';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { AzureFault, isStatus, toFailure } from './azure-faults.js';
import { AzureIdentity } from './azure-identity.js';
import { AzureLine } from './azure-line.js';
import { type ProviderSetup, refusal } from './provider.js';

/** Before the second attempt, at least. */
const PAUSE_MS = 100;

export interface Sending {
  client: SecretClient;
  options: { abortSignal: AbortSignal };
}

type Ask<T> = (sending: Sending) => Promise<T>;

export class AzureSession {
  readonly #setup: ProviderSetup<SettingsOf<'azure-key-vault'>>;
  readonly #line: AzureLine;
  readonly #identity: AzureIdentity;
  #client: SecretClient;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'azure-key-vault'>>) {
    this.#setup = setup;
    try {
      const { settings, proxy, deadlineMs } = setup;
      if (!settings.vault.startsWith('https:'))
        throw new AzureFault('SECRET_MANAGER_MISCONFIGURED', 'a key vault is asked over https alone');
      // A server that is silent once is asked again within the deadline.
      this.#line = new AzureLine(settings.ca, proxy, Math.ceil(deadlineMs / 2));
      this.#identity = new AzureIdentity(setup, this.#line);
      this.#client = this.#make();
    } catch (error) {
      throw toFailure(error, setup.keeper, 'read');
    }
  }

  /** What is asked twice where the first time was in vain. All that `ask` sends is one call, with one deadline. */
  async read<T>(ask: Ask<T>, signal: AbortSignal | undefined): Promise<T> {
    return await this.#call(ask, signal, 'read');
  }

  /** What is done once at most. */
  async write<T>(ask: Ask<T>, signal: AbortSignal | undefined): Promise<T> {
    return await this.#call(ask, signal, 'write');
  }

  garbled(reason: string): Error {
    return refusal('SECRET_MANAGER_GARBLED', this.#setup.keeper, reason);
  }

  close(): void {
    this.#line.close();
    this.#identity.forget();
  }

  async #call<T>(ask: Ask<T>, signal: AbortSignal | undefined, doing: 'read' | 'write'): Promise<T> {
    const { deadlineMs, keeper } = this.#setup;
    try {
      return await withDeadline(deadlineMs, signal, (abortSignal) =>
        this.#attempt((client) => ask({ client, options: { abortSignal } }), abortSignal, doing),
      );
    } catch (error) {
      throw toFailure(error, keeper, doing);
    }
  }

  async #attempt<T>(
    ask: (client: SecretClient) => Promise<T>,
    abortSignal: AbortSignal,
    doing: 'read' | 'write',
  ): Promise<T> {
    if (this.#identity.isStale) this.#renew(this.#client);
    const client = this.#client;
    try {
      return await ask(client);
    } catch (error) {
      if (abortSignal.aborted) throw error;
      const { code, data } = toFailure(error, this.#setup.keeper, doing);
      const isPassing = code === 'SECRET_MANAGER_UNAVAILABLE' || code === 'SECRET_MANAGER_THROTTLED';
      // A refused token means that nothing was done.
      if (isStatus(error, 401)) this.#renew(client);
      else if (doing === 'read' && isPassing && !('retryAfterSeconds' in data))
        await delay(PAUSE_MS * (1 + Math.random()), undefined, { signal: abortSignal });
      else throw error;
      return await ask(this.#client);
    }
  }

  /** Who comes second finds the new one made. */
  #renew(client: SecretClient): void {
    if (this.#client !== client) return;
    this.#identity.forget();
    this.#client = this.#make();
  }

  #make(): SecretClient {
    const { vault } = this.#setup.settings;
    return new SecretClient(vault, this.#identity, {
      httpClient: this.#line.clientOf(new URL(vault).origin),
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
    });
  }
}

async function withDeadline<T>(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancel = new AbortController();
  const stop = (reason: string): void => cancel.abort(new AzureFault('SECRET_MANAGER_UNAVAILABLE', reason));
  const stopped = new Promise<never>((_, reject) => {
    cancel.signal.addEventListener('abort', () => reject(cancel.signal.reason as Error), { once: true });
  });
  const cancelled = (): void => stop('it was cancelled');
  const timer = setTimeout(() => stop('no answer in time'), deadlineMs);
  signal?.addEventListener('abort', cancelled, { once: true });
  try {
    if (signal?.aborted === true) cancelled();
    // A sign-in that others wait for as well goes on.
    return await Promise.race([stopped, run(cancel.signal)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancelled);
  }
}
