import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aliasNodesMax,
  depthMax,
  keysMax,
  nameOf,
  parseDocument,
} from '../../../src/entities/document-rules.js';
import { codeOr, failureOf } from '../support/refusals.js';
import { anyText } from '../support/texts.js';
import { titled, titledValues } from '../support/titles.js';

const bytesOf = (text: string | Uint8Array): Uint8Array => Buffer.from(text as string);
const valueOf = (text: string): unknown =>
  parseDocument(bytesOf(text)).document.toJS({ maxAliasCount: -1 }) as unknown;

interface Refusal {
  problem: string;
  line: number;
  column: number;
}

function refusalOf(text: string | Uint8Array): Refusal {
  const failure = failureOf(() => parseDocument(bytesOf(text)));
  expect(failure.code).toBe('YAML_REFUSED');
  return failure.data as unknown as Refusal;
}

describe('a document', () => {
  it.each([
    ['a: 1\n', { a: 1 }],
    ['a: 1', { a: 1 }],
    ['---\na: 1\n...\n', { a: 1 }],
    ['%YAML 1.2\n---\na: yes\n', { a: 'yes' }],
    ['# comment\na: 1 # another\n', { a: 1 }],
    ['{a: [1, 2.5, true, null, ~, text]}', { a: [1, 2.5, true, null, null, 'text'] }],
    ['a: |\n  b\n  c\n', { a: 'b\nc\n' }],
    ['a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['a:\tb\n', { a: 'b' }],
    ['größe: 👍\n', { größe: '👍' }],
    ['a: "\\uD83D\\uDC4D \\x41"\n', { a: '👍 A' }],
    ['a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    [
      'a: !!str 1\nb: !!int "2"\nc: !!map {}\nd: !!seq []\ne: !!null ""\nf: !!bool true\ng: !!float 1\n',
      expect.anything(),
    ],
    ['<<: {a: 1}\n', { '<<': { a: 1 } }],
    ['1: a\n2: b\n', { 1: 'a', 2: 'b' }],
    ['"a\\"b": 1\n', { 'a"b': 1 }],
    ['a: 2001-01-01\nb: 0o14\nc: .inf\n', { a: '2001-01-01', b: 12, c: Number.POSITIVE_INFINITY }],
    ['{}', {}],
  ])('may be %j', (text, value) => {
    expect(valueOf(text)).toEqual(value);
  });

  it('may begin with a byte-order mark, which is no part of the first key', () => {
    expect(valueOf('\ufeffa: 1\n')).toEqual({ a: 1 });
  });

  const refused: [string, string][] = [
    ['', 'the root is not a mapping'],
    ['# only a comment\n', 'the root is not a mapping'],
    ['[]', 'the root is not a mapping'],
    ['- a\n', 'the root is not a mapping'],
    ['text', 'the root is not a mapping'],
    ['null', 'the root is not a mapping'],
    ['|\n text\n', 'the root is not a mapping'],
    ['a: 1\n---\nb: 2\n', 'it holds several documents'],
    ['---\n---\na: 1\n', 'it holds several documents'],
    ['a: 1\n---\n', 'it holds several documents'],
    ['a: 1\n...\n---\nb: 2\n...\n', 'it holds several documents'],
    ['a: 1\na: 2\n', 'key "a" stands twice in one mapping'],
    ['{a: 1, b: 2, a: 3}', 'key "a" stands twice in one mapping'],
    ['a: {b: 1, "b": 2}\n', 'key "b" stands twice in one mapping'],
    ['1: a\n"1": b\n', 'key "1" stands twice in one mapping'],
    ['1: a\n1.0: b\n', 'key "1" stands twice in one mapping'],
    ['0x10: a\n16: b\n', 'key "16" stands twice in one mapping'],
    ['null: a\n~: b\n', 'key "" stands twice in one mapping'],
    ['~: a\n"": b\n', 'key "" stands twice in one mapping'],
    ['__proto__: 1\n__proto__: 2\n', 'key "__proto__" stands twice in one mapping'],
    ['constructor: 1\nconstructor: 2\n', 'key "constructor" stands twice in one mapping'],
    ['<<: {a: 1}\n<<: {b: 2}\n', 'key "<<" stands twice in one mapping'],
    ['? [a]\n: b\n', 'a key is not a plain value'],
    ['? {a: 1}\n: b\n', 'a key is not a plain value'],
    ['x: &k a\n*k : b\n', 'a key is not a plain value'],
    ['a: !x 1\n', 'tag !x is not of the core schema'],
    ['a: ! x\n', 'tag ! is not of the core schema'],
    ['!x\na: 1\n', 'tag !x is not of the core schema'],
    ['!x a: 1\n', 'tag !x is not of the core schema'],
    [
      'a: !<tag:yaml.org,2002:js/function> x\n',
      'tag tag:yaml.org,2002:js/function is not of the core schema',
    ],
    ['a: !!binary aGk=\n', 'tag tag:yaml.org,2002:binary is not of the core schema'],
    ['a: !!set {b}\n', 'tag tag:yaml.org,2002:set is not of the core schema'],
    ['a: !!omap [b: 1]\n', 'tag tag:yaml.org,2002:omap is not of the core schema'],
    ['a: !!timestamp 2001-01-01\n', 'tag tag:yaml.org,2002:timestamp is not of the core schema'],
    ['%TAG ! tag:evil,2000:\n---\na: !x 1\n', 'tag tag:evil,2000:x is not of the core schema'],
    ['a: *x\n', 'alias *x has no anchor'],
    ['b: *x\na: &x 1\n', 'alias *x has no anchor'],
    ['a: &x [*x]\n', 'alias *x contains itself'],
    ['a: &x {b: {c: *x}}\n', 'alias *x contains itself'],
    ['&x a: &y\n  b: *y\n', 'alias *y contains itself'],
    ['a: "\\uD800"\n', 'a text holds half a surrogate pair'],
    ['a: "\\uDC4D\\uD83D"\n', 'a text holds half a surrogate pair'],
    ['"\\uDFFF": 1\n', 'a text holds half a surrogate pair'],
    ['x\0: 1', 'it holds the character U+0000, which is not printable'],
    ['a: \x07', 'it holds the character U+0007, which is not printable'],
    ['a: "\x1b[2J"', 'it holds the character U+001B, which is not printable'],
    ['a: \x7f', 'it holds the character U+007F, which is not printable'],
    ['a: \u0084', 'it holds the character U+0084, which is not printable'],
    ['# \ufffe\na: 1', 'it holds the character U+FFFE, which is not printable'],
  ];
  it.each(titled(refused))('may not be %s: %s', (_, problem, text) => {
    expect(refusalOf(text).problem).toBe(problem);
  });

  it.each(
    titledValues([
      'a: [1, 2',
      'a: "open',
      '\ta: 1',
      'a: b: c',
      'a: @b',
      'a: `b',
      'a: %b',
      'a: 1\n b: 2\n  c',
      '- a\nb: 1',
      'a: |x\n b',
    ]),
  )('is refused in the parser’s words where it is no YAML: %s', (_, text) => {
    const { problem, line } = refusalOf(text);
    expect(problem).toMatch(/^[A-Z][^\n]{5,200}$/);
    expect(line).toBeGreaterThan(0);
  });

  it.each([
    ['a byte that begins nothing', [0x61, 0x3a, 0xff]],
    ['a sequence that is cut off', [0x61, 0x3a, 0xc3]],
    ['an overlong slash', [0x61, 0x3a, 0xc0, 0xaf]],
    ['half a surrogate pair', [0x61, 0x3a, 0xed, 0xa0, 0x80]],
    ['a code point beyond Unicode', [0x61, 0x3a, 0xf4, 0x90, 0x80, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x61, 0, 0x3a, 0]],
  ])('is not UTF-8 with %s', (_, bytes) => {
    expect(refusalOf(Uint8Array.from(bytes))).toEqual({ problem: 'it is not UTF-8', line: 1, column: 1 });
  });

  it('of any bytes is taken, or refused as YAML', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), anyText.map(bytesOf)), (bytes) => {
        expect(['taken', 'YAML_REFUSED']).toContain(codeOr(() => parseDocument(bytes) && 'taken'));
      }),
      { numRuns: 120 },
    );
  });

  it('gives back what a mapping written as JSON holds', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 10 });
    const json = fc.dictionary(key, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 });
    fc.assert(
      fc.property(json, (value) => {
        // YAML knows no minus before a zero of integers.
        const text = JSON.stringify(value);
        fc.pre(!/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|\\u/.test(text));
        expect(JSON.stringify(valueOf(text))).toBe(text);
      }),
    );
  });
});

