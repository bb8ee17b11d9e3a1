import { describe, expect, it } from 'vitest';
import { movedTo } from '../../../src/git/http-transport.js';

const session = { origin: 'https://git.example:8443', path: '/team/old.git' };
const refs = '/info/refs?service=git-upload-pack';

describe('a redirect of a repository’s refs', () => {
  it.each([
    [`https://git.example/new.git${refs}`, 'https://git.example/new.git'],
    ['https://git.example/new.git/info/refs', 'https://git.example/new.git'],
    [`https://ada:hunter2@git.example:99/new${refs}#x`, 'https://git.example:99/new'],
    [`/team/new.git${refs}`, 'https://git.example:8443/team/new.git'],
    [`//other.example/new.git${refs}`, 'https://other.example/new.git'],
    [`http://git.example:8443/team/old.git${refs}`, 'http://git.example:8443/team/old.git'],
  ])('to %s says that it is at %s', (location, url) => {
    expect(movedTo(session, { suffix: refs }, location)).toBe(url);
  });

  it.each([
    ['a page', 'https://git.example/users/sign_in'],
    ['a page that is told of them', `https://git.example/sign_in?to=${encodeURIComponent(refs)}`],
    ['another scheme', `ftp://git.example/new.git${refs}`],
    ['no repository', `https://git.example${refs}`],
    ['where it was', refs.replace('/', '/team/old.git/')],
    ['what is too long to be told', `https://git.example/${'a'.repeat(400)}.git${refs}`],
    ['no URL', 'https://[/info/refs'],
    ['nowhere', ''],
    ['nobody knows where', undefined],
  ])('to %s says nothing of the repository', (_, location) => {
    expect(movedTo(session, { suffix: refs }, location)).toBeUndefined();
  });
});

it('a redirect of a question or a push says the same', () => {
  const suffix = '/git-receive-pack';
  expect(movedTo(session, { suffix }, `/team/new.git${suffix}`)).toBe(
    'https://git.example:8443/team/new.git',
  );
  expect(movedTo(session, { suffix }, `/team/new.git${refs}`)).toBeUndefined();
});
