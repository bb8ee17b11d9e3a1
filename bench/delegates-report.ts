// What the bench of delegates says: for the terminal, and as a section of the documentation.
import type { Target } from './rows.js';

export interface Times {
  medianMs: number;
  p95Ms: number;
}

export interface DelegateResults {
  date: string;
  versions: Record<string, string>;
  cpus: number;
  saves: { count: number; direct: Times; delegated: Times };
  tasks: (Times & {
    /** Tasks on their way at any time, and what the delegate does at once. */
    concurrency: number;
    perSecond: number;
    /** For one task. */
    managerCpuMs: number;
    delegateCpuMs: number;
  })[];
  targets: Target[];
}

const ADDED_MS_MAX = 10;
const PER_SECOND_MIN = 1_000;

export function summarizeTimes(times: number[], digits = 1): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(digits));
  return { medianMs: at(0.5), p95Ms: at(0.95) };
}

export function judgeDelegates({ saves, tasks }: Pick<DelegateResults, 'saves' | 'tasks'>): Target[] {
  const addedMs = Number((saves.delegated.medianMs - saves.direct.medianMs).toFixed(1));
  const most = Math.max(...tasks.map(({ perSecond }) => perSecond));
  return [
    {
      target: `a save through a delegate takes less than ${ADDED_MS_MAX} ms more at the median`,
      measured: `${addedMs} ms`,
      met: addedMs < ADDED_MS_MAX,
    },
    {
      target: `${PER_SECOND_MIN.toLocaleString('en')} small tasks a second through one delegate, without Git`,
      measured: `${most.toLocaleString('en')} a second`,
      met: most >= PER_SECOND_MIN,
    },
  ];
}

export const verdict = ({ met }: Target): string => (met === true ? 'met' : 'missed');

export function printDelegates({ saves, tasks, targets }: DelegateResults): string {
  const { count, direct, delegated } = saves;
  return [
    `${count} saves each way: direct ${direct.medianMs} ms (p95 ${direct.p95Ms}), delegated ${delegated.medianMs} ms (p95 ${delegated.p95Ms})`,
    ...tasks.map(
      ({ concurrency, perSecond, medianMs, managerCpuMs, delegateCpuMs }) =>
        `${concurrency} at once: ${perSecond} tasks a second, ${medianMs} ms each; CPU ms: manager ${managerCpuMs}, delegate ${delegateCpuMs}`,
    ),
    'Targets',
    ...targets.map((one) => `${verdict(one)}  ${one.target}: ${one.measured}`),
  ].join('\n');
}

/** The page with the part between its markers made anew. */
export const fillDelegates = (page: string, results: DelegateResults): string =>
  fillSection(page, 'delegates', describe(results));

export function fillSection(page: string, name: string, text: string): string {
  const [before, rest] = page.split(`<!-- ${name} -->\n`);
  const after = rest?.split(`<!-- end of ${name} -->\n`)[1];
  if (before === undefined || after === undefined) throw new Error('The page has no place for the results');
  return `${before}<!-- ${name} -->\n${text}<!-- end of ${name} -->\n${after}`;
}

export const table = (...lines: (string | number)[][]): string =>
  lines
    .toSpliced(1, 0, lines[0]?.map(() => '---') ?? [])
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');

function describe({ date, versions, cpus, saves, tasks, targets }: DelegateResults): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    '',
    `Measured on ${date} with ${named.join(', ')}; ${cpus} CPUs, ${saves.count} saves over each road.`,
    '',
    table(['target', 'measured', ''], ...targets.map((one) => [one.target, one.measured, verdict(one)])),
    '',
    table(
      ['save', 'median ms', 'p95 ms'],
      ['connectivity `manager`', saves.direct.medianMs, saves.direct.p95Ms],
      ['connectivity `delegate`', saves.delegated.medianMs, saves.delegated.p95Ms],
    ),
    '',
    table(
      [
        'tasks at once',
        'tasks a second',
        'median ms',
        'p95 ms',
        'CPU ms of the manager',
        'CPU ms of the delegate',
      ],
      ...tasks.map((row) => [
        row.concurrency,
        row.perSecond,
        row.medianMs,
        row.p95Ms,
        row.managerCpuMs,
        row.delegateCpuMs,
      ]),
    ),
    '',
    '',
  ].join('\n');
}
