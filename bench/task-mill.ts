// A delegate's end of its task queue in a process of its own, with handlers that do nothing: what a task costs without its work.
import '../src/config/process.js';
import { answerInfo, taskInfo } from '../src/contract/messages.js';
import { contractOldest, contractVersion } from '../src/contract/version.js';
import { openQueueBackend } from '../src/queue/backend.js';
import { type TaskHandlers, TaskWorker } from '../src/queue/task-worker.js';
import { makeSealingPair, Opener, Sealer } from '../src/sealing/hpke.js';
import { Identity } from '../src/sealing/identity.js';
import { FileTaskJournal } from '../workers/runtime/task-journal.js';

/** What the mill is told at its start. */
export interface MillOrder {
  redisUrl: string;
  /** For its journal. */
  folder: string;
  deployment: string;
  group: string;
  delegate: string;
  tasksMax: number;
  /** Public keys of the manager. */
  managerIdentityKey: string;
  managerSealingKey: string;
}

/** Its own public keys; then, when asked to stop, the CPU time it took, in milliseconds. */
export type MillAnswer = { sealingKey: string; identityKey: string } | { cpuMs: number };

const COMMIT = '0'.repeat(40);

// Nobody is left to work for.
process.once('disconnect', () => process.exit());
process.once('message', (order) => void work(order as MillOrder));

async function work(order: MillOrder): Promise<void> {
  const { redisUrl, folder, deployment, group, delegate, tasksMax } = order;
  const pair = await makeSealingPair();
  const identity = new Identity(Identity.make());
  const backend = await openQueueBackend({ redisUrl, databaseUrl: undefined });
  const worker = new TaskWorker(backend, {
    seal: {
      deployment,
      group,
      delegate,
      identity,
      opener: new Opener(pair, taskInfo(deployment, group)),
      managerIdentityKey: order.managerIdentityKey,
      managerSealingKey: order.managerSealingKey,
    },
    speaks: { oldest: contractOldest, latest: contractVersion },
    name: delegate,
    process: delegate,
    tasksMax,
    journal: new FileTaskJournal(folder),
    handlers: idle,
    onFault: complain,
    onForgery: complain,
  });
  // The first agreement on a key is not what is measured.
  await new Sealer(order.managerSealingKey, answerInfo(deployment)).seal(Buffer.alloc(0), '');
  const begin = process.cpuUsage();
  process.once('message', () => {
    const { user, system } = process.cpuUsage(begin);
    void worker.close().then(() => {
      answer({ cpuMs: (user + system) / 1_000 });
      process.disconnect();
    });
  });
  answer({ sealingKey: pair.publicKey, identityKey: identity.publicKey });
}

const answer = (said: MillAnswer): void => void process.send?.(said);
const complain = (what: unknown): void => void process.stderr.write(`${String(what)}\n`);

const idle = new Proxy({} as TaskHandlers, {
  get: () => async () => COMMIT,
});
