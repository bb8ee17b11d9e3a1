// A list that changes while one looks at it: what is there stays where it is, and what came or went is told until one asks to see it.

/** What is shown of a list, and what is not yet. */
export interface Held<Row> {
  rows: Row[];
  /** How many came since, between those that are shown or before them. */
  news: number;
  /** Keys of those shown that are there no more. */
  gone: ReadonlySet<string>;
}

/** The beginning of a list as it is now. */
export interface Beginning<Row> {
  rows: readonly Row[];
  /** Where it goes on; null where it is the whole list. */
  next: string | null;
}

type KeyOf<Row> = (row: Row) => string;

/** Every row in its place, each as it is now. What comes after the last of them moves none, and is shown. */
export function hold<Row>(shown: readonly Row[], fresh: Beginning<Row>, keyOf: KeyOf<Row>): Held<Row> {
  const now = new Map(fresh.rows.map((row) => [keyOf(row), row]));
  const before = new Set(shown.map(keyOf));
  const last = fresh.rows.findLastIndex((row) => before.has(keyOf(row)));
  const isKnown = last !== -1 || fresh.next === null;
  const gone = isKnown ? shown.slice(0, reachOf(shown, fresh, keyOf)) : [];
  const after = last !== -1 && reachesEnd(shown, fresh, keyOf) ? fresh.rows.slice(last + 1) : [];
  const unknown = fresh.rows.filter((row) => !before.has(keyOf(row)));
  return {
    rows: [...shown.map((row) => now.get(keyOf(row)) ?? row), ...after],
    news: unknown.length - after.length,
    gone: new Set(gone.map(keyOf).filter((key) => !now.has(key))),
  };
}

/** What the list has become, with what was read of it beyond its beginning. */
export function show<Row>(shown: readonly Row[], fresh: Beginning<Row>, keyOf: KeyOf<Row>): Row[] {
  return [...fresh.rows, ...shown.slice(reachOf(shown, fresh, keyOf))];
}

/** Whether the beginning goes as far as what is shown, so that the list goes on where the beginning does. */
export function reachesEnd<Row>(shown: readonly Row[], fresh: Beginning<Row>, keyOf: KeyOf<Row>): boolean {
  return reachOf(shown, fresh, keyOf) === shown.length;
}

/** How many of the rows that are shown the beginning speaks of: all, where none of them is in it, since nobody knows what lies between. */
function reachOf<Row>(shown: readonly Row[], fresh: Beginning<Row>, keyOf: KeyOf<Row>): number {
  if (fresh.next === null) return shown.length;
  const now = new Set(fresh.rows.map(keyOf));
  const last = shown.findLastIndex((row) => now.has(keyOf(row)));
  return last === -1 ? shown.length : last + 1;
}
