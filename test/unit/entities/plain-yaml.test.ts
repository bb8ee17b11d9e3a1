import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeManifest } from '../../../bench/yaml-repository.js';
import { keysMax, parseText, textOf } from '../../../src/entities/document-rules.js';
import { assertIsMeant, isPlainlyMeant } from '../../../src/entities/identity.js';
import { readPlain } from '../../../src/entities/plain-yaml.js';

const valueOf = (text: string): unknown => parseText(text).document.toJS({ maxAliasCount: -1 }) as unknown;
const runs = Number(process.env.PLAIN_RUNS ?? 5_000);

/** What is said to be plain is a document that keeps every rule, and says that. */
function expectTruth(text: string): boolean {
  const value = readPlain(text);
  if (value === undefined) return false;
  expect(textOf(Buffer.from(text))).toBe(text);
  expect(value).toStrictEqual(valueOf(text));
  return true;
}

const word = fc.constantFrom(
  ...[
    'a',
    'b',
    'name',
    'app.kubernetes.io/name',
    'null',
    'true',
    'No',
    'y',
    '__proto__',
    'toString',
    'x-y',
    '_',
  ],
  ...[
    '1',
    '007',
    '1.5',
    '1.',
    '.5',
    '1e3',
    '1_000',
    '0x1f',
    '0o7',
    '-1',
    '+1',
    '.inf',
    '.nan',
    '100m',
    '1.2.3',
    '~',
  ],
  ...[
    '80/tcp',
    '2001-01-01',
    '12:30:45',
    'http://h/p',
    'a:b',
    '::',
    'a#b',
    '-v',
    '--x',
    '---',
    '...',
    '-',
    '?',
    '!',
  ],
  ...[
    '&a',
    '*a',
    '!!str',
    '|',
    '>',
    '|-',
    '>+',
    '<<',
    '%a',
    '@a',
    '`',
    '$x',
    '$(x)',
    '${x}',
    './x',
    'ä',
    'ÿŒ',
    '日',
  ],
);
const quoted = fc.constantFrom(
  '""',
  "''",
  '"a: b"',
  "'a #b'",
  '"a\\nb"',
  "'a''b'",
  '"#"',
  "'{'",
  '"日\u2028"',
  '"',
  "'",
);
const spaces = fc.constantFrom('', ' ', ' ', ' ', '  ');
const glue = fc.constantFrom('', ' ', ': ', ', ', ' #', ' # ', ':', ',', ' - ', '- ', '? ');
const scalar = fc.oneof(
  { weight: 4, arbitrary: word },
  { weight: 2, arbitrary: quoted },
  { weight: 2, arbitrary: fc.tuple(word, glue, fc.oneof(word, quoted)).map((parts) => parts.join('')) },
);
const { flow } = fc.letrec<{ flow: string; item: string }>((tie) => ({
  item: fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: tie('flow') }),
  flow: fc.oneof(
    fc
      .tuple(spaces, fc.array(tie('item'), { maxLength: 3 }), fc.constantFrom(',', ', ', ' , '))
      .map(([space, items, comma]) => `[${space}${items.join(comma)}${space}]`),
    fc
      .tuple(
        spaces,
        fc.array(fc.tuple(word, fc.constantFrom(': ', ': ', ':', ' : '), tie('item')), { maxLength: 3 }),
      )
      .map(([space, entries]) => `{${space}${entries.map((entry) => entry.join('')).join(', ')}${space}}`),
  ),
}));
const value = fc.oneof(scalar, flow);
const comment = fc.constantFrom('', '', '', ' # why', '# why', ' #', '  ');
const key = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g') },
  { weight: 1, arbitrary: scalar },
);
const line = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 6),
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(key, fc.constant(': '), value, comment).map((parts) => parts.join('')),
      },
      { weight: 3, arbitrary: fc.tuple(key, fc.constant(':'), comment).map((parts) => parts.join('')) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('- '), value, comment).map((parts) => parts.join('')) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.constantFrom('- ', '-   '), key, fc.constant(': '), value)
          .map((parts) => parts.join('')),
      },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constant('- '), key, fc.constant(':')).map((parts) => parts.join('')),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '-',
          '- ',
          '- # why',
          '- - a',
          '# why',
          '',
          '---',
          '...',
          '%YAML 1.2',
          'text',
          '? a',
        ),
      },
      { weight: 1, arbitrary: value },
    ),
  )
  .map(([indent, text]) => ' '.repeat(indent) + text);

const pointer = fc.constantFrom('/a', '/b', '/a/b', '/a/0', '/c/d', '/toString', '/d~1e');

