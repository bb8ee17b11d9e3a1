// What Prometheus reads, taken apart; and Prometheus' own program to judge it.
import { spawnSync } from 'node:child_process';
import type { RunningProcess } from './processes.js';
import { findProgram } from './servers.js';

export interface ToldMetric {
  name: string;
  type: string;
  help: string;
  /** Names of the labels that its series have, in order; what histograms have besides is left out. */
  labels: string[];
  /** How many series there are. */
  series: number;
}

/** Of the text of an endpoint. */
export function readMetrics(text: string): ToldMetric[] {
  const lines = text.split('\n');
  const told = (what: string): string[][] =>
    lines.flatMap((line) => {
      const [, name = '', rest = ''] = new RegExp(`^# ${what} (\\S+) (.*)$`).exec(line) ?? [];
      return name === '' ? [] : [[name, rest]];
    });
  const helps = new Map(told('HELP').map(([name = '', help = '']) => [name, help]));
  const series = new Map<string, string[]>();
  const types = new Map(told('TYPE').map(([name = '', type = '']) => [name, type]));
  for (const line of lines) {
    const [, full = '', labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (full === '') continue;
    const name = types.has(full) ? full : full.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(name)) throw new Error(`${full} has no type`);
    series.set(name, [...(series.get(name) ?? []), labels]);
  }
  return [...types].map(([name, type]) => {
    const all = series.get(name) ?? [];
    return { name, type, help: helps.get(name) ?? '', labels: labelsOf(all), series: all.length };
  });
}

function labelsOf(all: string[]): string[] {
  const names = all.flatMap((labels) =>
    [...labels.matchAll(/([a-zA-Z_]\w*)="/g)].map(([, name = '']) => name),
  );
  return [...new Set(names)].filter((name) => name !== 'le');
}

/** Where a process tells of its health, by its log. */
export function signsOf(process: RunningProcess | undefined): string {
  const line = process
    ?.output()
    .split('\n')
    .find((one) => one.includes('"tells of its health"'));
  return (JSON.parse(line ?? '{}') as { url: string }).url;
}

/** Value of a series, as it is written: `name{a="b"}`; undefined where there is none. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** What the program says, and whether it is content. */
export function runPromtool(args: string[], input = ''): { code: number; said: string } {
  const program = findProgram('promtool', 'prometheus');
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  return { code: status ?? -1, said: `${stdout}${stderr}` };
}
