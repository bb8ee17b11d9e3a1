// A chain on the branch as it is: what is said of its base counts only while the branch still stands there.
import type { Chain, ChainResult, Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import type { Plan } from './lanes.repository.js';

/** What a chain is refused for in comparison with its base counts only while the branch still stands there. */
export async function commitOnHead(git: Git, chain: Chain): Promise<ChainResult> {
  try {
    const result = await git.commit(chain);
    return result.status === 'mismatch' ? ((await findMoved(git, chain)) ?? result) : result;
  } catch (error) {
    const isOfBase = error instanceof Failure && error.code === 'GIT_PATH_BLOCKED';
    const moved = isOfBase ? await findMoved(git, chain) : undefined;
    if (moved === undefined) throw error;
    return moved;
  }
}

async function findMoved(git: Git, chain: Chain): Promise<ChainResult | undefined> {
  if (chain.create) return undefined;
  const head = await git.head(chain.branch);
  return head === chain.base ? undefined : { status: 'moved', head };
}

/** Where a chain stands in a repository that has no branch at all. @throws GIT_REF_NOT_FOUND in any other */
export async function emptyRepository(git: Git, branch: string): Promise<Pick<Plan, 'base' | 'create'>> {
  const { branches } = await git.heads();
  if (Object.keys(branches).length > 0) throw new Failure('GIT_REF_NOT_FOUND', { ref: branch });
  return { base: null, create: true };
}
