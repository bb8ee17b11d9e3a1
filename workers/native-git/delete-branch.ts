// Deletes a branch, and finds out what became of it by looking at the branch.
import type { Branch, CommitId, DeleteResult } from '../../src/git/git.js';
import { busyBranch } from '../../src/git/race.js';
import { Failure } from '../../src/kernel/failure.js';
import { deleteBranchArgv } from './argv.js';
import { findBranch } from './objects.js';
import type { Operation } from './operation.js';
import { CommandFailed } from './run-git.js';
import { judgePush } from './stderr.js';

/** Share of the time that is left which the push may take; the rest is for finding out. */
const PUSH_SHARE = 0.7;

/** What `Git.deleteBranch` promises. */
export async function deleteBranch(
  operation: Operation,
  branch: Branch,
  at: CommitId,
): Promise<DeleteResult> {
  let failure: Failure;
  try {
    await operation.network(deleteBranchArgv(branch, at), { share: PUSH_SHARE });
    return { status: 'deleted' };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = explain(operation, branch, error);
  }
  const head = await findBranch(operation, branch);
  if (head === null) return { status: 'deleted' };
  if (head !== at) return { status: 'moved', head };
  throw failure;
}

function explain(operation: Operation, branch: Branch, error: Failure): Failure {
  const verdict =
    error.cause instanceof CommandFailed ? judgePush(error.cause.stdout, error.cause.stderr) : null;
  if (verdict === null) return error;
  const { kind, reason } = verdict;
  if (kind === 'raced') return busyBranch(operation.host, branch, reason);
  return new Failure('GIT_PUSH_REJECTED', { host: operation.host, reason }, { cause: error }) as Failure;
}
