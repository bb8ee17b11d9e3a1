// Brings a built chain to its branch and finds out what became of it. An answer that says yes is believed; anything else is
// settled by looking at the branch, since a lost answer says nothing about the push.
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { findBranch } from './branches.js';
import type { BuiltChain } from './chain.js';
import type { Chain, ChainResult, CommitId } from './git.js';
import { quoteServer, refuseAnswer } from './host-answer.js';
import { isUnsent } from './http-transport.js';
import type { ObjectSource } from './object-source.js';
import { busyBranch, mayFollow, pauseAfterRace } from './race.js';
import { type PushVerdict, pushPack } from './receive-pack.js';
import { limitTo } from './session.js';

type Outcome = PushVerdict | { kind: 'unanswered'; failure: Failure };

/** How often one and the same push is sent. Twice is harmless: the branch moves by compare-and-swap. */
const SENDS_MAX = 2;
/** Share of the time that is left which a push may take; the rest is for finding out. */
const PUSH_SHARE = 0.7;

/**
 * Pushes what was built; what changes nothing is not pushed.
 * @throws Failure GIT_PUSH_REJECTED when the host says no, GIT_OUTCOME_UNKNOWN when nothing can be found out.
 */
export async function deliverChain(
  source: ObjectSource,
  chain: Chain,
  built: BuiltChain,
): Promise<ChainResult> {
  if (built.head === null || (built.objects.size === 0 && !chain.create))
    return confirmUnchanged(source, chain, built);
  const pack = await built.pack.finish();
  let doubt: Failure | null = null;
  try {
    for (let send = 1; ; send++) {
      const outcome = await push(source, chain, built.head, pack);
      if (outcome.kind === 'accepted' && outcome.certain) return land(source, built, built.head);
      // A refusal speaks of this push; an earlier one of the same chain may have landed all the same.
      const settled = await settle(source, chain, built, outcome);
      if (settled !== null) return settled;
      if (send === SENDS_MAX || !isWorthResending(outcome)) throw explain(source, chain, outcome);
      if (outcome.kind === 'unanswered') doubt = outcome.failure;
      else await pauseAfterRace();
    }
  } catch (error) {
    throw doubt === null ? error : keepDoubt(source, doubt, error);
  }
}

/** What a later send fails with says nothing of an earlier one that was not answered: the host may still be at it. */
function keepDoubt(source: ObjectSource, doubt: Failure, error: unknown): unknown {
  if (!(error instanceof Failure) || error.code === 'GIT_OUTCOME_UNKNOWN') return error;
  return unknown(source, `${doubt.message}; then ${error.message}`, error);
}

/** What became of a chain whose base the host no longer has: nothing of it can be on the branch. */
export async function confirmMoved(
  source: ObjectSource,
  chain: Chain,
  missing: Failure,
): Promise<ChainResult> {
  const head = await findBranch(source.session, chain.branch);
  if (head === chain.base || (chain.create && head === null)) throw missing;
  return { status: 'moved', head };
}

async function confirmUnchanged(source: ObjectSource, chain: Chain, built: BuiltChain): Promise<ChainResult> {
  const head = await findBranch(source.session, chain.branch);
  if (head !== chain.base) return { status: 'moved', head };
  if (head === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: chain.branch });
  return { status: 'landed', head, steps: built.steps };
}

/** One POST. A failure after which the host may still have taken the push becomes `unanswered`. */
async function push(source: ObjectSource, chain: Chain, to: CommitId, pack: Buffer): Promise<Outcome> {
  const from = chain.create ? null : chain.base;
  const session = limitTo(PUSH_SHARE, source.session);
  try {
    return await step('git.push', () =>
      pushPack(session, { reference: `refs/heads/${chain.branch}`, from, to, pack }),
    );
  } catch (error) {
    if (!(error instanceof Failure) || isUnsent(error)) throw error;
    const leavesDoubt =
      error.disposition === 'retry' || ['GIT_LIMIT_EXCEEDED', 'GIT_OBJECT_NOT_FOUND'].includes(error.code);
    if (!leavesDoubt) throw error;
    return { kind: 'unanswered', failure: error };
  }
}

/** Reads the branch: landed, moved, or `null` when it still is where it was before the push. */
async function settle(
  source: ObjectSource,
  chain: Chain,
  built: BuiltChain,
  outcome: Outcome,
): Promise<ChainResult | null> {
  try {
    const head = wordOfHost(outcome, chain, built) ?? (await findBranch(source.session, chain.branch));
    if (head !== null && head === built.head) return land(source, built, head);
    if (head === (chain.create ? null : chain.base)) return null;
    if (head === null || built.head === null || built.objects.size === 0) return { status: 'moved', head };
    const landed = await source.isAncestor(built.head, head, chain.base);
    return landed ? { status: 'landed', head, steps: built.steps } : { status: 'moved', head };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'GIT_OUTCOME_UNKNOWN') throw error;
    const first = outcome.kind === 'unanswered' ? `${outcome.failure.message}; then ` : '';
    throw unknown(source, `${first}${error.message}`, error);
  }
}

/** Where the host says the branch stands, when it refused the push for it: that is the answer to the next question. */
function wordOfHost(outcome: Outcome, chain: Chain, built: BuiltChain): CommitId | null {
  if (outcome.kind !== 'raced' || outcome.head === chain.base || outcome.head === built.head) return null;
  return outcome.head;
}

function land(source: ObjectSource, built: BuiltChain, head: CommitId): ChainResult {
  source.keep(built.objects);
  source.noteRecent(head);
  return { status: 'landed', head, steps: built.steps };
}

function isWorthResending(outcome: Outcome): boolean {
  return (
    outcome.kind === 'raced' || (outcome.kind === 'unanswered' && outcome.failure.code === 'GIT_UNREACHABLE')
  );
}

/** The branch has not moved. A host that answered has refused; one that fell silent may still be at work. */
function explain(source: ObjectSource, chain: Chain, outcome: Outcome): Failure {
  if (outcome.kind === 'raced') return busyBranch(source.session.host, chain.branch, outcome.reason);
  if (outcome.kind === 'refused') return reject(source, outcome.reason);
  if (outcome.kind === 'accepted') return refuseUntruth(source);
  const { failure } = outcome;
  return mayFollow(failure)
    ? unknown(source, `${failure.message}; the branch has not moved so far`, failure)
    : failure;
}

/** The host said yes, and the branch has not moved: it did not tell the truth, or shows an old copy. */
function refuseUntruth(source: ObjectSource): Failure {
  const { host } = source.session;
  const untrue = refuseAnswer(host, 'it reports the push as done, and the branch has not moved') as Failure;
  return unknown(source, untrue.message, untrue);
}

function reject(source: ObjectSource, reason: string): Failure {
  return new Failure('GIT_PUSH_REJECTED', { host: source.session.host, reason }) as Failure;
}

function unknown(source: ObjectSource, reason: string, cause: Failure): Failure {
  const data = { host: source.session.host, reason: quoteServer(reason) };
  return new Failure('GIT_OUTCOME_UNKNOWN', data, { cause }) as Failure;
}
