import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptPath, pathProblem, RepositoryPath } from '../../../src/policy/paths.js';
import { problemsOf } from '../support/refusals.js';

/** A path of exactly so many bytes, of parts that are as long as they may be. */
function pathOf(bytes: number): string {
  const parts = 'x'.repeat(bytes - 5).replace(/(.{250})./g, '$1/');
  return `${parts.endsWith('/') ? `${parts.slice(0, -1)}y` : parts}.yaml`;
}

describe('a path', () => {
  it.each([
    'a.yaml',
    'a.yml',
    '.yaml',
    '.a/.b.yml',
    'deep/er/still/a.yaml',
    'with space/a b.yaml',
    'größe/名前.yaml',
    'e\u0301.yaml',
    '\u00e9.yaml',
    'emoji-👩‍👩‍👧.yaml',
    '-rf.yaml',
    '--upload-pack=x/a.yaml',
    '~/a.yaml',
    '$HOME/`id`/a.yaml',
    'a;b|c&d.yaml',
    '"quoted"\'.yaml',
    'a*?[b].yaml',
    '%2e%2e/a.yaml',
    '...yaml/a.yaml',
    '.gitignore.yaml',
    '.github/a.yaml',
    '.git.yaml',
    'git/a.yaml',
    'git~/a.yaml',
    'git~1x/a.yaml',
    'console.yaml',
    'com.yaml',
    'com10.yaml',
    'nul-a.yaml',
    'constructor/__proto__.yaml',
  ])('may be %s, and stays as it is', (path) => {
    expect(RepositoryPath.parse(path)).toBe(path);
  });

  const refused: [string, string[]][] = [
    ['has no bytes', ['']],
    [
      'does not end in .yaml or .yml',
      ['a', 'a.json', 'a.yaml.txt', 'a.YAML', 'a.yaml/', 'a.yaml ', 'a.yaml.', 'yaml', 'a.yamll', 'a.yml/b'],
    ],
    ['begins or ends with /, or holds //', ['/a.yaml', '/etc/a.yaml', 'a//b.yaml', '//a.yaml', '///.yaml']],
    [
      'has a component . or ..',
      ['../a.yaml', 'a/../b.yaml', '../../../../etc/a.yaml', './a.yaml', 'a/./b.yaml', '..//a.yaml'],
    ],
    ['holds a backslash', ['a\\b.yaml', '..\\a.yaml', '\\\\host\\share\\a.yaml', 'a\\.yaml']],
    [
      'holds a control character',
      [
        'a\0.yaml',
        'a\n.yaml',
        'a\r.yaml',
        'a\t.yaml',
        'a\x1b[0m.yaml',
        'a\x7f.yaml',
        'a\u0080.yaml',
        'a\u009f.yaml',
      ],
    ],
    ['holds half a surrogate pair', ['a\ud800.yaml', '\udc00/a.yaml', 'a\ude00\ud83d.yaml']],
    [
      'has a component that a file system could take for .git',
      [
        '.git/a.yaml',
        '.git/hooks/a.yaml',
        'a/.git/b.yaml',
        '.GIT/a.yaml',
        '.gIt/a.yaml',
        '.git./a.yaml',
        '.git /a.yaml',
        '.git . ./a.yaml',
        '.git::$INDEX_ALLOCATION/a.yaml',
        '.git:stream/a.yaml',
        'git~1/a.yaml',
        'GIT~1/a.yaml',
        'git~2/a.yaml',
        'Git~10 ./a.yaml',
        '.g\u200cit/a.yaml',
        '.\u200dgit/a.yaml',
        '\u200e.git/a.yaml',
        '.git\u200f/a.yaml',
        '.gi\u202at/a.yaml',
        '.gi\u202et/a.yaml',
        '.g\u206ai\u206ft/a.yaml',
        '\ufeff.git/a.yaml',
        '.ｇｉｔ/a.yaml',
        '․git/a.yaml',
        '.ＧＩＴ/a.yaml',
      ],
    ],
    [
      'has a component with a colon, which Windows takes for a stream',
      ['c:/a.yaml', 'a:b.yaml', 'a.yaml:x.yaml'],
    ],
    [
      'has a component that ends in a dot or a space',
      ['a./b.yaml', 'a /b.yaml', 'a. ./b.yaml', '... /b.yaml'],
    ],
    [
      'has a component that Windows takes for a device',
      [
        'con.yaml',
        'CON.yaml',
        'a/prn.yaml',
        'aux/a.yaml',
        'nul.x.yaml',
        'NUL .yaml',
        'com1.yaml',
        'COM9/a.yaml',
        'com0.yaml',
        'lpt3.yml',
        'com¹.yaml',
        'LPT².yaml',
        'conin$.yaml',
        'CONOUT$.yaml',
      ],
    ],
  ];

  it.each(refused.flatMap(([rule, paths]) => paths.map((path) => [path, rule] as const)))(
    'may not be %j: it %s',
    (path, rule) => {
      const wanted = path === '' ? 'does not have 1 to 1024 bytes' : rule;
      expect(problemsOf(RepositoryPath, path)).toEqual([wanted]);
    },
  );

  it.each([null, undefined, 5, ['a.yaml']])('is a text, not %s', (value) => {
    expect(problemsOf(RepositoryPath, value)).toHaveLength(1);
  });
});

