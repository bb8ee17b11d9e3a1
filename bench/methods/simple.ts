// simple-git as its users have it: its defaults, including its wait after silent commands.
import fs from 'node:fs';
import path from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';
import { type FileText, identity, MESSAGE, type Method, type Place } from './method.js';

const BRANCH = 'main';
const REMOTE_REF = `refs/remotes/origin/${BRANCH}`;
/** The bench starts its processes with these; simple-git wants to be told that they are meant. */
const VARIABLES = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM', 'GIT_TERMINAL_PROMPT'];

/** Clones with a working tree for every operation. `blobless`: without files but those below the directory at hand. */
export function simpleClone(kind: 'shallow' | 'blobless'): Method {
  const clone = kind === 'shallow' ? cloneShallow : cloneBlobless;
  return {
    save: async (place, file) => {
      const git = await clone(place, file.path);
      return commitAndPush(git, place, file);
    },
    read: async (place, file) => {
      await clone(place, file);
      return fs.readFileSync(path.join(place.folder, file), 'utf8');
    },
  };
}

/** A clone that is kept: it is brought up to date before every save. */
export function simpleWarm(): Method {
  const save = async (place: Place, file: FileText): Promise<string> => {
    const git = open(place.folder);
    await git.pull('origin', BRANCH, ['--ff-only']);
    return commitAndPush(git, place, file);
  };
  return {
    prepare: async (place) => void (await cloneShallow(place)),
    save,
    read: async (place, file) => {
      const git = open(place.folder);
      await git.fetch('origin', BRANCH);
      return git.show([`${REMOTE_REF}:${file}`]);
    },
    refresh: async (place) => {
      const git = open(place.folder);
      const from = (await git.revparse(['HEAD'])).trim();
      await git.pull('origin', BRANCH, ['--ff-only']);
      const names = await git.raw(['diff', '--name-only', '-z', from, 'HEAD']);
      return listNames(names).map((name) => ({
        path: name,
        content: fs.readFileSync(path.join(place.folder, name), 'utf8'),
      }));
    },
    saveMany: (place, files, note) => oneByOne(files, note, (file) => save(place, file)),
  };
}

/** A bare repository without files, plumbing only, and a push without asking first. */
export function simplePlumbing(): Method {
  const save = async (place: Place, file: FileText): Promise<string> => {
    const source = path.join(place.folder, 'bench-file');
    fs.writeFileSync(source, file.content);
    const git = open(place.folder);
    const blob = (await git.raw(['hash-object', '-w', source])).trim();
    await git.raw(['update-index', '--add', '--cacheinfo', `100644,${blob},${file.path}`]);
    const tree = (await git.raw(['write-tree', '--missing-ok'])).trim();
    const parent = (await git.revparse([`refs/heads/${BRANCH}`])).trim();
    const commit = (await git.raw(['commit-tree', tree, '-p', parent, '-m', MESSAGE.trim()])).trim();
    await git.raw(['push', '--quiet', 'origin', `${commit}:refs/heads/${BRANCH}`]);
    await git.raw(['update-ref', `refs/heads/${BRANCH}`, commit]);
    return commit;
  };
  const fetch = async (git: SimpleGit): Promise<void> => {
    await git.raw(['fetch', '--quiet', 'origin', `+refs/heads/${BRANCH}:${REMOTE_REF}`]);
  };
  return {
    prepare: async ({ url, folder }) => {
      await open(folder).clone(url, '.', ['--bare', '--depth=1', '--filter=blob:none', '--branch', BRANCH]);
      await open(folder).raw(['read-tree', `refs/heads/${BRANCH}`]);
    },
    save,
    read: async (place, file) => {
      const git = open(place.folder);
      await fetch(git);
      return git.raw(['cat-file', 'blob', `${REMOTE_REF}:${file}`]);
    },
    refresh: async (place) => {
      const git = open(place.folder);
      await fetch(git);
      const names = await git.raw([
        'diff-tree',
        '-r',
        '-z',
        '--name-only',
        `refs/heads/${BRANCH}`,
        REMOTE_REF,
      ]);
      const files: FileText[] = [];
      for (const name of listNames(names))
        files.push({ path: name, content: await git.raw(['cat-file', 'blob', `${REMOTE_REF}:${name}`]) });
      await git.raw(['update-ref', `refs/heads/${BRANCH}`, REMOTE_REF]);
      await git.raw(['read-tree', REMOTE_REF]);
      return files;
    },
    saveMany: (place, files, note) => oneByOne(files, note, (file) => save(place, file)),
  };
}

function open(folder: string): SimpleGit {
  const config = [`user.name=${identity.name}`, `user.email=${identity.email}`];
  return simpleGit({ baseDir: folder, config, allowEnvironment: VARIABLES });
}

async function cloneShallow({ url, folder }: Place): Promise<SimpleGit> {
  await open(folder).clone(url, '.', ['--depth=1', '--branch', BRANCH]);
  return open(folder);
}

async function cloneBlobless({ url, folder }: Place, file: string): Promise<SimpleGit> {
  const git = open(folder);
  await git.clone(url, '.', ['--depth=1', '--filter=blob:none', '--sparse', '--branch', BRANCH]);
  await git.raw(['sparse-checkout', 'set', path.dirname(file)]);
  return git;
}

async function commitAndPush(git: SimpleGit, place: Place, file: FileText): Promise<string> {
  fs.writeFileSync(path.join(place.folder, file.path), file.content);
  await git.add(file.path);
  await git.commit(MESSAGE.trim());
  await git.push('origin', BRANCH);
  return (await git.revparse(['HEAD'])).trim();
}

async function oneByOne(
  files: FileText[],
  note: (done: number) => void,
  save: (file: FileText) => Promise<string>,
): Promise<string> {
  let commit = '';
  for (const [at, file] of files.entries()) {
    commit = await save(file);
    note(at + 1);
  }
  return commit;
}

const listNames = (output: string): string[] => output.split('\0').filter((name) => name !== '');
