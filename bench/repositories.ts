// The repositories of the bench, the same in every run, and what the server's disk says about them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRepository } from '../src/playground/git-host.js';

export type RepositoryName = 'small' | 'medium' | 'large';

export interface Shape {
  files: number;
  directories: number;
  fileBytes: number;
}

export const shapes: Record<RepositoryName, Shape> = {
  small: { files: 100, directories: 10, fileBytes: 1_000 },
  medium: { files: 5_000, directories: 1_000, fileBytes: 1_000 },
  large: { files: 60_000, directories: 6_000, fileBytes: 1_000 },
};

/** The file everybody saves and reads. */
export const FILE = 'apps/group-00/service-0000/part-0.yaml';
/** The file somebody else changes. */
export const OTHER_FILE = 'apps/group-00/service-0001/part-0.yaml';

const AUTHOR = 'Bench <bench@sallyport.invalid>';

/** Makes `<root>/<name>.git` and answers its folder. */
export function generateRepository(root: string, name: RepositoryName): string {
  const { files, directories, fileBytes } = shapes[name];
  const perDirectory = files / directories;
  const content: Record<string, string> = {};
  for (let at = 0; at < files; at++) {
    const service = Math.floor(at / perDirectory);
    const group = String(Math.floor(service / 100)).padStart(2, '0');
    const folder = `apps/group-${group}/service-${String(service).padStart(4, '0')}`;
    content[`${folder}/part-${at % perDirectory}.yaml`] = yamlOf(`${name} ${at}`, fileBytes);
  }
  const config = { 'receive.autogc': 'false', 'gc.auto': '0', 'core.logAllRefUpdates': 'false' };
  const { folder } = createRepository(root, name, { files: content, timestamp: 1_700_000_000, config });
  gitIn(folder, ['repack', '-a', '-d', '-q']);
  return folder;
}

/** A repository of its own for one method: the same packs, and everything that follows apart. */
export function copyRepository(folder: string, name: string): string {
  const copy = path.join(path.dirname(folder), `${name}.git`);
  fs.cpSync(folder, copy, { recursive: true });
  return copy;
}

/** A document of this size that is different for every seed. */
export function yamlOf(seed: string, bytes: number): string {
  const lines = [`# ${seed}`, 'apiVersion: apps/v1', 'kind: Deployment', 'spec:'];
  for (let at = 0, length = lines.join('\n').length; length < bytes; at++) {
    const value = createHash('sha1').update(`${seed} ${at}`).digest('hex').slice(0, 12);
    lines.push(`  setting-${at}: value-${value}`);
    length += (lines.at(-1)?.length ?? 0) + 1;
  }
  return `${lines.join('\n').slice(0, bytes - 1)}\n`;
}

export function headOf(folder: string): string {
  return gitIn(folder, ['rev-parse', '--verify', 'refs/heads/main']).trim();
}

export function fileAt(folder: string, commit: string, file: string): string {
  return gitIn(folder, ['cat-file', 'blob', `${commit}:${file}`]);
}

/** The first files of the head. */
export function listPaths(folder: string, count: number): string[] {
  return gitIn(folder, ['ls-tree', '-r', '--name-only', 'refs/heads/main']).split('\n').slice(0, count);
}

export function countCommits(folder: string, from: string, to: string): number {
  return Number(gitIn(folder, ['rev-list', '--count', '--first-parent', `${from}..${to}`]));
}

/** Somebody else's commit, put there without going through the server. */
export function addForeignCommit(folder: string, content: string): string {
  const base = headOf(folder);
  const message = 'A change by somebody else\n';
  const stream = [
    `commit refs/heads/main\ncommitter ${AUTHOR} 1700000000 +0000`,
    `data ${message.length}\n${message}from ${base}`,
    `M 100644 inline ${OTHER_FILE}\ndata ${Buffer.byteLength(content)}\n${content}\n`,
  ].join('\n');
  gitIn(folder, ['fast-import', '--quiet'], stream);
  return headOf(folder);
}

function gitIn(folder: string, args: string[], input?: string): string {
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', folder, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: 'pipe',
    ...(input === undefined ? {} : { input }),
  });
}
