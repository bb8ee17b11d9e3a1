// A bare repository worked on by plain git commands: what the engines under test must agree with, object by object.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BlobId, Branch, CommitId, Path, Person, Step } from '../../src/git/git.js';

const NO_ID = '0'.repeat(40);
const somebody: Person = { name: 'Somebody Else', email: 'somebody@sallyport.invalid' };

/** A file to be written: text, or content with a mode; for mode 160000 the content is the submodule's commit. */
export type ReferenceFile = string | Uint8Array | { mode: string; content: string };

export class ReferenceRepository {
  /** `folder` is a bare repository. */
  constructor(readonly folder: string) {}

  /** Standard output of a git command on this repository, without the last newline. */
  git(args: string[], options: { input?: string | Uint8Array; env?: Record<string, string> } = {}): string {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: somebody.name,
      GIT_AUTHOR_EMAIL: somebody.email,
      GIT_COMMITTER_NAME: somebody.name,
      GIT_COMMITTER_EMAIL: somebody.email,
      ...options.env,
    };
    const input = options.input ?? '';
    const run = { env, input, cwd: this.folder, stdio: 'pipe' as const, maxBuffer: 64 * 1024 * 1024 };
    return execFileSync('git', args, run).toString('utf8').replace(/\n$/, '');
  }

  /** A commit by somebody else with these files changed (`null` deletes). The branch is left where it is. */
  makeCommit(
    parent: CommitId | null,
    files: Record<Path, ReferenceFile | null>,
    message = 'Foreign\n',
  ): CommitId {
    const tree = this.#writeTree(parent, new Map(Object.entries(files)));
    return this.#writeCommit(tree, parent, {
      message,
      author: somebody,
      committer: somebody,
      timestamp: 1_000,
    });
  }

  /** As `makeCommit` on the head of the branch, which then points at it. */
  push(branch: Branch, files: Record<Path, ReferenceFile | null>): CommitId {
    const commit = this.makeCommit(this.head(branch), files);
    this.point(branch, commit);
    return commit;
  }

  /** The commit git makes of this step, its parent where it changes nothing. The branch is left where it is. */
  applyStep(parent: CommitId | null, step: Step): CommitId | null {
    const files = new Map<Path, ReferenceFile | null>();
    for (const { path: file, content } of step.changes) files.set(file, content);
    this.#keepModes(parent, files);
    const tree = this.#writeTree(parent, files);
    if (parent !== null && tree === this.git(['rev-parse', `${parent}^{tree}`])) return parent;
    return this.#writeCommit(tree, parent, step);
  }

  point(branch: Branch, commit: CommitId | null): void {
    const ref = `refs/heads/${branch}`;
    this.git(commit === null ? ['update-ref', '-d', ref] : ['update-ref', ref, commit]);
  }

  head(branch: Branch): CommitId | null {
    const found = this.git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
    return found === '' ? null : found;
  }

  /** Commits of the branch from the oldest on. @throws Error when one has several parents. */
  history(branch: Branch): CommitId[] {
    const lines = this.git(['rev-list', '--reverse', '--parents', `refs/heads/${branch}`]).split('\n');
    for (const line of lines) if (line.split(' ').length > 2) throw new Error(`Not linear: ${line}`);
    return lines.map((line) => line.slice(0, 40));
  }

  /** `mode id` of every file of the commit by its path. */
  files(commit: CommitId): Record<Path, string> {
    const lines = this.git(['ls-tree', '-r', '-z', commit]).split('\0').filter(Boolean);
    return Object.fromEntries(
      lines.map((line) => {
        const [about = '', file = ''] = line.split(/\t(.*)/s);
        const [mode, , id] = about.split(' ');
        return [file, `${mode} ${id}`];
      }),
    );
  }

  blob(content: string | Uint8Array): BlobId {
    return this.git(['hash-object', '--stdin'], { input: content });
  }

  /** The ids of these contents, by one run of git. With `isKept` the repository has them afterwards. */
  blobs(contents: (string | Uint8Array)[], { isKept = false } = {}): BlobId[] {
    const command = ['hash-object', ...(isKept ? ['-w'] : [])];
    const [only] = contents;
    if (only === undefined) return [];
    if (contents.length === 1) return [this.git([...command, '--stdin'], { input: only })];
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-blobs-'));
    try {
      const files = contents.map((content, at) => {
        const file = path.join(folder, String(at));
        fs.writeFileSync(file, content);
        return `${file}\n`;
      });
      return this.git([...command, '--no-filters', '--stdin-paths'], { input: files.join('') }).split('\n');
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }

  /** @throws Error with git's words when any object or link is broken. */
  verify(): void {
    this.git(['fsck', '--strict', '--full', '--no-dangling']);
  }

  /** A hook that refuses with these words on standard error. */
  refuseWith(hook: 'pre-receive' | 'update', words: string): void {
    const file = path.join(this.folder, 'hooks', hook);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `#!/bin/sh\necho '${words}' >&2\nexit 1\n`, { mode: 0o755 });
  }

  /** A hook that waits until `resume`. */
  pauseAt(hook: 'pre-receive'): void {
    const file = path.join(this.folder, 'hooks', hook);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const script = `#!/bin/sh\n: > "$GIT_DIR/paused"\nwhile [ -e "$GIT_DIR/paused" ]; do sleep 0.05; done\n`;
    fs.writeFileSync(file, script, { mode: 0o755 });
  }

  /** Whether the hook waits. */
  get isPaused(): boolean {
    return fs.existsSync(path.join(this.folder, 'paused'));
  }

  /** Lets the hook go on, and none wait any more. */
  resume(): void {
    fs.rmSync(path.join(this.folder, 'hooks', 'pre-receive'));
    fs.rmSync(path.join(this.folder, 'paused'));
  }

  /** An executable that goes and comes again with the same content, at another path, stays one. */
  #keepModes(parent: CommitId | null, files: Map<Path, ReferenceFile | null>): void {
    const standing = parent === null ? {} : this.files(parent);
    const gone = [...files].flatMap(([file, content]) => (content === null ? (standing[file] ?? []) : []));
    if (!gone.some((about) => about.startsWith('100755'))) return;
    for (const [file, content] of files) {
      if (typeof content !== 'string' && !(content instanceof Uint8Array)) continue;
      const at = gone.findIndex((about) => about.endsWith(` ${this.blob(content)}`));
      const [about] = at < 0 ? [] : gone.splice(at, 1);
      if (about?.startsWith('100755') === true && standing[file] === undefined)
        files.set(file, { mode: '100755', content: Buffer.from(content).toString('utf8') });
    }
  }

  #writeTree(parent: CommitId | null, files: Map<Path, ReferenceFile | null>): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-index-'));
    const env = { GIT_INDEX_FILE: path.join(folder, 'index') };
    try {
      this.git(parent === null ? ['read-tree', '--empty'] : ['read-tree', parent], { env });
      const standing = new Map(Object.entries(parent === null ? {} : this.files(parent)));
      const isFile = (wanted: ReferenceFile | null): wanted is ReferenceFile =>
        wanted !== null && !(isSpecial(wanted) && wanted.mode === '160000');
      const ids = this.blobs([...files.values()].filter(isFile).map(contentOf), { isKept: true }).values();
      const lines = [...files].map(([file, wanted]) => {
        const id = isFile(wanted) ? (ids.next().value as BlobId) : null;
        return `${describeEntry(wanted, id, standing.get(file))}\t${file}\0`;
      });
      this.git(['update-index', '-z', '--index-info'], { env, input: lines.join('') });
      return this.git(['write-tree', '--missing-ok'], { env });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }

  #writeCommit(tree: string, parent: CommitId | null, about: Omit<Step, 'changes'>): CommitId {
    const sign = (person: Person): string => `${person.name} <${person.email}> ${about.timestamp} +0000`;
    const header = [
      `tree ${tree}`,
      ...(parent === null ? [] : [`parent ${parent}`]),
      `author ${sign(about.author)}`,
      `committer ${sign(about.committer)}`,
    ];
    const input = `${header.join('\n')}\n\n${about.message}`;
    return this.git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input });
  }
}

const isSpecial = (file: ReferenceFile): file is { mode: string; content: string } =>
  typeof file === 'object' && !(file instanceof Uint8Array);
const contentOf = (file: ReferenceFile): string | Uint8Array => (isSpecial(file) ? file.content : file);

/** `mode id` of a file to be written, whose content has this id. A file that is executable stays so. */
function describeEntry(
  wanted: ReferenceFile | null,
  id: BlobId | null,
  standing: string | undefined,
): string {
  if (wanted === null) return `0 ${NO_ID}`;
  if (isSpecial(wanted)) return `${wanted.mode} ${id ?? wanted.content}`;
  return `${standing?.startsWith('100755') === true ? '100755' : '100644'} ${id}`;
}
