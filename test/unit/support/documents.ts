// Small YAML documents as people write them, and what people do to them. Every line that an edit adds is its own.
import fc from 'fast-check';

interface Entry {
  key: string;
  comments: string[];
  /** Empty lines above it. */
  gap: number;
  value: Value;
}

type Value = { word: string } | { header: string; lines: string[] } | { items: string[] } | Mapping;

interface Mapping {
  remark: string;
  columns: number;
  entries: Entry[];
}

export interface Document {
  header: readonly string[];
  entries: Entry[];
  tail: readonly string[];
  breaks: '\n' | '\r\n';
  isLastBroken: boolean;
}

const word = fc.stringMatching(/^[a-z]{3}$/);
/** What is said of documents besides, or looks like other keys. */
const odd = ['comments', 'the comments', 'the end', 'the order', '"# One"', '"x › comments"', '1', '"1"'];
const keyWord = fc.oneof({ weight: 3, arbitrary: word }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const headers = fc.constantFrom('|', '|+', '|-', '>', '>+', '|2');
const comments = fc.array(
  word.map((text) => `# ${text}`),
  { maxLength: 2 },
);

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ word }),
  fc.record({
    header: headers,
    lines: fc.array(fc.oneof(word, fc.constant('')), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ items: fc.array(word, { minLength: 1, maxLength: 2 }) }),
);

const entriesOf = (value: fc.Arbitrary<Value>, minLength: number, maxLength: number): fc.Arbitrary<Entry[]> =>
  fc.uniqueArray(fc.record({ key: keyWord, comments, gap: fc.constantFrom(0, 0, 1), value }), {
    minLength,
    maxLength,
    selector: ({ key }) => key,
  });

const mapping: fc.Arbitrary<Value> = fc.record({
  remark: fc.constantFrom('', ' # of each'),
  columns: fc.constantFrom(2, 4),
  entries: entriesOf(leaf, 1, 3),
});

export const document: fc.Arbitrary<Document> = fc
  .record({
    header: fc.constantFrom(
      [],
      ['---'],
      ['# One', '# Two', ''],
      ['# One'],
      ['# One', '---'],
      ['---', '# One', ''],
    ),
    entries: entriesOf(fc.oneof({ weight: 2, arbitrary: leaf }, mapping), 1, 4),
    tail: fc.constantFrom([], ['# The end'], ['', '# The end', '']),
    breaks: fc.constantFrom('\n' as const, '\r\n' as const),
    isLastBroken: fc.boolean(),
  })
  .map((one) => distinct(one, { last: 0 }));

/** Hardly two lines of it are the same, so that each can be told from all others. */
function distinct(one: Document, count: { last: number }): Document {
  const next = (text: string): string => (text === '' || text === '---' ? text : `${text}${++count.last}`);
  const entry = ({ key, comments: above, gap, value }: Entry): Entry => ({
    key: odd.includes(key) ? key : next(key),
    comments: above.map(next),
    gap,
    value: 'entries' in value ? { ...value, entries: value.entries.map(entry) } : distinctLeaf(value, next),
  });
  return { ...one, header: one.header.map(next), entries: one.entries.map(entry), tail: one.tail.map(next) };
}

function distinctLeaf(value: Exclude<Value, Mapping>, next: (text: string) => string): Value {
  if ('word' in value) return { word: next(value.word) };
  return 'lines' in value ? { ...value, lines: value.lines.map(next) } : { items: value.items.map(next) };
}

export function printDocument({ header, entries, tail, breaks, isLastBroken }: Document): string {
  const lines = [...header, ...entries.flatMap((entry) => linesOf(entry, '')), ...tail];
  return lines.join(breaks) + (isLastBroken ? breaks : '');
}

function linesOf({ key, comments: above, gap, value }: Entry, indent: string): string[] {
  const lead = [...Array.from({ length: gap }, () => ''), ...above.map((line) => `${indent}${line}`)];
  const head = `${indent}${key}:`;
  if ('word' in value) return [...lead, `${head} ${value.word}`];
  if ('items' in value) return [...lead, head, ...value.items.map((item) => `${indent}- ${item}`)];
  if ('lines' in value)
    return [
      ...lead,
      `${head} ${value.header}`,
      ...value.lines.map((line) => (line === '' ? '' : `${indent}  ${line}`)),
    ];
  const below = value.entries.flatMap((entry) => linesOf(entry, indent + ' '.repeat(value.columns)));
  return [...lead, head + value.remark, ...below];
}

