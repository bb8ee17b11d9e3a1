// Histories as nobody would make them by hand, in one run of fast-import: merges of any parents, files that become directories,
// directories that move, and clocks that go wrong.
import fs from 'node:fs';
import path from 'node:path';
import type { ReferenceRepository } from './git-reference.js';

/** What a commit does to the files that it begins with. */
export type Act =
  | { do: 'write'; path: string; content: string; mode?: '100644' | '100755' | undefined }
  | { do: 'remove'; path: string }
  | { do: 'move'; from: string; to: string };

export interface GrownCommit {
  /** Numbers of earlier commits of the same history. */
  parents: number[];
  /** Which parent’s files it begins with; of none where it has none. */
  keeps: number;
  acts: Act[];
  /** Seconds since 1970. */
  at: number;
  message?: string;
}

type Files = Map<string, { mode: string; content: string }>;

/** Puts each history onto a branch of this name and answers the ids of its commits, in their order. */
export function growHistories(
  repository: ReferenceRepository,
  histories: Record<string, GrownCommit[]>,
): Record<string, string[]> {
  const stream: string[] = [];
  const marks = new Map<string, number[]>();
  let mark = 0;
  for (const [branch, commits] of Object.entries(histories)) {
    const states: Files[] = [];
    const own: number[] = [];
    for (const [index, commit] of commits.entries()) {
      const { parents, keeps } = commit;
      const files: Files = new Map(states[parents[keeps % parents.length] ?? -1] ?? []);
      for (const act of commit.acts) perform(files, act);
      states.push(files);
      own.push(++mark);
      stream.push(describe(branch, index, { ...commit, marks: own, files }));
    }
    marks.set(branch, own);
  }
  const file = path.join(repository.folder, 'grown-marks');
  const input = stream.join('');
  repository.git(['fast-import', '--quiet', '--force', `--export-marks=${file}`], { input });
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  const ids = new Map(lines.map((line) => line.slice(1).split(' ') as [string, string]));
  const idOf = (one: number): string => ids.get(String(one)) as string;
  return Object.fromEntries([...marks].map(([branch, own]) => [branch, own.map(idOf)]));
}

function perform(files: Files, act: Act): void {
  if (act.do === 'remove') return removeBelow(files, act.path);
  if (act.do === 'write') {
    removeBelow(files, act.path);
    // A file in the way of its directories goes.
    for (const [name] of files) if (act.path.startsWith(`${name}/`)) files.delete(name);
    files.set(act.path, { mode: act.mode ?? '100644', content: act.content });
    return;
  }
  const moved = [...files].filter(([name]) => isBelow(name, act.from));
  for (const [name] of moved) files.delete(name);
  for (const [name, { mode, content }] of moved)
    perform(files, {
      do: 'write',
      path: act.to + name.slice(act.from.length),
      content,
      mode: mode as '100644',
    });
}

const isBelow = (name: string, path: string): boolean => name === path || name.startsWith(`${path}/`);

function removeBelow(files: Files, path: string): void {
  for (const [name] of files) if (isBelow(name, path)) files.delete(name);
}

function describe(
  branch: string,
  index: number,
  commit: GrownCommit & { marks: number[]; files: Files },
): string {
  const { marks, parents, files, at, message = `${branch} ${index}` } = commit;
  const [from, ...others] = [...new Set(parents)].map((parent) => `:${marks[parent]}`);
  const lines = [
    // One without parents begins anew, whatever the branch has.
    ...(from === undefined ? [`reset refs/heads/${branch}`, ''] : []),
    `commit refs/heads/${branch}`,
    `mark :${marks[index]}`,
    `author Ada Lovelace <ada@sallyport.invalid> ${at} +0100`,
    `committer Sallyport <sallyport@sallyport.invalid> ${at} +0000`,
    `data ${Buffer.byteLength(message)}`,
    message,
    ...(from === undefined ? [] : [`from ${from}`]),
    ...others.map((one) => `merge ${one}`),
    'deleteall',
    ...[...files].flatMap(([name, { mode, content }]) => [
      `M ${mode} inline ${name}`,
      `data ${Buffer.byteLength(content)}`,
      content,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
