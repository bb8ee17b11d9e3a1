// The one table of what Vault's and OpenBao's answers mean. Their texts are read for the phrases below and never shown.
import type { Failure } from '../../src/kernel/failure.js';
import { type Keeper, type ProviderCode, refusal } from './provider.js';
import type { Answer } from './vault-line.js';

const byStatus: Record<number, [code: ProviderCode, reason: string]> = {
  400: ['SECRET_MANAGER_MISCONFIGURED', 'it cannot do what was asked'],
  401: ['SECRET_MANAGER_SIGN_IN_REFUSED', 'it does not know who asks'],
  403: ['SECRET_MANAGER_DENIED', 'it does not allow this, or has no such namespace or engine'],
  404: ['SECRET_MANAGER_MISCONFIGURED', 'it has no such engine'],
  405: ['SECRET_MANAGER_MISCONFIGURED', 'the engine is of another kind'],
  412: ['SECRET_MANAGER_UNAVAILABLE', 'it is behind the node that answered before'],
  429: ['SECRET_MANAGER_THROTTLED', 'its quota is used up'],
};

/** What an answer is refused for, where its engine says nothing more exact. */
export function refuseStatus(keeper: Keeper, answer: Answer): Failure {
  const { status, retryAfterSeconds } = answer;
  const [code, reason] = byStatus[status] ?? refuseRange(answer);
  return refusal(code, keeper, `${reason} (HTTP ${status})`, { retryAfterSeconds });
}

function refuseRange(answer: Answer): [code: ProviderCode, reason: string] {
  const { status } = answer;
  if (status === 503 && says(answer, /\bis sealed\b/i)) return ['SECRET_MANAGER_SEALED', 'it is sealed'];
  if (status >= 500) return ['SECRET_MANAGER_UNAVAILABLE', 'it cannot answer now'];
  if (status === 307)
    return [
      'SECRET_MANAGER_UNAVAILABLE',
      'a standby that does not forward points elsewhere, which is not followed',
    ];
  if (status >= 300 && status < 400)
    return ['SECRET_MANAGER_MISCONFIGURED', 'its address points elsewhere, which is not followed'];
  return ['SECRET_MANAGER_GARBLED', 'its answer has no meaning'];
}

/** Whether one of the errors in the answer holds the phrase. */
export function says({ body }: Answer, phrase: RegExp): boolean {
  const errors = body !== undefined && 'errors' in body ? body.errors : undefined;
  return Array.isArray(errors) && errors.some((error) => typeof error === 'string' && phrase.test(error));
}
