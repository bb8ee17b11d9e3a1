import { useEffect, useState } from 'preact/hooks';
import { agoOf, exactTime, lastingOf } from '../data/time.js';

const TICK_MS = 15_000;

/** How long ago, and when exactly on pointing at it. */
export function Ago({ at }: { at: string | null | undefined }) {
  useTick(TICK_MS);
  if (at === null || at === undefined) return <span class="quiet">never</span>;
  return (
    <time class="nowrap number" dateTime={at} title={exactTime(at)}>
      {agoOf(at)}
    </time>
  );
}

/** How long something has gone on, counting while it does. */
export function Lasting({ from, to }: { from: string; to: string | null }) {
  useTick(to === null ? 1_000 : undefined);
  const end = to === null ? Date.now() : Date.parse(to);
  return <span class="number nowrap">{lastingOf(end - Date.parse(from))}</span>;
}

function useTick(everyMs: number | undefined): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
