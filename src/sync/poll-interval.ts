// Pure: how long after a look at a tracked repository the next one is due. Hosts lose webhooks, so that it has to be soon even
// where they arrive: a push whose webhook was lost is found within a minute, with the settings as they are by default.
import type { Config } from '../config/config.js';
import type { Tracking } from './tracking.repository.js';

/** `none`: no webhook ever told of anything; `losing`: a look found lately what none had told of. */
export type WebhookHealth = 'none' | 'healthy' | 'losing';

/** How often looks that are due are begun. */
export const SWEEP_MS = 500;
/** How long a host counts as one that loses webhooks after it lost one. */
const DISTRUST_MS = 10 * 60_000;
/** How much sooner or later than the settings say, so that looks spread. */
const JITTER = 0.2;

/** @param now milliseconds since 1970 */
export function webhookHealth(
  { hintedAt, missedAt }: Pick<Tracking, 'hintedAt' | 'missedAt'>,
  now: number,
): WebhookHealth {
  if (hintedAt === null) return 'none';
  return missedAt !== null && now - missedAt.getTime() < DISTRUST_MS ? 'losing' : 'healthy';
}

/**
 * In milliseconds.
 * @param seen as it was before the look; whether the look itself found what nobody had told of; and chance, from 0 to 1
 */
export function pollIntervalMs(
  { health, missed, random }: { health: WebhookHealth; missed: boolean; random: number },
  settings: Pick<Config, 'SALLYPORT_POLL_SECONDS' | 'SALLYPORT_POLL_FAST_SECONDS'>,
): number {
  const isTrusted = health === 'healthy' && !missed;
  const seconds = isTrusted ? settings.SALLYPORT_POLL_SECONDS : settings.SALLYPORT_POLL_FAST_SECONDS;
  return seconds * 1_000 * (1 - JITTER + random * 2 * JITTER);
}
