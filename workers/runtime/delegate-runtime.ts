// A delegate's life: say hello and compare contracts, get the group's keys, take tasks, send heartbeats, drain.
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../src/config/config.js';
import { heartbeatIntervalMs, type Presence, type SelfDescription } from '../../src/contract/presence.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { openNetwork } from '../../src/git/network.js';
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
import type { SealingSuite } from '../../src/sealing/client-sealing.js';
import { Identity } from '../../src/sealing/identity.js';
import { Keyring } from '../secret-managers/keyring.js';
import { SecretManagerRegistry } from '../secret-managers/registry.js';
import { DelegateAccess, type Openers } from './access.js';
import { AuditFile } from './audit-file.js';
import {
  type EnrolmentFile,
  forgetFinishedEnrolment,
  type IdentityFile,
  readDelegateFile,
} from './delegate-files.js';
import { exchangeGrant } from './exchange-grant.js';
import { ExchangedTokens } from './exchanged.js';
import { type GroupFile, lineOf, openGroupFile } from './group-file.js';
import { hasKeyring, keyringFile } from './group-keys.js';
import { type ExchangeGrant, taskHandlers } from './handlers.js';
import { hostHandlers } from './host-handlers.js';
import { openHosts } from './hosts.js';
import { joinGroup } from './join-group.js';
import { KeptValues } from './kept-values.js';
import { changeAudibly, handOverAudibly } from './key-records.js';
import { LiveGroupKeys } from './live-group-keys.js';
import { type DelegatePolicy, openPolicy } from './policy.js';
import { PresenceReporter } from './presence-reporter.js';
import { openRemotes } from './remotes.js';
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
  groupFile: GroupFile;
  self: SelfDescription;
  /** How it is called in logs. */
  who: { delegate: string; group: string };
}

/** What changes while it works. */
interface Work {
  worker: TaskWorker | undefined;
  /** Unknown as long as it says hello. */
  groupKeys: LiveGroupKeys | undefined;
  lastFault: Presence['lastFault'];
}

const UNWRAPPED =
  'has the keys of the group as they are, and its policy file names a KMS for them: stop it, and ' +
  'npm run -s delegate -- group-keys wrap';

/** A task that fails with one of these was not begun. */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(['TASK_EXPIRED', 'CONTRACT_VERSION_MISMATCH']);

/**
 * Starts taking tasks once a manager has welcomed this delegate; waits for a manager as long as it takes.
 * @throws DELEGATE_NOT_ENROLLED, CONTRACT_VERSION_MISMATCH, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, ADDRESS_IN_USE, SECRET_*
 */
export async function startDelegate(config: Config, log: Log): Promise<Delegate> {
  const person = openPerson(config);
  const { enrolment, folder, self, who } = person;
  const { name, tasksMax, version } = self;
  log.info({ ...who, name, version }, 'starts');
  prepareFolder(folder);
  const backend = await openBackend(config, enrolment);
  const work: Work = { worker: undefined, groupKeys: undefined, lastFault: null };
  const running = () => work.worker?.running ?? 0;
  const reporter = new PresenceReporter(backend, person, log, () => presenceOf(self, work));
  const vitals = new VitalSigns(version, { pingQueue: () => reporter.ping(), running, tasksMax });
  await vitals.serve(config, (url) => log.info({ ...who, url }, 'tells of its health'));
  await joinGroup(person, reporter, vitals, log);
  const groupKeys = (work.groupKeys = await openGroupKeys(person, log));
  vitals.receiveGroupKeys();
  const keyring = new Keyring(groupKeys.keyring, enrolment.deployment);
  const journal = new FileTaskJournal(folder);
  const managers = openManagers(config, keyring, person);
  const records = openRecords(person, log);
  const openers = { keyring, managers, audit: new SecretAudit(records) };
  const access = new DelegateAccess(openNetwork(config), person.policy, openers);
  const handlers = taskHandlers({
    ...openRoads(config, person, access),
    exchange: exchangeWith(access, openers, folder),
    secrets: openSecretHandlers(person, groupKeys, openers),
    handOver: (newcomer) => handOverAudibly(person, newcomer, log),
    changeKeys: changeAudibly(person, groupKeys, log),
  });
  const worker = new TaskWorker(backend, {
    seal: sealOf(person, groupKeys),
    speaks: { oldest: contractOldest, latest: contractVersion },
    name,
    process: reporter.process,
    tasksMax,
    journal,
    handlers: vitals.metrics.measure(handlers),
    ...listeners(person, work, { vitals, managers }, log),
  });
  work.worker = worker;
  let says: 'heartbeat' | 'draining' = 'heartbeat';
  await reporter.say(says);
  const beat = setInterval(() => void reporter.say(says), heartbeatIntervalMs);
  log.info({ ...who, tasksMax }, 'takes tasks');
  return {
    url: vitals.url,
    drain: async () => {
      log.info({ ...who, running: running() }, 'drains');
      vitals.drain();
      says = 'draining';
      await reporter.say(says);
      if (!(await closeWithin(worker, config.SALLYPORT_DELEGATE_GRACE_SECONDS * 1_000)))
        log.warn({ ...who, running: running() }, 'lets go of tasks that take longer than its grace');
      clearInterval(beat);
      await reporter.say('goodbye');
      await reporter.close();
      journal.close();
      groupKeys.close();
      access.close();
      await managers.close();
      await records.close();
      await vitals.close();
      log.info(who, 'has drained');
    },
  };
}

