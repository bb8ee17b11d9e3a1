// Builds a planned chain and brings it to its branch. A push that git reports as done is believed; anything else is settled
// by looking at the branch.

import type { Chain, ChainResult, CommitId, Landed } from '../../src/git/git.js';
import { quoteServer } from '../../src/git/host-answer.js';
import { busyBranch, mayFollow, pauseAfterRace } from '../../src/git/race.js';
import { refuseUnwritable } from '../../src/git/unwritable.js';
import { Failure } from '../../src/kernel/failure.js';
import { step } from '../../src/kernel/step.js';
import { importArgv, isAncestorArgv, pushArgv } from './argv.js';
import { writeImportStream } from './import-stream.js';
import { fetchBranch, findBranch, findMissing, listStanding, requireCommits } from './objects.js';
import type { Operation } from './operation.js';
import { type ChainPlan, collectPaths, planChain } from './plan-chain.js';
import { CommandFailed, OutputTooLarge } from './run-git.js';
import { judgePush, type PushVerdict } from './stderr.js';

/** A chain whose objects are in the local repository. */
interface BuiltChain {
  /** The last commit, which is `base` when no step changes anything. */
  head: CommitId | null;
  steps: Landed[];
  hasCommits: boolean;
}

type Outcome = { kind: 'accepted' } | PushVerdict | { kind: 'unanswered'; failure: Failure };

/** How often one and the same push is sent. Twice is harmless: the branch moves by compare-and-swap. */
const SENDS_MAX = 2;
/** Share of the time that is left which a push may take; the rest is for finding out. */
const PUSH_SHARE = 0.7;

/** What `Git.commit` promises. */
export async function commitChain(operation: Operation, chain: Chain): Promise<ChainResult> {
  let built: BuiltChain | Pick<ChainPlan, 'mismatches'>;
  try {
    built = await step('git.build', () => buildChain(operation, chain));
  } catch (error) {
    if (error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND')
      return confirmMoved(operation, chain, error);
    throw error;
  }
  if ('mismatches' in built) return { status: 'mismatch', mismatches: built.mismatches };
  return deliverChain(operation, chain, built);
}

async function buildChain(
  operation: Operation,
  chain: Chain,
): Promise<BuiltChain | Pick<ChainPlan, 'mismatches'>> {
  for (const step of chain.steps) refuseUnwritable(step);
  if (chain.base !== null) await requireBase(operation, chain, chain.base);
  const standing = chain.base === null ? [] : await listStanding(operation, chain.base, collectPaths(chain));
  const plan = planChain(chain, standing);
  if (plan.mismatches.length > 0) return { mismatches: plan.mismatches };
  const changing = plan.steps.filter(({ edits }) => edits.length > 0);
  const commits = await importCommits(operation, chain.base, changing);
  let head = chain.base;
  const steps = plan.steps.map(({ edits, blobs }) => {
    const isUnchanged = edits.length === 0;
    if (!isUnchanged) head = commits.shift() ?? null;
    return { commit: head ?? '', unchanged: isUnchanged, blobs };
  });
  return { head, steps: nameFirstCommit(steps), hasCommits: changing.length > 0 };
}

/** The base is usually the head of its branch, whose history is wanted anyway. */
async function requireBase(operation: Operation, chain: Chain, base: CommitId): Promise<void> {
  if ((await findMissing(operation, [base])).length === 0) return;
  if (!chain.create) await fetchBranch(operation, chain.branch).catch(ignoreMissingBranch);
  await requireCommits(operation, [base]);
}

function ignoreMissingBranch(error: unknown): void {
  if (!(error instanceof Failure) || error.code !== 'GIT_REF_NOT_FOUND') throw error;
}

async function importCommits(
  operation: Operation,
  base: CommitId | null,
  steps: ChainPlan['steps'],
): Promise<CommitId[]> {
  if (steps.length === 0) return [];
  const input = writeImportStream(base, steps);
  const output = await operation.local(importArgv(), { input });
  return output.split('\n').filter((line) => line !== '');
}

/** Steps that change nothing before the very first commit stood on none: the first commit holds them. */
function nameFirstCommit(steps: Landed[]): Landed[] {
  const first = steps.find(({ unchanged }) => !unchanged)?.commit ?? '';
  return steps.map((landed) => (landed.commit === '' ? { ...landed, commit: first } : landed));
}

async function deliverChain(operation: Operation, chain: Chain, built: BuiltChain): Promise<ChainResult> {
  if (built.head === null || (!built.hasCommits && !chain.create))
    return confirmUnchanged(operation, chain, built);
  let doubt: Failure | null = null;
  try {
    for (let send = 1; ; send++) {
      const outcome = await push(operation, chain, built.head);
      if (outcome.kind === 'accepted') return { status: 'landed', head: built.head, steps: built.steps };
      // A refusal speaks of this push; an earlier one of the same chain may have landed all the same.
      const settled = await settle(operation, chain, built, outcome);
      if (settled !== null) return settled;
      if (outcome.kind === 'refused') throw reject(operation, outcome.reason);
      if (send === SENDS_MAX || !isWorthResending(outcome)) throw explain(operation, chain, outcome);
      if (outcome.kind === 'unanswered') doubt = outcome.failure;
      else await pauseAfterRace();
    }
  } catch (error) {
    throw doubt === null ? error : keepDoubt(operation, doubt, error);
  }
}

/** What a later send fails with says nothing of an earlier one that was not answered: the host may still be at it. */
function keepDoubt(operation: Operation, doubt: Failure, error: unknown): unknown {
  if (!(error instanceof Failure) || error.code === 'GIT_OUTCOME_UNKNOWN') return error;
  return unknown(operation, `${doubt.message}; then ${error.message}`, error);
}

async function confirmUnchanged(operation: Operation, chain: Chain, built: BuiltChain): Promise<ChainResult> {
  const head = await findBranch(operation, chain.branch);
  if (head !== chain.base) return { status: 'moved', head };
  if (head === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: chain.branch });
  return { status: 'landed', head, steps: built.steps };
}

