// Hosts refuse a push in their own words; these mean that somebody else was faster, not that the push is unwanted.
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../kernel/failure.js';

const RACE_PAUSE_MS = 150;
const HOOKED = /hook declined|pre-receive|protected/i;
const RACED =
  /non-fast-forward|fetch first|stale info|failed to (?:update ref|lock|write)|cannot lock|unable to (?:lock|create|write)|lock failed|already exists|incorrect old value|but expected|is at [0-9a-f]{40}|atomic/i;

/** A branch `a` and a branch `a/b` cannot both be: no lock, but a refusal that lasts. */
const COLLIDES = /exists; cannot create/i;

/**
 * Whether these words of a host (or of git about it) say that the branch was not where it had to be, or was locked. `talk` is
 * what the host said beside its verdict.
 */
export const isRace = (verdict: string, talk = ''): boolean =>
  !HOOKED.test(verdict) && !COLLIDES.test(`${verdict} ${talk}`) && RACED.test(verdict);

/** Waits before a push that met somebody else's lock is sent again. */
export const pauseAfterRace = (): Promise<void> => delay(RACE_PAUSE_MS * (0.5 + Math.random()));

/** The branch was read and had not moved, and yet somebody held it: it will be free again. */
export const busyBranch = (host: string, branch: string, reason: string): Failure =>
  new Failure('GIT_BRANCH_BUSY', { host, branch, reason }) as Failure;

/** Statuses that a host in front gives for one behind it, which may still be at work. */
const OF_GATEWAYS = new Set([408, 502, 503, 504, 520, 521, 522, 523, 524]);
const SILENT = new Set([
  'GIT_UNREACHABLE',
  'GIT_TIMEOUT',
  'GIT_CANCELLED',
  'GIT_LIMIT_EXCEEDED',
  'GIT_ENGINE_FAILED',
  'GIT_OBJECT_NOT_FOUND',
]);

/** Whether a push that ended so may land after all. A host that finished its answer, whatever it said, is done. */
export function mayFollow(failure: Failure): boolean {
  const { status } = failure.data as { status?: number };
  return SILENT.has(failure.code) || (failure.code === 'GIT_HOST_ERROR' && OF_GATEWAYS.has(status ?? 0));
}