const presenceOf = (self: SelfDescription, { worker, groupKeys, lastFault }: Work): Presence => ({
  self,
  running: worker?.running ?? 0,
  lastFault,
  wantsGroupKeys: null,
  ...(groupKeys === undefined ? {} : { groupKeys: groupKeys.state }),
});

/** To repositories, and to the APIs of their hosts. */
function openRoads(config: Config, { policy }: Person, access: DelegateAccess) {
  return {
    open: openRemotes(config, policy, access),
    hosts: hostHandlers(openHosts(config, policy, access)),
  };
}

function prepareFolder(folder: string): void {
  forgetFinishedEnrolment(folder);
  // What is wrong with the keyring is said before anything waits for a manager.
  if (hasKeyring(folder)) openKeyFile(keyringFile(folder), { createIfMissing: false });
}

async function openGroupKeys(person: Person, log: Log): Promise<LiveGroupKeys> {
  const { groupFile, policy, who } = person;
  const keys = await LiveGroupKeys.open(person, {
    onFault: (error) => log.warn({ ...who, err: error }, 'keys of before cannot be destroyed'),
  });
  if (policy.wrappedBy !== undefined && !groupFile.isWrapped) log.warn(who, UNWRAPPED);
  return keys;
}

function exchangeWith(access: DelegateAccess, openers: Openers, folder: string): ExchangeGrant {
  const exchanged = new ExchangedTokens(folder);
  return (input, task) => exchangeGrant({ access, openers, exchanged }, input, task);
}

function openSecretHandlers(
  { enrolment, folder, policy }: Person,
  groupKeys: LiveGroupKeys,
  { managers, audit }: Openers,
): SecretHandlers {
  const { deployment, group } = enrolment;
  const pairsOf = (suite: SealingSuite) => groupKeys.pairsOf(suite);
  const kept = new KeptValues(folder);
  return secretHandlers({ deployment, group, pairsOf, managers, policy, kept, audit });
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
  return new SecretManagerRegistry({
    ...lineOf(config),
    deployment: enrolment.deployment,
    keyring,
    dataKeyMsMax: config.SALLYPORT_SECRETS_DATA_KEY_SECONDS * 1_000,
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

function sealOf({ enrolment, identity }: Person, opener: LiveGroupKeys): DelegateSeal {
  const { deployment, delegate, group, manager } = enrolment;
  return {
    deployment,
    group: group.id,
    delegate,
    identity,
    opener,
    managerIdentityKey: manager.identityKey,
    managerSealingKey: manager.sealingKey,
  };
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
  const groupFile = openGroupFile(config, enrolment, policy);
  return { folder, enrolment, keys, identity, policy, groupFile, self, who };
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
