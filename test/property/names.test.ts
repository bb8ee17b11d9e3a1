// Names and addresses of any letters: references beside git check-ref-format, remotes at both doors, words of hosts.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteError, quoteServer } from '../../src/git/host-answer.js';
import { isReferenceName } from '../../src/git/reference-names.js';
import { parseRemoteUrl } from '../../src/git/remote-url.js';
import { branchProblem } from '../../src/policy/branches.js';
import { parseRepositoryUrl } from '../../src/policy/repository-url.js';
import { codeOr } from '../unit/support/refusals.js';
import { anyText } from '../unit/support/texts.js';

const SEED = 20_263;

/** Which of the names git takes: one shell for as many of them as a command line takes. */
function takenByGit(names: string[], ...before: string[]): boolean[] {
  const one = `git check-ref-format ${before.join(' ')} "$name" >/dev/null 2>&1 && echo taken || echo refused`;
  const output = execFileSync('xargs', ['-0', 'sh', '-c', `for name do ${one}; done`, 'sh'], {
    input: names.map((name) => `${name}\0`).join(''),
    cwd: os.tmpdir(),
    env: { PATH: process.env.PATH, GIT_CEILING_DIRECTORIES: os.tmpdir() },
  });
  return output
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => line === 'taken');
}

const letters = fc.constantFrom(
  ...'aA0/.-@{}~^:?*[]\\ \t\n\u0001\u007fé\u00a0\u200d'.split(''),
  '..',
  '//',
  '.lock',
  '@{',
  '.lock/',
  '/.',
  'HEAD',
);
const name = fc
  .array(letters, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '');

describe('A name of a reference', () => {
  const names = fc.sample(name, { seed: SEED, numRuns: 500 });

  it('is one for us when it is one for git check-ref-format', () => {
    const full = names.flatMap((text) => [text, `refs/heads/${text}`]);
    const taken = takenByGit(full);
    expect(full.map((text, n) => [text, isReferenceName(text), n])).toEqual(
      full.map((text, n) => [text, taken[n], n]),
    );
  });

  it('may be a branch’s for the policy only when git check-ref-format --branch takes it', () => {
    const taken = takenByGit(names, '--branch');
    expect(names.filter((text, n) => branchProblem(text) === undefined && taken[n] !== true)).toEqual([]);
    const besides = /^(?:HEAD|@)$|^@\{/;
    expect(
      names.filter(
        (text, n) => branchProblem(text) !== undefined && taken[n] === true && !besides.test(text),
      ),
    ).toEqual([]);
  });
});

describe('The address of a remote', () => {
  const piece = fc.constantFrom(
    'https',
    'http',
    'ssh',
    'file',
    'ext',
    '://',
    ':',
    '/',
    '//',
    '@',
    '?',
    '#',
    '%2e',
    '..',
    '\\',
    ' ',
    '\n',
    '\0',
    'git.example.com',
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    ':443',
    ':99999',
    'a.git',
    'user',
    'é',
    '-u',
    '::',
  );
  const address = fc.oneof(
    fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')),
    fc.array(piece, { maxLength: 6 }).map((pieces) => `https://git.example.com/${pieces.join('')}`),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    anyText,
  );

  it('is refused, or is plain http with a host and nothing to hide', () => {
    fc.assert(
      fc.property(address, fc.boolean(), (text, allowHttp) => {
        const url = codeOr(() => parseRemoteUrl(text, allowHttp));
        if (url === 'CONNECTOR_DENIED') return;
        if (typeof url === 'string') throw new Error(url);
        expect(url.protocol === 'https:' || (allowHttp && url.protocol === 'http:')).toBe(true);
        expect([url.username, url.password, url.search, url.hash]).toEqual(['', '', '', '']);
        expect(url.hostname).not.toBe('');
        expect(url.href).not.toMatch(/[\u0000-\u0020\u007f]/);
        expect(url.pathname).not.toMatch(/.\/$/);
      }),
      { seed: SEED, numRuns: 3_000 },
    );
  });

  it('that the policy takes is taken by the engines, and leads to the same place', () => {
    fc.assert(
      fc.property(address, fc.boolean(), (text, allowHttp) => {
        const kept = codeOr(() => parseRepositoryUrl(text, { allowHttp, allowPrivate: true }));
        if (kept === 'CONNECTOR_DENIED') return;
        const url = parseRemoteUrl(kept, allowHttp);
        expect([url.host, url.pathname]).toEqual([
          new URL(text).host,
          new URL(text).pathname.replace(/\/+$/, ''),
        ]);
      }),
      { seed: SEED, numRuns: 3_000 },
    );
  });
});

describe('Words of a host', () => {
  it('are quoted in one printable line, and quoting them again changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.uint8Array({ maxLength: 600 })), (words) => {
        const quoted = quoteServer(words);
        expect(quoted).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(quoteServer(quoted)).toBe(quoted);
        expect(quoteError('h', words).message).not.toMatch(/\p{C}/u);
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });
});
