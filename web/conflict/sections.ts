// A YAML document as its keys: each with the very text that it is written in, the comments above it included, so that documents can
// be put together of one another’s keys and every byte of what was not touched stays.
import { isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';

export interface Section {
  key: string;
  /** All of it, with the comments above. */
  text: string;
  /** What stands before the keys below it. */
  head: string;
  /** Where its value is a mapping in lines of its own. */
  below: Part | undefined;
}

export interface Part {
  /** Columns before its keys. */
  indent: number;
  sections: Section[];
}

/** The end of a document, which belongs to no key. */
export const TAIL = '#end';

/** Undefined for what is no mapping in lines of its own, or no YAML. */
export function readSections(source: string): Part | undefined {
  const { contents, errors } = parseDocument(source);
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const part = partOf(source, contents, 0);
  if (part === undefined) return undefined;
  const read = part.sections.reduce((length, { text }) => length + text.length, 0);
  const tail = source.slice(read);
  if (tail.trim() !== '') part.sections.push({ key: TAIL, text: tail, head: tail, below: undefined });
  return part;
}

/** @param from where the text of its first key begins, with what stands above it */
function partOf(source: string, map: YAMLMap, from: number): Part | undefined {
  if (map.flow === true || map.items.length === 0) return undefined;
  const sections: Section[] = [];
  let start = from;
  for (const pair of map.items) {
    const { key, value } = pair;
    if (!isScalar(key) || key.range == null) return undefined;
    const end = lineEnd(source, endOf(pair));
    const inner = isMap(value) && value.range != null ? innerOf(source, value) : undefined;
    sections.push({
      key: String(key.value),
      text: source.slice(start, end),
      head: source.slice(start, inner?.from ?? end),
      below: inner?.part,
    });
    start = end;
  }
  return { indent: columnOf(source, map.items[0] as Pair), sections };
}

function innerOf(source: string, map: YAMLMap): { part: Part; from: number } | undefined {
  const key = map.items[0]?.key;
  if (!isScalar(key) || key.range == null) return undefined;
  const from = lineStart(source, key.range[0]);
  // A mapping that begins on the line of its key is not in lines of its own.
  if (map.range != null && source.slice(from, key.range[0]).trim() !== '') return undefined;
  const part = partOf(source, map, from);
  return part === undefined ? undefined : { part, from };
}

/** Where what is written of it ends: comments below it are not its own. */
function endOf(node: unknown): number {
  if (isMap(node) && node.flow !== true && node.items.length > 0) return endOf(node.items.at(-1));
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return endOf(node.items.at(-1));
  if (isScalar(node) || isAlias(node) || isMap(node) || isSeq(node)) return node.range?.[1] ?? 0;
  const { key, value } = node as Pair;
  return Math.max(endOf(key), value === null ? 0 : endOf(value));
}

const lineStart = (source: string, at: number): number => source.lastIndexOf('\n', at - 1) + 1;

function lineEnd(source: string, at: number): number {
  if (source[at - 1] === '\n') return at;
  const end = source.indexOf('\n', at);
  return end < 0 ? source.length : end + 1;
}

function columnOf(source: string, { key }: Pair): number {
  const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
  return at - lineStart(source, at);
}

/** What says whether two are the same: without the place they stand at, and the blank lines around them. */
export function bareTextOf(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const depths = lines.filter((line) => line !== '').map((line) => line.length - line.trimStart().length);
  const depth = Math.min(...depths, Number.POSITIVE_INFINITY);
  return lines
    .map((line) => line.slice(Number.isFinite(depth) ? depth : 0))
    .join('\n')
    .replace(/^\n+|\n+$/g, '');
}

/** The text where its keys begin at another column. */
export function shift(text: string, columns: number): string {
  if (columns === 0) return text;
  return text
    .split('\n')
    .map((line) => shiftLine(line, columns))
    .join('\n');
}

function shiftLine(line: string, columns: number): string {
  if (line.trim() === '') return line;
  if (columns > 0) return `${' '.repeat(columns)}${line}`;
  const room = line.length - line.trimStart().length;
  return line.slice(Math.min(-columns, room));
}
