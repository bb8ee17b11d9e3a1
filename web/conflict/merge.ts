// Two changes of one document, key by key: what only one side changed is taken from it, what both changed somebody has to choose.
import { bareTextOf, type Part, readSections, type Section, shift, TAIL } from './sections.js';

export interface Versions {
  /** What both began with; null where it is not known. */
  base: string | null;
  /** What is in Git now. */
  theirs: string;
  /** What was to be saved. */
  ours: string;
}

export type Side = 'theirs' | 'ours';

export interface Difference {
  /** As `spec › replicas`; names it among the differences. */
  path: string;
  /** Who changed it; both: a choice is needed. */
  by: Side | 'both';
  /** The text of each side without its indentation; null where the key is not there. */
  base: string | null;
  theirs: string | null;
  ours: string | null;
}

export type Choices = ReadonlyMap<string, Side>;

const WHOLE = 'the whole document';
const HEAD = 'comments';
const END = 'the end';

interface Parts {
  base: Part | undefined;
  theirs: Part;
  ours: Part;
}

/** In the order in which they stand. */
export function findDifferences(versions: Versions): Difference[] {
  const parts = readParts(versions);
  if (parts !== undefined) return differencesIn(parts, []);
  const { base, theirs, ours } = versions;
  return theirs === ours ? [] : [{ path: WHOLE, by: whoChanged(base, theirs, ours), base, theirs, ours }];
}

/** What the choices come to. What is not chosen is taken from whoever changed it, or from Git. */
export function merge(versions: Versions, choices: Choices): string {
  const parts = readParts(versions);
  if (parts !== undefined) return mergeParts(parts, [], choices);
  const { base, theirs, ours } = versions;
  return sideOf(WHOLE, whoChanged(base, theirs, ours), choices) === 'ours' ? ours : theirs;
}

function readParts({ base, theirs, ours }: Versions): Parts | undefined {
  const [one, other] = [readSections(theirs), readSections(ours)];
  if (one === undefined || other === undefined) return undefined;
  return { base: base === null ? undefined : readSections(base), theirs: one, ours: other };
}

/** A key as each side has it. */
interface Trio {
  key: string;
  base: Section | undefined;
  theirs: Section | undefined;
  ours: Section | undefined;
}

/** In the order of Git’s, and what only we have after what it follows with us. */
function triosOf({ base, theirs, ours }: Parts): Trio[] {
  const keys = theirs.sections.map(({ key }) => key);
  for (const [at, { key }] of ours.sections.entries()) {
    if (keys.includes(key)) continue;
    const before = ours.sections[at - 1]?.key;
    keys.splice(before === undefined ? 0 : keys.indexOf(before) + 1, 0, key);
  }
  return keys.map((key) => ({
    key,
    base: sectionOf(base, key),
    theirs: sectionOf(theirs, key),
    ours: sectionOf(ours, key),
  }));
}

const sectionOf = (part: Part | undefined, name: string): Section | undefined =>
  part?.sections.find(({ key }) => key === name);

/** Where both sides have keys below: they are compared one by one. */
function partsBelow({ base, theirs, ours }: Trio): Parts | undefined {
  if (theirs?.below === undefined || ours?.below === undefined) return undefined;
  return base !== undefined && base.below === undefined
    ? undefined
    : { base: base?.below, theirs: theirs.below, ours: ours.below };
}

function differencesIn(parts: Parts, path: readonly string[]): Difference[] {
  return triosOf(parts).flatMap((trio) => {
    const here = [...path, trio.key === TAIL ? END : trio.key];
    const below = partsBelow(trio);
    if (below === undefined) return differenceOf(here, trio, 'text');
    return [...differenceOf([...here, HEAD], trio, 'head'), ...differencesIn(below, here)];
  });
}

function differenceOf(path: readonly string[], trio: Trio, of: 'text' | 'head'): Difference[] {
  const [base, theirs, ours] = [trio.base, trio.theirs, trio.ours].map((one) =>
    one === undefined ? null : bareTextOf(one[of]),
  ) as [string | null, string | null, string | null];
  if (theirs === ours) return [];
  return [{ path: nameOf(path), by: whoChanged(base, theirs, ours), base, theirs, ours }];
}

const nameOf = (path: readonly string[]): string => path.join(' › ');

function whoChanged(base: string | null, theirs: string | null, ours: string | null): Difference['by'] {
  if (base === ours) return 'theirs';
  return base === theirs ? 'ours' : 'both';
}

function sideOf(path: string, by: Difference['by'], choices: Choices): Side {
  return choices.get(path) ?? (by === 'both' ? 'theirs' : by);
}

function mergeParts(parts: Parts, path: readonly string[], choices: Choices): string {
  const { theirs, ours } = parts;
  const pieces = triosOf(parts).map((trio) => {
    const here = [...path, trio.key === TAIL ? END : trio.key];
    const below = partsBelow(trio);
    const piece = pieceOf(
      below === undefined ? here : [...here, HEAD],
      trio,
      below === undefined ? 'text' : 'head',
      choices,
    );
    const placed = piece.side === 'ours' ? shift(piece.text, theirs.indent - ours.indent) : piece.text;
    return below === undefined ? placed : `${placed}${mergeParts(below, here, choices)}`;
  });
  // The last line of a document may have no end, and not be the last any more.
  return pieces
    .filter((piece) => piece !== '')
    .map((piece, at, all) => (at < all.length - 1 && !piece.endsWith('\n') ? `${piece}\n` : piece))
    .join('');
}

function pieceOf(
  path: readonly string[],
  trio: Trio,
  of: 'text' | 'head',
  choices: Choices,
): { side: Side; text: string } {
  const [difference] = differenceOf(path, trio, of);
  const side = difference === undefined ? 'theirs' : sideOf(difference.path, difference.by, choices);
  return { side, text: trio[side]?.[of] ?? '' };
}
