import { describe, expect, it } from 'vitest';
import type { Connector } from '../../../src/connectors/connectors.repository.js';
import { goElsewhere } from '../../../src/connectors/destination.js';

const at = (url: string, more: Partial<Connector> = {}): Connector => ({
  scope: 'accounts/a',
  id: 'c',
  url,
  connectivity: 'delegate',
  group: null,
  tags: [],
  credential: null,
  apiCredential: null,
  trust: null,
  knownHosts: null,
  provider: 'generic',
  apiUrl: null,
  revision: 'r',
  renamedTo: null,
  ...more,
});

describe('what a connector shows', () => {
  it.each([
    ['https://git.example/a.git', 'https://git.example:8443/a.git'],
    ['https://git.example/a.git', 'http://git.example/a.git'],
    ['https://[fd00::1]/a.git', 'https://[fd00::2]/a.git'],
    ['ssh://git@git.example/a.git', 'ssh://git@other.example/a.git'],
    ['ssh://git@[fd00::1]/a.git', 'ssh://git@[fd00::2]/a.git'],
    ['git@git.example:a.git', 'git@other.example:a.git'],
    ['git@git.example:a.git', 'ada@git.example:a.git'],
    ['git@[fd00::1]:a.git', 'git@[fd00::2]:a.git'],
  ])('goes elsewhere: from %s to %s', (from, to) => {
    expect(goElsewhere(at(from), at(to))).toBe(true);
  });

  it.each([
    ['https://git.example/a.git', 'https://git.example/b.git'],
    ['ssh://git@[fd00::1]:22/a.git', 'ssh://git@[fd00::1]:22/b.git'],
    ['git@git.example:a.git', 'git@git.example:b:c.git'],
    ['git@[fd00::1]:a.git', 'git@[fd00::1]:b.git'],
  ])('stays with the host: from %s to %s', (from, to) => {
    expect(goElsewhere(at(from), at(to, { tags: ['eu'] }))).toBe(false);
  });
});
