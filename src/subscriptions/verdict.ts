// What follows from what a receiver answered, or did not.
import type { Outcome } from '../git/outbound-http.js';

export type Verdict =
  | { kind: 'delivered' }
  | { kind: 'retry'; error: string; inMs: number }
  /** It was tried for long enough. */
  | { kind: 'pause'; error: string }
  /** The receiver wants no more. */
  | { kind: 'disable'; error: string };

export interface History {
  /** Failures in a row before this outcome. */
  failures: number;
  /** Since the first of them. */
  failingMs: number;
  /** For how long one event is tried. */
  retryMsMax: number;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 4 * 3_600_000;

/** @param chance between 0 and 1, so that receivers that came back are not met by everybody at once */
export function judge(outcome: Outcome, history: History, chance: number): Verdict {
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'disable', error: 'the receiver answered 410: it wants no more' };
  const error = describeOutcome(outcome);
  if (history.failingMs >= history.retryMsMax) return { kind: 'pause', error };
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(history.failures, 30));
  const askedMs = status === null ? 0 : (outcome.retryAfterSeconds ?? 0) * 1_000;
  return { kind: 'retry', error, inMs: Math.max(askedMs, longest * (0.5 + chance / 2)) };
}

export function describeOutcome(outcome: Outcome): string {
  if (outcome.status === null) return outcome.reason;
  const { status } = outcome;
  return status >= 300 && status < 400
    ? `the receiver answered ${status}, and redirects are not followed`
    : `the receiver answered ${status}`;
}
