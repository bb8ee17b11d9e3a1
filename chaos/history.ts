// A repository on this disk as plain git sees it: what is on a branch, and whether it is sound.
import { execFileSync } from 'node:child_process';

const ENV = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
};

export interface Commit {
  id: string;
  parents: number;
  /** Of the trailers; more than one only if somebody means ill. */
  operations: string[];
  /** Paths it changed, each with the blob that is there since; null where it was removed. */
  changes: Map<string, string | null>;
}

export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-C', folder, ...args], {
    env: ENV,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
}

/** Commits of the branch, newest first. */
export function readHistory(folder: string, branch: string): Commit[] {
  const trailers = '%(trailers:key=Sallyport-Operation,valueonly,separator=%x2C)';
  const format = `--format=%x01%H%x09%P%x09${trailers}`;
  const log = git(folder, 'log', '--raw', '--no-abbrev', '--no-renames', format, `refs/heads/${branch}`);
  return log.split('\x01').slice(1).map(parseCommit);
}

function parseCommit(text: string): Commit {
  const [head = '', ...lines] = text.split('\n');
  const [id = '', parents = '', operations = ''] = head.split('\t');
  const changes = new Map<string, string | null>();
  for (const line of lines) {
    const [, blob, path] = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]\t(.+)$/.exec(line) ?? [];
    if (blob !== undefined && path !== undefined) changes.set(path, /^0+$/.test(blob) ? null : blob);
  }
  return {
    id,
    parents: parents.split(' ').filter(Boolean).length,
    operations: operations.split(',').filter(Boolean),
    changes,
  };
}

/** Blobs at the head of the branch, by path. */
export function listFiles(folder: string, branch: string): Map<string, string> {
  const listing = git(folder, 'ls-tree', '-r', '-z', `refs/heads/${branch}`);
  const entries = listing.split('\0').filter(Boolean);
  return new Map(
    entries.map((entry) => {
      const [meta = '', path = ''] = entry.split('\t');
      return [path, meta.split(' ')[2] ?? ''];
    }),
  );
}

/** What git itself finds wrong; nothing in a sound repository. */
export function findDamage(folder: string): string | undefined {
  try {
    git(folder, 'fsck', '--strict', '--no-dangling');
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr ?? error).trim();
  }
}
