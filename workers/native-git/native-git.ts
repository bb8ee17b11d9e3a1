// The Git port by the system git: a bare repository without files for every remote, plumbing commands, no working tree.
// For hosts the in-process engine cannot speak to and for very large refreshes.
import {
  type BlobId,
  type Branch,
  type Chain,
  type ChainResult,
  type Check,
  type CommitId,
  type DeleteResult,
  Git,
  type HistoryPage,
  type HistoryPlace,
  type Path,
  type PathChange,
  type Remote,
  type TreeEntry,
} from '../../src/git/git.js';
import { walkHistory } from '../../src/git/history.js';
import { isFilePath } from '../../src/git/path-names.js';
import { isReferenceName } from '../../src/git/reference-names.js';
import { Failure } from '../../src/kernel/failure.js';
import { diffTreeArgv } from './argv.js';
import { checkRemote } from './check-remote.js';
import { deleteBranch } from './delete-branch.js';
import { commitChain } from './deliver-chain.js';
import { FolderHistory } from './folder-history.js';
import {
  findBranch,
  listEntries,
  listFiles,
  listRemote,
  parseRefs,
  readBlobs,
  requireCommits,
} from './objects.js';
import type { NativeGitOptions, Operation } from './operation.js';
import { withOperation } from './with-operation.js';

const ABSENT = '000000';

export class NativeGit extends Git {
  readonly #remote: Remote;
  readonly #options: NativeGitOptions;

  constructor(remote: Remote, options: NativeGitOptions) {
    super();
    this.#remote = remote;
    this.#options = options;
  }

  head(branch: Branch): Promise<CommitId | null> {
    return this.#open((operation) => findBranch(operation, branch));
  }

  heads(): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }> {
    return this.#open(async (operation) => {
      const output = await listRemote(operation);
      const found = parseRefs(operation, output).filter(
        ([, ref]) => ref.startsWith('refs/heads/') && isReferenceName(ref),
      );
      const branches = new Map(found.map(([id, ref]) => [ref.slice('refs/heads/'.length), id]));
      const target = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(output)?.[1];
      return {
        branches: Object.fromEntries(branches),
        default: target !== undefined && branches.has(target) ? target : null,
      };
    });
  }

  read(at: CommitId, paths: Path[]): Promise<({ id: BlobId; content: Uint8Array } | null)[]> {
    return this.#open(async (operation) => {
      await requireCommits(operation, [at]);
      const entries = (await listEntries(operation, at, paths.filter(isFilePath))).filter(hasContent);
      const ids = new Map(entries.map(({ path, id }) => [path, id]));
      const contents = await readBlobs(
        operation,
        paths.map((path) => ids.get(path)).filter((id) => id !== undefined),
      );
      return paths.map((path) => {
        const id = ids.get(path);
        return id === undefined ? null : { id, content: contents.get(id) ?? Buffer.alloc(0) };
      });
    });
  }

  list(at: CommitId, prefix: Path): Promise<TreeEntry[]> {
    return this.#open(async (operation) => {
      await requireCommits(operation, [at]);
      if (prefix !== '' && !isFilePath(prefix)) return [];
      return (await listFiles(operation, at, prefix)).filter(({ path }) => isFilePath(path));
    });
  }

  changes(from: CommitId, to: CommitId, options: { contents?: boolean } = {}): Promise<PathChange[]> {
    return this.#open(async (operation) => {
      await requireCommits(operation, [from, to]);
      const all = parseDiff(await operation.local(diffTreeArgv(from, to)));
      const changes = all.filter(({ path }) => isFilePath(path));
      return options.contents === true ? addContents(operation, changes) : changes;
    });
  }

  history(path: Path, place: HistoryPlace, limit: number): Promise<HistoryPage> {
    return this.#open(async (operation) => {
      await requireCommits(operation, place.pending);
      return walkHistory(new FolderHistory(operation), path, place, limit);
    });
  }

  commit(chain: Chain): Promise<ChainResult> {
    return this.#open((operation) => commitChain(operation, chain));
  }

  deleteBranch(branch: Branch, at: CommitId): Promise<DeleteResult> {
    return this.#open((operation) => deleteBranch(operation, branch, at));
  }

  async check(): Promise<Check> {
    try {
      return { stages: await this.#open(checkRemote), host: null };
    } catch (error) {
      const failure = Failure.from(error).toWire();
      return { stages: [{ stage: 'reach', ok: false, ms: 0, failure }], host: null };
    }
  }

  #open<T>(use: (operation: Operation) => Promise<T>): Promise<T> {
    return withOperation(this.#remote, this.#options, use);
  }
}

async function addContents(operation: Operation, changes: PathChange[]): Promise<PathChange[]> {
  const written = changes.map(({ to }) => to).filter((to) => to !== null && hasContent(to));
  const contents = await readBlobs(
    operation,
    written.map((to) => to?.id ?? ''),
  );
  return changes.map((change) => {
    const content = change.to === null ? undefined : contents.get(change.to.id);
    return content === undefined ? change : { ...change, content };
  });
}

function hasContent({ mode }: TreeEntry): boolean {
  return mode !== '040000' && mode !== '160000';
}

/** ':100644 100755 <id> <id> M<NUL>path<NUL>' for each → changes */
function parseDiff(output: string): PathChange[] {
  const fields = output.split('\0');
  const changes: PathChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [fromMode = '', toMode = '', fromId = '', toId = ''] = (fields[at] ?? '').slice(1).split(' ');
    const path = fields[at + 1] ?? '';
    const describe = (mode: string, id: string): TreeEntry | null =>
      mode === ABSENT ? null : { path, mode, id };
    changes.push({ path, from: describe(fromMode, fromId), to: describe(toMode, toId) });
  }
  return changes;
}
