// What the bench says: a table and the targets for the terminal, JSON, and the same as a section of the documentation.
import type { Row, Target } from './rows.js';

export interface Results {
  date: string;
  versions: Record<string, string>;
  cpus: number;
  rounds: number;
  /** Operations whose outcome was found on the server's disk; one that was not ends the run. */
  verified: number;
  /** One request through the line to a server that has nothing to do, by added latency. */
  roundTripMs: Record<string, number>;
  rows: Row[];
  targets: Target[];
}

type Cells = string[];

const COLUMNS: [string, (row: Row) => string][] = [
  ['operation', ({ operation }) => operation],
  ['repository', ({ repository }) => repository],
  ['latency', ({ latencyMs }) => `${latencyMs}`],
  ['method', ({ method }) => method],
  ['median ms', ({ medianMs }) => show(medianMs)],
  ['p95 ms', ({ p95Ms }) => show(p95Ms)],
  ['cpu ms', ({ cpuMs }) => show(cpuMs)],
  ['MiB', ({ rssMiB }) => show(rssMiB)],
  ['requests', ({ requests }) => show(requests)],
  ['bytes up', ({ bytesUp }) => show(bytesUp)],
  ['bytes down', ({ bytesDown }) => show(bytesDown)],
  ['server ms', ({ serverMs }) => show(serverMs)],
  ['× Sallyport', ({ ratioToSallyport }) => show(ratioToSallyport)],
  ['rounds', ({ rounds, note }) => (note === null ? `${rounds}` : `${rounds}: ${note}`)],
];

export function printTable(results: Results): string {
  const cells = [COLUMNS.map(([title]) => title), ...results.rows.map(cellsOf)];
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  const print = (line: Cells): string =>
    line
      .map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return cells.map(print).join('\n');
}

export function printTargets({ targets }: Results): string {
  return ['Targets', ...targets.map((one) => `${verdict(one)}  ${one.target}: ${one.measured}`)].join('\n');
}

/** The page with the part between its markers made anew. */
export function fillPage(page: string, results: Results): string {
  const [before, rest] = page.split('<!-- results -->\n');
  const after = rest?.split('<!-- end of results -->\n')[1];
  if (before === undefined || after === undefined) throw new Error('The page has no place for the results');
  return `${before}<!-- results -->\n${describe(results)}<!-- end of results -->\n${after}`;
}

function describe(results: Results): string {
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  const trips = Object.entries(results.roundTripMs).map(([latency, ms]) => `${ms} ms at ${latency} ms`);
  const intro = `Measured on ${results.date} with ${versions.join(', ')}; ${results.cpus} CPUs, up to ${results.rounds} rounds, ${results.verified} operations verified. One empty round trip: ${trips.join(', ')} added latency.`;
  const table = (titles: Cells, lines: Cells[]): string =>
    [titles, titles.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
  const targets = results.targets.map((one) => [one.target, one.measured, verdict(one)]);
  return [
    '',
    intro,
    '',
    '### Targets',
    '',
    table(['target', 'measured', ''], targets),
    '',
    '### All rows',
    '',
    table(
      COLUMNS.map(([title]) => title),
      results.rows.map(cellsOf),
    ),
    '',
    '',
  ].join('\n');
}

const cellsOf = (row: Row): Cells => COLUMNS.map(([, show_]) => show_(row));
const isText = (column: number): boolean => column < 2 || column === 3 || column === COLUMNS.length - 1;
const show = (value: number | null): string => (value === null ? '–' : `${value}`);

function verdict({ met }: Target): string {
  if (met === null) return 'unknown';
  return met ? 'met' : 'missed';
}
