// A delegate's life: say hello and compare contracts, take tasks, send heartbeats, drain.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Config } from '../../src/config/config.js';
import { heartbeatIntervalMs, type Presence } from '../../src/contract/presence.js';
import { contractVersion } from '../../src/contract/version.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Log } from '../../src/kernel/log.js';
import { openQueueBackend } from '../../src/queue/backend.js';
import { PresenceSender } from '../../src/queue/presence-queue.js';
import { TaskWorker } from '../../src/queue/task-worker.js';
import { Keyring } from '../secret-managers/keyring.js';
import { taskHandlers } from './handlers.js';
import { openRemotes } from './remotes.js';

const VERSION = '0.1.0';

export interface Delegate {
  /** Stops taking tasks, finishes those that run, and says goodbye. */
  drain: () => Promise<void>;
}

/**
 * Starts taking tasks once a manager has welcomed this delegate; waits for a manager as long as it takes.
 * @throws CONTRACT_VERSION_MISMATCH, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID
 */
export async function startDelegate(config: Config, log: Log): Promise<Delegate> {
  const ring = openKeyFile(path.join(config.SALLYPORT_DATA_DIR, 'keyring.json'), { createIfMissing: true });
  const backend = await openQueueBackend({ redisUrl: config.REDIS_URL, databaseUrl: config.DATABASE_URL });
  const sender = new PresenceSender(backend, (error) => log.debug({ err: error }, 'presence queue'));
  const presence = introduce(config);
  const deployment = await sayHello(sender, presence);
  remember(config, deployment);
  const worker = new TaskWorker(backend, {
    group: config.SALLYPORT_DELEGATE_GROUP,
    delegate: presence.name,
    tasksMax: config.SALLYPORT_DELEGATE_TASKS_MAX,
    handlers: taskHandlers(openRemotes(config, new Keyring(ring, deployment))),
    onFault: (error, task) =>
      log.warn({ err: error, task }, task === undefined ? 'task queue' : 'task failed'),
  });
  const beat = setInterval(
    () => void tell(sender, { ...presence, said: 'heartbeat' }, log),
    heartbeatIntervalMs,
  );
  log.info({ name: presence.name, group: presence.group }, 'taking tasks');
  return {
    drain: async () => {
      clearInterval(beat);
      await worker.close();
      await tell(sender, { ...presence, said: 'goodbye' }, log);
      await sender.close();
    },
  };
}

function introduce(config: Config): Presence {
  return {
    said: 'hello',
    contract: contractVersion,
    delegate: randomUUID(),
    group: config.SALLYPORT_DELEGATE_GROUP,
    name:
      config.SALLYPORT_DELEGATE_NAME ?? `${os.hostname()}-${process.pid}`.replace(/[^A-Za-z0-9_.-]/g, '-'),
    version: VERSION,
    tasksMax: config.SALLYPORT_DELEGATE_TASKS_MAX,
  };
}

/** The deployment's id, told by the manager. */
async function sayHello(sender: PresenceSender, presence: Presence): Promise<string> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('stopped before a manager answered'));
  process.once('SIGTERM', abort).once('SIGINT', abort).once('disconnect', abort);
  try {
    const welcome = await sender.hello(presence, stop.signal);
    if (welcome.accepted) return welcome.deployment;
    throw new Failure('CONTRACT_VERSION_MISMATCH', { manager: welcome.contract, delegate: contractVersion });
  } finally {
    process.off('SIGTERM', abort).off('SIGINT', abort).off('disconnect', abort);
  }
}

/** `secret put` binds secrets to the deployment and reads its id here. */
function remember(config: Config, deployment: string): void {
  const file = path.join(config.SALLYPORT_DATA_DIR, 'delegate.json');
  const fresh = `${file}.${process.pid}`;
  fs.writeFileSync(fresh, `${JSON.stringify({ deployment })}\n`, { mode: 0o600 });
  fs.renameSync(fresh, file);
}

async function tell(sender: PresenceSender, presence: Presence, log: Log): Promise<void> {
  await sender.say(presence).catch((error: unknown) => log.debug({ err: error }, presence.said));
}
