// What every engine refuses by itself, whoever calls it: addresses of a wrong form, and steps that would make a broken commit.
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/git/git.js';
import { parseRemoteUrl } from '../../../src/git/remote-url.js';
import { refuseUnwritable } from '../../../src/git/unwritable.js';
import { failureOf } from '../support/refusals.js';

describe('the address of a remote', () => {
  it.each([
    ['https://git.example.com/a.git', 'https://git.example.com/a.git'],
    ['https://git.example.com:8443/a/b//', 'https://git.example.com:8443/a/b'],
  ])('%s is taken as %s', (text, url) => {
    expect(parseRemoteUrl(text, false).href).toBe(url);
  });

  it('may be http where that is allowed', () => {
    expect(parseRemoteUrl('http://127.0.0.1:7071/a.git', true).href).toBe('http://127.0.0.1:7071/a.git');
  });

  it.each([
    ['nonsense', 'it is not a URL'],
    ['git@github.com:a/b.git', 'it is not a URL'],
    ['ssh://git@github.com/a.git', 'its scheme is neither https nor http'],
    ['file:///etc/passwd', 'its scheme is neither https nor http'],
    ['ext::sh -c id', 'its scheme is neither https nor http'],
    ['http://git.example.com/a.git', 'unencrypted http is not allowed'],
    ['https://me:hunter2@git.example.com/a.git', 'it contains user-info'],
    ['https://me@git.example.com/a.git', 'it contains user-info'],
    ['https://git.example.com/a.git?token=hunter2', 'it contains a query or a fragment'],
    ['https://git.example.com/a.git#x', 'it contains a query or a fragment'],
  ])('may not be %s: %s', (text, reason) => {
    const failure = failureOf(() => parseRemoteUrl(text, false));
    expect(failure).toMatchObject({ code: 'CONNECTOR_DENIED', data: { reason } });
    expect(failure.message).not.toContain('hunter2');
  });
});

const person = { name: 'Ada', email: 'ada@example.com' };
const step = (more: Partial<Step> = {}): Step => ({
  message: 'Save\n',
  author: person,
  committer: person,
  timestamp: 1_700_000_000,
  changes: [{ path: 'd/a.yaml', content: Buffer.from('a: 1\n') }],
  ...more,
});
const at = (path: string): Partial<Step> => ({ changes: [{ path, content: null }] });

describe('a step', () => {
  it.each<[string, Partial<Step>]>([
    ['an ordinary one', {}],
    ['one in 1970', { timestamp: 0 }],
    ['one with an empty message', { message: '' }],
    ['one with odd but legal names', at('a\\b/.gitignore/...x/c d')],
  ])('that is written: %s', (_, more) => {
    expect(() => refuseUnwritable(step(more))).not.toThrow();
  });

  it.each<[string, string, Partial<Step>]>([
    ['an angle bracket in the author', 'author', { author: { ...person, name: 'Ada <b>' } }],
    ['a line end in the address', 'author', { author: { ...person, email: 'a\nparent x' } }],
    ['a NUL in the committer', 'author', { committer: { ...person, name: 'a\0' } }],
    ['a time before 1970', 'timestamp', { timestamp: -1 }],
    ['a broken time', 'timestamp', { timestamp: 1.5 }],
    ['no time', 'timestamp', { timestamp: Number.NaN }],
    ['a time beyond all bounds', 'timestamp', { timestamp: 2 ** 60 }],
    ['a NUL in the message', 'message', { message: 'a\0b' }],
    ['a NUL in a path', 'path', at('a\0b')],
    ['an empty path', 'path', at('')],
    ['a path from the root', 'path', at('/a')],
    ['a path that ends in a slash', 'path', at('a/')],
    ['an empty part', 'path', at('a//b')],
    ['a part .', 'path', at('a/./b')],
    ['a part ..', 'path', at('../b')],
    ['a part .git', 'path', at('a/.git/config')],
    ['a part .GIT', 'path', at('.GIT')],
  ])('is refused with %s', (_, field, more) => {
    expect(failureOf(() => refuseUnwritable(step(more)))).toMatchObject({
      code: 'INPUT_REFUSED',
      data: { field },
    });
  });
});
