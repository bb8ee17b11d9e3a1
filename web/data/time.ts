// Times as people read them.
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export function agoOf(iso: string, nowMs = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1_000);
  const found = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  if (found !== undefined) return plain(relative.format(Math.trunc(seconds / found[1]), found[0]));
  return seconds > -5 && seconds <= 0 ? 'just now' : plain(relative.format(seconds, 'second'));
}

/** `in 5 min`, also before a full stop. */
const plain = (words: string): string => words.replace('.', '');

export const exactTime = (iso: string): string => exact.format(new Date(iso));

/** `840 ms`, `2.4 s`, `3 min 5 s`. */
export function lastingOf(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