describe('a plain document', () => {
  it.each([
    ['a: 1\n', { a: 1 }],
    ['a: 1', { a: 1 }],
    ['# why\n\n---\na: 1 # because\n  # of it\nb:\n', { a: 1, b: null }],
    [
      'a:\n- 1\n- b: 2\n  c:\n  - x\n-\nd: {e: [], f: {}}\n',
      { a: [1, { b: 2, c: ['x'] }, null], d: { e: [], f: {} } },
    ],
    [
      'a: http://h:80/p#q\nb: "x: #y"\nc: \'z\'\nd: [--listen, :80, "k"]\n'.replace(':80,', 'p:80,'),
      { a: 'http://h:80/p#q', b: 'x: #y', c: 'z', d: ['--listen', 'p:80', 'k'] },
    ],
    [
      'a: 100m\nb: 1.2.3\nc: 1.50\nd: no\ne: Null\nf: TRUE\n',
      { a: '100m', b: '1.2.3', c: 1.5, d: 'no', e: null, f: true },
    ],
    ['constructor: 1\ntoString: größer\n', { constructor: 1, toString: 'größer' }],
  ])('is read without the parser: %j', (text, expected) => {
    expect(readPlain(text)).toStrictEqual(expected);
    expect(expectTruth(text)).toBe(true);
  });

  it.each([
    ['an anchor', 'a: &x 1\nb: *x\n'],
    ['a tag', 'a: !!str 1\n'],
    ['a text of several lines', 'a: b\n  c\n'],
    ['a block of text', 'a: |\n  b\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['a key twice in a flow mapping', 'a: {b: 1, b: 2}\n'],
    ['a key that is no text', 'null: 1\n'],
    ['the prototype', '__proto__: {a: 1}\n'],
    ['a tab', 'a:\tb\n'],
    ['other ends of lines', 'a: 1\r\n'],
    ['several documents', 'a: 1\n---\nb: 2\n'],
    ['no mapping', '- a\n'],
    ['nothing', ''],
    ['an escape', 'a: "\\x41"\n'],
    ['a number of another form', 'a: 1e3\n'],
    ['a deeper line', 'a: 1\n  b: 2\n'],
    ['an open bracket', 'a: [1\n'],
    ['no comma', 'a: ["1" "2"]\n'],
    ['depth', `a: ${'['.repeat(40)}${']'.repeat(40)}\n`],
    ['deep blocks', Array.from({ length: 40 }, (_, at) => `${' '.repeat(at)}a:\n`).join('')],
    [
      'deep sequences',
      Array.from({ length: 40 }, (_, at) => `${' '.repeat(2 * at)}- a:\n`)
        .join('')
        .replace('- a', 'b:\n- a'),
    ],
    ['too many keys', Array.from({ length: keysMax + 1 }, (_, at) => `k${at}: 1\n`).join('')],
    ['a long key', `${'k'.repeat(2_000)}: 1\n`],
  ])('is not one with %s', (_, text) => {
    expect(readPlain(text)).toBeUndefined();
  });

  it('is what the manifests of others are', () => {
    for (let at = 0; at < 200; at++) expect(expectTruth(makeManifest('m', at, at))).toBe(true);
  });

  it('says what the parser says, whatever lines stand below each other', () => {
    let known = 0;
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), fc.constantFrom('\n', ''), (lines, end) => {
        known += Number(expectTruth(lines.join('\n') + end));
      }),
      { numRuns: runs },
    );
    expect(known).toBeGreaterThan(runs / 20);
  });

  it('says what the parser says, whatever is put into a manifest', () => {
    let known = 0;
    const piece = fc.oneof(
      fc.constantFrom(
        ...Array.from('\n \t#:-,[]{}"\'&*!|>%@`?\\\r\ufeff\u0085\u2028\u00a0~.+0'),
        '\n  ',
        ': ',
        ' #',
        '- ',
        '\n\n',
        '  ',
      ),
      word,
    );
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(3), piece), { minLength: 1, maxLength: 3 }),
        (at, edits) => {
          let text = makeManifest('m', at, 0).slice(0, 1_500);
          for (const [place, removed, put] of edits) {
            const cut = place % text.length;
            text = text.slice(0, cut) + put + text.slice(cut + removed);
          }
          known += Number(expectTruth(text));
        },
      ),
      { numRuns: runs / 5 },
    );
    expect(known).toBeGreaterThan(runs / 50);
  });

  it('is plainly meant only where the parser finds so too', () => {
    const identity = fc.record({ id: pointer, org: pointer, project: pointer }, { requiredKeys: [] });
    let plainly = 0;
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), identity, word, (lines, names, id) => {
        const text = lines.join('\n');
        const value = readPlain(text);
        const meant = { scope: 'accounts/demo/orgs/a/projects/b', id };
        if (value === undefined || !isPlainlyMeant(value, names, meant)) return;
        plainly += 1;
        assertIsMeant(parseText(text), names, meant);
      }),
      { numRuns: runs },
    );
    expect(plainly).toBeGreaterThan(runs / 50);
  });

  it.each([
    ['the names', 'm: {id: x, org: a}\n', true],
    ['no names', 'n: 1\n', true],
    ['null', 'm: {id: null}\n', true],
    ['another id', 'm: {id: y, org: a}\n', false],
    ['a number', 'm: {id: 1}\n', false],
    ['a mapping', 'm: {id: {x: 1}}\n', false],
    ['a sequence on the way', 'm: [x]\n', false],
  ])('is plainly meant or not with %s', (_, text, expected) => {
    const meant = { scope: 'accounts/demo/orgs/a', id: 'x' };
    expect(isPlainlyMeant(readPlain(text) ?? {}, { id: '/m/id', org: '/m/org' }, meant)).toBe(expected);
  });
});