describe('depth', () => {
  const flow = (levels: number) => `a: ${'['.repeat(levels)}x${']'.repeat(levels)}`;
  const maps = (levels: number) => `${'{a: '.repeat(levels)}x${'}'.repeat(levels)}`;
  const block = (levels: number) =>
    `${Array.from({ length: levels }, (_, level) => `${' '.repeat(level)}a:\n`).join('')}${' '.repeat(levels)}x\n`;
  const dashes = (levels: number) => `a:\n  ${'- '.repeat(levels)}x\n`;

  // Mappings and lists inside each other; the root is the first.
  it.each([
    ['brackets', flow(depthMax - 1), flow(depthMax)],
    ['braces', maps(depthMax), maps(depthMax + 1)],
    ['indentation', block(depthMax), block(depthMax + 1)],
    ['dashes', dashes(depthMax - 1), dashes(depthMax)],
  ])(`of ${depthMax} levels is allowed, of one more not: %s`, (_, allowed, refused) => {
    expect(() => parseDocument(bytesOf(allowed))).not.toThrow();
    expect(refusalOf(refused).problem).toBe('it is nested more than 64 levels deep');
  });

  it.each([
    ['brackets', flow(200_000)],
    ['open brackets', `a: ${'['.repeat(500_000)}`],
    ['braces', maps(100_000)],
    ['mixed', `a: ${'[{a: '.repeat(100_000)}`],
    ['indentation', block(1_000)],
    ['dashes', dashes(100_000)],
    ['questions', `${'? '.repeat(20_000)}x\n`],
  ])('beyond all bounds is refused: %s', (_, text) => {
    expect(refusalOf(text).problem).toBe('it is nested more than 64 levels deep');
  });

  it('is not counted in texts', () => {
    const brackets = '[{'.repeat(100);
    expect(
      valueOf(`a: "${brackets}"\nb: '${brackets}'\nc: |\n  ${brackets}\nd: x ${brackets}\n# ${brackets}\n`),
    ).toEqual({
      a: brackets,
      b: brackets,
      c: `${brackets}\n`,
      d: `x ${brackets}`,
    });
  });
});

