// Deletes a branch by compare-and-swap, and finds out what became of it as a delivery does: by looking at the branch.
import { Failure } from '../kernel/failure.js';
import { findBranch } from './branches.js';
import type { Branch, CommitId, DeleteResult } from './git.js';
import { busyBranch } from './race.js';
import { pushPack } from './receive-pack.js';
import { limitTo, type Session } from './session.js';

/** Share of the time that is left which the push may take; the rest is for finding out. */
const PUSH_SHARE = 0.7;

/** @throws Failure GIT_PUSH_REJECTED, and what a push fails with while the branch still stands. */
export async function deleteBranch(session: Session, branch: Branch, at: CommitId): Promise<DeleteResult> {
  let failure: Failure;
  try {
    const push = { reference: `refs/heads/${branch}`, from: at, to: null, pack: Buffer.alloc(0) };
    const verdict = await pushPack(limitTo(PUSH_SHARE, session), push);
    if (verdict.kind === 'accepted' && verdict.certain) return { status: 'deleted' };
    const reason = verdict.kind === 'accepted' ? 'the branch still stands' : verdict.reason;
    failure =
      verdict.kind === 'raced'
        ? busyBranch(session.host, branch, reason)
        : (new Failure('GIT_PUSH_REJECTED', { host: session.host, reason }) as Failure);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
  }
  const head = await findBranch(session, branch);
  if (head === null) return { status: 'deleted' };
  if (head !== at) return { status: 'moved', head };
  throw failure;
}
