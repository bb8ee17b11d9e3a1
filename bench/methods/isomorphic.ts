// isomorphic-git with a shallow clone in memory and no working tree. The trees are edited with its plumbing, which is the
// quickest it can do: with a checkout it would write every file first.
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { MemoryFiles } from './memory-files.js';
import { type FileText, identity, MESSAGE, type Method, type Place } from './method.js';

interface Clone {
  fs: MemoryFiles;
  dir: string;
  /** Its index of packs, kept over calls. */
  cache: object;
}

const BRANCH = 'main';
const REF = `refs/heads/${BRANCH}`;

export function isomorphicCold(): Method {
  return {
    save: async (place, file) => {
      const clone = await makeClone(place);
      const commit = await commitFile(clone, file);
      await push(clone, place);
      return commit;
    },
    read: async (place, path) => {
      const clone = await makeClone(place);
      return readFile(clone, await git.resolveRef({ ...clone, ref: REF }), path);
    },
  };
}

export function isomorphicWarm(): Method {
  let clone: Clone = { fs: new MemoryFiles(), dir: '/', cache: {} };
  return {
    prepare: async (place) => {
      clone = await makeClone(place);
    },
    save: async (place, file) => {
      const commit = await commitFile(clone, file);
      await push(clone, place);
      return commit;
    },
    read: async (place, path) => readFile(clone, await fetchHead(clone, place), path),
    refresh: async (place) => {
      const from = await git.resolveRef({ ...clone, ref: REF });
      const to = await fetchHead(clone, place);
      await git.writeRef({ ...clone, ref: REF, value: to, force: true });
      return compare(clone, from, to);
    },
    saveMany: async (place, files, note) => {
      let commit = '';
      for (const [at, file] of files.entries()) {
        commit = await commitFile(clone, file);
        await push(clone, place);
        note(at + 1);
      }
      return commit;
    },
    saveAtOnce: async (place, files) => {
      let commit = '';
      for (const file of files) commit = await commitFile(clone, file);
      await push(clone, place);
      return commit;
    },
  };
}

async function makeClone({ url }: Place): Promise<Clone> {
  const clone = { fs: new MemoryFiles(), dir: '/', cache: {} };
  const options = { depth: 1, singleBranch: true, noTags: true, noCheckout: true };
  await git.clone({ ...clone, http, url, ref: BRANCH, ...options });
  return clone;
}

async function push(clone: Clone, { url }: Place): Promise<void> {
  const result = await git.push({ ...clone, http, url, ref: BRANCH, remoteRef: REF });
  if (!result.ok) throw new Error(`The push was refused: ${result.error}`);
}

async function fetchHead(clone: Clone, { url }: Place): Promise<string> {
  const result = await git.fetch({ ...clone, http, url, ref: BRANCH, singleBranch: true, tags: false });
  if (result.fetchHead === null) throw new Error('The branch is not there');
  return result.fetchHead;
}

async function readFile(clone: Clone, oid: string, filepath: string): Promise<string> {
  const { blob } = await git.readBlob({ ...clone, oid, filepath });
  return Buffer.from(blob).toString();
}

async function commitFile(clone: Clone, file: FileText): Promise<string> {
  const parent = await git.resolveRef({ ...clone, ref: REF });
  const blob = await git.writeBlob({ ...clone, blob: Buffer.from(file.content) });
  const tree = await editTree(clone, parent, file.path.split('/'), blob);
  return git.commit({ ...clone, message: MESSAGE, author: identity, tree, parent: [parent], ref: REF });
}

async function editTree(clone: Clone, oid: string, names: string[], blob: string): Promise<string> {
  const [name = '', ...rest] = names;
  const { tree } = await git.readTree({ ...clone, oid });
  const entry = tree.find(({ path }) => path === name);
  if (entry === undefined) throw new Error(`No ${name} in the tree`);
  const next = rest.length === 0 ? blob : await editTree(clone, entry.oid, rest, blob);
  return git.writeTree({ ...clone, tree: tree.map((one) => (one === entry ? { ...one, oid: next } : one)) });
}

async function compare(clone: Clone, from: string, to: string): Promise<FileText[]> {
  const found = (await git.walk({
    ...clone,
    trees: [git.TREE({ ref: from }), git.TREE({ ref: to })],
    map: async (path, [before, after]) => {
      if ((await before?.oid()) === (await after?.oid())) return null;
      if ((await after?.type()) !== 'blob') return [];
      return { path, content: Buffer.from((await after?.content()) ?? []).toString() };
    },
    reduce: async (parent: FileText | FileText[] | null, children: FileText[][]) => {
      return parent === null ? [] : [parent, ...children].flat();
    },
  })) as FileText[];
  return found;
}
