import { describe, expect, it } from 'vitest';
import type { RepoKey } from '../../../src/providers/webhook.js';
import { matchRepository, nameGiven, placeOf } from '../../../src/webhooks/repository-match.js';

describe('the place of a repository', () => {
  it.each([
    ['https://git.example.com/team/repo.git', 'git.example.com/team/repo'],
    ['https://Git.Example.com/Team/Repo', 'git.example.com/team/repo'],
    ['https://git.example.com:8443/team/repo.git/', 'git.example.com/team/repo'],
    ['ssh://git@git.example.com:7999/team/repo.git', 'git.example.com/team/repo'],
    ['git@git.example.com:team/repo.git', 'git.example.com/team/repo'],
    ['https://bitbucket.example/scm/PRJ/repo.git', 'bitbucket.example/prj/repo'],
    ['https://gitlab.example/a/b/c.git', 'gitlab.example/a/b/c'],
    ['https://dev.azure.com/org/project/_git/repo', 'dev.azure.com/org/project/repo'],
    ['https://org@dev.azure.com/org/project/_git/repo', 'dev.azure.com/org/project/repo'],
    ['https://dev.azure.com/org/_git/repo', 'dev.azure.com/org/repo/repo'],
    ['https://org.visualstudio.com/project/_git/repo', 'dev.azure.com/org/project/repo'],
    ['https://org.visualstudio.com/DefaultCollection/project/_git/repo', 'dev.azure.com/org/project/repo'],
    ['git@ssh.dev.azure.com:v3/org/project/repo', 'dev.azure.com/org/project/repo'],
    ['org@vs-ssh.visualstudio.com:v3/org/project/repo', 'dev.azure.com/org/project/repo'],
    ['https://dev.azure.com/org/My%20Project/_git/repo', 'dev.azure.com/org/my project/repo'],
    ['https://x/%zz', 'x/%zz'],
    ['no url', undefined],
    ['', undefined],
    // No address of a repository, and compared like any text.
    ['ext::sh -c id', 'ext/:sh -c id'],
  ])('%j is %j', (url, place) => {
    expect(placeOf(url)).toBe(place);
  });
});

describe('a delivery', () => {
  const url = 'https://git.example.com/team/repo.git';
  const named = (more: Partial<RepoKey>): RepoKey => ({ cloneUrls: [], ...more });

  it.each<[string, string | null, RepoKey, string]>([
    ['by its id', '7', named({ hostRepoId: '7' }), 'same'],
    ['by its id although renamed', '7', named({ hostRepoId: '7', fullName: 'team/new' }), 'same'],
    ['by its address', null, named({ cloneUrls: ['git@git.example.com:Team/Repo.git'] }), 'same'],
    ['by its address although made anew', '7', named({ hostRepoId: '8', cloneUrls: [url] }), 'same'],
    ['by one of its addresses', null, named({ cloneUrls: ['https://a/b', url] }), 'same'],
    ['by its name', null, named({ fullName: 'Team/repo' }), 'same'],
    [
      'by its name below another host’s name',
      null,
      named({ fullName: 'team/repo', cloneUrls: ['https://inner/x'] }),
      'same',
    ],
    [
      'by its name although made anew, where its host has another one',
      '7',
      named({ hostRepoId: '8', fullName: 'team/repo', cloneUrls: ['https://inner/team/repo'] }),
      'same',
    ],
    ['that names nothing', '7', named({}), 'unknown'],
    ['that names an id alone, the first', null, named({ hostRepoId: '7' }), 'unknown'],
    ['of another id', '7', named({ hostRepoId: '8' }), 'other'],
    ['of another address', null, named({ cloneUrls: ['https://git.example.com/team/other.git'] }), 'other'],
    ['of another host', null, named({ cloneUrls: ['https://elsewhere.example/team/repo.git'] }), 'other'],
    ['of a name that ends alike', null, named({ fullName: 'steam/repo' }), 'other'],
    ['of a part of the name', null, named({ fullName: 'team' }), 'other'],
  ])('%s', (_, hostRepoId, repo, match) => {
    expect(matchRepository({ url, hostRepoId }, repo)).toBe(match);
  });
});

describe('a delivery of a repository of the same end of a path', () => {
  const own = { url: 'https://gitlab.example/a/team/repo.git', hostRepoId: '5' };
  const other = { fullName: 'team/repo', cloneUrls: ['https://gitlab.example/team/repo.git'] };

  it.each<[string, string | null, RepoKey, string]>([
    ['is another one’s by its id', '5', { ...other, hostRepoId: '7' }, 'other'],
    ['is the connector’s by its id', '5', { ...other, hostRepoId: '5' }, 'same'],
    ['may be the connector’s where no id is known', null, { ...other, hostRepoId: '7' }, 'same'],
    ['may be the connector’s where no id is told', '5', other, 'same'],
    [
      'may be made anew where nothing but the name is told',
      '5',
      { ...other, hostRepoId: '7', cloneUrls: [] },
      'same',
    ],
  ])('%s', (_, hostRepoId, repo, match) => {
    expect(matchRepository({ ...own, hostRepoId }, repo)).toBe(match);
  });
});

describe('the name that a delivery gives', () => {
  const own = 'https://git.example.com/team/repo.git';
  const anew = 'https://git.example.com/team/new.git';

  it.each<[string, string, Partial<RepoKey>, string | null | undefined]>([
    ['is the connector’s', own, { fullName: 'Team/Repo' }, null],
    ['is the connector’s at another name of the host', own, { cloneUrls: ['https://inner/team/repo'] }, null],
    [
      'is the connector’s below a path',
      'https://git.example.com/forge/team/repo',
      { fullName: 'team/repo' },
      null,
    ],
    ['is not told', own, {}, undefined],
    ['is no address', own, { cloneUrls: ['no url'] }, undefined],
    ['is another one', own, { fullName: 'team/new' }, 'team/new'],
    ['is another one with an address', own, { fullName: 'team/new', cloneUrls: [anew] }, anew],
    ['is another address alone', own, { cloneUrls: [anew] }, anew],
    ['holds a password', own, { cloneUrls: [anew.replace('://', '://a:b@')] }, anew],
    [
      'is for SSH where the connector is not',
      own,
      { cloneUrls: ['git@git.example.com:team/new.git', anew] },
      anew,
    ],
    [
      'is for HTTP where the connector is not',
      'git@git.example.com:team/repo.git',
      { cloneUrls: [anew, 'git@git.example.com:team/new.git'] },
      'git@git.example.com:team/new.git',
    ],
    [
      'holds a password for SSH',
      'ssh://git@git.example.com/team/repo.git',
      { cloneUrls: ['ssh://git:pw@git.example.com/team/new.git'] },
      'ssh://git@git.example.com/team/new.git',
    ],
  ])('%s', (_, url, named, given) => {
    expect(nameGiven(url, { cloneUrls: [], ...named })).toBe(given);
  });
});
