// What a Git host of any product knows of one repository, and what it does not allow: the engine behind all the dialects.

export interface FakeBranch {
  commit: string;
  protected: boolean;
}

export interface FakePull {
  number: number;
  state: 'open' | 'merged' | 'closed';
  draft: boolean;
  title: string;
  body: string;
  head: string;
  base: string;
  /** Of a fork, where one of the same branch names. */
  isFork: boolean;
  mergeCommit: string | null;
  reviewers: string[];
  version: number;
}

export interface FakeHook {
  id: string;
  url: string;
  active: boolean;
  events: string[];
  secret: string | undefined;
  /** Whatever else this product says of a webhook. */
  more: Record<string, unknown>;
}

export type PullProblem = 'duplicate' | 'no-changes' | 'no-branch' | 'protected';

export interface PullDraft {
  title: string;
  body: string;
  head: string;
  base: string;
  draft: boolean;
}

export const commitOf = (digit: string): string => digit.repeat(40);

export class HostState {
  readonly branches = new Map<string, FakeBranch>([
    ['main', { commit: commitOf('a'), protected: true }],
    ['release/1', { commit: commitOf('b'), protected: false }],
    ['topic', { commit: commitOf('c'), protected: false }],
    ['same', { commit: commitOf('a'), protected: false }],
    ['team/topic', { commit: commitOf('d'), protected: false }],
    ['team/topic-2', { commit: commitOf('e'), protected: false }],
    ['locked', { commit: commitOf('f'), protected: true }],
  ]);
  readonly pulls: FakePull[] = [];
  readonly hooks: FakeHook[] = [];
  /** Names, each with the id that products which want one know it by. */
  readonly people = new Map([
    ['grace', '11111111-1111-4111-8111-111111111111'],
    ['linus', '22222222-2222-4222-8222-222222222222'],
  ]);
  /** Lists of requests that still leave out those that are open. */
  listsBehind = 0;
  /** Questions after a branch that is not seen yet. */
  branchesBehind = 0;
  /** Most that one page holds. */
  pageMax = 100;
  #ids = 100;

  branch(name: string): FakeBranch | undefined {
    if (this.branchesBehind > 0 && name !== 'main') {
      this.branchesBehind -= 1;
      return undefined;
    }
    return this.branches.get(name);
  }

  /** As a host lists them: `branchesBehind` counts the question, not the names. */
  branchesLike(fits: (name: string) => boolean): [string, FakeBranch][] {
    if (this.branchesBehind > 0) {
      this.branchesBehind -= 1;
      return [];
    }
    return [...this.branches].filter(([name]) => fits(name));
  }

  openPulls(): FakePull[] {
    if (this.listsBehind > 0) {
      this.listsBehind -= 1;
      return [];
    }
    return this.pulls.filter(({ state }) => state === 'open').toReversed();
  }

  /** Of these branches of the repository itself, whatever became of it; `listsBehind` counts this question as well. */
  firstPull({ head, base }: Pick<PullDraft, 'head' | 'base'>): FakePull | undefined {
    const isMeant = (pull: FakePull): boolean => !pull.isFork && pull.head === head && pull.base === base;
    const found = this.pulls.find(isMeant);
    if (found?.state !== 'open' || this.listsBehind === 0) return found;
    this.listsBehind -= 1;
    return undefined;
  }

  pull(number: number): FakePull | undefined {
    return this.pulls.find((pull) => pull.number === number);
  }

  createPull(draft: PullDraft): FakePull | PullProblem {
    const [head, base] = [this.branch(draft.head), this.branch(draft.base)];
    if (head === undefined || base === undefined) return 'no-branch';
    if (draft.base === 'locked') return 'protected';
    const isOpen = ({ state, isFork, head: from, base: to }: FakePull): boolean =>
      state === 'open' && !isFork && from === draft.head && to === draft.base;
    if (this.pulls.some(isOpen)) return 'duplicate';
    if (head.commit === base.commit) return 'no-changes';
    return this.add(draft);
  }

  add(draft: PullDraft, more: Partial<FakePull> = {}): FakePull {
    const pull: FakePull = {
      number: this.pulls.length + 1,
      state: 'open',
      isFork: false,
      mergeCommit: null,
      version: 0,
      ...draft,
      reviewers: [],
      ...more,
    };
    this.pulls.push(pull);
    return pull;
  }

  addHook(hook: Omit<FakeHook, 'id'>, id = String((this.#ids += 1))): FakeHook {
    const added = { id, ...hook };
    this.hooks.push(added);
    return added;
  }

  hook(id: string): FakeHook | undefined {
    return this.hooks.find((hook) => hook.id === id);
  }

  removeHook(id: string): boolean {
    const at = this.hooks.findIndex((hook) => hook.id === id);
    if (at >= 0) this.hooks.splice(at, 1);
    return at >= 0;
  }

  headOf({ head }: FakePull): string {
    return this.branches.get(head)?.commit ?? commitOf('0');
  }

  /** The name behind an id. */
  personOf(id: string): string | undefined {
    return [...this.people].find(([, known]) => known === id)?.[0];
  }
}

/** One page of them, and whether more follow. */
export function pageOf<T>(
  items: T[],
  from: number,
  asked: number,
  max: number,
): { page: T[]; next: number | null } {
  const size = Math.min(asked, max);
  const page = items.slice(from, from + size);
  return { page, next: from + size < items.length ? from + size : null };
}
