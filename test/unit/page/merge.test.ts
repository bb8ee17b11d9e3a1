// Two changes of one document, key by key: what the page proposes, and what becomes of every byte.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Choices, findDifferences, merge, type Side } from '../../../web/conflict/merge.js';

const base = `# The cart.
image: cart:1 # the stable one

replicas: 3
limits:
    # In MiB.
    memory: 128
    cpu: 1
steps:
- run: npm ci
- run: npm test # all of it
# The end.
`;

const pathsOf = (theirs: string, ours: string, from: string | null = base): [string, string][] =>
  findDifferences({ base: from, theirs, ours }).map(({ path, by }) => [path, by]);

const merged = (
  theirs: string,
  ours: string,
  choices: Record<string, Side> = {},
  from: string | null = base,
): string => merge({ base: from, theirs, ours }, new Map(Object.entries(choices)) satisfies Choices);

describe('what only one side changed is taken from it', () => {
  const theirs = base
    .replace('memory: 128', 'memory: 256 # measured')
    .replace('run: npm ci', 'run: npm ci --offline');
  const ours = base.replace('cpu: 1', 'cpu: 2').replace('cart:1', 'cart:2');

  it('to the byte, with the comments of both', () => {
    expect(pathsOf(theirs, ours)).toEqual([
      ['image', 'ours'],
      ['limits › memory', 'theirs'],
      ['limits › cpu', 'ours'],
      ['steps', 'theirs'],
    ]);
    expect(merged(theirs, ours)).toBe(theirs.replace('cpu: 1', 'cpu: 2').replace('cart:1', 'cart:2'));
  });

  it.each([
    ['theirs', theirs, base, theirs],
    ['ours', base, ours, ours],
    ['neither', base, base, base],
  ])('%s alone', (_, one, other, result) => {
    expect(merged(one, other)).toBe(result);
  });

  it('a comment alone is a change', () => {
    const commented = base.replace('replicas: 3', '# Enough.\nreplicas: 3 # for now');
    expect(pathsOf(base, commented)).toEqual([['replicas', 'ours']]);
    expect(merged(base, commented)).toBe(commented);
    const inside = base.replace('limits:', 'limits: # of each');
    expect(pathsOf(theirs, inside)).toContainEqual(['limits › the comments', 'ours']);
    expect(merged(theirs, inside)).toBe(theirs.replace('limits:', 'limits: # of each'));
  });

  it('a key that was added or removed', () => {
    const added = base.replace('    cpu: 1\n', '    cpu: 1\n    # Of a disk.\n    disk: 10\n');
    expect(pathsOf(theirs, added)).toContainEqual(['limits › disk', 'ours']);
    expect(merged(theirs, added)).toContain('    cpu: 1\n    # Of a disk.\n    disk: 10\n');
    const removed = base.replace('\nreplicas: 3\n', '\n');
    expect(merged(theirs, removed)).toBe(theirs.replace('\nreplicas: 3\n', '\n'));
  });

  it('what stands after the last key', () => {
    const longer = base.replace('# The end.', '# The end, really.');
    expect(pathsOf(theirs, longer)).toContainEqual(['the end', 'ours']);
    expect(merged(theirs, longer)).toBe(theirs.replace('# The end.', '# The end, really.'));
  });
});

describe('what both changed is chosen', () => {
  const theirs = base.replace('replicas: 3', 'replicas: 5 # for the sale');
  const ours = base.replace('replicas: 3', '# Four are enough.\nreplicas: 4');

  it('and is what Git has until then', () => {
    expect(pathsOf(theirs, ours)).toEqual([['replicas', 'both']]);
    expect(merged(theirs, ours)).toBe(theirs);
    expect(merged(theirs, ours, { replicas: 'ours' })).toBe(ours);
  });

  it('also against a removal', () => {
    const gone = base.replace('replicas: 3\n', '');
    expect(pathsOf(gone, ours)).toEqual([['replicas', 'both']]);
    expect(merged(gone, ours, { replicas: 'ours' })).toContain('# Four are enough.\nreplicas: 4\n');
  });

  it('wherever nobody knows what both began with', () => {
    expect(pathsOf(theirs, ours, null)).toEqual([['replicas', 'both']]);
  });
});

