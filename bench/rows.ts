// From samples to rows, and from rows to what was promised. Pure.
import { catalogue, ONE_PUSH, ONE_PUSH_OF, SALLYPORT } from './methods/catalogue.js';
import type { OperationName } from './methods/method.js';
import type { RepositoryName } from './repositories.js';

export interface Sample {
  ms: number;
  cpuMs: number;
  rssMiB: number;
  childrenMiB: number | null;
  requests: number;
  bytesUp: number;
  bytesDown: number;
  serverMs: number;
}

export interface Key {
  operation: OperationName;
  repository: RepositoryName;
  latencyMs: number;
  method: string;
}

/** Measures are `null` where nothing was measured; the note says why. */
export interface Row extends Key {
  medianMs: number | null;
  p95Ms: number | null;
  cpuMs: number | null;
  rssMiB: number | null;
  requests: number | null;
  bytesUp: number | null;
  bytesDown: number | null;
  serverMs: number | null;
  /** How many times as long as Sallyport in process: cold against cold, warm against warm. */
  ratioToSallyport: number | null;
  rounds: number;
  note: string | null;
}

export interface Target {
  target: string;
  measured: string;
  met: boolean | null;
}

/** The row of one method's samples. The first round warms up: its time counts only where there is no other. */
export function summarize(key: Key, samples: Sample[], note: string | null): Row {
  const counted = samples.length > 1 ? samples.slice(1) : samples;
  const middle = (of: (sample: Sample) => number, digits = 0): number | null =>
    counted.length === 0 ? null : round(quantile(counted.map(of), 0.5), digits);
  const first = samples[0];
  const cpu = counted.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / counted.length;
  return {
    ...key,
    medianMs: middle(({ ms }) => ms, 1),
    p95Ms:
      counted.length === 0
        ? null
        : round(
            quantile(
              counted.map(({ ms }) => ms),
              0.95,
            ),
            1,
          ),
    cpuMs: counted.length === 0 ? null : round(cpu, 1),
    rssMiB: first === undefined ? null : round(first.rssMiB + (first.childrenMiB ?? 0), 1),
    requests: middle(({ requests }) => requests),
    bytesUp: middle(({ bytesUp }) => bytesUp),
    bytesDown: middle(({ bytesDown }) => bytesDown),
    serverMs: middle(({ serverMs }) => serverMs, 1),
    ratioToSallyport: null,
    rounds: counted.length,
    note,
  };
}

export function addRatios(rows: Row[]): Row[] {
  return rows.map((row) => {
    const { state } = catalogue[row.method === ONE_PUSH ? ONE_PUSH_OF : row.method] ?? { state: 'warm' };
    const ours = find(rows, { ...row, method: SALLYPORT[state] })?.medianMs ?? null;
    const times = ratio(row.medianMs, ours);
    return { ...row, ratioToSallyport: times === null ? null : round(times, 2) };
  });
}

/** What the engine is held to, computed from the rows. `met` is `null` where a row for it is missing. */
export function judgeTargets(rows: Row[], roundTripMs: Record<string, number>): Target[] {
  const at = (operation: OperationName, method: string, latencyMs = 0): Row | undefined =>
    find(rows, { operation, method, latencyMs, repository: 'medium' });
  const warm = SALLYPORT.warm;
  const times = (target: string, least: number, theirs: Row | undefined, ours: Row | undefined): Target =>
    atLeast(`${target}, at least ${least} times`, least, ratio(theirs?.medianMs, ours?.medianMs));
  const readers = rows.filter(
    ({ operation, repository, latencyMs, method, medianMs }) =>
      `${operation} ${repository} ${latencyMs}` === 'read medium 0' &&
      !method.startsWith('Sallyport') &&
      medianMs !== null,
  );
  const best = readers.toSorted((a, b) => (a.medianMs ?? 0) - (b.medianMs ?? 0))[0];
  return [
    ...[0, 50].map((latencyMs) => judgeShare(at('save', warm, latencyMs), latencyMs, roundTripMs)),
    times('warm save against warm simple-git', 5, at('save', 'simple-git, warm clone'), at('save', warm)),
    times(
      'warm save against simple-git’s shallow clone',
      40,
      at('save', 'simple-git, shallow clone'),
      at('save', warm),
    ),
    times(
      '100 waiting saves against warm simple-git',
      150,
      at('save100', 'simple-git, warm clone'),
      at('save100', warm),
    ),
    times(
      '100 waiting saves against warm isomorphic-git',
      60,
      at('save100', 'isomorphic-git, warm'),
      at('save100', warm),
    ),
    times(
      'cold save against simple-git’s shallow clone',
      10,
      at('save', 'simple-git, shallow clone'),
      at('save', SALLYPORT.cold),
    ),
    judgeMemory(rows),
    times(`read at head against the best alternative (${best?.method ?? 'none'})`, 5, best, at('read', warm)),
  ];
}

function judgeShare(row: Row | undefined, latencyMs: number, roundTripMs: Record<string, number>): Target {
  const target = `warm save at ${latencyMs} ms within 1.25 of the server’s time and one round trip`;
  const trip = roundTripMs[String(latencyMs)];
  if (row?.medianMs == null || row.serverMs === null || trip === undefined) return missing(target);
  const share = row.medianMs / (row.serverMs + trip);
  const measured = `${share.toFixed(2)} (${row.medianMs} ms; server ${row.serverMs}, round trip ${trip})`;
  return { target, measured, met: share <= 1.25 };
}

function judgeMemory(rows: Row[]): Target {
  const target = 'memory above idle on the large repository, under 32 MiB for every operation in process';
  const ours = rows.filter(
    ({ repository, latencyMs, method, rssMiB }) =>
      `${repository} ${latencyMs}` === 'large 0' &&
      Object.values(SALLYPORT).includes(method) &&
      rssMiB !== null,
  );
  const most = ours.toSorted((a, b) => (b.rssMiB ?? 0) - (a.rssMiB ?? 0))[0];
  if (most === undefined) return missing(target);
  const measured = `${most.rssMiB} MiB (${most.operation}, ${most.method})`;
  return { target, measured, met: (most.rssMiB ?? 0) < 32 };
}

function atLeast(target: string, least: number, measured: number | null): Target {
  if (measured === null) return missing(target);
  return { target, measured: `${measured.toFixed(1)} times`, met: measured >= least };
}

function missing(target: string): Target {
  return { target, measured: 'not measured', met: null };
}

function ratio(theirs: number | null | undefined, ours: number | null | undefined): number | null {
  return theirs == null || ours == null ? null : theirs / ours;
}

function find(rows: Row[], key: Key): Row | undefined {
  return rows.find(
    (row) =>
      row.operation === key.operation &&
      row.repository === key.repository &&
      row.latencyMs === key.latencyMs &&
      row.method === key.method,
  );
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? 0;
  return low + (high - low) * (at - Math.floor(at));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
