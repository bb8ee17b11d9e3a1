// The connection test, through the commands a save runs. One listing reaches, authenticates and reads; what it fails with
// says which of the three failed.
import type { Stage, StageResult } from '../../src/git/git.js';
import { EMPTY_TREE } from '../../src/git/objects.js';
import { Failure } from '../../src/kernel/failure.js';
import { emptyCommitArgv, listRemoteArgv, probePushArgv } from './argv.js';
import { listRemote } from './objects.js';
import type { Operation } from './operation.js';

const NOBODY = 'Sallyport <check@sallyport.invalid> 0 +0000';
/** A commit of nothing that is offered, and never sent. */
const OFFER = `tree ${EMPTY_TREE}\nauthor ${NOBODY}\ncommitter ${NOBODY}\n\nCheck\n`;

/** Tries the stages in order. What fails is in the answer; only a damaged folder is thrown. */
export async function checkRemote(operation: Operation): Promise<StageResult[]> {
  const listed = await time(() => listRemote(operation));
  const failedAt = listed.failure === null ? null : await locateFailure(operation, listed.failure);
  const results: StageResult[] = [];
  for (const stage of ['reach', 'authenticate', 'read'] as const) {
    // The first stage took the time of all that follow from the same answer.
    const ms = stage === 'reach' ? listed.ms : 0;
    if (stage === failedAt) return [...results, { stage, ok: false, ms, failure: listed.failure?.toWire() }];
    results.push({ stage, ok: true, ms });
  }
  const offered = await time(async () => {
    const commit = (await operation.local(emptyCommitArgv(), { input: OFFER })).trim();
    await operation.network(probePushArgv(commit));
  });
  const { ms, failure } = offered;
  return [
    ...results,
    failure === null
      ? { stage: 'write', ok: true, ms }
      : { stage: 'write', ok: false, ms, failure: failure.toWire() },
  ];
}

/** Milliseconds and failure of the work. Faults of another kind go on. */
async function time(work: () => Promise<unknown>): Promise<{ ms: number; failure: Failure | null }> {
  const since = performance.now();
  let failure: Failure | null = null;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
  }
  return { ms: Math.round((performance.now() - since) * 10) / 10, failure };
}

async function locateFailure(operation: Operation, failure: Failure): Promise<Stage> {
  if (!/^(?:SECRET|CREDENTIAL)_/.test(failure.code)) return stageOf(failure);
  // Without its secret a connector still tells whether the host is there: any answer will do.
  const anonymous = await time(() => operation.network(listRemoteArgv(), { anonymous: true }));
  return anonymous.failure !== null && stageOf(anonymous.failure) === 'reach' ? 'reach' : 'authenticate';
}

/** An answer of any kind means the host was reached. */
function stageOf({ code }: Failure): Stage {
  if (code === 'GIT_AUTH_REJECTED') return 'authenticate';
  const unreached = [
    'GIT_UNREACHABLE',
    'GIT_TIMEOUT',
    'GIT_ADDRESS_DENIED',
    'GIT_HOST_KEY_REJECTED',
    'CONNECTOR_DENIED',
  ];
  return unreached.includes(code) ? 'reach' : 'read';
}
