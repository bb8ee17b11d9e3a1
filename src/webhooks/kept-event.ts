// How much of what a host says in a delivery is kept, and handed on: the refs of one push may be megabytes of names, and a hundred
// deliveries are read at a time and shown by the hundreds.
import type { HookEvent } from '../providers/webhook.js';

const EVENT_CHARACTERS_MAX = 64 * 1024;

/** The event; one of very many refs without their names, so that every ref is looked at. */
export function keptEvent(event: HookEvent): HookEvent {
  if (event.kind !== 'refs' || event.changes === 'unknown') return event;
  return JSON.stringify(event).length > EVENT_CHARACTERS_MAX ? { ...event, changes: 'unknown' } : event;
}
