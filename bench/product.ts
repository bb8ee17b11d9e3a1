// The product as it is run: database, Redis, one manager, one delegate, and a repository that both roads lead to.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRepository } from '../src/playground/git-host.js';
import { startProcess } from '../src/playground/processes.js';
import { enrolDelegate, seed } from '../src/playground/seed.js';
import { startEmbeddedPostgres } from '../src/storage/embedded-postgres.js';
import { startRedis } from '../test/support/servers.js';
import { startGitServer } from './git-server.js';

export interface Product {
  /** The manager’s URL. */
  manager: string;
  redisUrl: string;
  /** Folder of the bare repository. */
  repository: string;
  repositoryUrl: string;
  /** Saves an entity over this connector. @throws Error unless the commit is on the branch */
  save: (connector: string, branch: string, id: string, yaml: string) => Promise<void>;
  /** A request below the account. @throws Error unless it succeeds */
  ask: (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;
  /** Starts another delegate, in a group of its own. */
  addDelegate: (group: string, settings: Record<string, string>) => Promise<void>;
}

const entryOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** Starts everything below `home`; what was started is added to `stops`, last first. */
export async function startProduct(home: string, stops: (() => Promise<void>)[]): Promise<Product> {
  const keep = <T extends { stop: () => Promise<void> }>(one: T): T => {
    stops.unshift(one.stop);
    return one;
  };
  const folder = (name: string): string => {
    fs.mkdirSync(path.join(home, name));
    return path.join(home, name);
  };
  const postgres = keep(await startEmbeddedPostgres(path.join(home, 'postgres')));
  const redis = keep(await startRedis(folder('redis')));
  await writeEverySecond(redis.url);
  const repositories = folder('repositories');
  const made = createRepository(repositories, 'demo', { files: { 'README.md': 'demo\n' } });
  const host = keep(await startGitServer(repositories, folder('server')));
  const start = async (name: string, entry: string, settings: Record<string, string>): Promise<string> => {
    const logFile = path.join(home, 'logs', `${name}.log`);
    const onRestart = (how: string): never => {
      throw new Error(`The ${name} ended with ${how}:\n${fs.readFileSync(logFile, 'utf8')}`);
    };
    const open = { SALLYPORT_GIT_ALLOW_HTTP: 'true', SALLYPORT_GIT_ALLOW_PRIVATE: 'true' };
    const all = { ...open, ...settings };
    const running = await startProcess({ name, entry: entryOf(entry), settings: all, logFile, onRestart });
    stops.unshift(running.drain);
    return running.url ?? '';
  };
  const manager = await start('manager', 'src/main.js', {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    SALLYPORT_PORT: '0',
    SALLYPORT_ACCOUNT: 'demo',
    SALLYPORT_DATA_DIR: path.join(home, 'manager'),
  });
  const token = fs.readFileSync(path.join(home, 'manager', 'admin-token'), 'utf8').trim();
  const delegate = { entry: entryOf('workers/delegate.js'), dataDir: path.join(home, 'delegate') };
  await enrolDelegate({ manager, token, delegate });
  await start('delegate', 'workers/delegate.js', { SALLYPORT_DATA_DIR: delegate.dataDir });
  const account = { username: 'bench', password: 'the host asks for none' };
  const accounts = { manager: account, delegate: account };
  await seed({ manager, token, repository: `${host.url}/demo.git`, accounts, delegate });
  const ask = asker(manager, token);
  return {
    manager,
    redisUrl: redis.url,
    repository: made.folder,
    repositoryUrl: `${host.url}/demo.git`,
    ask,
    save: async (connector, branch, id, yaml) => {
      await ask('PUT', `entities/pipeline/${id}`, { yaml, git: { connector, branch } });
    },
    addDelegate: async (group, settings) => {
      const other = { ...delegate, dataDir: path.join(home, group) };
      await enrolDelegate({ manager, token, delegate: other }, group);
      await start(group, 'workers/delegate.js', { SALLYPORT_DATA_DIR: other.dataDir, ...settings });
    },
  };
}

/** As the Redis configuration that is shipped has it; the starter of tests has every write on disk at once. */
async function writeEverySecond(url: string): Promise<void> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('CONFIG SET appendfsync everysec\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (answer.toString() !== '+OK\r\n') throw new Error(`Redis answered ${answer.toString()}`);
}

const asker =
  (manager: string, token: string): Product['ask'] =>
  async (method, where, body) => {
    const response = await fetch(`${manager}/api/v1/accounts/demo/${where}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status !== 200 && response.status !== 201)
      throw new Error(`${method} ${where} was answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
