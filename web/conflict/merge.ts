// Two changes of one document, key by key: what only one side changed is taken from it, what both changed somebody has to choose.
import { type Frame, framed, framesOf } from './frame.js';
import { type Both, type Item, type Items, itemsOf, mapBoth, mapTrio, type Trio } from './items.js';
import { isSameOrder, joinOrders, orderOf } from './order.js';
import {
  type Choices,
  type Difference,
  joinPieces,
  type Passage,
  type Piece,
  pieceOf,
  traitOf,
} from './pieces.js';
import { type Part, readSections } from './sections.js';

export type { Choices, Difference, Side } from './pieces.js';

export interface Versions {
  /** What both began with; null where it is not known. */
  base: string | null;
  /** What is in Git now. */
  theirs: string;
  /** What was to be saved. */
  ours: string;
}

/** What is said of a mapping or a document rather than of a key. No key is shown as one of these. */
const said = {
  whole: 'the whole document',
  mark: 'the byte order mark',
  breaks: 'the line ends',
  lastBreak: 'the last line end',
  start: 'the beginning',
  comments: 'the comments',
  indentation: 'the indentation',
  order: 'the order',
  end: 'the end',
} as const;

const nameOf = (path: readonly string[]): string => path.join(' › ');

/** In the order in which they stand. */
export function findDifferences(versions: Versions): Difference[] {
  return mergeOf(versions, new Map()).pieces.flatMap(({ difference }) => difference ?? []);
}

/** What the choices come to. What is not chosen is taken from whoever changed it, or from Git. */
export function merge(versions: Versions, choices: Choices): string {
  return mergeOf(versions, choices).text;
}

function mergeOf(versions: Versions, choices: Choices): { pieces: Piece[]; text: string } {
  const sources = { ...versions, base: versions.base ?? undefined };
  const frames = framesOf(sources);
  const parts = readParts(frames);
  if (parts === undefined) {
    const whole = traitOf(said.whole, sources, choices);
    return { pieces: [whole], text: sources[whole.side] };
  }
  const toPiece = (name: string, of: (frame: Frame) => string): Piece =>
    traitOf(name, mapBoth(frames, of), choices);
  const mark = toPiece(said.mark, (frame) => (frame.mark === '' ? 'None' : 'There'));
  const breaks = toPiece(said.breaks, (frame) => frame.breaks ?? '');
  const lastBreak = toPiece(said.lastBreak, ({ isLastBroken }) => (isLastBroken ? 'There' : 'None'));
  const place: Place = { path: [], columns: { base: 0, theirs: 0, ours: 0 }, column: 0 };
  const pieces = piecesOf(parts, place, choices);
  const last = pieces.findLast(({ text }) => text !== '');
  return {
    pieces: [mark, breaks, ...pieces, lastBreak],
    text: framed(joinPieces(pieces), {
      mark: frames[mark.side].mark,
      breaks: frames[breaks.side].breaks,
      // It may be part of a value that one side changed.
      isLastBroken: frames[(last?.isKept && last.difference ? last : lastBreak).side].isLastBroken,
    }),
  };
}

function readParts({ base, theirs, ours }: Both<Frame>): Both<Part> | undefined {
  const [one, other] = [readSections(theirs.text), readSections(ours.text)];
  if (one === undefined || other === undefined) return undefined;
  return { base: base === undefined ? undefined : readSections(base.text), theirs: one, ours: other };
}

/** Where a mapping stands: below which keys, and in which columns those are, with each side and in the result. */
interface Place {
  path: readonly string[];
  columns: Both<number>;
  column: number;
}

function piecesOf(read: Both<Part>, outer: Place, choices: Choices): Piece[] {
  const { path } = outer;
  const parts = itemsOf(read);
  const columns = mapBoth(parts, ({ indent }) => indent);
  const indentation = traitOf(
    nameOf([...path, said.indentation]),
    depthsOf(columns, outer.columns),
    choices,
    {
      toText: (depth) => `${depth} columns`,
    },
  );
  const order = traitOf(nameOf([...path, said.order]), parts, choices, {
    toText: ({ list }) => list.map(({ name }) => name).join('\n'),
    isSame: (one, other) => isSameOrder(orderOf(one), orderOf(other)),
  });
  const depth = parts[indentation.side].indent - outer.columns[indentation.side];
  const place: Place = { path, columns, column: outer.column + depth };
  const keys = joinOrders(
    orderOf(parts[order.side]),
    orderOf(parts[order.side === 'ours' ? 'theirs' : 'ours']),
  );
  const lists = mapBoth(parts, ({ list }) => new Map(list.map((item) => [item.key, item])));
  const below = keys.map((key) =>
    piecesOfItem(
      mapTrio(lists, (list) => list.get(key)),
      place,
      choices,
    ),
  );
  const start = pieceOf(
    nameOf([...path, path.length === 0 ? said.start : said.comments]),
    passagesOf(
      mapTrio(parts, (part) => part.start),
      outer.columns,
    ),
    outer.column,
    choices,
  );
  const end = pieceOf(
    nameOf([...path, said.end]),
    passagesOf(
      mapTrio(parts, (part) => part.end),
      columns,
    ),
    place.column,
    choices,
  );
  const at = startAmong(keys, parts[start.side]);
  return [indentation, order, ...below.slice(0, at).flat(), start, ...below.slice(at).flat(), end];
}

function depthsOf(inner: Both<number>, outer: Both<number>): Both<number> {
  const { base } = inner;
  return {
    base: base === undefined || outer.base === undefined ? undefined : base - outer.base,
    theirs: inner.theirs - outer.theirs,
    ours: inner.ours - outer.ours,
  };
}

/** Below the comments that it stands below with its side, and above every key. */
function startAmong(keys: readonly string[], { before }: Items): number {
  const isComment = (key: string): boolean => key.startsWith('#');
  const first = keys.findIndex((key) => !isComment(key));
  const last = Math.max(-1, ...before.map((key) => keys.indexOf(key)));
  return Math.min(last + 1, first < 0 ? keys.length : first);
}

function piecesOfItem(trio: Trio<Item>, place: Place, choices: Choices): Piece[] {
  const path = [...place.path, (trio.theirs ?? trio.ours)?.name ?? ''];
  const below = partsBelow(trio);
  return below === undefined
    ? [pieceOf(nameOf(path), passagesOf(trio, place.columns), place.column, choices)]
    : piecesOf(below, { ...place, path }, choices);
}

/** Where both sides have keys below: they are merged one by one. */
function partsBelow(trio: Trio<Item>): Both<Part> | undefined {
  const { base, theirs, ours } = mapTrio(trio, partBelow);
  if (theirs === undefined || ours === undefined) return undefined;
  return trio.base !== undefined && base === undefined ? undefined : { base, theirs, ours };
}

const partBelow = ({ lead, gap, below }: Item): Part | undefined =>
  below && { ...below, start: { ...below.start, text: lead + below.start.text }, end: { ...below.end, gap } };

const passagesOf = (trio: Trio<Item>, columns: Both<number>): Trio<Passage> => ({
  base: trio.base && passageOf(trio.base, columns.base ?? 0),
  theirs: trio.theirs && passageOf(trio.theirs, columns.theirs),
  ours: trio.ours && passageOf(trio.ours, columns.ours),
});

const passageOf = ({ lead, text, gap, isKept }: Item, indent: number): Passage => ({
  text: lead + text,
  gap,
  isKept,
  indent,
});
