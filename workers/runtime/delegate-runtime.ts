// A delegate's life: say hello and compare contracts, get the group's keys, take tasks, send heartbeats, drain.
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../src/config/config.js';
import { surroundings } from '../../src/config/process.js';
import { taskInfo } from '../../src/contract/messages.js';
import { heartbeatIntervalMs, type Presence, type SelfDescription } from '../../src/contract/presence.js';
import type { TaskInput } from '../../src/contract/tasks.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Log } from '../../src/kernel/log.js';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.js';
import {
  type DelegateSeal,
  type TaskLabel,
  TaskWorker,
  type TaskWorkerOptions,
} from '../../src/queue/task-worker.js';
import { Opener, type Sealed } from '../../src/sealing/hpke.js';
import { fingerprintOf, Identity } from '../../src/sealing/identity.js';
import { Keyring } from '../secret-managers/keyring.js';
import { SecretManagerRegistry } from '../secret-managers/registry.js';
import { AuditFile } from './audit-file.js';
import {
  type EnrolmentFile,
  forgetFinishedEnrolment,
  type GroupKeysFile,
  type IdentityFile,
  readDelegateFile,
} from './delegate-files.js';
import {
  adopt,
  findGroupKeys,
  handOver,
  hasKeyring,
  keyringFile,
  openSharedKeyring,
  signNewcomer,
} from './group-keys.js';
import { taskHandlers } from './handlers.js';
import { KeptValues } from './kept-values.js';
import { type DelegatePolicy, readPolicy } from './policy.js';
import { PresenceReporter } from './presence-reporter.js';
import { type Openers, openRemotes } from './remotes.js';
import { SecretAudit } from './secret-audit.js';
import { type SecretHandlers, secretHandlers } from './secret-handlers.js';
import { describeSelf } from './self-description.js';
import { FileTaskJournal } from './task-journal.js';
import { VitalSigns } from './vital-signs.js';

export interface Delegate {
  /** Where it tells of its health, if it does. */
  url: string | undefined;
  /** Stops taking tasks, finishes those that run within the grace period, and says goodbye. */
  drain: () => Promise<void>;
}

/** What a delegate that has enrolled is. */
interface Person {
  folder: string;
  enrolment: EnrolmentFile;
  keys: IdentityFile;
  identity: Identity;
  policy: DelegatePolicy;
  self: SelfDescription;
  /** How it is called in logs. */
  who: { delegate: string; group: string };
}

/** What changes while it works. */
interface Work {
  worker: TaskWorker | undefined;
  lastFault: Presence['lastFault'];
}

const RETRY_MS = 2_000;
const KEYRING_MISSING =
  'has the keys of the group and lacks its keyring: waits for another delegate to hand it over. ' +
  'If no other delegate of the group has it, make a new one: npm run -s delegate -- keyring make';
/** A task that fails with one of these was not begun. */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(['TASK_EXPIRED', 'CONTRACT_VERSION_MISMATCH']);

/**
 * Starts taking tasks once a manager has welcomed this delegate; waits for a manager as long as it takes.
 * @throws DELEGATE_NOT_ENROLLED, CONTRACT_VERSION_MISMATCH, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, ADDRESS_IN_USE
 */
export async function startDelegate(config: Config, log: Log): Promise<Delegate> {
  const person = openPerson(config);
  const { enrolment, folder, self, who } = person;
  log.info({ ...who, name: self.name, version: self.version }, 'starts');
  forgetFinishedEnrolment(folder);
  // What is wrong with the keyring is said before anything waits for a manager.
  if (hasKeyring(folder)) openKeyFile(keyringFile(folder), { createIfMissing: false });
  const backend = await openBackend(config, enrolment);
  const work: Work = { worker: undefined, lastFault: null };
  const running = (): number => work.worker?.running ?? 0;
  const reporter = new PresenceReporter(backend, person, log, () => ({
    self,
    running: running(),
    lastFault: work.lastFault,
    wantsGroupKeys: null,
  }));
  const pingQueue = (): Promise<void> => reporter.ping();
  const vitals = new VitalSigns(self.version, { pingQueue, running, tasksMax: self.tasksMax });
  await vitals.serve(config, (url) => log.info({ ...who, url }, 'tells of its health'));
  const groupKeys = await joinGroup(person, reporter, vitals, log);
  vitals.receiveGroupKeys();
  const keyring = new Keyring(openSharedKeyring(folder, enrolment), enrolment.deployment);
  const journal = new FileTaskJournal(folder);
  const managers = openManagers(config, keyring, person);
  const records = openRecords(person, log);
  const openers = { keyring, managers, audit: new SecretAudit(records) };
  const handlers = taskHandlers({
    open: openRemotes(config, person.policy, openers),
    secrets: openSecretHandlers(person, groupKeys, openers),
    handOver: (newcomer) => handOverAudibly(person, newcomer, log),
  });
  const worker = new TaskWorker(backend, {
    seal: sealOf(person, groupKeys),
    speaks: { oldest: contractOldest, latest: contractVersion },
    name: self.name,
    tasksMax: self.tasksMax,
    journal,
    handlers: vitals.metrics.measure(handlers),
    ...listeners(person, work, { vitals, managers }, log),
  });
  work.worker = worker;
  let says: 'heartbeat' | 'draining' = 'heartbeat';
  await reporter.say(says);
  const beat = setInterval(() => void reporter.say(says), heartbeatIntervalMs);
  log.info({ ...who, tasksMax: self.tasksMax }, 'takes tasks');
  return {
    url: vitals.url,
    drain: async () => {
      log.info({ ...who, running: running() }, 'drains');
      vitals.drain();
      says = 'draining';
      await reporter.say(says);
      const isDone = await closeWithin(worker, config.SALLYPORT_DELEGATE_GRACE_SECONDS * 1_000);
      if (!isDone)
        log.warn({ ...who, running: running() }, 'lets go of tasks that take longer than its grace');
      clearInterval(beat);
      await reporter.say('goodbye');
      await reporter.close();
      journal.close();
      await managers.close();
      await records.close();
      vitals.close();
      log.info(who, 'has drained');
    },
  };
}

