// Sallyport's two engines: through the Git port, as a lane uses them.
import { type CommitId, Git, type Step } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { ObjectCache } from '../../src/git/object-cache.js';
import { NativeGit } from '../../workers/native-git/native-git.js';
import { FILE } from '../repositories.js';
import { type FileText, identity, MESSAGE, type Method, type Place } from './method.js';

const CACHE_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 300_000;
const BRANCH = 'main';

type Open = (place: Place) => Git;

export function sallyport(engine: 'in process' | 'native', isWarm: boolean): Method {
  const cache = new ObjectCache(CACHE_BYTES);
  const openInProcess: Open = ({ url }) =>
    new InProcessGit(
      { url },
      {
        allowHttp: true,
        allowPrivate: true,
        deadlineMs: DEADLINE_MS,
        cache: isWarm ? cache : new ObjectCache(CACHE_BYTES),
      },
    );
  const openNative: Open = ({ url, folder }) =>
    new NativeGit({ url }, { root: folder, allowHttp: true, allowPrivate: true, deadlineMs: DEADLINE_MS });
  const open = engine === 'native' ? openNative : openInProcess;
  return isWarm ? warm(open) : cold(open);
}

function cold(open: Open): Method {
  return {
    save: async (place, file) => {
      const git = open(place);
      return commit(git, await requireHead(git), [file]);
    },
    read: async (place, path) => readAtHead(open(place), path),
  };
}

/** A lane knows where its branch stands: it asks nobody before it pushes. */
function warm(open: Open): Method {
  let head: CommitId = '';
  const save = async (place: Place, files: FileText[]): Promise<CommitId> => {
    head = await commit(open(place), head, files);
    return head;
  };
  return {
    prepare: async (place) => {
      const git = open(place);
      head = await requireHead(git);
      await git.read(head, [FILE]);
    },
    save: (place, file) => save(place, [file]),
    read: (place, path) => readAtHead(open(place), path),
    refresh: async (place) => {
      const git = open(place);
      const from = head;
      head = await requireHead(git);
      const changes = await git.changes(from, head, { contents: true });
      return changes.map(({ path, content }) => ({ path, content: Buffer.from(content ?? []).toString() }));
    },
    saveMany: async (place, files, note) => {
      const last = await save(place, files);
      note(files.length);
      return last;
    },
  };
}

async function requireHead(git: Git): Promise<CommitId> {
  const head = await git.head(BRANCH);
  if (head === null) throw new Error('The branch is not there');
  return head;
}

async function readAtHead(git: Git, path: string): Promise<string> {
  const [file] = await git.read(await requireHead(git), [path]);
  return Buffer.from(file?.content ?? []).toString();
}

async function commit(git: Git, base: CommitId, files: FileText[]): Promise<CommitId> {
  const steps = files.map(
    ({ path, content }): Step => ({
      message: MESSAGE,
      author: identity,
      committer: identity,
      timestamp: Math.floor(Date.now() / 1_000),
      changes: [{ path, content: Buffer.from(content) }],
    }),
  );
  const result = await git.commit({ branch: BRANCH, base, create: false, steps });
  if (result.status !== 'landed') throw new Error(`The save ended as ${result.status}`);
  return result.head;
}
