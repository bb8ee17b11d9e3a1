import { describe, expect, it } from 'vitest';
import {
  type Delivered,
  depthsOf,
  durationsOf,
  lagsOf,
  lanesOf,
  quantile,
  samplesOf,
  slotsOf,
  stalenessOf,
  type Told,
} from '../../../web/overview/statistics.js';

const NOW = Date.parse('2026-11-27T10:00:30.000Z');
/** The last has had half its time. */
const MINUTES = { nowMs: NOW, count: 3, lengthMs: 60_000 };
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
      MINUTES,
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
    expect(slotsOf([told('succeeded', 1_000, 900)], MINUTES).map(({ succeeded }) => succeeded)).toEqual([
      0, 0, 0,
    ]);
  });
});

describe('what was cancelled', () => {
  const cancelled = [told('cancelled', 11, 10), told('failed', 11, 10), told('conflict', 11, 10)];

  it('is no failure of its slot', () => {
    expect(slotsOf(cancelled, MINUTES).map(({ succeeded, failed }) => [succeeded, failed])).toEqual([
      [0, 0],
      [0, 0],
      [0, 2],
    ]);
  });

  it('is no failure of its lane, which is there all the same', () => {
    const alone = told('cancelled', 11, 10, 'alone');
    expect(
      lanesOf([...cancelled, alone]).map(({ branch, succeeded, failed, waiting }) => [
        branch,
        succeeded,
        failed,
        waiting,
      ]),
    ).toEqual([
      ['main', 0, 2, 0],
      ['alone', 0, 0, 0],
    ]);
  });
});

describe('depths', () => {
  const depthsIn = (operations: Told[]): unknown => depthsOf(operations, MINUTES).map(({ value }) => value);

  it('are how many waited at once, at most, also where they waited through the whole slot', () => {
    expect(depthsIn([told('pending', 500, null), told('succeeded', 25, 20), told('failed', 24, 10)])).toEqual(
      [1, 1, 3],
    );
  });

  it('do not add up what waited one after the other', () => {
    expect(depthsIn([told('succeeded', 20, 15), told('succeeded', 15, 10), told('cancelled', 9, 8)])).toEqual(
      [0, 0, 1],
    );
  });

  it('of a time in which nothing waited are 0, and not unknown', () => {
    expect(depthsIn([told('succeeded', 1_000, 900)])).toEqual([0, 0, 0]);
    expect(depthsIn([])).toEqual([0, 0, 0]);
  });
});

describe('lags of webhooks', () => {
  const delivered = (came: number, done: number | null, over: Partial<Delivered> = {}): Delivered => ({
    state: done === null ? 'waiting' : 'done',
    receivedAt: at(came),
    processedAt: done === null ? null : at(done),
    replays: 0,
    ...over,
  });
  const lagsIn = (deliveries: Delivered[]): unknown =>
    lagsOf(deliveries, MINUTES).map(({ median, slowest }) => [median, slowest]);

  it('are told where they came, also where they were processed later', () => {
    expect(lagsIn([delivered(40, 5), delivered(10, 9), delivered(12, 4)])).toEqual([
      [null, null],
      [35_000, 35_000],
      [1_000, 8_000],
    ]);
  });

  it('grow while a delivery waits', () => {
    expect(lagsIn([delivered(80, null)])).toEqual([
      [null, null],
      [80_000, 80_000],
      [null, null],
    ]);
  });

  it('leave out what was refused, replayed, or came before', () => {
    const left = [
      delivered(10, null, { state: 'refused' }),
      delivered(10, 1, { replays: 1 }),
      delivered(500, 499),
    ];
    expect(lagsIn(left)).toEqual(Array(3).fill([null, null]));
  });
});

describe('freshness', () => {
  const followed = (polled: number | null, state = 'current', synced: number | null = 900) => ({
    polledAt: polled === null ? null : at(polled),
    followed: [{ state, syncedAt: synced === null ? null : at(synced) }],
  });

  it.each([
    ['is since the last look, whenever the copy changed last', [followed(20)], 20_000],
    ['is that of the copy that was looked at longest ago', [followed(20), followed(50), followed(5)], 50_000],
    ['of a branch that has moved on is since it was read', [followed(20, 'behind', 300)], 300_000],
    ['of a branch that is gone is since the last look', [followed(20, 'gone', 300)], 20_000],
    ['of what nobody looked at yet is unknown', [followed(null, 'behind', null)], null],
    ['of nothing is unknown', [], null],
    ['is never less than none, over clocks that differ', [followed(-3)], 0],
  ])('%s', (_, trackings, expected) => {
    expect(stalenessOf(trackings, NOW)).toBe(expected);
  });

  it('over time is the worst of each slot, and unknown where nobody looked', () => {
    const samples = [100, 20, 10].map((ago, value) => ({ at: NOW - ago * 1_000, value }));
    expect(samplesOf(samples, MINUTES).map(({ value }) => value)).toEqual([0, null, 2]);
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
