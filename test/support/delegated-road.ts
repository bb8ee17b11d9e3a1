// Both ends of a task queue in this process, with a delegate's own handlers and keyring: what DelegatedGit speaks across.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { DelegatedGit } from '../../src/connectivity/delegated-git.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { openQueueBackend } from '../../src/queue/backend.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { TaskWorker } from '../../src/queue/task-worker.js';
import { taskHandlers } from '../../workers/runtime/handlers.js';
import { openRemotes } from '../../workers/runtime/remotes.js';
import { Keyring } from '../../workers/secret-managers/keyring.js';
import type { MakeGit } from './git-suite.js';

const GROUP = 'conformance';
const TIMEOUT_MS = 90_000;

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
  const queue = new TaskQueue(backend);
  const worker = new TaskWorker(backend, {
    group: GROUP,
    delegate: 'conformance-1',
    tasksMax: 8,
    handlers: taskHandlers(openRemotes(configFor(home, engine), keyring)),
    onFault: () => undefined,
  });
  const make: MakeGit = ({ url, username, password }) => {
    const place = { scope: 'accounts/test', secret: 'git' };
    const secret = {
      scope: place.scope,
      id: place.secret,
      manager: 'keyring' as const,
      envelope: keyring.seal(Buffer.from(password), place),
    };
    const road = { queue, group: GROUP, timeoutMs: TIMEOUT_MS, isServed: async () => true };
    return new DelegatedGit({ url, credential: { username, secret } }, road);
  };
  const close = async (): Promise<void> => {
    await worker.close();
    await queue.close();
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