describe('keys', () => {
  const mapping = (keys: number) => Array.from({ length: keys }, (_, key) => `k${key}: 1\n`).join('');

  it(`may be ${keysMax}`, () => {
    expect(Object.keys(valueOf(mapping(keysMax)) as object)).toHaveLength(keysMax);
  });

  it.each([
    ['in one mapping', mapping(keysMax + 1)],
    ['in many', `a:\n${'- b: 1\n'.repeat(keysMax)}`],
    ['in flow mappings', `a: [${'{b: 1},'.repeat(keysMax)}]`],
    ['without values', `{${Array.from({ length: keysMax + 1 }, (_, key) => `k${key}`).join(',')}}`],
    ['that are explicit', Array.from({ length: keysMax + 1 }, (_, key) => `? k${key}\n`).join('')],
  ])('may not be one more: %s', (_, text) => {
    expect(refusalOf(text).problem).toBe('it has more than 10000 keys');
  });

  it('are not counted in texts', () => {
    const colons = 'a: b\n  '.repeat(keysMax + 1);
    expect(() => parseDocument(bytesOf(`a: |\n  ${colons}\nb: ":: ::"\n`))).not.toThrow();
  });

  it('are named as in the value that is validated', () => {
    const { document } = parseDocument(bytesOf('~: 1\n1.50: 2\ntrue: 3\n"x": 4\n0x10: 5\n'));
    const names = (
      document.contents as unknown as { items: { key: Parameters<typeof nameOf>[0] }[] }
    ).items.map(({ key }) => nameOf(key));
    expect(names.toSorted()).toEqual(Object.keys(document.toJS() as object).toSorted());
  });
});

describe('aliases', () => {
  const list = (times: number, anchor = '1') =>
    `a: &x ${anchor}\nb: [${Array(times).fill('*x').join(', ')}]\n`;

  it(`may expand to ${aliasNodesMax} nodes and no more`, () => {
    expect((valueOf(list(aliasNodesMax)) as { b: unknown[] }).b).toHaveLength(aliasNodesMax);
    expect(refusalOf(list(aliasNodesMax + 1)).problem).toBe('its aliases expand to more than 100 nodes');
  });

  it('count all that is below their anchor', () => {
    const nine = '{a: [1, 2, 3], b: 4}';
    expect(() => parseDocument(bytesOf(list(12, nine)))).not.toThrow();
    expect(refusalOf(list(13, nine)).problem).toBe('its aliases expand to more than 100 nodes');
  });

  it('of aliases multiply: a billion laughs are refused', () => {
    const lines = ['a0: &a0 lol'];
    for (let level = 1; level < 10; level++)
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    expect(refusalOf(lines.join('\n')).problem).toBe('its aliases expand to more than 100 nodes');
  });

  it('mean the anchor last set before them', () => {
    expect(valueOf('a: &x 1\nb: *x\nc: &x 2\nd: *x\n')).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });
});

describe('the place of a problem', () => {
  it.each([
    ['a: 1\nb: 2\na: 3\n', 3, 1],
    ['a:\n  b: 1\n  c: {d: 1, d: 2}\n', 3, 13],
    ['a: 1\n---\nb: 2\n', 2, 1],
    ['# x\n\n- a\n', 3, 1],
    ['a: 1\nb: *x\n', 2, 4],
    ['a: 1\nb: !x 2\n', 2, 7],
    ['a: 1\r\nb: 2\r\na: 3\r\n', 3, 1],
    ['größe: 1\n👍: "\x07"\n', 2, 6],
    ['a: 1\nb: x\0\n', 2, 5],
    ['', 1, 1],
  ])('of %j is line %i, column %i', (text, line, column) => {
    expect(refusalOf(text)).toMatchObject({ line, column });
  });

  it('is counted from 1, within the document', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab:\-[\]{}"'&*!|>%@# \n\t]*$/), (text) => {
        fc.pre(codeOr(() => parseDocument(bytesOf(text))) === 'YAML_REFUSED');
        const { line, column } = refusalOf(text);
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(text.split('\n').length);
        expect(column).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 150 },
    );
  });
});
