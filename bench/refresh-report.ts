// What the bench of refreshes says: for the terminal, and as a section of the documentation.
import { fillSection, type Times, table, verdict } from './delegates-report.js';
import type { Target } from './rows.js';

/** What passed between the manager, or the contender, and the Git host. */
export interface Wire {
  requests: number;
  bytes: number;
}

/** The manager’s, in MiB. */
export interface Memory {
  before: number;
  peak: number;
  after: number;
}

/** One way of doing it. */
export interface Way extends Times, Wire {}

export interface Cold {
  product: Way;
  imported: Way;
  clone: Way;
  cloneToDatabase: Way;
  memory: Memory;
  importMemory: Memory;
}

export interface One {
  product: Way;
  clone: Way;
  pull: Way;
  memory: Memory;
}

/** From the push’s begin, and from its end, until the API shows it, by webhook. */
export interface Webhook {
  sinceBegin: Times;
  sinceEnd: Times;
}

export interface All extends One {
  bytes: number;
}

/** A part of the pushes that was not asked for is missing. */
export interface SizeResults {
  files: number;
  bytes: number;
  cold: Cold;
  one?: One;
  webhook?: Webhook;
  all?: All;
}

export interface RefreshResults {
  date: string;
  versions: Record<string, string>;
  cpus: number;
  /** Rounds of cold ways, and pushes of one file. */
  rounds: number;
  pushes: number;
  sizes: SizeResults[];
  targets: Target[];
}

const FASTER_MIN = 20;
const SHOWN_MS_MAX = 2_000;
/** A push may take so much memory, whatever the repository's size. */
const ONE_MIB_MAX = 32;
/** And many files so many times their own bytes, with a floor for what the process is busy with anyway. */
const ALL_TIMES_MAX = 10;

export const judgeRefresh = ({ sizes }: Pick<RefreshResults, 'sizes'>): Target[] => sizes.flatMap(judgeSize);

function judgeSize({ files, cold, one, webhook, all }: SizeResults): Target[] {
  const count = files.toLocaleString('en');
  const coldTimes = timesAsFast(cold.product, cold.clone);
  const importTimes = timesAsFast(cold.imported, cold.clone);
  return [
    {
      target: `a repository of ${count} files is in the copy no later than clone-and-parse is done, cold`,
      measured: `${coldTimes} times as fast`,
      met: coldTimes >= 1,
    },
    {
      target: `a repository of ${count} files is imported no later than clone-and-parse is done, cold`,
      measured: `${importTimes} times as fast`,
      met: importTimes >= 1,
    },
    ...(one === undefined ? [] : judgeTime(count, one)),
    ...(webhook === undefined ? [] : judgeWebhook(count, webhook)),
    ...(one === undefined ? [] : judgeMemory(count, one)),
    ...(all === undefined ? [] : judgeAll(count, all)),
  ];
}

const timesAsFast = (product: Times, way: Times): number =>
  Number((way.medianMs / product.medianMs).toFixed(1));

function judgeTime(count: string, { product, clone }: One): Target[] {
  const times = timesAsFast(product, clone);
  return [
    {
      target: `a push of one file to a repository of ${count} files is shown ${FASTER_MIN} times faster than by clone-and-parse`,
      measured: `${times} times`,
      met: times >= FASTER_MIN,
    },
    {
      target: `a push of one file to a repository of ${count} files costs a listing of refs and one request for objects`,
      measured: `${product.requests} requests, ${product.bytes} bytes`,
      met: product.requests === 2,
    },
  ];
}

function judgeWebhook(count: string, { sinceEnd }: Webhook): Target[] {
  return [
    {
      target: `a push to a repository of ${count} files is shown within ${SHOWN_MS_MAX / 1_000} s by webhook, at the median`,
      measured: `${sinceEnd.medianMs} ms`,
      met: sinceEnd.medianMs < SHOWN_MS_MAX,
    },
  ];
}

function judgeMemory(count: string, { memory }: One): Target[] {
  const taken = memory.peak - memory.before;
  return [
    {
      target: `a push of one file to a repository of ${count} files takes less than ${ONE_MIB_MAX} MiB`,
      measured: `${taken} MiB`,
      met: taken < ONE_MIB_MAX,
    },
  ];
}

