import { describe, expect, it } from 'vitest';
import { durationsOf, lanesOf, quantile, slotsOf, type Told } from '../../../web/overview/statistics.js';

const NOW = Date.parse('2026-11-27T10:00:30.000Z');
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1_000).toISOString();

const told = (state: Told['state'], begun: number, ended: number | null, branch = 'main'): Told => ({
  state,
  createdAt: at(begun),
  finishedAt: ended === null ? null : at(ended),
  git: { connector: 'direct', branch },
});

describe('slots', () => {
  it('hold what ended in them, the last one up to now', () => {
    const slots = slotsOf(
      [
        told('succeeded', 11, 10),
        told('succeeded', 15, 10),
        told('conflict', 11, 10),
        told('succeeded', 75, 70),
        told('pending', 5, null),
      ],
      NOW,
      3,
      60_000,
    );
    expect(
      slots.map(({ succeeded, failed, median, slowest }) => [succeeded, failed, median, slowest]),
    ).toEqual([
      [0, 0, null, null],
      [1, 0, 5_000, 5_000],
      [2, 1, 1_000, 5_000],
    ]);
    expect(slots.map(({ at: begin }) => new Date(begin).toISOString())).toEqual([
      '2026-11-27T09:58:00.000Z',
      '2026-11-27T09:59:00.000Z',
      '2026-11-27T10:00:00.000Z',
    ]);
  });

  it('leave out what ended before them', () => {
    expect(
      slotsOf([told('succeeded', 1_000, 900)], NOW, 2, 60_000).map(({ succeeded }) => succeeded),
    ).toEqual([0, 0]);
  });
});

it.each([
  [[], 0.5, null],
  [[7], 0.95, 7],
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3, 4], 1, 4],
  [[1, 2, 3, 4], 0, 1],
])('of %j at %d is %j', (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

it('durations are those of what succeeded, the shortest first', () => {
  expect(durationsOf([told('succeeded', 9, 2), told('failed', 9, 1), told('succeeded', 3, 2)])).toEqual([
    1_000, 7_000,
  ]);
});

it('lanes are told apart by branch, those where something waits first, with the oldest of it', () => {
  const inline: Told = { ...told('succeeded', 3, 2), git: null };
  const lanes = lanesOf([
    told('succeeded', 5, 4),
    told('pending', 2, null, 'two'),
    told('pending', 9, null, 'two'),
    told('failed', 5, 4),
    inline,
  ]);
  expect(
    lanes.map(({ branch, waiting, since, succeeded, failed }) => [branch, waiting, since, succeeded, failed]),
  ).toEqual([
    ['two', 2, at(9), 0, 0],
    ['main', 0, null, 1, 1],
  ]);
});
