// Both ends of a task queue in this process, with a delegate's own handlers and keyring: what DelegatedGit speaks across.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { DelegatedGit } from '../../src/connectivity/delegated-git.js';
import type { CarriedRemote } from '../../src/contract/remote.js';
import { type TaskName, type TaskOutput, tasks } from '../../src/contract/tasks.js';
import { contractVersion } from '../../src/contract/version.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { Failure, type WireFailure } from '../../src/kernel/failure.js';
import { openQueueBackend } from '../../src/queue/backend.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { TaskWorker } from '../../src/queue/task-worker.js';
import { AuditFile } from '../../workers/runtime/audit-file.js';
import { taskHandlers } from '../../workers/runtime/handlers.js';
import { KeptValues } from '../../workers/runtime/kept-values.js';
import { DelegatePolicy } from '../../workers/runtime/policy.js';
import { openRemotes } from '../../workers/runtime/remotes.js';
import { SecretAudit } from '../../workers/runtime/secret-audit.js';
import { secretHandlers } from '../../workers/runtime/secret-handlers.js';
import { FileTaskJournal } from '../../workers/runtime/task-journal.js';
import { Keyring } from '../../workers/secret-managers/keyring.js';
import { SecretManagerRegistry } from '../../workers/secret-managers/registry.js';
import type { MakeGit } from './git-suite.js';
import { makeSeals } from './seals.js';

const TIMEOUT_MS = 90_000;

const refused = async (): Promise<never> => {
  throw new Failure('TASK_REFUSED', { reason: 'there is no group' });
};
const noChanges = { stage: refused, wish: () => '', adopt: refused, promote: refused };

export interface DelegatedRoad {
  make: MakeGit;
  close: () => Promise<void>;
}

export async function openDelegatedRoad(
  urls: { redisUrl?: string; databaseUrl?: string },
  engine: 'in-process' | 'native',
): Promise<DelegatedRoad> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-road-'));
  const keyring = new Keyring(
    openKeyFile(path.join(home, 'keyring.json'), { createIfMissing: true }),
    'test',
  );
  const backend = await openQueueBackend({ redisUrl: urls.redisUrl, databaseUrl: urls.databaseUrl });
  const { managerSeal, delegateSeal, addressee } = await makeSeals();
  const queue = new TaskQueue(backend, managerSeal, () => undefined);
  const journal = new FileTaskJournal(home);
  const managers = new SecretManagerRegistry({
    deployment: 'test',
    keyring,
    deadlineMs: 10_000,
    dataKeyMsMax: 0,
    proxy: undefined,
    environment: {},
    assertAllowed: () => undefined,
    assertPathAllowed: () => undefined,
  });
  const policy = new DelegatePolicy({});
  const records = new AuditFile(home);
  const audit = new SecretAudit(records);
  const open = openRemotes(configFor(home, engine), policy, { keyring, managers, audit });
  const worker = new TaskWorker(backend, {
    seal: delegateSeal,
    speaks: { oldest: contractVersion, latest: contractVersion },
    name: 'conformance-1',
    tasksMax: 8,
    journal,
    handlers: taskHandlers({
      open,
      secrets: secretHandlers({
        deployment: 'test',
        group: { id: 'g0', identityKey: '' },
        pairsOf: () => [],
        managers,
        policy,
        kept: new KeptValues(home),
        audit,
      }),
      handOver: async () => {
        throw new Failure('TASK_REFUSED', { reason: 'there is no newcomer' });
      },
      changeKeys: noChanges,
    }),
    onFault: () => undefined,
    onForgery: () => undefined,
  });
  const run = async <N extends TaskName>(
    name: N,
    input: Parameters<typeof queue.send<N>>[2],
  ): Promise<TaskOutput<N>> => {
    const sent = await queue.send(addressee, name, input, {
      contract: contractVersion,
      expiresAt: Date.now() + TIMEOUT_MS,
      standing: async () => 'serving',
    });
    if (sent.outcome !== 'answered') throw new Error(`the task was ${sent.outcome}`);
    if (!sent.answer.ok) throw Failure.fromWire(sent.answer.failure as WireFailure);
    return tasks[name].output.parse(sent.answer.output) as TaskOutput<N>;
  };
  const make: MakeGit = ({ url, username, password }) => {
    const place = { scope: 'accounts/test', secret: 'git' };
    const sealed = keyring.put(Buffer.from(password), place);
    const carry = async (): Promise<CarriedRemote> => {
      const secret = {
        scope: place.scope,
        id: place.secret,
        manager: 'keyring' as const,
        envelope: await sealed,
      };
      return { url, credential: { username, secret } };
    };
    return new DelegatedGit(async () => ({ remote: await carry(), run }));
  };
  const close = async (): Promise<void> => {
    await worker.close();
    await queue.close();
    journal.close();
    await records.close();
    fs.rmSync(home, { recursive: true, force: true });
  };
  return { make, close };
}

const configFor = (home: string, engine: 'in-process' | 'native') =>
  readConfig({
    SALLYPORT_DATA_DIR: home,
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
    SALLYPORT_DELEGATE_GIT_ENGINE: engine,
  });
