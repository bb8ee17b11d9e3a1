// Pure: what becomes of a pull request, whatever its host answers, and when the host is asked next.
import type { Failure } from '../kernel/failure.js';
import type { Pull, Rate } from '../providers/host-api.js';
import type { PullRequestState } from '../storage/pull-schema.js';
import { askedMs } from '../sync/host-pauses.js';

/** What of a request decides. */
export interface Standing {
  state: PullRequestState;
  /** In a row. */
  faults: number;
  /** How long it has been tried to be opened. */
  wantedMs: number;
  /** How long nothing has been heard of it. */
  quietMs: number;
}

/** `failed`: it is not tried any more. */
export type AfterFault = { kind: 'failed' } | { kind: 'again'; inMs: number };

/** For so long it is tried to open one. */
const WANTED_MS_MAX = 24 * 3_600_000;
const FAULT_PAUSE_MS = 1_000;
const FAULT_PAUSE_MS_MAX = 5 * 60_000;
/** It costs little to ask again for what is merely absent. */
const ABSENCE_PAUSE_MS_MAX = 10_000;
/** A host may not show yet what was just pushed or opened. So many attempts, each of which has patience of its own, are made. */
const unseen = new Set(['HOST_API_BRANCH_MISSING', 'HOST_API_DUPLICATE']);
const UNSEEN_MAX = 2;
const LOOK_MS_MAX = 15 * 60_000;
/** A request about which nothing happened for so long is asked about that many times as seldom. */
const QUIET_PER_LOOK = 20;
/** With less than this part of its limit left, a host is asked nothing that can wait. */
const RATE_RESERVE = 0.2;

/** @param chance between 0 and 1, so that hosts that come back are not met by everybody at once */
export function judgeFault(failure: Failure, standing: Standing, chance: number): AfterFault {
  if (standing.state === 'wanted' && isFinal(failure, standing)) return { kind: 'failed' };
  const max = failure.disposition === 'wait' ? ABSENCE_PAUSE_MS_MAX : FAULT_PAUSE_MS_MAX;
  // One that is open stays open: what is wrong, such as a token, may be mended.
  const slow = failure.disposition === 'stop' && standing.state !== 'wanted' ? LOOK_MS_MAX : 0;
  const pause = Math.min(FAULT_PAUSE_MS * 2 ** Math.min(standing.faults, 20), max);
  return {
    kind: 'again',
    inMs: Math.max(pause, slow) * (0.75 + chance / 2) + askedMs(failure),
  };
}

function isFinal({ code, disposition }: Failure, { faults, wantedMs }: Standing): boolean {
  if (unseen.has(code)) return faults + 1 >= UNSEEN_MAX;
  return disposition === 'stop' || wantedMs >= WANTED_MS_MAX;
}

export type AfterLook = 'same' | 'merged' | 'closed' | 'opened again';

/** What the host's word is news of. */
export function judgeLook(state: PullRequestState, pull: Pick<Pull, 'state'>): AfterLook {
  if (pull.state === 'open') return state === 'open' ? 'same' : 'opened again';
  return pull.state === state ? 'same' : pull.state;
}

/** Until the next look at one that is open. */
export function lookPauseMs(
  { quietMs }: Pick<Standing, 'quietMs'>,
  { baseMs, rate, now }: { baseMs: number; rate: Rate | null; now: number },
  chance: number,
): number {
  const seldom = Math.min(Math.max(baseMs, quietMs / QUIET_PER_LOOK), Math.max(baseMs, LOOK_MS_MAX));
  return Math.max(seldom, spareMs(rate, now)) * (0.8 + chance * 0.4);
}

/** Until the host may be asked for what can wait. */
function spareMs(rate: Rate | null, now: number): number {
  if (rate === null) return 0;
  const { limit, remaining, resetAt, blockedUntil } = rate;
  const isScarce = limit !== null && remaining !== null && remaining < limit * RATE_RESERVE;
  const resetMs = isScarce && resetAt !== null ? Math.min(resetAt - now, 3_600_000) : 0;
  return Math.max(0, resetMs, (blockedUntil ?? 0) - now);
}

/** After these it is open whether the host has opened it. */
export const mayHaveOpened = ({ code }: Failure): boolean =>
  /^(HOST_API_(UNREACHABLE|FAULT|GARBLED)|TASK_OUTCOME_UNKNOWN|TASK_POISONED|DELEGATE_SILENT|INTERNAL)$/.test(
    code,
  );