/** What became of a chain whose base the host no longer has: nothing of it can be on the branch. */
async function confirmMoved(operation: Operation, chain: Chain, missing: Failure): Promise<ChainResult> {
  const head = await findBranch(operation, chain.branch);
  if (head === chain.base || (chain.create && head === null)) throw missing;
  return { status: 'moved', head };
}

async function push(operation: Operation, chain: Chain, to: CommitId): Promise<Outcome> {
  const from = chain.create ? null : chain.base;
  try {
    await step('git.push', () => operation.network(pushArgv(chain.branch, from, to), { share: PUSH_SHARE }));
    return { kind: 'accepted' };
  } catch (error) {
    const failed = error instanceof Error && error.cause instanceof CommandFailed ? error.cause : null;
    const verdict = failed === null ? null : judgePush(failed.stdout, failed.stderr);
    if (verdict !== null) return verdict;
    if (!(error instanceof Failure) || !leavesDoubt(error, failed)) throw error;
    return { kind: 'unanswered', failure: error };
  }
}

/** Whether the host may have taken the push although git failed: not as long as git was only asking for references. */
function leavesDoubt(failure: Failure, failed: CommandFailed | null): boolean {
  // One that was never begun has no cause.
  if (failure.code === 'GIT_CANCELLED' || failure.cause instanceof OutputTooLarge)
    return failure.cause !== undefined;
  if (failed === null) return false;
  if (['GIT_LIMIT_EXCEEDED', 'GIT_OBJECT_NOT_FOUND'].includes(failure.code)) return true;
  if (failure.disposition !== 'retry') return false;
  if (/^ssh: |^kex_exchange_identification|banner exchange$/m.test(failed.stderr)) return false;
  return !/unable to access/.test(failed.stderr) || /RPC failed|send-pack|hung up/.test(failed.stderr);
}

/** Reads the branch: landed, moved, or `null` when it still is where it was before the push. */
async function settle(
  operation: Operation,
  chain: Chain,
  built: BuiltChain,
  outcome: Outcome,
): Promise<ChainResult | null> {
  try {
    const head = await findBranch(operation, chain.branch);
    if (head !== null && head === built.head) return { status: 'landed', head, steps: built.steps };
    if (head === (chain.create ? null : chain.base)) return null;
    if (head === null || built.head === null || !built.hasCommits) return { status: 'moved', head };
    await requireCommits(operation, [head]);
    const isOnBranch = await isAncestor(operation, built.head, head);
    return isOnBranch ? { status: 'landed', head, steps: built.steps } : { status: 'moved', head };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'GIT_OUTCOME_UNKNOWN') throw error;
    const first = outcome.kind === 'unanswered' ? `${outcome.failure.message}; then ` : '';
    throw unknown(operation, `${first}${error.message}`, error);
  }
}

async function isAncestor(operation: Operation, old: CommitId, young: CommitId): Promise<boolean> {
  try {
    await operation.local(isAncestorArgv(old, young));
    return true;
  } catch (error) {
    if (error instanceof Error && error.cause instanceof CommandFailed && error.cause.exitCode === 1)
      return false;
    throw error;
  }
}

function isWorthResending(outcome: Outcome): boolean {
  return (
    outcome.kind === 'raced' || (outcome.kind === 'unanswered' && outcome.failure.code === 'GIT_UNREACHABLE')
  );
}

/** The branch has not moved. A host that answered has refused; one that fell silent may still be at work. */
function explain(operation: Operation, chain: Chain, outcome: Outcome): Failure {
  if (outcome.kind === 'raced') return busyBranch(operation.host, chain.branch, outcome.reason);
  if (outcome.kind !== 'unanswered') return reject(operation, '');
  const { failure } = outcome;
  return mayFollow(failure)
    ? unknown(operation, `${failure.message}; the branch has not moved so far`, failure)
    : failure;
}

function reject(operation: Operation, reason: string): Failure {
  return new Failure('GIT_PUSH_REJECTED', { host: operation.host, reason }) as Failure;
}

function unknown(operation: Operation, reason: string, cause: Failure): Failure {
  return new Failure(
    'GIT_OUTCOME_UNKNOWN',
    { host: operation.host, reason: quoteServer(reason) },
    { cause },
  ) as Failure;
}
