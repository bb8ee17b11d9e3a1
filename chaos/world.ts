// A whole Sallyport to be hurt: database, Redis, Git host, two managers, three delegates in two groups, two tenants; every
// process behind a line of its own.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRepository, type GitHost, startGitHost } from '../src/playground/git-host.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/storage/embedded-postgres.js';
import { startRedis } from '../test/support/servers.js';
import type { Tenant } from './client.js';
import { git } from './history.js';
import { Line } from './line.js';
import { Supervised } from './supervised.js';

const entryOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const BRANCHES = ['main', 'next'];

/** Two in one group of an account, one in a group of another account's organisation. */
const delegates = [
  { name: 'delegate-1', scope: 'accounts/north', group: 'yard' },
  { name: 'delegate-2', scope: 'accounts/north', group: 'yard' },
  { name: 'delegate-3', scope: 'accounts/south/orgs/mill', group: 'dock' },
];
export const processNames = ['manager-1', 'manager-2', ...delegates.map(({ name }) => name)];

export interface WorldOptions {
  /** Everything is kept here, and nowhere else. */
  home: string;
  /** Folder for what the processes write. */
  logs: string;
}

export class World {
  readonly processes = new Map<string, Supervised>();
  /** From each process to Redis. */
  readonly redisLines = new Map<string, Line>();
  readonly tenants: Tenant[] = [];
  gitLine!: Line;
  readonly #options: WorldOptions;
  readonly #password = randomBytes(18).toString('base64url');
  #postgres: EmbeddedPostgres | undefined;
  #host: GitHost | undefined;
  #redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  #restart = Promise.resolve();
  #isStopped = false;

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** Made before it is started, so that it can be stopped half-way. */
  static make(options: WorldOptions): World {
    return new World(options);
  }