function judgeAll(count: string, { memory, bytes }: All): Target[] {
  const taken = memory.peak - memory.before;
  const most = Math.round(ONE_MIB_MAX + (ALL_TIMES_MAX * bytes) / 2 ** 20);
  return [
    {
      target: `a push of all of ${count} files takes less than ${most} MiB, ${ALL_TIMES_MAX} times their bytes and ${ONE_MIB_MAX} MiB`,
      measured: `${taken} MiB`,
      met: taken < most,
    },
  ];
}

export function printRefresh({ sizes, targets }: RefreshResults): string {
  return [
    ...sizes.flatMap((size) => [
      `${size.files} files, ${Math.round(size.bytes / 1024)} KiB`,
      ...rowsOf(size).map((row) => `  ${row.join(' | ')}`),
      ...memoryRows(size).map((row) => `  ${row.join(' | ')}`),
    ]),
    'Targets',
    ...targets.map((one) => `${verdict(one)}  ${one.target}: ${one.measured}`),
  ].join('\n');
}

/** The page with the part between its markers made anew. */
export const fillRefresh = (page: string, results: RefreshResults): string =>
  fillSection(page, 'refresh', describe(results));

function rowsOf({ cold, one, webhook, all }: SizeResults): (string | number)[][] {
  const line = (what: string, who: string, way: Way): (string | number)[] => [
    what,
    who,
    way.medianMs,
    way.p95Ms,
    way.requests,
    way.bytes,
  ];
  const others = (what: string, { pull, clone }: One) => [
    line(what, 'pull and parse what changed', pull),
    line(what, 'clone and parse', clone),
  ];
  const since = (who: string, { medianMs, p95Ms }: Times) => ['one file', who, medianMs, p95Ms, '–', '–'];
  return [
    line('cold', 'Sallyport', cold.product),
    line('cold', 'Sallyport, by an import', cold.imported),
    line('cold', 'clone and parse', cold.clone),
    line('cold', 'clone, parse and write rows', cold.cloneToDatabase),
    ...(one === undefined ? [] : [line('one file', 'Sallyport, told when the push was done', one.product)]),
    ...(webhook === undefined
      ? []
      : [
          since('Sallyport by webhook, since the push’s end', webhook.sinceEnd),
          since('Sallyport by webhook, since the push’s begin', webhook.sinceBegin),
        ]),
    ...(one === undefined ? [] : others('one file', one)),
    ...(all === undefined
      ? []
      : [
          line('all files', 'Sallyport, told when the push was done', all.product),
          ...others('all files', all),
        ]),
  ];
}

function memoryRows({ cold, one, all }: SizeResults): (string | number)[][] {
  const line = (what: string, part: { memory: Memory } | undefined) =>
    part === undefined ? [] : [[what, part.memory.before, part.memory.peak, part.memory.after]];
  const importing = { memory: cold.importMemory };
  return [
    ...line('cold', cold),
    ...line('cold, by an import', importing),
    ...line('one file', one),
    ...line('all files', all),
  ];
}

function describe(results: RefreshResults): string {
  const { date, versions, cpus, rounds, pushes, sizes, targets } = results;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    '',
    `Measured on ${date} with ${named.join(', ')}; ${cpus} CPUs, ${rounds} rounds in the cold, ${pushes} pushes of one file.`,
    '',
    table(['target', 'measured', ''], ...targets.map((one) => [one.target, one.measured, verdict(one)])),
    '',
    ...sizes.flatMap((size) => [
      table(
        [
          `${size.files.toLocaleString('en')} files, ${Math.round(size.bytes / 1024).toLocaleString('en')} KiB`,
          'how',
          'median ms',
          'p95 ms',
          'requests',
          'bytes',
        ],
        ...rowsOf(size),
      ),
      '',
      table(['the manager’s memory, MiB', 'before', 'peak', 'after'], ...memoryRows(size)),
      '',
    ]),
    '',
  ].join('\n');
}
