// What a Git host knows of a repository that is a real one: branches, differences and merges are those of the bare repository.
import { git } from '../repository.js';
import { type FakeBranch, type FakePull, HostState, type PullDraft, type PullProblem } from './host-state.js';

export class RepositoryState extends HostState {
  readonly locked = new Set<string>();

  constructor(private readonly repository: string) {
    super();
  }

  override branch(name: string): FakeBranch | undefined {
    try {
      const commit = git(this.repository, 'rev-parse', '--verify', `refs/heads/${name}`).trim();
      return { commit, protected: this.locked.has(name) };
    } catch {
      return undefined;
    }
  }

  override branchesLike(fits: (name: string) => boolean): [string, FakeBranch][] {
    const names = git(this.repository, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads');
    return names
      .split('\n')
      .filter((name) => name !== '' && fits(name))
      .map((name) => [name, this.branch(name) as FakeBranch]);
  }

  override createPull(draft: PullDraft): FakePull | PullProblem {
    if (this.locked.has(draft.base)) return 'protected';
    const isThere = this.branch(draft.head) !== undefined && this.branch(draft.base) !== undefined;
    if (isThere && git(this.repository, 'rev-list', `${draft.base}..${draft.head}`).trim() === '')
      return 'no-changes';
    return super.createPull(draft);
  }

  override headOf({ head }: FakePull): string {
    return this.branch(head)?.commit ?? '0'.repeat(40);
  }

  /** As somebody presses the button: a merge commit on the base, and the request is merged. */
  merge(number: number): string {
    const pull = this.pull(number) as FakePull;
    const [base, head] = [`refs/heads/${pull.base}`, `refs/heads/${pull.head}`];
    const tree = git(this.repository, 'merge-tree', '--write-tree', base, head).trim();
    const message = `Merge #${number}`;
    const commit = git(this.repository, 'commit-tree', tree, '-p', base, '-p', head, '-m', message).trim();
    git(this.repository, 'update-ref', base, commit);
    Object.assign(pull, { state: 'merged', mergeCommit: commit });
    return commit;
  }
}