function openSecretHandlers(
  { enrolment, folder, policy }: Person,
  { sealing }: GroupKeysFile,
  { managers, audit }: Openers,
): SecretHandlers {
  const { deployment, group } = enrolment;
  const kept = new KeptValues(folder);
  return secretHandlers({ deployment, group, sealing, managers, policy, kept, audit });
}

/** Records that no manager has can be lost for want of room, which somebody has to hear of. */
const openRecords = ({ folder, who }: Person, log: Log): AuditFile =>
  new AuditFile(folder, (from, to) =>
    log.error({ audit: true, ...who, from, to }, 'records of opened secrets dropped, which no manager has'),
  );

function openManagers(
  config: Config,
  keyring: Keyring,
  { enrolment, policy }: Person,
): SecretManagerRegistry {
  const { SALLYPORT_GIT_PROXY_URL: url, SALLYPORT_GIT_PROXY_BYPASS: bypass = [] } = config;
  return new SecretManagerRegistry({
    deployment: enrolment.deployment,
    keyring,
    deadlineMs: config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000,
    dataKeyMsMax: config.SALLYPORT_SECRETS_DATA_KEY_SECONDS * 1_000,
    proxy: url === undefined ? undefined : { url, bypass },
    environment: surroundings(),
    assertAllowed: (carried) => policy.assertManagerAllowed(carried),
    assertPathAllowed: (settings, path) => policy.assertPathAllowed(settings, path),
  });
}

/** What the worker tells is logged, counted, and told to the manager. */
function listeners(
  { who }: Person,
  work: Work,
  { vitals: { metrics }, managers }: { vitals: VitalSigns; managers: SecretManagerRegistry },
  log: Log,
): Pick<TaskWorkerOptions, 'onFault' | 'onForgery' | 'onRedelivery'> {
  return {
    onFault: (error, task) => {
      if (task === undefined) {
        // Whoever is cut off from the queue may have been revoked.
        managers.forgetDataKeys();
        return log.warn({ ...who, err: error }, 'queue');
      }
      const fault = toFault(error);
      work.lastFault = fault;
      if (NOT_BEGUN.has(fault.code)) metrics.refuse(fault.code);
      log.warn({ ...who, ...labelsOf(task), code: fault.code, err: error }, 'task failed');
    },
    onForgery: (reason, task) => {
      metrics.refuse(reason);
      const labels = task === undefined ? {} : labelsOf(task);
      log.warn({ audit: true, ...who, ...labels, code: 'TASK_REFUSED', reason }, 'task refused');
    },
    onRedelivery: () => metrics.refuse('given again by the queue'),
  };
}

const labelsOf = ({ id, name }: TaskLabel) => ({ task: id, taskName: name });

function sealOf({ enrolment, identity }: Person, { sealing }: GroupKeysFile): DelegateSeal {
  const { deployment, delegate, group, manager } = enrolment;
  return {
    deployment,
    group: group.id,
    delegate,
    identity,
    opener: new Opener(sealing, taskInfo(deployment, group.id)),
    managerIdentityKey: manager.identityKey,
    managerSealingKey: manager.sealingKey,
  };
}

