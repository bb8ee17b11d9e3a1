import { describe, expect, it } from 'vitest';
import type { CopyRecord } from '../../../src/entities/copies.repository.js';
import { chooseReported, compareBranch, type Difference, summarise } from '../../../src/sync/drift.js';
import type { FileProblem } from '../../../src/sync/file-problems.repository.js';
import { TrackedFiles } from '../../../src/sync/tracked-files.js';

const scope = 'accounts/acme';
const blobOf = (letter: string): string => letter.repeat(40);
const entry = (path: string, blob = 'a') => ({ path, id: blobOf(blob), mode: '100644' });
const copyOf = (id: string, path: string, blob = 'a', invalid: object | null = null) =>
  ({ scope, kind: 'part', id, path, blob_id: blobOf(blob), invalid }) as CopyRecord;
const problemAt = (path: string, verdict: 'invalid' | 'refused') =>
  ({ path, verdict, failure: { code: 'CHANGE_REFUSED', data: {} } }) as unknown as FileProblem;
const files = new TrackedFiles(scope, [{ pattern: 'p/{id}.yaml', kind: 'part' }], []);

interface Case {
  entries?: ReturnType<typeof entry>[];
  copies?: CopyRecord[];
  problems?: FileProblem[];
  corrupt?: [string, string][];
  isTracked?: boolean;
}
const compare = ({ entries = [], copies = [], problems = [], corrupt = [], isTracked = true }: Case) =>
  compareBranch({
    entries,
    copies,
    problems,
    corrupt: new Map(corrupt),
    files: isTracked ? files : undefined,
  }).map(({ kind, path, entity, problem }) => [kind, path, entity?.id, problem?.code]);

describe('what differs between a branch and its copies', () => {
  it.each<[string, Case, unknown[][]]>([
    ['nothing', { entries: [entry('p/x.yaml')], copies: [copyOf('x', 'p/x.yaml')] }, []],
    ['a file of nobody', { entries: [entry('q/x.yaml'), entry('p/x.txt')] }, []],
    ['a file without a copy', { entries: [entry('p/x.yaml')] }, [['missing', 'p/x.yaml', 'x', undefined]]],
    ['the same where nobody follows', { entries: [entry('p/x.yaml')], isTracked: false }, []],
    [
      'a copy without a file',
      { copies: [copyOf('x', 'p/x.yaml')] },
      [['surplus', 'p/x.yaml', 'x', undefined]],
    ],
    [
      'the same where nobody follows',
      { copies: [copyOf('x', 'p/x.yaml')], isTracked: false },
      [['surplus', 'p/x.yaml', 'x', undefined]],
    ],
    [
      'another content',
      { entries: [entry('odd.yaml', 'b')], copies: [copyOf('x', 'odd.yaml')] },
      [['differing', 'odd.yaml', 'x', undefined]],
    ],
    [
      'a copy that does not hold what it says',
      {
        entries: [entry('p/x.yaml')],
        copies: [copyOf('x', 'p/x.yaml')],
        corrupt: [['p/x.yaml', blobOf('c')]],
      },
      [['corrupt', 'p/x.yaml', 'x', undefined]],
    ],
    [
      'a document that is none',
      {
        entries: [entry('p/x.yaml')],
        copies: [copyOf('x', 'p/x.yaml', 'a', { code: 'YAML_REFUSED', data: {} })],
      },
      [['invalid', 'p/x.yaml', 'x', 'YAML_REFUSED']],
    ],
    [
      'changes that a rule does not allow',
      {
        entries: [entry('p/n.yaml'), entry('p/x.yaml', 'b')],
        copies: [copyOf('x', 'p/x.yaml'), copyOf('y', 'p/y.yaml')],
        problems: ['p/n.yaml', 'p/x.yaml', 'p/y.yaml'].map((path) => problemAt(path, 'refused')),
      },
      [
        ['refused', 'p/n.yaml', 'n', 'CHANGE_REFUSED'],
        ['refused', 'p/x.yaml', 'x', 'CHANGE_REFUSED'],
        ['refused', 'p/y.yaml', 'y', 'CHANGE_REFUSED'],
      ],
    ],
    [
      'a file that can be no entity',
      { entries: [entry('p/x y.yaml')], problems: [problemAt('p/x y.yaml', 'invalid')] },
      [['invalid', 'p/x y.yaml', undefined, 'CHANGE_REFUSED']],
    ],
    [
      'all of it in order of paths',
      { entries: [entry('p/b.yaml')], copies: [copyOf('c', 'p/c.yaml'), copyOf('a', 'p/a.yaml')] },
      [
        ['surplus', 'p/a.yaml', 'a', undefined],
        ['missing', 'p/b.yaml', 'b', undefined],
        ['surplus', 'p/c.yaml', 'c', undefined],
      ],
    ],
  ])('%s', (_, one, expected) => {
    expect(compare(one)).toEqual(expected);
  });
});

describe('a report', () => {
  const names = Array.from({ length: 45 }, (_, at) => `b${String(at).padStart(2, '0')}`);

  it('of many branches is of the first of them, and says where the next one goes on', () => {
    const all = [...names.toReversed(), 'b00', 'b44'];
    const pages = [];
    for (let after: string | undefined; ; ) {
      const { asked, next } = chooseReported(all, { after });
      pages.push(asked);
      if (next === null) break;
      after = next;
    }
    expect(pages.map(({ length }) => length)).toEqual([20, 20, 5]);
    expect(pages.flat()).toEqual(names);
  });

  it('that ends with the last branch says that there are no more', () => {
    expect(chooseReported(names.slice(0, 20), {})).toEqual({ asked: names.slice(0, 20), next: null });
    expect(chooseReported([], {})).toEqual({ asked: [], next: null });
  });

  it('of one branch is of that, known or not', () => {
    expect(chooseReported(names, { branch: 'other' })).toEqual({ asked: ['other'], next: null });
  });

  it('counts all differences and keeps those that are shown', () => {
    const differing = (kind: Difference['kind'], at: number): Difference => {
      return { kind, path: `p/${at}.yaml`, entity: null, git: null, copy: null, problem: null };
    };
    const all = [
      ...Array.from({ length: 1_500 }, (_, at) => differing('missing', at)),
      differing('corrupt', 0),
    ];
    const { counts, differences } = summarise(all);
    expect(differences).toHaveLength(1_000);
    expect(counts).toMatchObject({ missing: 1_500, corrupt: 1, surplus: 0 });
  });
});
