import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSshUrl, parseSshUrl } from '../../../src/git/remote-url.js';
import { Failure } from '../../../src/kernel/failure.js';
import { failureOf } from '../support/refusals.js';

describe('an SSH address', () => {
  it.each([
    [
      'ssh://git@git.example/a/b.git',
      { user: 'git', name: 'git.example', port: 22, path: '/a/b.git', isScpLike: false },
    ],
    [
      'ssh://git.example/a.git/',
      { user: null, name: 'git.example', port: 22, path: '/a.git', isScpLike: false },
    ],
    [
      'ssh://ada.l@GIT.example:2222/~ada/a',
      { user: 'ada.l', name: 'git.example', port: 2222, path: '/~ada/a', isScpLike: false },
    ],
    [
      'ssh://git@[2001:db8::1]:22/größe',
      { user: 'git', name: '2001:db8::1', port: 22, path: '/größe', isScpLike: false },
    ],
    [
      'git@git.example:a/b.git',
      { user: 'git', name: 'git.example', port: 22, path: 'a/b.git', isScpLike: true },
    ],
    ['git@192.0.2.1:/srv/a', { user: 'git', name: '192.0.2.1', port: 22, path: '/srv/a', isScpLike: true }],
    ['git@[::1]:a+b=c,d', { user: 'git', name: '::1', port: 22, path: 'a+b=c,d', isScpLike: true }],
  ])('%s', (text, address) => {
    expect(isSshUrl(text)).toBe(true);
    expect(parseSshUrl(text)).toEqual(address);
  });

  it.each([
    'https://git.example/a.git',
    'https://git@git.example/a.git',
    'git.example:a.git',
    '/srv/git@host:a',
    'file:///a',
    'ext::sh -c id',
  ])('is not what %s is', (text) => {
    expect(isSshUrl(text)).toBe(false);
  });

  it.each([
    ['ssh://-oProxyCommand=id/x', 'its host is not a name or an address'],
    ['ssh://-oProxyCommand=id@git.example/x', 'its user name is not plain'],
    ['ssh://git@-oProxyCommand=id/x', 'its host is not a name or an address'],
    ['-oProxyCommand=id@git.example:x', 'its user name is not plain'],
    ['git@-oProxyCommand=id:x', 'its host is not a name or an address'],
    ['git@git.example:-x', 'its path is not plain'],
    ['git@git.example:--upload-pack=id', 'its path is not plain'],
    ["ssh://git@git.example/a'$(id)'", 'its path is not plain'],
    ['ssh://git@git.example/a`id`', 'its path is not plain'],
    ['ssh://git@git.example/a b', 'its path is not plain'],
    ['ssh://git@git.example/a\nb', 'its path is not plain'],
    ['ssh://git@git.example/a%2e%2e/b', 'its path is not plain'],
    ['ssh://git@git.example/a/../b', 'its path is not plain'],
    ['ssh://git@git.example/a?b', 'its path is not plain'],
    ['ssh://git@git.example/', 'it names no repository'],
    ['ssh://git@git.example', 'it is neither ssh://host/path nor user@host:path'],
    ['ssh://git:secret@git.example/a', 'its user name is not plain'],
    ['ssh://git@git@git.example/a', 'it is neither ssh://host/path nor user@host:path'],
    ['ssh://git@git.example:0/a', 'its port is not between 1 and 65535'],
    ['ssh://git@git.example:65536/a', 'its port is not between 1 and 65535'],
    ['ssh://git@git.example:22x/a', 'it is neither ssh://host/path nor user@host:path'],
    ['ssh://git@[fe80::1%25eth0]/a', 'its host is not a name or an address'],
    ['ssh://git@git\u0000.example/a', 'its host is not a name or an address'],
    ['ssh://@git.example/a', 'its user name is not plain'],
  ])('may not be %j: %s', (text, reason) => {
    const failure = failureOf(() => parseSshUrl(text));
    expect(failure).toMatchObject({ code: 'CONNECTOR_DENIED', data: { reason } });
    expect(failure.message).not.toContain('secret');
  });

  it('is nothing that a command line or a shell would take for more, whatever is tried', () => {
    const part = fc.stringMatching(/^[ -~\n]{0,12}$/);
    fc.assert(
      fc.property(part, part, part, fc.boolean(), (user, host, path, isLong) => {
        const text = isLong ? `ssh://${user}@${host}/${path}` : `${user}@${host}:${path}`;
        const pieces = piecesOf(text);
        const plain = /^[^-\s'"`$;&|<>\\(){}*?!#%][^\s'"`$;&|<>\\(){}*?!#%]*$/;
        expect(pieces.filter((piece) => !plain.test(piece))).toEqual([]);
      }),
    );
  });
});

/** What becomes part of a command line; nothing of an address that is refused. */
function piecesOf(text: string): string[] {
  try {
    const { user, name, path } = parseSshUrl(text);
    return [user ?? 'x', name, path];
  } catch (error) {
    if (error instanceof Failure && error.code === 'CONNECTOR_DENIED') return [];
    throw error;
  }
}
