// A KMS that is away, or sealed, comes back: whoever starts waits for it, as it waits for a manager.
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { Failure } from '../../src/kernel/failure.js';

const PASSING: ReadonlySet<ErrorCode> = new Set([
  'SECRET_MANAGER_UNAVAILABLE',
  'SECRET_MANAGER_THROTTLED',
  'SECRET_MANAGER_SEALED',
]);
const RETRY_MS = 2_000;

export const isKmsAway = (error: unknown): error is Failure =>
  error instanceof Failure && PASSING.has(error.code);

/** Does the work when the KMS lets it. @param tell hears why it is waited for, each time; undefined once it is not */
export async function outlastKms<T>(
  work: () => Promise<T>,
  { signal, tell }: { signal: AbortSignal; tell: (failure: Failure | undefined) => void },
): Promise<T> {
  for (;;) {
    try {
      const done = await work();
      tell(undefined);
      return done;
    } catch (error) {
      if (!isKmsAway(error)) throw error;
      tell(error);
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}
