// What the bench of webhooks says: for the terminal, and as a section of the documentation.
import { fillSection, table, verdict } from './delegates-report.js';
import type { Target } from './rows.js';

/** The door of a manager, and a bare route that answers 202. */
export const wayNames = ['door', 'bare'] as const;
export type WayName = (typeof wayNames)[number];

export interface Latencies {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface WebhookResults {
  date: string;
  versions: Record<string, string>;
  cpus: number;
  /** Bytes of a body. */
  bodyBytes: number;
  perSecond: number;
  /** For so long, each way. */
  seconds: number;
  /** Deliveries that arrive at a steady rate, whatever becomes of those before them. */
  steady: Record<WayName, Latencies>;
  /** Answers a second, with so many requests under way at any time. */
  most: Record<WayName, number>;
  atOnce: number;
  /** From when the last of the steady ones was answered until all were processed. */
  settledMs: number;
  /** Refusals a second of a caller that is known, with a proof that is wrong. */
  refusedPerSecond: number;
  targets: Target[];
}

const P99_MS_MAX = 1_000;

export function summarizeLatencies(times: number[]): Latencies {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number): number =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

export function judgeWebhooks({ steady, perSecond }: Pick<WebhookResults, 'steady' | 'perSecond'>): Target[] {
  return [
    {
      target: `99 of 100 deliveries are answered within ${P99_MS_MAX / 1_000} s while ${perSecond} a second arrive`,
      measured: `${steady.door.p99Ms} ms`,
      met: steady.door.p99Ms < P99_MS_MAX,
    },
  ];
}

export function printWebhooks(results: WebhookResults): string {
  const { steady, most, settledMs, refusedPerSecond, targets } = results;
  return [
    ...wayNames.map(
      (name) =>
        `${name}: p50 ${steady[name].p50Ms} ms, p99 ${steady[name].p99Ms} ms, longest ${steady[name].maxMs} ms; at most ${most[name]} a second`,
    ),
    `processed ${settledMs} ms after the last answer; ${refusedPerSecond} refusals a second`,
    'Targets',
    ...targets.map((one) => `${verdict(one)}  ${one.target}: ${one.measured}`),
  ].join('\n');
}

/** The page with the part between its markers made anew. */
export const fillWebhooks = (page: string, results: WebhookResults): string =>
  fillSection(page, 'webhooks', describe(results));

const titles: Record<WayName, string> = {
  door: 'the door',
  bare: 'a route that answers 202',
};

function describe(results: WebhookResults): string {
  const { date, versions, cpus, bodyBytes, perSecond, seconds, steady, most, atOnce } = results;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  // What is sent a little before it is due may be answered before, too.
  const ratio = (of: (name: WayName) => number): string =>
    of('bare') > 0 ? `${(of('door') / of('bare')).toFixed(1)} times` : '';
  return [
    '',
    `Measured on ${date} with ${named.join(', ')}; ${cpus} CPUs, bodies of ${bodyBytes} bytes, ${seconds} s each way.`,
    '',
    table(
      ['target', 'measured', ''],
      ...results.targets.map((one) => [one.target, one.measured, verdict(one)]),
    ),
    '',
    table(
      [`${perSecond} deliveries a second`, 'p50 ms', 'p99 ms', 'longest ms', `a second, ${atOnce} at once`],
      ...wayNames.map((name) => [
        titles[name],
        steady[name].p50Ms,
        steady[name].p99Ms,
        steady[name].maxMs,
        most[name],
      ]),
      [
        'the one to the other',
        ratio((name) => steady[name].p50Ms),
        ratio((name) => steady[name].p99Ms),
        '',
        ratio((name) => most[name]),
      ],
    ),
    '',
    `All were processed ${results.settledMs} ms after the last was answered. Wrong proofs of a caller that is known are refused at ${results.refusedPerSecond} a second.`,
    '',
    '',
  ].join('\n');
}