export const kinds = [
  'value',
  'add',
  'part',
  'remove',
  'comment',
  'reword',
  'uncomment',
  'blanks',
  'keep',
  'gap',
  'header',
  'marker',
  'tail',
  'breaks',
  'lastBreak',
  'move',
  'columns',
] as const;

export interface Edit {
  kind: (typeof kinds)[number];
  at: number;
}

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...kinds), at: fc.nat({ max: 30 }) }),
  { minLength: 1, maxLength: 3 },
);

/** @param who makes them: part of the lines that are added */
export function edited(document: Document, changes: readonly Edit[], who: string): Document {
  const copy = structuredClone(document);
  for (const [at, edit] of changes.entries()) apply(copy, edit, `${who}${at}`);
  return copy;
}

function apply(document: Document, { kind, at }: Edit, fresh: string): void {
  if (isOfDocument(kind)) applyToDocument(document, kind, fresh);
  else applyToEntry(document, kind, at, fresh);
}

const ofDocument = ['header', 'marker', 'tail', 'breaks', 'lastBreak'] as const;
type OfDocument = (typeof ofDocument)[number];
const isOfDocument = (kind: Edit['kind']): kind is OfDocument =>
  (ofDocument as readonly string[]).includes(kind);

function applyToDocument(document: Document, kind: OfDocument, fresh: string): void {
  const { header, tail, breaks, isLastBroken } = document;
  if (kind === 'header')
    document.header = [`# ${fresh}`, ...header.slice(header[0]?.startsWith('#') ? 1 : 0)];
  if (kind === 'marker')
    document.header = header.includes('---') ? header.filter((line) => line !== '---') : [...header, '---'];
  if (kind === 'tail') document.tail = [...tail, `# ${fresh}`];
  if (kind === 'breaks') document.breaks = breaks === '\n' ? '\r\n' : '\n';
  if (kind === 'lastBreak') document.isLastBroken = !isLastBroken;
}

function applyToEntry(
  document: Document,
  kind: Exclude<Edit['kind'], OfDocument>,
  at: number,
  fresh: string,
): void {
  const places = [
    document.entries,
    ...document.entries.flatMap(({ value }) => ('entries' in value ? [value.entries] : [])),
  ].flatMap((entries) => entries.map((entry, index) => ({ entries, entry, index })));
  const place = places[at % places.length];
  if (place === undefined) return;
  const { entries, entry, index } = place;
  const { value } = entry;
  const added: Entry = { key: `k${fresh}`, comments: [`# ${fresh}`], gap: at % 2, value: { word: fresh } };
  switch (kind) {
    case 'value':
      entry.value = at % 3 === 0 ? { header: '|+', lines: [fresh, ''] } : { word: fresh };
      break;
    case 'add':
      entries.splice(index + (at % 2), 0, added);
      break;
    case 'part':
      entries.splice(index, 0, { ...added, comments: entry.comments });
      entry.comments = [];
      break;
    case 'remove':
      if (entries.length > 1) entries.splice(index, 1);
      break;
    case 'move':
      entries.unshift(...entries.splice(index, 1));
      break;
    default:
      applyToComments(entry, kind, fresh);
      applyToValue(value, kind, at);
  }
}

function applyToComments(entry: Entry, kind: Edit['kind'], fresh: string): void {
  switch (kind) {
    case 'comment':
      entry.comments.push(`# ${fresh}`);
      break;
    case 'reword':
      entry.comments = entry.comments.map((_, n) => `# ${fresh}${n}`);
      break;
    case 'uncomment':
      entry.comments = [];
      break;
    case 'gap':
      entry.gap = (entry.gap + 1) % 3;
  }
}

function applyToValue(value: Value, kind: Edit['kind'], at: number): void {
  switch (kind) {
    case 'blanks':
      if ('lines' in value)
        value.lines = at % 2 === 0 ? [...value.lines, ''] : value.lines.map((line) => line && `${line}  `);
      break;
    case 'keep':
      if ('lines' in value) value.header = value.header.endsWith('+') ? '|' : '|+';
      break;
    case 'columns':
      if ('entries' in value) value.columns = value.columns === 2 ? 4 : 2;
  }
}