  get repositories(): string {
    return path.join(this.#options.home, 'repositories');
  }

  async start(): Promise<void> {
    this.#postgres = await startEmbeddedPostgres(path.join(this.#options.home, 'postgres'));
    fs.mkdirSync(this.#redisFolder);
    this.#redis = await startRedis(this.#redisFolder);
    await this.#startGit();
    for (const name of processNames) this.redisLines.set(name, await Line.open(this.#redisPort));
    // One after the other: the first makes the tables and the keys.
    for (const name of ['manager-1', 'manager-2']) await this.#startManager(name);
    await this.#furnish();
  }

  /** URLs of the managers that are there. */
  managers(): string[] {
    return ['manager-1', 'manager-2'].flatMap((name) => this.processes.get(name)?.url ?? []);
  }

  /** Redis dies, and comes again after a while with what it had on disk, or with nothing. */
  async restartRedis(ms: number, options: { empty: boolean }): Promise<void> {
    this.#restart = this.#killRedis(ms, options);
    await this.#restart;
  }

  async #killRedis(ms: number, { empty }: { empty: boolean }): Promise<void> {
    await this.#redis?.kill();
    if (empty) fs.rmSync(path.join(this.#redisFolder, 'appendonlydir'), { recursive: true, force: true });
    await delay(ms);
    if (!this.#isStopped) this.#redis = await startRedis(this.#redisFolder);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.processes.values()].map((one) => one.end()));
    await Promise.all([...this.redisLines.values(), this.gitLine].map((line) => line?.close()));
    await this.#host?.close();
    // What is being started must be there before it can be stopped.
    await this.#restart.catch(() => undefined);
    await this.#redis?.stop();
    await this.#postgres?.stop();
  }

  get #redisFolder(): string {
    return path.join(this.#options.home, 'redis');
  }

  get #redisPort(): number {
    return Number(new URL(this.#redis?.url ?? '').port);
  }

  async #startGit(): Promise<void> {
    fs.mkdirSync(this.repositories);
    for (const name of ['north', 'south']) {
      const { folder } = createRepository(this.repositories, name, { files: { 'README.md': `${name}\n` } });
      git(folder, 'branch', 'next', 'main');
    }
    const accounts = [{ username: 'sallyport', password: this.#password }];
    this.#host = await startGitHost({ root: this.repositories, port: 0, accounts });
    this.gitLine = await Line.open(this.#host.port);
  }

  async #startManager(name: string): Promise<void> {
    const env = {
      ...SETTINGS,
      DATABASE_URL: this.#postgres?.url ?? '',
      REDIS_URL: this.#redisUrlFor(name),
      SALLYPORT_PORT: '0',
      SALLYPORT_ACCOUNT: 'north',
      SALLYPORT_DATA_DIR: path.join(this.#options.home, 'manager'),
    };
    await this.#supervise(name, 'src/main.js', env);
  }

  async #supervise(name: string, entry: string, env: Record<string, string>): Promise<void> {
    const logFile = path.join(this.#options.logs, `${name}.log`);
    const process_ = new Supervised({ name, entry: entryOf(entry), env, logFile });
    this.processes.set(name, process_);
    await process_.start();
  }

  #redisUrlFor(name: string): string {
    return `redis://127.0.0.1:${this.redisLines.get(name)?.port}`;
  }

  async #furnish(): Promise<void> {
    const north = fs.readFileSync(path.join(this.#options.home, 'manager', 'admin-token'), 'utf8').trim();
    const south = await this.#run('src/token.js', ['--account', 'south'], {
      DATABASE_URL: this.#postgres?.url ?? '',
    });
    this.tenants.push(
      { scope: 'accounts/north', token: north, repository: 'north', branches: BRANCHES },
      { scope: 'accounts/south/orgs/mill', token: south.trim(), repository: 'south', branches: BRANCHES },
    );
    await this.#ask('south', 'PUT', 'accounts/south/orgs/mill', {});
    for (const delegate of delegates) await this.#startDelegate(delegate);
    await this.#furnishTenant('north', 'delegate-1');
    await this.#furnishTenant('south', 'delegate-3');
  }

  async #startDelegate({ name, scope, group }: (typeof delegates)[number]): Promise<void> {
    const folder = path.join(this.#options.home, name);
    const env = { ...SETTINGS, SALLYPORT_DATA_DIR: folder };
    const repository = this.tenants.find((one) => one.scope === scope)?.repository ?? '';
    const { token } = await this.#ask(repository, 'POST', `${scope}/delegate-tokens`, { group });
    const args = ['enrol', '--manager', this.managers()[0] ?? '', '--token', '-', '--name', name];
    await this.#run('workers/delegate.js', args, env, token as string);
    // As if each were in a network of its own: Redis has another address from every one.
    const file = path.join(folder, 'delegate.json');
    const enrolment = JSON.parse(fs.readFileSync(file, 'utf8'));
    enrolment.queue.url = this.#redisUrlFor(name);
    fs.writeFileSync(file, JSON.stringify(enrolment));
    await this.#supervise(name, 'workers/delegate.js', env);
  }

  /** A kind, and a connector for each road with a secret that only that road can open. */
  async #furnishTenant(repository: string, delegate: string): Promise<void> {
    const { scope } = this.tenants.find((one) => one.repository === repository) as Tenant;
    const account = `accounts/${repository}`;
    const put = (at: string, body: unknown) => this.#ask(repository, 'PUT', at, body);
    await put(`${account}/kinds/pipeline`, {
      pathTemplate: '{org}/{project}/pipelines/{id}.yaml',
      schema: { type: 'object', properties: { name: { type: 'string' } } },
    });
    await put(`${scope}/secrets/git-direct`, { manager: 'builtin', value: this.#password });
    const env = { SALLYPORT_DATA_DIR: path.join(this.#options.home, delegate) };
    const args = ['secret', 'put', '--scope', scope, '--id', 'git-delegated'];
    const sealed = await this.#run('workers/delegate.js', args, env, this.#password);
    await put(`${scope}/secret-managers/keyring`, { settings: { kind: 'keyring' } });
    await put(`${scope}/secrets/git-delegated`, JSON.parse(sealed));
    const url = `http://127.0.0.1:${this.gitLine.port}/${repository}.git`;
    const credential = (secret: string) => ({ username: 'sallyport', secret });
    await put(`${scope}/connectors/direct`, {
      url,
      connectivity: 'manager',
      credential: credential('git-direct'),
    });
    await put(`${scope}/connectors/delegated`, {
      url,
      connectivity: 'delegate',
      credential: credential('git-delegated'),
    });
  }

  async #ask(
    repository: string,
    method: string,
    at: string,
    body: unknown,
  ): Promise<Record<string, unknown>> {
    const token = this.tenants.find((one) => one.repository === repository)?.token ?? '';
    const response = await fetch(`${this.managers()[0]}/api/v1/${at}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${at} was answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** What a command of the program prints. */
  async #run(file: string, args: string[], env: Record<string, string>, input = ''): Promise<string> {
    const child = spawn(process.execPath, [entryOf(file), ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (text) => (printed += text));
    child.stdin.on('error', () => undefined).end(input);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`${file} ${args[0]} ended with ${String(code)}`);
    return printed;
  }
}

/** Short times, so that within minutes much is lost and found again. */
const SETTINGS = {
  SALLYPORT_GIT_ALLOW_HTTP: 'true',
  SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
  SALLYPORT_GIT_DEADLINE_SECONDS: '20',
  SALLYPORT_LEASE_SECONDS: '2',
};
