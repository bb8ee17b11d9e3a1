// The repository behind the API, seen with plain git.
import { execFile, execFileSync, type StdioOptions } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ENV = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Somebody Else',
  GIT_AUTHOR_EMAIL: 'else@example.org',
  GIT_COMMITTER_NAME: 'Somebody Else',
  GIT_COMMITTER_EMAIL: 'else@example.org',
};

const options = (directory: string) => ({
  cwd: directory,
  env: { ...ENV, ...IDENTITY },
  encoding: 'utf8' as const,
  maxBuffer: 64 * 1024 * 1024,
});

/** A command on a repository of this disk. */
export function git(directory: string, ...args: string[]): string {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  return execFileSync('git', ['-c', 'safe.directory=*', ...args], { ...options(directory), stdio });
}

/** A command that talks to a host. The host may live in this process, which must not stand still meanwhile. */
export async function gitOverNetwork(directory: string, ...args: string[]): Promise<void> {
  await promisify(execFile)('git', args, options(directory));
}

export const head = (repository: string, branch = 'main'): string =>
  git(repository, 'rev-parse', `refs/heads/${branch}`).trim();

/** The file's bytes at the head of the branch; null where there is none. */
export function fileAt(repository: string, file: string, branch = 'main'): string | null {
  try {
    return git(repository, 'cat-file', 'blob', `refs/heads/${branch}:${file}`);
  } catch {
    return null;
  }
}

/** Operation ids in the trailers of the branch, newest first. */
export function trailers(repository: string, branch = 'main'): string[] {
  const format = '--format=%(trailers:key=Sallyport-Operation,valueonly,separator=%x2C)';
  return git(repository, 'log', format, `refs/heads/${branch}`)
    .split('\n')
    .filter((line) => line !== '');
}

/** Fails unless the repository is sound and its branch a straight line. */
export function assertSound(repository: string, branch = 'main'): void {
  try {
    git(repository, 'fsck', '--strict', '--no-dangling');
  } catch (error) {
    // What is missing is told on the standard output.
    throw new Error(`${repository} is not sound: ${(error as { stdout: string }).stdout}`, { cause: error });
  }
  const merges = git(repository, 'rev-list', '--merges', '--count', `refs/heads/${branch}`).trim();
  if (merges !== '0') throw new Error(`${merges} merges on ${branch}`);
}

/** A commit by somebody else, made in a clone and pushed like anybody would. */
export async function pushForeign(
  url: string,
  files: Record<string, string | null>,
  branch = 'main',
): Promise<string> {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-foreign-'));
  try {
    await gitOverNetwork(clone, 'clone', '-q', '--branch', branch, url, '.');
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(clone, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      if (content === null) fs.rmSync(file);
      else fs.writeFileSync(file, content);
    }
    git(clone, 'add', '-A');
    git(clone, 'commit', '-q', '-m', 'A change by somebody else');
    await gitOverNetwork(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
    return git(clone, 'rev-parse', 'HEAD').trim();
  } finally {
    fs.rmSync(clone, { recursive: true, force: true });
  }
}
