// What the last operations say of how it goes: how many, how fast, and where something waits.
export interface Told {
  state: 'pending' | 'succeeded' | 'conflict' | 'failed' | 'cancelled';
  createdAt: string;
  finishedAt: string | null;
  git: { connector: string; branch: string } | null;
}

/** What was cancelled did what was asked of it. */
const hasFailed = ({ state }: Pick<Told, 'state'>): boolean => state === 'failed' || state === 'conflict';

/** In ms; null where there was none. */
export interface Spread {
  /** Milliseconds since 1970: the begin of the slot. */
  at: number;
  median: number | null;
  slowest: number | null;
}

/** Its times are from acceptance to the branch. */
export interface Slot extends Spread {
  succeeded: number;
  /** Conflicts as well. */
  failed: number;
}

/** Slots of the same length. */
export interface Span {
  nowMs: number;
  count: number;
  lengthMs: number;
}

/** The begin of each, the oldest first; the last one holds the present. */
function beginsOf({ nowMs, count, lengthMs }: Span): number[] {
  const end = Math.floor(nowMs / lengthMs) * lengthMs + lengthMs;
  return Array.from({ length: count }, (_, place) => end - (count - place) * lengthMs);
}

/** What ended before the slots is left out. */
export function slotsOf(operations: readonly Told[], span: Span): Slot[] {
  return beginsOf(span).map((at) => {
    const ended = operations.filter(({ finishedAt }) => {
      const time = finishedAt === null ? Number.NaN : Date.parse(finishedAt);
      return time >= at && time < at + span.lengthMs;
    });
    const took = durationsOf(ended);
    return {
      at,
      succeeded: took.length,
      failed: ended.filter(hasFailed).length,
      median: quantile(took, 0.5),
      slowest: quantile(took, 1),
    };
  });
}

export interface Measured {
  /** Milliseconds since 1970: the begin of its slot. */
  at: number;
  /** Null where nobody looked. */
  value: number | null;
}

/** How many operations waited at once, at most, in each slot. */
export function depthsOf(operations: readonly Told[], span: Span): Measured[] {
  const waits = operations.map(({ createdAt, finishedAt }) => ({
    from: Date.parse(createdAt),
    to: finishedAt === null ? Number.POSITIVE_INFINITY : Date.parse(finishedAt),
  }));
  const depthAt = (time: number): number => waits.filter(({ from, to }) => from <= time && time < to).length;
  return beginsOf(span).map((at) => {
    // It is deepest where one has just come.
    const rises = waits.map(({ from }) => from).filter((from) => from > at && from < at + span.lengthMs);
    return { at, value: Math.max(...[at, ...rises].map(depthAt)) };
  });
}

export interface Delivered {
  state: 'waiting' | 'done' | 'refused';
  receivedAt: string;
  processedAt: string | null;
  replays: number;
}

/** By when they came: how long deliveries waited to be processed, those that still wait up to now. */
export function lagsOf(deliveries: readonly Delivered[], span: Span): Spread[] {
  const lags = deliveries.flatMap(({ state, receivedAt, processedAt, replays }) => {
    // When one was processed first is not known once it was replayed.
    if (state === 'refused' || replays > 0) return [];
    const from = Date.parse(receivedAt);
    return [{ from, ms: Math.max(0, (processedAt === null ? span.nowMs : Date.parse(processedAt)) - from) }];
  });
  return beginsOf(span).map((at) => {
    const within = lags
      .filter(({ from }) => from >= at && from < at + span.lengthMs)
      .map(({ ms }) => ms)
      .toSorted((one, other) => one - other);
    return { at, median: quantile(within, 0.5), slowest: quantile(within, 1) };
  });
}

export interface Sample {
  at: number;
  value: number;
}

/** The greatest of the samples of each slot. */
export const samplesOf = (samples: readonly Sample[], span: Span): Measured[] =>
  beginsOf(span).map((at) => {
    const within = samples.filter((one) => one.at >= at && one.at < at + span.lengthMs);
    return { at, value: within.length === 0 ? null : Math.max(...within.map(({ value }) => value)) };
  });

/** In ms, since the copy that was looked at longest ago was known to be what Git holds; null where nothing is followed. */
export function stalenessOf(trackings: readonly Followed[], nowMs: number): number | null {
  const looked = trackings.flatMap(({ polledAt, followed }) => {
    const behind = followed.flatMap(({ state, syncedAt }) =>
      state === 'current' || state === 'gone' || syncedAt === null ? [] : [Date.parse(syncedAt)],
    );
    return polledAt === null ? behind : [Date.parse(polledAt), ...behind];
  });
  return looked.length === 0 ? null : Math.max(0, nowMs - Math.min(...looked));
}

export interface Followed {
  polledAt: string | null;
  followed: readonly { state: string; syncedAt: string | null }[];
}

/** In ms, sorted, of those that succeeded. */
export function durationsOf(operations: readonly Told[]): number[] {
  return operations
    .flatMap(({ state, createdAt, finishedAt }) =>
      state === 'succeeded' && finishedAt !== null ? [Date.parse(finishedAt) - Date.parse(createdAt)] : [],
    )
    .toSorted((one, other) => one - other);
}

/** Of sorted values; null of none. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

export interface Lane {
  connector: string;
  branch: string;
  waiting: number;
  /** Since when the oldest waits; null where nothing does. */
  since: string | null;
  succeeded: number;
  failed: number;
}

/** One repository and branch each; those where something waits first. */
export function lanesOf(operations: readonly Told[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const { git, state, createdAt } of operations) {
    if (git === null) continue;
    const { connector, branch } = git;
    const key = `${connector} ${branch}`;
    const lane = lanes.get(key) ?? { connector, branch, waiting: 0, since: null, succeeded: 0, failed: 0 };
    lanes.set(key, lane);
    if (state === 'succeeded') lane.succeeded++;
    else if (state === 'pending') {
      lane.waiting++;
      if (lane.since === null || createdAt < lane.since) lane.since = createdAt;
    } else if (hasFailed({ state })) lane.failed++;
  }
  return [...lanes.values()].toSorted(
    (one, other) =>
      other.waiting - one.waiting || other.succeeded + other.failed - one.succeeded - one.failed,
  );
}
