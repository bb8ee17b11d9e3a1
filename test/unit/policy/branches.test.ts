import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BranchName, branchProblem } from '../../../src/policy/branches.js';
import { problemsOf } from '../support/refusals.js';
import { titled, titledValues } from '../support/titles.js';

/** What git says, run where there is no repository: nothing can be looked up, the rules alone count. */
function isTakenByGit(name: string): boolean {
  const { status } = spawnSync('git', ['check-ref-format', '--branch', name], {
    cwd: os.tmpdir(),
    env: { PATH: process.env.PATH, GIT_CEILING_DIRECTORIES: fs.realpathSync(os.tmpdir()) },
  });
  return status === 0;
}

/** What the policy refuses although git takes it. */
const isRefusedBesides = (name: string): boolean =>
  Buffer.byteLength(name) > 250 ||
  name === 'HEAD' ||
  name === '@' ||
  /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(name);

const names = [
  'main',
  'a',
  'feature/x-1',
  'a.b',
  'a./b',
  'a.lock.b',
  'größe',
  'é',
  '名前/👍',
  'a@b',
  'a@',
  '@a',
  '@/a',
  'a{b',
  'a}b',
  'a#b',
  'a%b',
  'a$b',
  'a`b',
  'a|b;c&d',
  "a'b",
  'a"b',
  'a!b',
  'a,b',
  'a=b',
  '__proto__',
  'constructor',
  'refs/heads/main',
  'origin/HEAD',
  'HEAD2',
  'head',
  'FETCH_HEAD',
  'a\u200db',
  'a\u00a0b',
  '',
  'a b',
  ' a',
  'a ',
  'a\tb',
  'a\nb',
  'a\x7fb',
  'a\x01',
  '-a',
  '--help',
  '-',
  'a/-b',
  'a..b',
  '..',
  '.',
  '.a',
  'a/.b',
  'a.',
  'a/b.',
  'a.lock',
  'a.lock/b',
  'a/b.lock',
  '.lock',
  'a.LOCK',
  'a@{b',
  '@{-1}',
  '@{u}',
  'a~1',
  'a^',
  'a:b',
  'a?b',
  'a*b',
  'a[b',
  'a]b',
  'a\\b',
  '/a',
  'a/',
  'a//b',
  '/',
  '//',
  '@',
  '@@',
  'HEAD',
  'a/HEAD',
  '0123456789'.repeat(4),
  '0123456789'.repeat(4).slice(1),
  'F'.repeat(64),
  'a'.repeat(250),
  'a'.repeat(251),
];

describe('git check-ref-format --branch', () => {
  it.each(titledValues(names))('agrees about %s, but for what the policy refuses besides', (_, name) => {
    const taken = branchProblem(name) === undefined;
    expect(taken).toBe(isTakenByGit(name) && !isRefusedBesides(name));
  });

  it('agrees about generated names', () => {
    const piece = fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[a-z]{1,4}$/) },
      {
        weight: 2,
        arbitrary: fc.constantFrom('/', '.', '..', '@', '{', '@{', '-', '.lock', 'HEAD', '//', '~', '^'),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(' ', ':', '?', '*', '[', '\\', '\x7f', '\x1f', '\t', 'é', '\u2028'),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }) },
    );
    const name = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
    let taken = 0;
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(!text.includes('\0'));
        const problem = branchProblem(text);
        if (problem === undefined) taken += 1;
        expect([text, problem === undefined]).toEqual([text, isTakenByGit(text) && !isRefusedBesides(text)]);
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(30);
  });
});

describe('a branch', () => {
  it.each(
    titled([
      ['HEAD', 'is a name Git keeps for itself'],
      ['@', 'is a name Git keeps for itself'],
      ['0123456789abcdef'.repeat(4), 'looks like an object id'],
      ['ABCDEF0123'.repeat(4), 'looks like an object id'],
      ['a\0b', 'holds a space, a control character or one of ~ ^ : ? * [ \\'],
      ['a\ud800', 'holds half a surrogate pair'],
      ['-d', 'begins with -'],
      ['a..b', 'holds .. or @{'],
      ['a@{1}', 'holds .. or @{'],
      ['a.', 'ends in a dot'],
      ['a//b', 'begins or ends with /, or holds //'],
      ['.a/b', 'has a component that begins with a dot or ends in .lock'],
      ['', 'does not have 1 to 250 bytes'],
      ['a'.repeat(251), 'does not have 1 to 250 bytes'],
      ['é'.repeat(126), 'does not have 1 to 250 bytes'],
    ]),
  )('may not be %s: it %s', (_, problem, name) => {
    expect(problemsOf(BranchName, name)).toEqual([problem]);
  });

  it.each(titledValues(['main', 'é'.repeat(125), 'refs/heads/main', '__proto__']))(
    'may be %s, and stays as it is',
    (_, name) => {
      expect(BranchName.parse(name)).toBe(name);
    },
  );
});
