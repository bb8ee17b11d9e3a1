// What the last operations say of how it goes: how many, how fast, and where something waits.
export interface Told {
  state: 'pending' | 'succeeded' | 'conflict' | 'failed' | 'cancelled';
  createdAt: string;
  finishedAt: string | null;
  git: { connector: string; branch: string } | null;
}

export interface Slot {
  /** Milliseconds since 1970: its begin. */
  at: number;
  succeeded: number;
  /** Conflicts as well. */
  failed: number;
  /** In ms from acceptance to the branch; null where none succeeded. */
  median: number | null;
  slowest: number | null;
}

/** Slots of the same length up to now, the oldest first; what ended before them is left out. */
export function slotsOf(operations: readonly Told[], nowMs: number, count: number, lengthMs: number): Slot[] {
  const end = Math.floor(nowMs / lengthMs) * lengthMs + lengthMs;
  return Array.from({ length: count }, (_, place) => {
    const at = end - (count - place) * lengthMs;
    const ended = operations.filter(({ finishedAt }) => {
      const time = finishedAt === null ? Number.NaN : Date.parse(finishedAt);
      return time >= at && time < at + lengthMs;
    });
    const took = durationsOf(ended);
    return {
      at,
      succeeded: took.length,
      failed: ended.length - took.length,
      median: quantile(took, 0.5),
      slowest: quantile(took, 1),
    };
  });
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
    } else lane.failed++;
  }
  return [...lanes.values()].toSorted(
    (one, other) =>
      other.waiting - one.waiting || other.succeeded + other.failed - one.succeeded - one.failed,
  );
}
