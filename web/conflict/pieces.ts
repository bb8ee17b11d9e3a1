// Stretches of text that are taken from one side: which one, by who changed it and what was chosen.
import { type Both, mapTrio, type Trio } from './items.js';
import { bareTextOf, type Held, shift } from './lines.js';

export type Side = 'theirs' | 'ours';

export interface Difference {
  /** As `spec › replicas`; no other difference has it. */
  path: string;
  /** Who changed it; both: a choice is needed. */
  by: Side | 'both';
  /** The text of each side without its indentation; null where the key is not there. */
  base: string | null;
  theirs: string | null;
  ours: string | null;
}

export type Choices = ReadonlyMap<string, Side>;

/** A stretch of the result, and what there is to choose about it. */
export interface Piece {
  difference: Difference | undefined;
  /** Whose it is. */
  side: Side;
  text: string;
  /** Empty lines after it would be words of its value. */
  isKept: boolean;
}

/** A text as one side has it. */
export interface Passage extends Held {
  /** Columns that its keys stand in. */
  indent: number;
  isKept: boolean;
}

type Change = Difference['by'] | 'none';

type Same<T> = (one: T, other: T) => boolean;

function changeOf<T>({ base, theirs, ours }: Trio<T>, isSame: Same<T>): Change {
  const isSameMaybe = (one: T | undefined, other: T | undefined): boolean =>
    one === undefined || other === undefined ? one === other : isSame(one, other);
  if (isSameMaybe(theirs, ours)) return 'none';
  if (isSameMaybe(base, ours)) return 'theirs';
  return isSameMaybe(base, theirs) ? 'ours' : 'both';
}

const sideOf = (path: string, by: Difference['by'], choices: Choices): Side =>
  choices.get(path) ?? (by === 'both' ? 'theirs' : by);

function differenceOf<T>(path: string, by: Difference['by'], trio: Trio<T>, toText: (one: T) => string) {
  const { base = null, theirs = null, ours = null } = mapTrio(trio, toText);
  return { path, by, base, theirs, ours };
}

/** Something of which there is one in every result, and nothing of its text. */
export function traitOf<T>(
  path: string,
  both: Both<T>,
  choices: Choices,
  { toText = String, isSame = (one, other) => one === other }: Partial<Trait<T>> = {},
): Piece {
  const by = changeOf(both, isSame);
  const difference = by === 'none' ? undefined : differenceOf(path, by, both, toText);
  return { difference, side: by === 'none' ? 'theirs' : sideOf(path, by, choices), text: '', isKept: false };
}

interface Trait<T> {
  toText: (one: T) => string;
  isSame: Same<T>;
}

/** @param indent columns that its keys are to stand in */
export function pieceOf(path: string, trio: Trio<Passage>, indent: number, choices: Choices): Piece {
  const { text, gap, by, shown } = judge(trio);
  const difference =
    by === 'none' ? undefined : differenceOf(path, by, shown, ({ text: all }) => bareTextOf(all));
  const side = by === 'none' ? 'theirs' : sideOf(path, by, choices);
  const passage = trio[side];
  if (passage === undefined) return { difference, side, text: '', isKept: false };
  const isApart = by !== 'both' && gap !== 'none' && gap !== text;
  const lines = (isApart ? trio[gap as Side] : undefined) ?? passage;
  return {
    difference,
    side,
    text: shift(passage.text, indent - passage.indent) + lines.gap,
    isKept: passage.isKept,
  };
}

/** Who changed what of it. Empty lines after it are merged on their own, unless they are of the value with one of the sides. */
function judge(trio: Trio<Passage>): { text: Change; gap: Change; by: Change; shown: Trio<Passage> } {
  const isKept = [trio.base, trio.theirs, trio.ours].some((one) => one?.isKept);
  const joined = mapTrio(trio, (one) => ({ ...one, text: one.text + one.gap }));
  const text = changeOf(isKept ? joined : trio, isSameText);
  const isInBoth = trio.theirs !== undefined && trio.ours !== undefined;
  const gap = isKept || !isInBoth ? 'none' : changeOf(trio, (one, other) => one.gap === other.gap);
  const isClash = gap === 'both';
  return { text, gap, by: isClash ? 'both' : text, shown: isKept || isClash ? joined : trio };
}

const isSameText: Same<Passage> = (one, other) => shift(one.text, other.indent - one.indent) === other.text;

export function joinPieces(pieces: readonly Piece[]): string {
  let joined = '';
  let isKept = false;
  for (const { text, isKept: isNextKept } of pieces) {
    if (text === '') continue;
    joined += isKept ? text.replace(/^[\r\n]+/, '') : text;
    isKept = isNextKept;
  }
  return joined;
}