/** Whoever got the keys of the group, or was refused them, is on record. */
async function handOverAudibly(
  { folder, enrolment, policy, who }: Person,
  newcomer: TaskInput<'group.handOver'>,
  log: Log,
): Promise<Sealed> {
  const about = {
    audit: true,
    ...who,
    to: newcomer.delegate,
    fingerprint: fingerprintOf(newcomer.identityKey),
  };
  try {
    const sealed = await handOver(folder, enrolment, policy, newcomer);
    log.info(about, 'group keys handed over');
    return sealed;
  } catch (error) {
    log.warn({ ...about, code: Failure.from(error).code }, 'group keys not handed over');
    throw error;
  }
}

/** @throws DELEGATE_NOT_ENROLLED, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID */
function openPerson(config: Config): Person {
  const folder = config.SALLYPORT_DATA_DIR;
  const enrolment = readDelegateFile(folder, 'delegate.json');
  const keys = readDelegateFile(folder, 'identity.json');
  if (enrolment === undefined || keys === undefined)
    throw new Failure('DELEGATE_NOT_ENROLLED', {
      folder,
      reason: 'it holds no delegate.json and identity.json',
    });
  const policy = openPolicy(config);
  const identity = new Identity(keys.identity);
  const self = describeSelf(config, policy, enrolment.name);
  const who = { delegate: enrolment.delegate, group: enrolment.group.name };
  return { folder, enrolment, keys, identity, policy, self, who };
}

export function openPolicy(config: Config): DelegatePolicy {
  const named = config.SALLYPORT_DELEGATE_POLICY_FILE;
  const file = named ?? path.join(config.SALLYPORT_DATA_DIR, 'policy.yaml');
  return readPolicy(file, { required: named !== undefined });
}

/** The queue, as this delegate's own user. */
export async function openBackend(config: Config, { queue }: EnrolmentFile): Promise<QueueBackend> {
  if (queue.kind === 'postgres' && config.NODE_ENV === 'production')
    throw new Failure('CONFIGURATION_INVALID', {
      problems: [
        'This delegate enrolled with an embedded queue, which isolates no delegate groups: enrol it anew',
      ],
    });
  if (queue.kind === 'postgres')
    return openQueueBackend({ redisUrl: undefined, databaseUrl: config.DATABASE_URL });
  const url = new URL(queue.url);
  url.username = queue.username;
  url.password = queue.password;
  return openQueueBackend({ redisUrl: url.href, databaseUrl: undefined }, config);
}

/** Says hello until the manager has welcomed this delegate and it has the keys of its group. */
async function joinGroup(
  person: Person,
  reporter: PresenceReporter,
  vitals: VitalSigns,
  log: Log,
): Promise<GroupKeysFile> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('stopped before a manager answered'));
  process.once('SIGTERM', abort).once('SIGINT', abort).once('disconnect', abort);
  const { folder, enrolment, keys, identity, who } = person;
  try {
    for (;;) {
      // A keyring that is gone comes from the others again; a new one would open nothing of theirs.
      const own = hasKeyring(folder) ? findGroupKeys(folder, enrolment) : undefined;
      const wants = own === undefined ? signNewcomer(identity, keys.sealing.publicKey) : null;
      const welcome = await reporter.hello(wants, stop.signal);
      if (!welcome.accepted)
        throw new Failure('CONTRACT_VERSION_MISMATCH', {
          manager: welcome.contract,
          delegate: contractVersion,
        });
      const isFirst = vitals.welcome();
      if (isFirst) log.info({ ...who, contract: welcome.contract }, 'welcomed');
      if (own !== undefined) return own;
      if (welcome.groupKeys !== null) {
        const adopted = await adopt(folder, enrolment, keys, welcome.groupKeys);
        log.info({ audit: true, ...who }, 'group keys received');
        return adopted;
      }
      if (isFirst)
        log.warn(
          who,
          findGroupKeys(folder, enrolment) === undefined
            ? 'waits for another delegate to hand over the keys of the group'
            : KEYRING_MISSING,
        );
      await delay(RETRY_MS, undefined, { signal: stop.signal });
    }
  } finally {
    process.off('SIGTERM', abort).off('SIGINT', abort).off('disconnect', abort);
  }
}

/** Whether all that ran was finished in time. */
async function closeWithin(worker: TaskWorker, graceMs: number): Promise<boolean> {
  const stop = new AbortController();
  const late = delay(graceMs, false, { signal: stop.signal }).catch(() => true);
  const closed = worker.close().then(() => true);
  const isDone = await Promise.race([closed, late]);
  stop.abort();
  // What still runs ends with the process, and its manager gives it to another delegate.
  return isDone;
}

function toFault(error: unknown): NonNullable<Presence['lastFault']> & { code: ErrorCode } {
  const { code, message } = Failure.from(error);
  return { code, message: message.slice(0, 1_000), at: new Date().toISOString() };
}
