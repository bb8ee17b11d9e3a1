// The connection test, through the very requests a save makes. Each stage is timed; the first that fails is the last.
import { Failure } from '../kernel/failure.js';
import { findBranch } from './branches.js';
import { discoverCapabilities, discoverPushFeatures, featuresOf } from './capabilities.js';
import type { Check, Remote, Stage, StageResult } from './git.js';
import { openAnonymous, type SessionOptions, withSession } from './session.js';

/** Tries reach, authenticate, read and write in order. Never fails: what fails is in the answer. */
export async function checkRemote(remote: Remote, options: SessionOptions): Promise<Check> {
  const check: Check = { stages: [], host: null };
  const trial = new Trial(check.stages);
  try {
    await withSession(remote, options, async (session) => {
      trial.begin('reach');
      const capabilities = await discoverCapabilities(session);
      check.host = featuresOf(capabilities);
      trial.passAll('reach', 'authenticate');
      trial.begin('read');
      await findBranch(session, 'HEAD');
      trial.pass();
      trial.begin('write');
      check.host.push = await discoverPushFeatures(session, capabilities);
      trial.pass();
    });
  } catch (error) {
    const failure = Failure.from(error);
    if (isOfSecret(failure)) await reachAnonymously(remote, options, trial);
    trial.fail(failure);
  }
  return check;
}

/** Notes how far a check came. */
class Trial {
  readonly #results: StageResult[];
  #stage: Stage = 'reach';
  #since = performance.now();

  constructor(results: StageResult[]) {
    this.#results = results;
  }

  begin(stage: Stage): void {
    this.#stage = stage;
    this.#since = performance.now();
  }

  pass(): void {
    this.#results.push({ stage: this.#stage, ok: true, ms: this.#elapsed() });
  }

  /** One request passed several stages: the first took the time. */
  passAll(...stages: Stage[]): void {
    for (const stage of stages) {
      this.#results.push({ stage, ok: true, ms: this.#elapsed() });
      this.#since = performance.now();
    }
  }

  /** The first request serves three stages; which of them its failure belongs to is in the code. */
  fail(error: Failure): void {
    const failed = this.#stage === 'reach' ? stageOf(error) : this.#stage;
    for (const stage of stagesBefore(failed)) {
      if (this.#results.some((result) => result.stage === stage)) continue;
      this.passAll(stage);
    }
    this.#results.push({ stage: failed, ok: false, ms: this.#elapsed(), failure: error.toWire() });
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#since) * 10) / 10;
  }
}

const STAGES: Stage[] = ['reach', 'authenticate', 'read', 'write'];

function stagesBefore(stage: Stage): Stage[] {
  return STAGES.slice(0, STAGES.indexOf(stage));
}

/** An answer of any kind means the host was reached. */
function stageOf(failure: Failure): Stage {
  const { code } = failure;
  if (code === 'GIT_AUTH_REJECTED' || isOfSecret(failure)) return 'authenticate';
  const unreached = ['GIT_UNREACHABLE', 'GIT_TIMEOUT', 'GIT_ADDRESS_DENIED', 'CONNECTOR_DENIED', 'INTERNAL'];
  return unreached.includes(code) ? 'reach' : 'read';
}

/** Nothing but opening a secret, which is put on record, needs a database here. */
const isOfSecret = ({ code }: Failure): boolean =>
  /^(?:SECRET|CREDENTIAL)_/.test(code) || code === 'DATABASE_UNAVAILABLE';

/** Without its secret a connector still tells whether the host is there: any answer will do. */
async function reachAnonymously(remote: Remote, options: SessionOptions, trial: Trial): Promise<void> {
  trial.begin('reach');
  try {
    await discoverCapabilities(openAnonymous(remote, options));
  } catch (error) {
    const failure = Failure.from(error);
    if (stageOf(failure) === 'reach') throw failure;
  }
}
