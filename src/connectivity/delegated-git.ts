// The Git port across the queue: every call is a task for the connector's delegate group.
import type { CarriedRemote } from '../contract/remote.js';
import type { TaskInput, TaskName, TaskOutput } from '../contract/tasks.js';
import type {
  Branch,
  Chain,
  ChainResult,
  Check,
  CommitId,
  DeleteResult,
  HistoryPage,
  HistoryPlace,
  Path,
  PathChange,
  TreeEntry,
} from '../git/git.js';
import { Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';

export interface Road {
  /** The repository and its credential, as they are at this moment. */
  remote: CarriedRemote;
  /** Has a delegate do it that may be sent them. */
  run: <N extends TaskName>(name: N, input: TaskInput<N>) => Promise<TaskOutput<N>>;
}

type GitTaskName = Extract<TaskName, `git.${string}`>;

export class DelegatedGit extends Git {
  readonly #takeRoad: () => Promise<Road>;

  /** The road is taken anew for every call. */
  constructor(takeRoad: () => Promise<Road>) {
    super();
    this.#takeRoad = takeRoad;
  }

  override head(branch: Branch): Promise<CommitId | null> {
    return this.#ask('git.head', { branch });
  }

  override async heads(): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }> {
    const { branches, default: named } = await this.#ask('git.heads', {});
    return { branches: Object.fromEntries(branches), default: named };
  }

  override read(at: CommitId, paths: Path[]): Promise<TaskOutput<'git.read'>> {
    return this.#ask('git.read', { at, paths });
  }

  override list(at: CommitId, prefix: Path): Promise<TreeEntry[]> {
    return this.#ask('git.list', { at, prefix });
  }

  override changes(
    from: CommitId,
    to: CommitId,
    { contents = false }: { contents?: boolean } = {},
  ): Promise<PathChange[]> {
    return this.#ask('git.changes', { from, to, contents });
  }

  override history(path: Path, place: HistoryPlace, limit: number): Promise<HistoryPage> {
    return this.#ask('git.history', { path, place, limit });
  }

  override commit(chain: Chain): Promise<ChainResult> {
    return this.#ask('git.commit', { chain });
  }

  override deleteBranch(branch: Branch, at: CommitId): Promise<DeleteResult> {
    return this.#ask('git.deleteBranch', { branch, at });
  }

  override async check(): Promise<Check> {
    try {
      return (await this.#ask('git.check', {})) as Check;
    } catch (error) {
      // A token is fetched before anything is asked of the host, and may be refused by somebody else.
      if (!(error instanceof Failure) || !error.code.startsWith('CREDENTIAL_')) throw error;
      return { stages: [{ stage: 'authenticate', ok: false, ms: 0, failure: error.toWire() }], host: null };
    }
  }

  async #ask<N extends GitTaskName>(name: N, input: Omit<TaskInput<N>, 'remote'>): Promise<TaskOutput<N>> {
    const { remote, run } = await this.#takeRoad();
    return run(name, { remote, ...input } as unknown as TaskInput<N>);
  }
}
