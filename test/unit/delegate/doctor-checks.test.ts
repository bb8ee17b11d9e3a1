import { describe, expect, it } from 'vitest';
import { clockSkewMaxMs } from '../../../src/contract/messages.js';
import { contractOldest, contractVersion } from '../../../src/contract/version.js';
import { hostsOf } from '../../../workers/commands/checks/git-hosts.js';
import { judgeClock, judgeContract } from '../../../workers/commands/checks/manager.js';
import { judgeReach } from '../../../workers/commands/checks/queue.js';

describe('the clock', () => {
  const header = 'Wed, 01 Jul 2026 12:00:00 GMT';
  const at = Date.parse(header) + 500;

  it.each([
    [0, 'ok', '0 s behind'],
    [clockSkewMaxMs / 2, 'ok', '30 s ahead of'],
    [-clockSkewMaxMs / 2 - 1_000, 'note', '31 s behind'],
    [clockSkewMaxMs, 'note', '60 s ahead of'],
    [clockSkewMaxMs + 1_000, 'wrong', '61 s ahead of'],
    [-clockSkewMaxMs - 1_000, 'wrong', '61 s behind'],
  ])('%i ms from the manager’s is %s', (awayMs, status, found) => {
    expect(judgeClock(header, at + awayMs)).toMatchObject({ status, found: `${found} the manager’s` });
  });

  it.each([[null], ['tomorrow']])('of a manager that says %j is left to people', (date) => {
    expect(judgeClock(date, at).status).toBe('note');
  });
});

describe('the contract', () => {
  it.each([
    [{ contract: contractVersion, contractOldest }, 'ok', undefined],
    [{ contract: contractVersion }, 'ok', undefined],
    [{ contract: contractVersion + 1, contractOldest: contractVersion }, 'ok', undefined],
    [
      { contract: contractVersion + 1, contractOldest: contractVersion + 1 },
      'wrong',
      'Upgrade this delegate',
    ],
    [{ contract: contractOldest - 1, contractOldest: contractOldest - 1 }, 'wrong', 'Upgrade the manager'],
    [{}, 'note', 'Upgrade the manager'],
  ])('of a manager with %j is %s', (health, status, mend) => {
    expect(judgeContract(health)).toMatchObject(mend === undefined ? { status } : { status, mend });
  });
});

describe('access to the queue', () => {
  it.each([
    [{ own: null, others: [] }, 'ok', 'are shut'],
    [{ own: 'NOPERM', others: [] }, 'wrong', 'its own queue is shut to it: NOPERM'],
    [{ own: null, others: ['the manager’s jobs'] }, 'wrong', 'it may also read the manager’s jobs'],
  ])('%j is %s', (reach, status, found) => {
    expect(judgeReach(reach)).toMatchObject({ status, found: expect.stringContaining(found) });
  });
});

it('hosts of patterns are those without a *, each once', () => {
  const patterns = ['git.example/a/**', 'Git.Example/b', '*.corp/**', 'git.example:8443/**', '10.1.2.3'];
  expect(hostsOf(patterns)).toEqual(['git.example', 'git.example:8443', '10.1.2.3']);
  expect(hostsOf([])).toEqual([]);
});
