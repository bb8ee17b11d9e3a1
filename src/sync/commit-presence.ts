// Whether a repository has a commit, on a branch or not.
import type { Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';

/** No file has such a name: what is read is whether the commit is there. */
const NO_PATH = '.sallyport-commit';

/** @throws what Git throws, but for the commit that is not there */
export async function hasCommit(git: Git, commit: string): Promise<boolean> {
  try {
    await git.read(commit, [NO_PATH]);
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND') return false;
    throw error;
  }
}
