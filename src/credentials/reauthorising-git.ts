// What a host refuses with a token that was at hand is tried once more with a fresh one.
import {
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
  type TreeEntry,
} from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { onceMore, type ShownCredential, type Useless } from './once-more.js';

export class ReauthorisingGit extends Git {
  /** `shown`: the credential of the last call. `hear`: is told of every failure that ends a call. */
  constructor(
    private readonly git: Git,
    private readonly shown: ShownCredential,
    private readonly hear: (failure: Failure) => void = () => undefined,
  ) {
    super();
  }

  head(branch: Branch): Promise<CommitId | null> {
    return this.#twice(() => this.git.head(branch));
  }

  heads(): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }> {
    return this.#twice(() => this.git.heads());
  }

  read(at: CommitId, paths: Path[]): Promise<({ id: string; content: Uint8Array } | null)[]> {
    return this.#twice(() => this.git.read(at, paths));
  }

  list(at: CommitId, prefix: Path): Promise<TreeEntry[]> {
    return this.#twice(() => this.git.list(at, prefix));
  }

  changes(from: CommitId, to: CommitId, options?: { contents?: boolean }): Promise<PathChange[]> {
    return this.#twice(() => this.git.changes(from, to, options));
  }

  history(path: Path, place: HistoryPlace, limit: number): Promise<HistoryPage> {
    return this.#twice(() => this.git.history(path, place, limit));
  }

  commit(chain: Chain): Promise<ChainResult> {
    return this.#twice(() => this.git.commit(chain));
  }

  deleteBranch(branch: Branch, at: CommitId): Promise<DeleteResult> {
    return this.#twice(() => this.git.deleteBranch(branch, at));
  }

  /** Its failures are in its answer. */
  async check(): Promise<Check> {
    const check = await this.git.check();
    const why = whyUseless(check);
    const isTwice = why !== undefined && this.shown.forget(why);
    const last = isTwice ? await this.git.check() : check;
    if (isTwice && whyUseless(last) === 'refused') this.shown.giveUp?.();
    if (last.stages.every(({ failure }) => failure === undefined)) this.shown.accept?.();
    for (const { failure } of last.stages) if (failure !== undefined) this.hear(Failure.fromWire(failure));
    return last;
  }

  async #twice<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await onceMore(work, isRefusal, this.shown);
    } catch (error) {
      if (error instanceof Failure) this.hear(error);
      throw error;
    }
  }
}

function whyUseless({ stages }: Check): Useless | undefined {
  const codes = stages.map(({ failure }) => failure?.code);
  if (codes.includes('CREDENTIAL_STALE')) return 'stale';
  return codes.includes('GIT_AUTH_REJECTED') ? 'refused' : undefined;
}

function isRefusal(failure: Failure): boolean {
  const { code, data } = failure as Failure<'GIT_AUTH_REJECTED'>;
  return code === 'GIT_AUTH_REJECTED' && data.status !== 403;
}
