// One client of AWS and what every call of it has: a deadline over all attempts, one of which may be made with a fresh
// identity, and failures of our own.
import { setTimeout as delay } from 'node:timers/promises';
import { type Faults, remedyFor, Stopped, toFailure } from './aws-faults.js';
import {
  type AwsIdentity,
  type AwsSettings,
  openIdentity,
  readAccessKey,
  sdkOptions,
} from './aws-identity.js';
import { type AwsLine, openLine } from './aws-line.js';
import type { AwsCredential } from './aws-metadata.js';
import { type ProviderSetup, refusal } from './provider.js';

/** Before the second attempt, at least. */
const PAUSE_MS = 100;

export type ClientOptions = ReturnType<typeof sdkOptions> & { credentials: AwsIdentity };

export interface Sending<C> {
  client: C;
  options: { abortSignal: AbortSignal };
}

export class AwsSession<C> {
  readonly #setup: ProviderSetup<AwsSettings>;
  readonly #faults: Faults;
  readonly #line: AwsLine;
  readonly #make: () => C;
  readonly #canRenew: boolean;
  readonly #forget: () => void;
  #client: C;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(
    setup: ProviderSetup<AwsSettings>,
    { faults, open }: { faults: Faults; open: (options: ClientOptions) => C },
  ) {
    const { settings, credential, environment = {}, deadlineMs, proxy, keeper } = setup;
    // A server that is silent once is asked again within the deadline.
    const attemptMs = Math.ceil(deadlineMs / 2);
    let accessKey: AwsCredential | undefined;
    let forget = (): void => undefined;
    let line: AwsLine;
    try {
      line = openLine(settings.ca, proxy, attemptMs);
      if (credential !== null) ({ credential: accessKey, forget } = readAccessKey(credential));
    } catch (error) {
      throw toFailure(error, keeper, faults);
    }
    this.#make = () => {
      const credentials = openIdentity(accessKey, settings, environment, { line, attemptMs });
      return open({
        ...sdkOptions(settings.region, settings.endpoint, line, attemptMs),
        credentials,
      });
    };
    this.#setup = setup;
    this.#faults = faults;
    this.#line = line;
    this.#forget = forget;
    this.#canRenew = accessKey === undefined || settings.role !== undefined;
    this.#client = this.#make();
  }

  /** All that `ask` sends is one call, with one deadline. @throws as the tables of faults say */
  async call<T>(
    ask: (sending: Sending<C>) => Promise<T>,
    signal?: AbortSignal,
    faults = this.#faults,
  ): Promise<T> {
    try {
      return await withDeadline(this.#setup.deadlineMs, signal, (abortSignal) =>
        this.#ask((client) => ask({ client, options: { abortSignal } }), abortSignal),
      );
    } catch (error) {
      throw toFailure(error, this.#setup.keeper, faults);
    }
  }

  garbled(reason: string): Error {
    return refusal('SECRET_MANAGER_GARBLED', this.#setup.keeper, reason);
  }

  close(): void {
    this.#line.close();
    this.#forget();
  }

  async #ask<T>(ask: (client: C) => Promise<T>, abortSignal: AbortSignal): Promise<T> {
    const client = this.#client;
    try {
      return await ask(client);
    } catch (error) {
      const remedy = remedyFor(error, this.#setup.keeper);
      if (abortSignal.aborted || remedy === 'none') throw error;
      if (remedy === 'again') await delay(PAUSE_MS * (1 + Math.random()), undefined, { signal: abortSignal });
      else if (!this.#canRenew) throw error;
      // Who comes second finds the new one made. The line belongs to all of them.
      else if (this.#client === client) this.#client = this.#make();
      return await ask(this.#client);
    }
  }
}

async function withDeadline<T>(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancel = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    cancel.signal.addEventListener('abort', () => reject(cancel.signal.reason as Error), { once: true });
  });
  const stop = (): void => cancel.abort(new Stopped('it was cancelled'));
  const timer = setTimeout(() => cancel.abort(new Stopped('no answer in time')), deadlineMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (signal?.aborted === true) stop();
    // The SDK hears of the end only where it waits for the network.
    return await Promise.race([stopped, run(cancel.signal)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
