// Several pushes of one moment are one event: what acts on it looks at Git once.
import type { HookEvent, RefChange } from '../providers/webhook.js';

/** As many refs as one event names; more of them are `unknown`. */
const CHANGES_MAX = 5_000;

export interface Joined<T> {
  event: HookEvent;
  /** What it was made of, in the order in which it came. */
  of: T[];
}

/** Those about refs become one, and those about one pull request the last of them. The rest stays as it is. */
export function joinEvents<T extends { event: HookEvent }>(told: T[]): Joined<T>[] {
  const groups = Map.groupBy(told, ({ event }) => {
    if (event.kind === 'pull') return `pull ${event.number}`;
    return event.kind;
  });
  return [...groups.values()].map((of) => ({ event: joinAll(of.map(({ event }) => event)), of }));
}

function joinAll(events: HookEvent[]): HookEvent {
  const last = events.at(-1) as HookEvent;
  if (last.kind !== 'refs') return last;
  const changes = new Map<string, RefChange>();
  for (const event of events) {
    if (event.kind !== 'refs') continue;
    if (event.changes === 'unknown') return { ...last, changes: 'unknown' };
    for (const change of event.changes) {
      const before = changes.get(change.ref);
      changes.set(change.ref, before === undefined ? change : { ...change, before: before.before });
    }
  }
  return { ...last, changes: changes.size > CHANGES_MAX ? 'unknown' : [...changes.values()] };
}
