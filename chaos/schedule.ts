// Pure: which faults happen when. The same seed and length give the same list.
import { Random } from './random.js';

export type FaultKind =
  | 'kill'
  | 'freeze'
  | 'redis-kill'
  | 'redis-empty'
  | 'redis-cut'
  | 'redis-stall'
  | 'redis-slow'
  | 'git-cut'
  | 'git-stall'
  | 'git-slow';

export interface Fault {
  /** After the beginning. */
  atMs: number;
  kind: FaultKind;
  /** Name of the process that is hit, or whose line is; `redis` or `git` where all are. */
  target: string;
  /** How long it lasts. */
  ms: number;
}

interface Chance {
  kind: FaultKind;
  weight: number;
  targets: 'processes' | 'redis' | 'git';
  ms: [min: number, max: number];
}

/** Longer than a lane's lease, and now and then longer than a delegate may be silent. */
const chances: Chance[] = [
  { kind: 'kill', weight: 6, targets: 'processes', ms: [0, 0] },
  { kind: 'freeze', weight: 4, targets: 'processes', ms: [500, 12_000] },
  { kind: 'redis-kill', weight: 2, targets: 'redis', ms: [100, 2_000] },
  { kind: 'redis-empty', weight: 0.6, targets: 'redis', ms: [100, 1_000] },
  { kind: 'redis-cut', weight: 3, targets: 'processes', ms: [0, 6_000] },
  { kind: 'redis-stall', weight: 2, targets: 'processes', ms: [500, 12_000] },
  { kind: 'redis-slow', weight: 1, targets: 'processes', ms: [2_000, 6_000] },
  { kind: 'git-cut', weight: 3, targets: 'git', ms: [0, 3_000] },
  { kind: 'git-stall', weight: 1, targets: 'git', ms: [500, 5_000] },
  { kind: 'git-slow', weight: 1, targets: 'git', ms: [2_000, 6_000] },
];

const PAUSE_MS_MIN = 1_500;
const PAUSE_MS_MAX = 4_500;

/** All faults begin and end within `seconds`. */
export function scheduleFaults(seed: number, seconds: number, processes: readonly string[]): Fault[] {
  const random = new Random(seed);
  const endMs = seconds * 1_000;
  const faults: Fault[] = [];
  for (let atMs = pause(random); atMs < endMs; atMs += pause(random)) {
    const { kind, targets, ms } = random.weigh(chances);
    const target = targets === 'processes' ? random.pick(processes) : targets;
    faults.push({ atMs, kind, target, ms: Math.min(random.between(...ms), endMs - atMs) });
  }
  return faults;
}

const pause = (random: Random): number => random.between(PAUSE_MS_MIN, PAUSE_MS_MAX);
