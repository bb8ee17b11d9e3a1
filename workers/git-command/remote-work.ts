// The commands that ask something of a repository, each a few calls of the Git port.
import type { Branch, Chain, CommitId, Git, Person } from '../../src/git/git.js';
import { isSshUrl, parseSshUrl, SSH_PORT } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import { type CommitWork, type RemoteWork, refuse } from './arguments.js';

export interface Surroundings {
  git: Git;
  url: string;
  committer: Person;
  /** Bytes of a file that is to be committed. */
  content: Buffer | null;
}

/** How often a commit is built anew because the branch moved meanwhile. */
const ATTEMPTS_MAX = 2;

/** What a command found or did, and why it failed all the same. */
export interface Findings {
  result?: object;
  failure?: Failure;
}

/** @throws Failure where nothing was found */
export async function doWork(work: RemoteWork, around: Surroundings): Promise<Findings> {
  const { git } = around;
  switch (work.name) {
    case 'head':
      return { result: await findHead(git, work.branch) };
    case 'heads':
      return { result: await git.heads() };
    case 'list': {
      const found = await findHead(git, work.branch);
      return { result: { ...found, entries: await git.list(found.commit, work.prefix) } };
    }
    case 'read':
      return { result: await readFile(git, work.branch, work.path) };
    case 'commit':
      return { result: await commitFile(work, around) };
    case 'check':
      return checkStages(git);
  }
}

/** A failure as the other faces of the product give it. */
export function describeFailure({
  code,
  message,
  hint,
}: Failure): Pick<Failure, 'code' | 'message' | 'hint'> {
  return { code, message, hint };
}

/** The branch, or the default one, and where it points. @throws Failure GIT_REF_NOT_FOUND */
async function findHead(git: Git, branch: Branch | undefined): Promise<{ branch: Branch; commit: CommitId }> {
  if (branch === undefined) return findDefault(git);
  const commit = await git.head(branch);
  if (commit === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: branch });
  return { branch, commit };
}

async function findDefault(git: Git): Promise<{ branch: Branch; commit: CommitId }> {
  const { branches, default: branch } = await git.heads();
  const commit = branch === null ? undefined : branches[branch];
  if (branch === null || commit === undefined) throw new Failure('GIT_REF_NOT_FOUND', { ref: 'HEAD' });
  return { branch, commit };
}

async function readFile(git: Git, branch: Branch | undefined, path: string): Promise<object> {
  const found = await findHead(git, branch);
  const [file] = await git.read(found.commit, [path]);
  if (file === undefined || file === null)
    throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `file ${path} on branch ${found.branch}` });
  return { ...found, path, id: file.id, ...encodeContent(file.content) };
}

async function checkStages(git: Git): Promise<Findings> {
  const { stages } = await git.check();
  const failures = stages.flatMap(({ failure }) => (failure === undefined ? [] : Failure.fromWire(failure)));
  const result = {
    stages: stages.map(({ failure, ...stage }) =>
      failure === undefined ? stage : { ...stage, ...describeFailure(Failure.fromWire(failure)) },
    ),
  };
  return failures[0] === undefined ? { result } : { result, failure: failures[0] };
}

/** As text where the bytes are UTF-8, and only then. */
function encodeContent(bytes: Uint8Array): { encoding: 'utf8' | 'base64'; content: string } {
  try {
    const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { encoding: 'utf8', content };
  } catch {
    return { encoding: 'base64', content: Buffer.from(bytes).toString('base64') };
  }
}

/** Where a commit goes: on a branch, on a new one that begins at the default branch, or first in an empty repository. */
interface Place extends Pick<Chain, 'branch' | 'base' | 'create'> {
  case: 'existing-branch' | 'new-branch' | 'first-commit';
  /** Where a new branch begins. */
  from?: Branch;
}

async function commitFile(work: CommitWork, around: Surroundings): Promise<object> {
  const { git, url, committer, content } = around;
  const step = {
    message: work.message,
    author: work.author ?? committer,
    committer,
    timestamp: Math.floor(Date.now() / 1_000),
    changes: [{ path: work.path, content }],
  };
  for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts++) {
    const { branch, base, create, ...told } = await findPlace(git, work.branch);
    const result = await git.commit({ branch, base, create, steps: [step] });
    if (result.status === 'landed') return { branch, ...told, attempts, ...result };
  }
  const reason = `the branch moved during each of ${ATTEMPTS_MAX} attempts`;
  throw new Failure('GIT_BRANCH_BUSY', { host: hostOf(url), branch: work.branch ?? 'HEAD', reason });
}

async function findPlace(git: Git, wanted: Branch | undefined): Promise<Place> {
  const base = wanted === undefined ? null : await git.head(wanted);
  if (wanted !== undefined && base !== null)
    return { case: 'existing-branch', branch: wanted, base, create: false };
  const { branches, default: standard } = await git.heads();
  const branch = wanted ?? standard;
  if (branch === null) throw refuse('commit', 'The repository has no default branch: name one with --branch');
  const standing = branches[branch];
  if (standing !== undefined) return { case: 'existing-branch', branch, base: standing, create: false };
  if (Object.keys(branches).length === 0) return { case: 'first-commit', branch, base: null, create: true };
  const start = standard === null ? undefined : branches[standard];
  if (standard === null || start === undefined) throw new Failure('GIT_REF_NOT_FOUND', { ref: 'HEAD' });
  return { case: 'new-branch', from: standard, branch, base: start, create: true };
}

/** `name[:port]`, as failures name the host. */
function hostOf(url: string): string {
  if (!isSshUrl(url)) return new URL(url).host;
  const { name, port } = parseSshUrl(url);
  return port === SSH_PORT ? name : `${name}:${port}`;
}
