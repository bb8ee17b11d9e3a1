// A YAML document as its keys: each with the very text that it is written in, and the comments above it, so that documents can be put
// together of one another’s keys and every byte of what was not touched stays. All of the text is some part’s.
import { isMap, isNode, isPair, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { columnOf, type Held, isWritten, linesOf, type Remark, shareLines } from './lines.js';

export interface Section extends Held {
  /** Names it among the keys beside it; 1 and "1" are two. */
  key: string;
  /** The key as it is shown. */
  name: string;
  above: readonly Remark[];
  /** Empty lines after it would be words of its last value. */
  isKept: boolean;
  /** Where its value is a mapping in lines of its own. */
  below: Part | undefined;
}

export interface Part {
  /** Columns before its keys. */
  indent: number;
  /** What stands before its keys and is for none of them: the line that names the mapping, or the header of a document. */
  start: Section;
  sections: readonly Section[];
  /** What follows the last key. */
  end: Section;
}

const START = 'start';
const END = 'end';

const bare = (key: string): Section => ({
  key,
  name: key,
  above: [],
  text: '',
  gap: '',
  isKept: false,
  below: undefined,
});

/** Undefined for what is no mapping in lines of its own, or no YAML. */
export function readSections(source: string): Part | undefined {
  const { contents, errors } = parseDocument(source);
  return errors.length > 0 ? undefined : partOf(source, contents, 0, source.length);
}

/** Lines of a key with its value. */
interface Span {
  from: number;
  to: number;
}

function partOf(source: string, map: unknown, from: number, to: number): Part | undefined {
  if (!isMap(map) || map.flow === true) return undefined;
  const spans = spansOf(source, map);
  const [first] = spans;
  if (first === undefined) return undefined;
  const indent = columnOf(source.slice(first.from));
  const after = spans.map((span, at) => linesOf(source.slice(span.to, spans[at + 1]?.from ?? to)));
  const rest = cutRest(after.at(-1) ?? []);
  const isRead = spans.every((span) => columnOf(source.slice(span.from)) === indent);
  if (!isRead || after.flat().some(isWritten)) return undefined;
  const { start, remarks } = startOf(linesOf(source.slice(from, first.from)), indent);
  const sections: Section[] = [];
  let above: readonly Remark[] = remarks;
  for (const [at, span] of spans.entries()) {
    const text = source.slice(span.from, span.to);
    const shared = shareLines(after[at] ?? [], indent, { text, gap: '' });
    sections.push({ ...sectionOf(source, map.items[at] as Pair, span, shared.held), above });
    above = shared.remarks;
  }
  const end = { ...bare(END), text: rest, above };
  // Empty lines at the end are not the last key’s, so that another can follow it.
  const last: Held | undefined = above.at(-1) ?? sections.at(-1);
  if (rest === '' && last !== undefined) {
    end.gap = last.gap;
    last.gap = '';
  }
  const isNamed = new Set(sections.map(({ key }) => key)).size === sections.length;
  return isNamed ? { indent, start, sections, end } : undefined;
}

/** What is written after the end of a document: a line that says so. */
function cutRest(lines: string[]): string {
  const at = lines.findIndex((line) => line.startsWith('...'));
  return at < 0 ? '' : lines.splice(at).join('');
}

/** None where a key is not what its lines begin with, or no word. */
function spansOf(source: string, { items }: YAMLMap): Span[] {
  const spans: Span[] = [];
  for (const pair of items) {
    if (!isScalar(pair.key) || pair.key.range == null) return [];
    const [at] = pair.key.range;
    const from = lineStart(source, at);
    const isAlone = /^ *$/.test(source.slice(from, at));
    if ((spans.length === 0 && !isAlone) || from < (spans.at(-1)?.to ?? 0)) return [];
    spans.push({ from, to: lineEnd(source, endOf(pair)) });
  }
  return spans;
}

function sectionOf(source: string, { key, value }: Pair, { from, to }: Span, held: Held): Section {
  const end = from + held.text.length;
  const inner = isMap(value) ? value.items[0]?.key : undefined;
  const isBelow = isScalar(inner) && inner.range != null && lineStart(source, inner.range[0]) > from;
  const word = isScalar(key) ? key.value : undefined;
  const last = lastOf(value);
  return {
    ...bare(`${typeof word} ${String(word)}`),
    ...held,
    name: nameOf(word),
    isKept: end === to && isScalar(last) && /^[|>]\d?\+/.test(source.slice(last.range?.[0])),
    below: isBelow ? partOf(source, value, from, end) : undefined,
  };
}

/** No two words of different types or letters are shown as the same, or as anything that is said of a mapping: those hold blanks. */
function nameOf(word: unknown): string {
  if (typeof word !== 'string') return String(word);
  const isOther = /^[-+.]?\d|^[-+]?\.?(?:inf|infinity|nan)$|^(?:true|false|null|~)$/i.test(word);
  return isOther || !/^[^\s"#›][^\s"›]*$/.test(word) ? JSON.stringify(word) : word;
}

/** @param lines above the first key */
function startOf(lines: readonly string[], indent: number): { start: Section; remarks: Remark[] } {
  const first = lines.findIndex(isWritten);
  const last = lines.findLastIndex(isWritten) + 1;
  const before = shareLines(lines.slice(0, Math.max(first, 0)), indent, { text: '', gap: '' });
  const isApart = before.held.text + before.held.gap === '';
  const text = lines.slice(isApart ? Math.max(first, 0) : 0, last).join('');
  const { held, remarks } = shareLines(lines.slice(last), indent, { text, gap: '' });
  const start = { ...bare(START), ...held, above: isApart ? before.remarks : [] };
  // What an empty line parts from the first key is not said of it.
  const apart = remarks.findLastIndex(({ gap }) => gap !== '') + 1;
  return { start: withHeader(start, remarks.slice(0, apart)), remarks: remarks.slice(apart) };
}

/** Has comments of the first key belong to what stands before the keys. */
export function withHeader(start: Section, remarks: readonly Remark[]): Section {
  if (start.text + start.gap === '') return { ...start, above: [...start.above, ...remarks] };
  return remarks.reduce<Section>(
    (all, { text, gap }) => ({ ...all, text: all.text + all.gap + text, gap }),
    start,
  );
}

/** What its text ends with. */
function lastOf(node: unknown): unknown {
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0)
    return lastOf(node.items.at(-1));
  if (!isPair(node)) return node;
  return node.value === null ? node.key : lastOf(node.value);
}

/** Where what is written of it ends: comments below it are not its own. */
function endOf(pair: Pair): number {
  const last = lastOf(pair);
  return isNode(last) ? (last.range?.[1] ?? 0) : 0;
}

const lineStart = (source: string, at: number): number => source.lastIndexOf('\n', at - 1) + 1;

function lineEnd(source: string, at: number): number {
  if (source[at - 1] === '\n') return at;
  const end = source.indexOf('\n', at);
  return end < 0 ? source.length : end + 1;
}
