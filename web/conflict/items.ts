// What a mapping is merged of: its keys, and comments that one of the sides has above another key than the others, which are no key’s.
import { type Held, type Remark, textOf } from './lines.js';
import { type Part, type Section, withHeader } from './sections.js';

/** One and the same as each side has it, or both began with it. */
export interface Trio<T> {
  base: T | undefined;
  theirs: T | undefined;
  ours: T | undefined;
}

/** What both sides have. */
export interface Both<T> extends Trio<T> {
  theirs: T;
  ours: T;
}

export interface Item extends Held {
  key: string;
  name: string;
  /** The comments that are said of it. */
  lead: string;
  isKept: boolean;
  below: Part | undefined;
}

export interface Items {
  indent: number;
  start: Item;
  /** Those of the list that stand before the start. */
  before: readonly string[];
  list: readonly Item[];
  end: Item;
}

export function mapTrio<T, R>({ base, theirs, ours }: Trio<T>, to: (one: T) => R | undefined): Trio<R> {
  const toMaybe = (one: T | undefined): R | undefined => (one === undefined ? undefined : to(one));
  return { base: toMaybe(base), theirs: toMaybe(theirs), ours: toMaybe(ours) };
}

export const mapBoth = <T, R>(both: Both<T>, to: (one: T) => R): Both<R> => ({
  base: both.base === undefined ? undefined : to(both.base),
  theirs: to(both.theirs),
  ours: to(both.ours),
});

const valuesOf = <T>({ base, theirs, ours }: Trio<T>): T[] =>
  [base, theirs, ours].filter((one): one is T => one !== undefined);

export function itemsOf(read: Both<Part>): Both<Items> {
  const parts = withHeaders(read);
  const loose = looseIn(parts);
  return mapBoth(parts, ({ indent, start, sections, end }) => {
    const [before, first] = itemsOfSection(start, loose);
    const [after, last] = itemsOfSection(end, loose);
    const between = sections.flatMap((one) => itemsOfSection(one, loose).flat());
    return {
      indent,
      start: first,
      before: before.map(({ key }) => key),
      list: [...before, ...between, ...after],
      end: last,
    };
  });
}

/**
 * What stands above the first key with one and above another with the other is a header. A comment of a document’s beginning is found
 * by that when a third has it in other words, or nobody knows what both began with; any other that moved is merged on its own.
 */
function withHeaders(parts: Both<Part>): Both<Part> {
  const { base, theirs, ours } = parts;
  const shared = sharedAbove(base ?? theirs, ours);
  if (base === undefined) return mapBoth(parts, (part) => withHeaderOf(part, shared));
  const [one, other] = shared > 0 ? [ours, theirs] : [theirs, ours];
  const count = sharedAbove(base, one);
  const replacing = countReplacing(base, other, count);
  if (replacing === 0) return parts;
  const replaced = withHeaderOf(other, replacing);
  const [header, moved] = [withHeaderOf(base, count), withHeaderOf(one, count)];
  return one === ours
    ? { base: header, theirs: replaced, ours: moved }
    : { base: header, theirs: moved, ours: replaced };
}

/** How many comments above the same first key stand where so many others did. */
function countReplacing(base: Part, other: Part, count: number): number {
  const [known, reworded] = [base, other].map(firstOf);
  if (count === 0 || known === undefined || reworded?.key !== known.key) return 0;
  const names = known.above.map(({ name }) => name);
  const at = reworded.above.findIndex(({ name }) => names.includes(name));
  if (at < 0) return reworded.above.length;
  return names.indexOf(reworded.above[at]?.name ?? '') < count ? 0 : at;
}

const firstOf = ({ sections }: Part): Section | undefined => sections[0];

/** How many comments above the first keys are the same, where those are two. */
function sharedAbove(one: Part, other: Part): number {
  const [first, second] = [one, other].map(firstOf);
  if (first === undefined || second === undefined || first.key === second.key) return 0;
  const end = first.above.findIndex(({ name }, at) => name !== second.above[at]?.name);
  return end < 0 ? first.above.length : end;
}

function withHeaderOf(part: Part, count: number): Part {
  const [first, ...others] = part.sections;
  if (first === undefined) return part;
  const { above } = first;
  return {
    ...part,
    start: withHeader(part.start, above.slice(0, count)),
    sections: [{ ...first, above: above.slice(count) }, ...others],
  };
}

/** Of every comment that is there, the keys below it. */
function ownersIn({ start, sections, end }: Part): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const { key, above } of [start, ...sections, end])
    for (const { name } of above) owners.set(name, [...(owners.get(name) ?? []), key]);
  return owners;
}

/** The comments that moved to another key, or between which and their key another was put. None where they cannot be told apart. */
function looseIn(parts: Both<Part>): ReadonlySet<string> {
  const all = valuesOf(parts);
  const owners = all.map(ownersIn);
  const isOnlyOne = (name: string): boolean => owners.every((one) => (one.get(name)?.length ?? 0) <= 1);
  const isMoved = (name: string): boolean => new Set(owners.flatMap((one) => one.get(name) ?? [])).size > 1;
  const known = parts.base === undefined ? [] : [...ownersIn(parts.base).keys()];
  const loose = new Set(known.filter((name) => isOnlyOne(name) && isMoved(name)));
  // What stands above such a comment cannot be said of the key below it.
  const stacks = all.flatMap(({ start, sections, end }) =>
    [start, ...sections, end].map(({ above }) => above),
  );
  for (let before = 0; before < loose.size; ) {
    before = loose.size;
    for (const stack of stacks) for (const { name } of looseOf(stack, loose)) loose.add(name);
  }
  return [...loose].every(isOnlyOne) ? loose : new Set();
}

const looseOf = (above: readonly Remark[], loose: ReadonlySet<string>): readonly Remark[] =>
  above.slice(0, above.findLastIndex(({ name }) => loose.has(name)) + 1);

/** Comments on their own, and what has the rest above it. */
function itemsOfSection(section: Section, loose: ReadonlySet<string>): [Item[], Item] {
  const alone = looseOf(section.above, loose);
  return [
    alone.map((one) => ({ ...one, key: one.name, lead: '', isKept: false, below: undefined })),
    { ...section, lead: textOf(section.above.slice(alone.length)) },
  ];
}