describe('what cannot be taken apart is chosen as a whole', () => {
  it.each([
    ['a list', '- 1\n', '- 2\n'],
    ['a mapping on one line', '{ a: 1 }\n', '{ a: 2 }\n'],
    ['no YAML', 'a: [\n', 'a: 2\n'],
    ['a key that is a list', '? [a]\n: 1\n', 'b: 1\n'],
    ['nothing', '', 'a: 1\n'],
  ])('%s', (_, theirs, ours) => {
    expect(pathsOf(theirs, ours, null)).toEqual([['the whole document', 'both']]);
    expect(merged(theirs, ours, { 'the whole document': 'ours' }, null)).toBe(ours);
    expect(merged(theirs, ours, {}, null)).toBe(theirs);
  });
});

describe('keys of another indentation', () => {
  const theirs = 'limits:\n  memory: 1\n  cpu: 1\n';
  const ours = 'limits:\n      memory: 1\n      cpu:\n          # Cores.\n          count: 2\n';
  const from = 'limits:\n  memory: 1\n  cpu: 0\n';

  it('come in that of the document', () => {
    const choices = { 'limits › cpu': 'ours', 'limits › the indentation': 'theirs' } as const;
    expect(merged(theirs, ours, choices, from)).toBe(
      'limits:\n  memory: 1\n  cpu:\n      # Cores.\n      count: 2\n',
    );
  });

  it('which is of the side that changed it', () => {
    expect(pathsOf(theirs, ours, from)).toEqual([
      ['limits › the indentation', 'ours'],
      ['limits › cpu', 'both'],
    ]);
    expect(merged(theirs, ours, {}, from)).toBe('limits:\n      memory: 1\n      cpu: 1\n');
  });

  it('keep the blanks in texts of theirs', () => {
    const text = '  cpu: |\n    one\n      \n    two\n';
    const changed = `limits:\n  memory: 1\n${text}`;
    expect(merged(changed, from.replaceAll('\n  ', '\n    '), {}, from)).toBe(
      `limits:\n    memory: 1\n${text.replaceAll(/^/gm, '  ').trimEnd()}\n`,
    );
  });
});

it('texts of several lines, tabs and line ends of Windows come through', () => {
  const from = 'a: |\n  one\n\n  two\nb: >-\n  three\r\n  four\r\nc: "five\n  six"\n';
  const theirs = from.replace('one', 'uno');
  const ours = from.replace('six', 'sei');
  expect(merged(theirs, ours, {}, from)).toBe(from.replace('one', 'uno').replace('six', 'sei'));
});

