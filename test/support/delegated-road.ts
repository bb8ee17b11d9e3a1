// Both ends of a task queue in this process, with a delegate's own handlers and keyring: what DelegatedGit speaks across.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { DelegatedGit } from '../../src/connectivity/delegated-git.js';
import { DelegatedHostApi } from '../../src/connectivity/delegated-host-api.js';
import type { CarriedHost } from '../../src/contract/host-tasks.js';
import type { CarriedCredential } from '../../src/contract/remote.js';
import { type TaskName, type TaskOutput, tasks } from '../../src/contract/tasks.js';
import { contractVersion } from '../../src/contract/version.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { openNetwork } from '../../src/git/network.js';
import { Failure, type WireFailure } from '../../src/kernel/failure.js';
import type { HostApi } from '../../src/providers/host-api.js';
import { capsOf } from '../../src/providers/host-apis.js';
import { openQueueBackend } from '../../src/queue/backend.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { TaskWorker } from '../../src/queue/task-worker.js';
import { DelegateAccess } from '../../workers/runtime/access.js';
import { AuditFile } from '../../workers/runtime/audit-file.js';
import { exchangeGrant } from '../../workers/runtime/exchange-grant.js';
import { ExchangedTokens } from '../../workers/runtime/exchanged.js';
import { taskHandlers } from '../../workers/runtime/handlers.js';
import { hostHandlers } from '../../workers/runtime/host-handlers.js';
import { openHosts } from '../../workers/runtime/hosts.js';
import { KeptValues } from '../../workers/runtime/kept-values.js';
import { DelegatePolicy, type PolicyFile } from '../../workers/runtime/policy.js';
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
  /** The API of a repository’s host, with the secret in the delegate’s keyring. */
  host: (place: Omit<CarriedHost, 'credential'>, account: { username: string; password: string }) => HostApi;
  close: () => Promise<void>;
}

export async function openDelegatedRoad(
  urls: { redisUrl?: string; databaseUrl?: string },
  engine: 'in-process' | 'native',
  rules: PolicyFile = {},
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
  const policy = new DelegatePolicy(rules);
  const records = new AuditFile(home);
  const audit = new SecretAudit(records);
  const config = configFor(home, engine);
  const openers = { keyring, managers, audit };
  const access = new DelegateAccess(openNetwork(config), policy, openers);
  const open = openRemotes(config, policy, access);
  const exchanged = new ExchangedTokens(home);
  const worker = new TaskWorker(backend, {
    seal: delegateSeal,
    speaks: { oldest: contractVersion, latest: contractVersion },
    name: 'conformance-1',
    process: 'p1',
    tasksMax: 8,
    journal,
    handlers: taskHandlers({
      open,
      exchange: (input, task) => exchangeGrant({ access, openers, exchanged }, input, task),
      hosts: hostHandlers(openHosts(config, policy, access)),
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
  const carry = async (username: string, password: string): Promise<CarriedCredential> => {
    const place = { scope: 'accounts/test', secret: 'git' };
    const envelope = await keyring.put(Buffer.from(password), place);
    return { username, secret: { scope: place.scope, id: place.secret, manager: 'keyring', envelope } };
  };
  const make: MakeGit = ({ url, username, password }) => {
    const credential = carry(username, password);
    return new DelegatedGit(async () => ({ remote: { url, credential: await credential }, run }));
  };
  const host: DelegatedRoad['host'] = (place, { username, password }) => {
    const credential = carry(username, password);
    const takeRoad = async () => ({ host: { ...place, credential: await credential }, run });
    return new DelegatedHostApi(capsOf(place.provider), takeRoad);
  };
  const close = async (): Promise<void> => {
    await worker.close();
    await queue.close();
    journal.close();
    await records.close();
    fs.rmSync(home, { recursive: true, force: true });
  };
  return { make, host, close };
}

const configFor = (home: string, engine: 'in-process' | 'native') =>
  readConfig({
    SALLYPORT_DATA_DIR: home,
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
    SALLYPORT_DELEGATE_GIT_ENGINE: engine,
  });
