// What changes while one looks. One stream tells all of the page; a line that breaks is taken up where it was, also by another
// manager, and what is on the screen is read again, since what had not been told yet may be on it.
import { useEffect, useRef } from 'preact/hooks';
import { ApiError } from '../../src/client/api-error.js';
import type { CloudEvent } from '../../src/client/client.js';
import { readEvents } from '../../src/client/event-stream.js';
import { rest } from '../../src/client/patient-fetch.js';
import { server } from './place.js';
import { isSignedOut, session } from './session.js';
import { Store } from './store.js';

export const line = new Store<'opening' | 'open' | 'lost'>('opening');

/** Null: anything may have changed. */
type Hear = (event: Pick<CloudEvent, 'type'> | null) => void;
const hearers = new Set<Hear>();

const AGAIN_MS = 2_000;
/** What comes at once is read once. */
const TOGETHER_MS = 120;

/** Follows a scope until the signal. */
export async function follow(scope: string, signal: AbortSignal): Promise<void> {
  let after: string | undefined;
  const tell: Hear = (event) => {
    for (const hear of hearers) hear(event);
  };
  const onLine = (state: 'open' | 'lost'): void => {
    line.set(state);
    if (state === 'open') tell(null);
  };
  while (!signal.aborted) {
    try {
      const events = readEvents({ server, scope, signal, onLine, ...(after === undefined ? {} : { after }) });
      for await (const event of events) {
        after = event.cursor;
        tell(event);
      }
    } catch (error) {
      line.set('lost');
      if (isSignedOut(error)) return session.set(null);
      // Its events are gone, or it is another log: from now on, then.
      if (error instanceof ApiError) after = undefined;
    }
    await rest(AGAIN_MS, signal).catch(() => undefined);
  }
}

/** Has what depends on it read again: for what this page did and no event tells, as that an operation was accepted. */
export function tellHere(type: string): void {
  for (const hear of hearers) hear({ type: `sallyport.${type}` });
}

/** @param types beginnings, such as `entity.`; `act` runs once for what came together */
export function useLive(types: readonly string[], act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  const wanted = types.join();
  useEffect(() => {
    if (wanted === '') return undefined;
    const beginnings = wanted.split(',').map((type) => `sallyport.${type}`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear: Hear = (event) => {
      if (event !== null && !beginnings.some((one) => event.type.startsWith(one))) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        latest.current();
      }, TOGETHER_MS);
    };
    hearers.add(hear);
    return () => {
      hearers.delete(hear);
      clearTimeout(timer);
    };
  }, [wanted]);
}