describe('the length of a path is counted in bytes', () => {
  it('of which it may have 1,024 and no more', () => {
    expect(Buffer.byteLength(pathOf(1_024))).toBe(1_024);
    expect(pathProblem(pathOf(1_024))).toBeUndefined();
    expect(pathProblem(pathOf(1_025))).toBe('does not have 1 to 1024 bytes');
  });

  it('and 255 in each part', () => {
    expect(pathProblem(`${'x'.repeat(255)}/${'y'.repeat(250)}.yaml`)).toBeUndefined();
    for (const path of [`${'x'.repeat(256)}/a.yaml`, `a/${'y'.repeat(251)}.yaml`])
      expect(pathProblem(path)).toBe('has a component of more than 255 bytes');
  });

  it('not in characters', () => {
    expect(pathProblem(`${'é'.repeat(127)}/a.yaml`)).toBeUndefined();
    expect(pathProblem(`${'é'.repeat(128)}/a.yaml`)).toBe('has a component of more than 255 bytes');
    expect(pathProblem(`${'👍'.repeat(64)}/a.yaml`)).toBe('has a component of more than 255 bytes');
    const wide = `${`${'é'.repeat(100)}/`.repeat(5)}a.yaml`;
    expect(pathProblem(wide)).toBeUndefined();
    expect(pathProblem(`${'é'.repeat(100)}/${wide}`)).toBe('does not have 1 to 1024 bytes');
  });
});

describe('whatever a path is made of', () => {
  const part = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
    fc.constantFrom('.', '..', '.git', '.GIT ', 'con', 'nul.x', 'a', 'b c', 'a:b', 'git~1', ''),
  );
  const path = fc.tuple(fc.array(part, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '.yaml', '.yml'));

  it('what is taken is safe to write anywhere, and the same text', () => {
    fc.assert(
      fc.property(path, ([parts, end]) => {
        const text = parts.join('/') + end;
        const result = RepositoryPath.safeParse(text);
        if (!result.success) return;
        expect(result.data).toBe(text);
        expect(new URL(text.replaceAll('%', '%25'), 'file:///repository/').pathname).toMatch(
          /^\/repository\//,
        );
        for (const one of text.split('/')) {
          expect(one).not.toMatch(/^\.{0,2}$|[\\:\0-\x1f]|[. ]$/);
          expect(one.toLowerCase()).not.toMatch(/^(\.git|git~\d+)$/);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the answer is the same for the same text', () => {
    fc.assert(
      fc.property(path, ([parts, end]) => {
        const text = parts.join('/') + end;
        expect(pathProblem(text)).toBe(pathProblem(text));
      }),
    );
  });

  it('an invisible character never makes .git of something allowed', () => {
    const marks = [
      0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x206a, 0x206f, 0xfeff,
    ];
    const invisible = fc.constantFrom(...marks.map((code) => String.fromCodePoint(code)));
    const spelt = fc.tuple(
      ...['.', 'g', 'i', 't'].map((letter) =>
        fc.tuple(fc.constantFrom(letter, letter.toUpperCase()), invisible, fc.boolean()),
      ),
    );
    fc.assert(
      fc.property(spelt, (letters) => {
        const name = letters.map(([letter, mark, hasMark]) => letter + (hasMark ? mark : '')).join('');
        expect(pathProblem(`${name}/a.yaml`)).toBe('has a component that a file system could take for .git');
      }),
    );
  });
});

describe('a path that no entity can have', () => {
  it('is kept by a name that is short, and no other one’s', () => {
    const [one, other] = ['a', 'b'].map((end) => keptPath(pathOf(4_000) + end)) as [string, string];
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(1_024);
    expect(one).toMatch(/^.{199}…[0-9a-f]{32}$/);
    expect(one).not.toBe(other);
    expect(keptPath(`${'😀'.repeat(1_000)}.yaml`).isWellFormed()).toBe(true);
  });

  it('is kept as it is where it is no longer than an entity’s', () => {
    for (const path of [pathOf(1_024), 'a b.yaml']) expect(keptPath(path)).toBe(path);
  });
});