describe('every difference has a name of its own', () => {
  it.each([
    ['a key and the comments of a mapping', 'limits: # one\n  comments: 1\n  the comments: 1\n'],
    ['a key and the end', 'the end: 1\nend: 1\n# one\n'],
    ['a key and the keys above it', 'a:\n  b: 1\na › b: 1\n"\\"a\\" › b": 1\n'],
    ['words and numbers', '1: 1\n"1": 1\n~: 1\n"null": 1\ntrue: 1\n"true": 1\n'],
    ['a key and a comment', '"# one": 1\n# one\na: 1\nb: 1\n'],
  ])('%s', (_, from) => {
    const paths = pathsOf(from.replaceAll('1\n', '2\n').replaceAll('one', 'two'), from, null).map(
      ([path]) => path,
    );
    expect(paths.length).toBeGreaterThan(1);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('and is chosen on its own', () => {
    const from = 'limits: # one\n  comments: 1\n';
    const ours = 'limits: # two\n  comments: 2\n';
    const theirs = 'limits: # three\n  comments: 3\n';
    const [head = '', key = ''] = pathsOf(theirs, ours, from).map(([path]) => path);
    expect(merged(theirs, ours, { [head]: 'ours' }, from)).toBe('limits: # two\n  comments: 3\n');
    expect(merged(theirs, ours, { [key]: 'ours' }, from)).toBe('limits: # three\n  comments: 2\n');
  });
});

describe('what hardly shows is not lost', () => {
  const from = 'a: |\n  one\n  two\nb: |+\n  one\n\nc: 1\n';
  const theirs = from.replace('c: 1', 'c: 2');

  it.each([
    ['blanks at the end of a line', 'one\n  two', 'one  \n  two', 'a'],
    ['a line of blanks at the end of a text', 'two\n', 'two\n    \n', 'a'],
    ['an empty line in a text', 'one\n  two', 'one\n\n  two', 'a'],
    ['an empty line at the end of a text that keeps it', 'one\n\nc', 'one\n\n\nc', 'b'],
    ['that a text keeps them', 'a: |\n  one\n  two\n', 'a: |+\n  one\n  two\n\n', 'a'],
    ['the end of one line', 'one\n  two', 'one\r\n  two', 'a'],
  ])('%s', (_, before, after, key) => {
    const ours = from.replace(before, after);
    expect(pathsOf(theirs, ours, from)).toContainEqual([key, 'ours']);
    expect(merged(theirs, ours, {}, from)).toBe(ours.replace('c: 1', 'c: 2'));
    expect(pathsOf(theirs, ours, null)).toContainEqual([key, 'both']);
  });

  it('empty lines between keys come from whoever changed them', () => {
    const ours = from.replace('b:', '\n\nb:');
    expect(merged(theirs, ours, {}, from)).toBe(ours.replace('c: 1', 'c: 2'));
    expect(pathsOf(from.replace('b:', '\nb:'), ours, from)).toEqual([['a', 'both']]);
  });

  it('and empty lines of one side are no words of a text of the other', () => {
    const [spaced, kept] = ['a: |\n  one\n\nb: 1\n', 'a: |+\n  one\nb: 1\n'];
    expect(pathsOf(spaced, kept, 'a: |\n  one\nb: 1\n')).toEqual([['a', 'both']]);
    const below = ['x:\n  a: |+\n    one\n\n  b: 1\n\ny: 1\n', 'x:\n  a: |+\n    one\n\ny: 1\n'] as const;
    expect(merged(below[0], below[1], { 'x › b': 'ours' }, below[1])).toBe(below[1]);
  });

  it.each([
    ['the line ends', from.replaceAll('\n', '\r\n')],
    ['the last line end', from.trimEnd()],
    ['the byte order mark', `\uFEFF${from}`],
  ])('%s', (path, ours) => {
    const paths = pathsOf(theirs, ours, from);
    expect(paths).toHaveLength(2);
    expect(paths).toContainEqual([path, 'ours']);
    expect(merged(theirs, ours, {}, from)).toBe(ours.replace('c: 1', 'c: 2'));
    expect(merged(theirs, ours, { [path]: 'theirs' }, from)).toBe(theirs);
  });

  it('an empty line at the very end, of a text that keeps it', () => {
    const before = 'a: 1\nb: 1\n';
    const kept = 'a: 1\nb: |+\n  one\n\n';
    expect(merged('a: 2\nb: 1', kept, {}, before)).toBe(kept.replace('a: 1', 'a: 2'));
    expect(merged('a: |+\n  one\nb: 1\n', 'b: 1\na: |+\n  one', {}, 'a: |+\n  one\nb: 1\n')).toBe(
      'b: 1\na: |+\n  one',
    );
  });

  it('the order of the keys', () => {
    const ours = 'c: 1\n# Of a.\na: 1\nb: 1\n';
    const before = '# Of a.\na: 1\nb: 1\nc: 1\n';
    expect(pathsOf(before, ours, before)).toEqual([['the order', 'ours']]);
    expect(merged(before.replace('b: 1', 'b: 2'), ours, {}, before)).toBe(ours.replace('b: 1', 'b: 2'));
    expect(merged('b: 1\n# Of a.\na: 1\nc: 1\n', ours, { 'the order': 'ours' }, before)).toBe(ours);
  });
});

describe('what stands above the first key', () => {
  it.each([
    ['a licence', '# One.\n# Two.\n\n'],
    ['a licence without an empty line', '# One.\n'],
    ['the beginning of a document', '---\n'],
    ['all of it', '# One.\n%YAML 1.2\n---\n# Two.\n\n'],
  ])('%s is there once, whoever adds a key below it', (_, header) => {
    const from = `${header}a: 1\nb: 1\n`;
    const theirs = from.replace('a: 1', 'a: 2');
    const ours = from.replace('a: 1', 'new: 1\na: 3');
    for (const [one, other] of [
      [theirs, ours],
      [ours, theirs],
    ] as const) {
      expect(pathsOf(one, other, from)).toContainEqual(['a', 'both']);
      for (const side of ['theirs', 'ours'] as const) {
        const value = { [one]: { theirs: 2, ours: 3 }, [other]: { theirs: 3, ours: 2 } }[theirs]?.[side];
        expect(merged(one, other, { a: side }, from)).toBe(`${header}new: 1\na: ${value}\nb: 1\n`);
      }
    }
  });

  it('is the comment of a key where a key was put above it', () => {
    const from = '# Of a.\na: 1\n';
    expect(merged('# Of a.\na: 2\n', `new: 1\n${from}`.replace('a: 1', 'a: 3'), { a: 'theirs' }, from)).toBe(
      'new: 1\n# Of a.\na: 2\n',
    );
  });

  it('is what it was changed to, also above a key that the other added', () => {
    const from = '# One.\n# Of a.\na: 1\n';
    const theirs = from.replace('One', 'Two').replace('a: 1', 'a: 2');
    const ours = '# One.\nnew: 1\n# Of a.\na: 3\n';
    const result = ours.replace('One', 'Two');
    expect(merged(theirs, ours, { a: 'ours' }, from)).toBe(result);
    expect(merged(ours, theirs, { a: 'theirs' }, from)).toBe(result);
  });

  it('is there once, where nobody knows what both began with', () => {
    const choices = { a: 'theirs', new: 'ours' } as const;
    expect(merged('# One.\na: 2\n', '# One.\nnew: 1\na: 3\n', choices, null)).toBe('# One.\nnew: 1\na: 2\n');
  });

  it('comes before every key', () => {
    expect(merged('---\na: 1\n', 'new: 1\na: 1\n', {}, 'a: 1\n')).toBe('---\nnew: 1\na: 1\n');
  });
});

it('a comment that a key was put below is there once', () => {
  const from = 'a: 1\n# Of b.\nb: 1\n';
  const theirs = from.replace('b: 1', 'b: 2');
  const ours = from.replace('b: 1', 'new: 1\nb: 3');
  expect(merged(theirs, ours, {}, from)).toBe(ours.replace('b: 3', 'b: 2'));
  expect(merged(theirs, ours, { b: 'ours' }, from)).toBe(ours);
});

it('a comment below a list or a text is the list’s or the text’s', () => {
  const from = 'a:\n  - 1\n  # - 2\nb: |\n  one\n # No word.\nc: 1\n';
  const theirs = from.replace('# - 2', '# - 3').replace('# No', '# Not a');
  expect(pathsOf(theirs, from, from)).toEqual([
    ['a', 'theirs'],
    ['b', 'theirs'],
  ]);
});

it('changes of different keys are both in the result, whatever the documents hold', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.array(fc.string(), { maxLength: 3 }),
    fc.dictionary(key(), fc.integer(), { minKeys: 1, maxKeys: 3 }),
  );
  fc.assert(
    fc.property(
      fc.dictionary(key(), value, { minKeys: 2, maxKeys: 6 }),
      value,
      value,
      (document, one, other) => {
        const [first = '', second = ''] = Object.keys(document);
        const text = stringify(document);
        const result = merged(
          stringify({ ...document, [first]: one }),
          stringify({ ...document, [second]: other }),
          {},
          text,
        );
        expect(parse(result)).toEqual({ ...document, [first]: one, [second]: other });
      },
    ),
  );
});

function key(): fc.Arbitrary<string> {
  return fc.stringMatching(/^[a-z]{1,6}$/);
}
