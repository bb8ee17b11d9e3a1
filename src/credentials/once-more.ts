// A host may end a token before its time. What it refuses with one that was at hand is tried once more with a fresh one: a refusal
// of the credential means that nothing was done.
import { Failure } from '../kernel/failure.js';

/** `stale`: nobody can open it any more, as after a rotation of the group's keys. */
export type Useless = 'refused' | 'stale';

/** What was shown to a host last. */
export interface ShownCredential {
  /** It was of no use: whether it was at hand, and is now forgotten, so that another one is worth a try. */
  forget: (why: Useless) => boolean;
  /** The host has refused what was shown in its place as well. */
  giveUp?: () => void;
  /** The call is over, and the host has not refused it. */
  accept?: () => void;
}

export async function onceMore<T>(
  work: () => Promise<T>,
  isRefused: (failure: Failure) => boolean,
  shown: ShownCredential,
): Promise<T> {
  const attempt = async (): Promise<T> => {
    const result = await work();
    shown.accept?.();
    return result;
  };
  try {
    return await attempt();
  } catch (error) {
    const why = whyUseless(error, isRefused);
    if (why === undefined || !shown.forget(why)) throw error;
    return attempt().catch((again: unknown) => {
      if (whyUseless(again, isRefused) === 'refused') shown.giveUp?.();
      throw again;
    });
  }
}

function whyUseless(error: unknown, isRefused: (failure: Failure) => boolean): Useless | undefined {
  if (!(error instanceof Failure)) return undefined;
  if (error.code === 'CREDENTIAL_STALE') return 'stale';
  return isRefused(error) ? 'refused' : undefined;
}
