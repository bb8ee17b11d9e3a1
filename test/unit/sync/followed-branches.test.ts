import { expect, it } from 'vitest';
import { chooseBranches } from '../../../src/sync/followed-branches.js';

const head = 'a'.repeat(40);
const refs = (names: string[], byDefault: string | null = 'main') => ({
  branches: Object.fromEntries(names.map((name) => [name, head])),
  default: byDefault,
});
const names = ({ followed }: { followed: Set<string> }): string[] => [...followed];

it('follows the default branch where no pattern says otherwise, and none where there is none', () => {
  expect(names(chooseBranches([], refs(['main', 'other'])))).toEqual(['main']);
  expect(names(chooseBranches([], refs(['other'], null)))).toEqual([]);
});

it('follows what fits any of the patterns, as many as there may be', () => {
  const chosen = chooseBranches(['release/*', 'main'], refs(['release/2', 'main', 'x', 'release/1']), 3);
  expect(names(chosen)).toEqual(['main', 'release/1', 'release/2']);
  expect(chosen.fault).toBeNull();
});

it('follows the first by name of too many, whatever order the host has, and says so of the rest', () => {
  const { followed, fault } = chooseBranches(['r/*'], refs(['r/c', 'r/a', 'main', 'r/d', 'r/b']), 2);
  expect([...followed]).toEqual(['r/a', 'r/b']);
  expect(fault).toMatchObject({
    code: 'TRACKING_LIMIT_EXCEEDED',
    message: '4 branches fit the patterns of the tracking; the first 2 by name are followed, up to r/b',
  });
});

it('passes over names that nobody may save to, says so once, and follows all others', () => {
  const long = `r/${'x'.repeat(249)}`;
  const { followed, fault } = chooseBranches(['r/*'], refs(['r/a', long, 'r/b', 'r/\ud800']));
  expect([...followed]).toEqual(['r/a', 'r/b']);
  expect(fault).toMatchObject({
    code: 'BRANCH_UNFIT',
    message: `2 branches of the tracking are passed over for their names; the first of them, r/${'x'.repeat(98)}…, does not have 1 to 250 bytes`,
  });
});

it('follows no default branch of such a name, and says why', () => {
  const name = 'x'.repeat(251);
  const { followed, fault } = chooseBranches([], refs([name], name));
  expect([...followed]).toEqual([]);
  expect(fault?.code).toBe('BRANCH_UNFIT');
});
