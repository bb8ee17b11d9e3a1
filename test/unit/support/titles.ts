const CHARACTERS_MAX = 40;

/** Pairs of a table as `[title, second, first]`: the first is given in a form that is short enough for a title. */
export function titled<A, B>(rows: readonly (readonly [A, B])[]): [string, B, A][] {
  return rows.map(([value, rule]) => [brief(value), rule, value]);
}

/** As `titled`, of single values. */
export function titledValues<T>(values: readonly T[]): [string, T][] {
  return values.map((value) => [brief(value), value]);
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX)}… (${text.length})`;
}
