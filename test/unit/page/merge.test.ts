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
    expect(pathsOf(theirs, inside)).toContainEqual(['limits › comments', 'ours']);
    expect(merged(theirs, inside)).toBe(theirs.replace('limits:', 'limits: # of each'));
  });

  it('a key that was added or removed', () => {
    const added = base.replace('    cpu: 1\n', '    cpu: 1\n    # Of a disk.\n    disk: 10\n');
    expect(pathsOf(theirs, added)).toContainEqual(['limits › disk', 'ours']);
    expect(merged(theirs, added)).toContain('    cpu: 1\n    # Of a disk.\n    disk: 10\n');
    const removed = base.replace('\nreplicas: 3\n', '\n');
    expect(merged(theirs, removed)).toBe(
      theirs.replace('\nreplicas: 3\n', '\n').replace('\n\nlimits', '\nlimits'),
    );
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

it('keys of another indentation come in that of the document', () => {
  const theirs = 'limits:\n  memory: 1\n  cpu: 1\n';
  const ours = 'limits:\n      memory: 1\n      cpu:\n          # Cores.\n          count: 2\n';
  const from = 'limits:\n  memory: 1\n  cpu: 0\n';
  expect(merged(theirs, ours, { 'limits › cpu': 'ours', 'limits › comments': 'theirs' }, from)).toBe(
    'limits:\n  memory: 1\n  cpu:\n      # Cores.\n      count: 2\n',
  );
});

it('texts of several lines, tabs and line ends of Windows come through', () => {
  const from = 'a: |\n  one\n\n  two\nb: >-\n  three\r\n  four\r\nc: "five\n  six"\n';
  const theirs = from.replace('one', 'uno');
  const ours = from.replace('six', 'sei');
  expect(merged(theirs, ours, {}, from)).toBe(from.replace('one', 'uno').replace('six', 'sei'));
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
