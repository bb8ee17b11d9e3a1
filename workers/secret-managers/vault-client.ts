// What the engines of Vault and OpenBao are asked through: signed in, within one deadline, once more after a token was refused.
import type { z } from 'zod';
import type { Failure } from '../../src/kernel/failure.js';
import { type ProviderCode, type ProviderSetup, refusal } from './provider.js';
import { type Answer, type Question, VaultLine, within } from './vault-line.js';
import { refuseStatus } from './vault-refusals.js';
import {
  KUBERNETES_TOKEN_FILE,
  type Lease,
  textOf,
  VaultSession,
  type VaultSettings,
} from './vault-session.js';

/** What belongs to the delegate and not to the settings, which come from the manager. */
export interface VaultIdentity {
  tokenFile?: string;
}

export class VaultClient {
  readonly #setup: ProviderSetup<VaultSettings>;
  readonly #line: VaultLine;
  readonly #session: VaultSession;

  constructor(setup: ProviderSetup<VaultSettings>, { tokenFile = KUBERNETES_TOKEN_FILE }: VaultIdentity) {
    this.#setup = setup;
    this.#line = new VaultLine(setup, setup.settings);
    this.#session = new VaultSession(setup, this.#line, tokenFile);
  }

  /** Does work of one or more questions in the time that one call has. */
  async within<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { keeper, deadlineMs } = this.#setup;
    return within({ keeper, deadlineMs, signal }, work);
  }

  /** The answer, whatever its status. A 403 that a new token mends is not among them. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { serial } = this.#session;
    const lease = await this.#session.lease();
    const answer = await this.#send(question, lease, signal);
    // A token that was got for this very question is not what is wrong with it.
    if (answer.status !== 403 || lease.serial > serial) return answer;
    return this.#send(question, await this.#session.replace(lease), signal);
  }

  /** What the answer says, where it is as it must be. @throws the failure of its status; SECRET_MANAGER_GARBLED */
  parse<T>(schema: z.ZodType<T>, answer: Answer): T {
    if (answer.status !== 200) throw refuseStatus(this.#setup.keeper, answer);
    const parsed = schema.safeParse(answer.body);
    if (parsed.success) return parsed.data;
    throw this.refuse('SECRET_MANAGER_GARBLED', 'its answer lacks what was asked for');
  }

  refuse(code: ProviderCode, reason: string): Failure {
    return refusal(code, this.#setup.keeper, reason);
  }

  /** Revokes the token it logged in for, and lets go of connections. */
  async close(): Promise<void> {
    await this.#session.close();
    this.#line.close();
  }

  async #send(question: Question, lease: Lease, signal: AbortSignal): Promise<Answer> {
    return this.#line.send(question, textOf(lease), signal);
  }
}
