import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGitAllowed, placeOf } from '../../../src/policy/git-patterns.js';
import { anyText } from '../support/texts.js';

describe('an address', () => {
  it.each([
    ['https://git.example/a/b.git', 'git.example', 'a/b'],
    ['https://GIT.Example/A/b', 'git.example', 'A/b'],
    ['https://git.example:8443/a/b/', 'git.example:8443', 'a/b'],
    ['https://git.example:443/a', 'git.example', 'a'],
    ['http://git.example:80/a', 'git.example', 'a'],
    ['https://git.example/a%20b/c', 'git.example', 'a b/c'],
    ['https://git.example', 'git.example', ''],
    ['https://[2001:db8::1]/a', '[2001:db8::1]', 'a'],
    ['ssh://git@git.example/a/b.git', 'git.example', 'a/b'],
    ['ssh://git.example:22/a', 'git.example', 'a'],
    ['ssh://git@Git.Example:2222/a', 'git.example:2222', 'a'],
    ['ssh://git@[2001:db8::1]:2222/a', '[2001:db8::1]:2222', 'a'],
    ['git@git.example:a/b.git', 'git.example', 'a/b'],
    ['git@git.example:/srv/a.git', 'git.example', 'srv/a'],
    ['git@git.example:~me/a', 'git.example', '~me/a'],
  ])('%s is at %s, %s', (url, host, path) => {
    expect(placeOf(url)).toEqual({ host, path });
  });

  it.each([
    '',
    'git.example/a',
    'git.example:a/b',
    'file:///srv/a.git',
    'git://git.example/a',
    'https://',
    'https://git.example/%zz',
    'https://git.example/%ff',
    'a:b@git.example:c',
    'ssh://git@git.example/../a',
    'ssh://git%40evil.example/a',
    'git@git.example:a/../b',
    'ext::sh -c x',
  ])('%j is no repository’s', (url) => {
    expect(placeOf(url)).toEqual({ host: '', path: '' });
    expect(isGitAllowed(['git.example', '*.example'], url)).toBe(false);
  });

  it('never throws, whatever it is', () => {
    const parts = fc.constantFrom(
      'https://',
      'ssh://',
      'git@',
      '[',
      ']',
      ':',
      '%',
      '%2f',
      '..',
      '/',
      '@',
      'a.example',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, anyText), { maxLength: 8 }), (some) => {
        expect(typeof isGitAllowed(['a.example/**'], some.join(''))).toBe('boolean');
      }),
      { seed: 7, numRuns: 3_000 },
    );
  });
});

describe('a pattern', () => {
  it.each([
    ['git.example', 'https://git.example/a/b'],
    ['git.example', 'https://git.example'],
    ['Git.Example', 'https://git.example/a'],
    ['git.example/**', 'https://git.example/a/b/c'],
    ['git.example/a', 'https://git.example/a.git'],
    ['git.example/a.git', 'https://git.example/a/'],
    ['git.example/a/*', 'https://git.example/a/b'],
    ['git.example/*/b', 'https://git.example/a/b'],
    ['git.example/a/**', 'https://git.example/a/b/c'],
    ['git.example/a/**', 'https://git.example/a'],
    ['git.example/*/b/**', 'https://git.example/a/b/c'],
    ['git.example:8443/a', 'https://git.example:8443/a'],
    ['*.example', 'https://git.example/a'],
    ['*.example', 'https://a.b.example/a'],
    ['*.example:8443/a', 'https://git.example:8443/a'],
    ['git.example/a/*', 'git@git.example:a/b.git'],
    ['git.example/a/*', 'ssh://git@git.example:22/a/b.git'],
    ['git.example:2222/a', 'ssh://git@git.example:2222/a'],
    ['git.example/a/*', 'https://git.example/a/b%20c'],
  ])('%s names %s', (pattern, url) => {
    expect(isGitAllowed([pattern], url)).toBe(true);
  });

  it.each([
    ['git.example', 'https://git.example:8443/a'],
    ['git.example', 'https://git.example.evil.test/a'],
    ['git.example', 'https://evil.test/git.example/a'],
    ['git.example', 'https://git.example@evil.test/a'],
    ['git.example', 'https://xgit.example/a'],
    ['git.example', 'https://git.example./a'],
    ['git.example', 'git@evil.test:git.example/a'],
    ['git.example:22', 'ssh://git@git.example:2222/a'],
    ['*.example', 'https://example/a'],
    ['*.example', 'https://.example/a'],
    ['*.example', 'https://evil.test/.example'],
    ['*.example', 'https://evil.test%2fx.example/a'],
    ['*.example', 'https://badexample/a'],
    ['git.example/a', 'https://git.example/A'],
    ['git.example/a', 'https://git.example/a/b'],
    ['git.example/a', 'https://git.example/'],
    ['git.example/a/*', 'https://git.example/a'],
    ['git.example/a/*', 'https://git.example/a/b/c'],
    ['git.example/a/*', 'https://git.example/a/b%2fc'],
    ['git.example/a/**', 'https://git.example/ab'],
    ['git.example/a/**', 'https://git.example/a/../b'],
    ['git.example/a/**', 'https://git.example/a/%2e%2e/b'],
    ['git.example/a/**', 'https://git.example/a/..%2fb'],
    ['git.example/a/**', 'https://git.example/a/.%2e%2fb'],
    ['git.example/a/**', 'https://git.example/a/..%5cb'],
    ['git.example/a/**', 'https://git.example/a/%252e%252e/b'],
    ['git.example/a/**', 'https://git.example/a//b'],
    ['git.example/a/**', 'https://git.example/a/./b%2f.'],
    ['git.example/a/**', 'https://git.example/a/b%00c'],
    ['git.example/a/**', 'git@git.example:a/../b'],
  ])('%s does not name %s', (pattern, url) => {
    expect(isGitAllowed([pattern], url)).toBe(false);
  });

  it('is one of several, any of which is enough; of none, nothing is allowed', () => {
    expect(isGitAllowed(['x.example', 'git.example/a'], 'https://git.example/a')).toBe(true);
    expect(isGitAllowed([], 'https://git.example/a')).toBe(false);
  });
});
