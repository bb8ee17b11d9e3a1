// A whole Sallyport for a test: database, queue, Git host, manager and delegate, all real, all its own.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import { createRepository, type GitHost, startGitHost } from '../../src/playground/git-host.js';
import { type Answer, Api, eventually } from './api.js';
import { createDatabase, sql } from './database.js';
import { type RunningProcess, runCommand, startDelegate, startManager } from './processes.js';
import { assertSound } from './repository.js';
import { type RedisOptions, type RunningRedis, startRedis } from './servers.js';
import { sampled } from './thoroughness.js';

export { createDatabase };

export type Backend = 'embedded' | 'real';
export type Road = 'manager' | 'delegate';
export const backends: Backend[] = ['embedded', 'real'];
/** For what has run on both for long: the second one where there is time. */
export const sampledBackends: Backend[] = sampled(['real', 'embedded'], 2);
/** For what does not depend on how the queue is kept. */
export const oneBackend: Backend[] = ['real'];
export const roads: Road[] = ['manager', 'delegate'];

/** The connector of each road in account `demo`. */
export const connectorOf: Record<Road, string> = { manager: 'direct', delegate: 'delegated' };

export interface GitAccount {
  username: string;
  password: string;
}

export interface StackOptions {
  settings?: Record<string, string>;
  delegates?: number;
  /** Passwords of the accounts at the Git host; random ones by default. */
  passwords?: Record<Road, string>;
  /** How Redis is started where the backend is real; plain by default. */
  redis?: RedisOptions;
  /** Whether the first manager finds nothing in its database, and makes its tables itself. */
  hasEmptyDatabase?: boolean;
  /** Is told of every answer of the manager’s API. */
  heard?: (answer: Answer) => void;
}

export class Stack {
  manager: RunningProcess | undefined;
  readonly delegates: RunningProcess[] = [];
  host!: GitHost;
  redis: RunningRedis | undefined;
  databaseUrl = '';
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-stack-'));
  readonly accounts = {
    manager: newAccount('manager'),
    delegate: newAccount('delegate'),
    guest: newAccount('guest'),
  };
  #settings: Record<string, string> = {};
  #heard: StackOptions['heard'];
  /** Folders that a living delegate works in. */
  readonly #occupied = new Set<string>();
  #drop: () => Promise<void> = async () => undefined;

  static async start(backend: Backend, options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack();
    try {
      await stack.#begin(backend, options);
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  async #begin(backend: Backend, options: StackOptions): Promise<void> {
    const admin = inject(backend === 'embedded' ? 'embeddedPostgres' : 'realPostgres');
    const database = await createDatabase(
      admin,
      options.hasEmptyDatabase === true ? { from: 'template1' } : {},
    );
    this.databaseUrl = database.url;
    this.#drop = database.drop;
    if (backend === 'real') this.redis = await startRedis(undefined, options.redis ?? {});
    for (const road of roads)
      this.accounts[road].password = options.passwords?.[road] ?? this.accounts[road].password;
    const root = path.join(this.home, 'repositories');
    fs.mkdirSync(root);
    createRepository(root, 'demo', { files: { 'README.md': 'demo\n' } });
    this.host = await startGitHost({ root, port: 0, accounts: Object.values(this.accounts) });
    this.#settings = options.settings ?? {};
    this.#heard = options.heard;
    await this.startManager();
    for (let i = 0; i < (options.delegates ?? 1); i++) await this.startDelegate();
    await this.#furnish();
  }

  get api(): Api {
    return new Api(this.manager?.url ?? '', this.token, this.#heard);
  }

  get token(): string {
    return fs.readFileSync(path.join(this.home, 'manager', 'admin-token'), 'utf8').trim();
  }

  get repository(): string {
    return path.join(this.home, 'repositories', 'demo.git');
  }

  get repositoryUrl(): string {
    return `${this.host.url}/demo.git`;
  }

  /** The repository's URL with the credential of somebody who is not Sallyport. */
  get foreignUrl(): string {
    const { username, password } = this.accounts.guest;
    return this.repositoryUrl.replace('://', `://${username}:${password}@`);
  }

  async startManager(crashAt?: string, settings: Record<string, string> = {}): Promise<RunningProcess> {
    const env = { ...this.managerEnvironment(), ...settings };
    this.manager = await startManager({ env, ...(crashAt === undefined ? {} : { crashAt }) });
    return this.manager;
  }

  /** A delegate of `group`, in the first folder that no living one works in; enrolled there where none has been. */
  async startDelegate(
    crashAt?: string,
    settings: Record<string, string> = {},
    { group = 'local', scope = 'accounts/demo' }: { group?: string; scope?: string } = {},
  ): Promise<RunningProcess> {
    const folder = settings.SALLYPORT_DATA_DIR ?? this.#freeFolder(group);
    const env = { ...this.delegateEnvironment(), ...settings, SALLYPORT_DATA_DIR: folder };
    if (!fs.existsSync(path.join(folder, 'delegate.json'))) await this.enrolDelegate({ group, scope, env });
    const delegate = await startDelegate({ env, ...(crashAt === undefined ? {} : { crashAt }) });
    this.delegates.push(delegate);
    this.#occupied.add(folder);
    let isGone = false;
    void delegate.gone.then(() => {
      isGone = true;
      this.#occupied.delete(folder);
    });
    await eventually(
      async () => isGone || (await this.#hasHeard(folder)),
      'the manager to hear that the delegate takes tasks',
    );
    return delegate;
  }

  /** Whether the manager knows that the delegate takes tasks, which it hears a moment after the delegate says so. */
  async #hasHeard(folder: string): Promise<boolean> {
    const { delegate } = JSON.parse(fs.readFileSync(path.join(folder, 'delegate.json'), 'utf8'));
    const known = "select id from delegate where id = $1 and said <> 'hello'";
    return (await sql(this.databaseUrl, known, [delegate])).length > 0;
  }

  /** Waits until a delegate would carry what the connector asks for. */
  async untilCarried(connector = 'delegated', what = 'a delegate to be there'): Promise<void> {
    await eventually(
      async () => (await this.api.ok('POST', 'accounts/demo/explain', { connector })).carriedBy !== null,
      what,
    );
  }

  /** By the delegate's own command, with a fresh token. */
  async enrolDelegate({
    group = 'local',
    scope = 'accounts/demo',
    env,
  }: {
    group?: string;
    scope?: string;
    env: Record<string, string>;
  }): Promise<string> {
    const { token } = await this.api.ok('POST', `${scope}/delegate-tokens`, { group });
    const name = env.SALLYPORT_DELEGATE_NAME ?? path.basename(env.SALLYPORT_DATA_DIR ?? '');
    const args = ['enrol', '--manager', this.manager?.url ?? '', '--token', '-', '--name', name];
    const { code, stdout, stderr } = await runCommand('workers/delegate.js', args, { env, input: token });
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  #freeFolder(group: string): string {
    for (let at = 1; ; at++) {
      const name = [group === 'local' ? 'delegate' : group, ...(at === 1 ? [] : [at])].join('-');
      const folder = path.join(this.home, name);
      if (!this.#occupied.has(folder)) return folder;
    }
  }

  managerEnvironment(): Record<string, string> {
    return {
      ...this.#common(),
      ...(this.redis === undefined
        ? {}
        : { REDIS_URL: this.redis.url, SALLYPORT_REDIS_ADMIN_URL: this.redis.adminUrl }),
      DATABASE_URL: this.databaseUrl,
      SALLYPORT_PORT: '0',
      SALLYPORT_ACCOUNT: 'demo',
      SALLYPORT_DATA_DIR: path.join(this.home, 'manager'),
      // Whoever says nothing of it waits for as long as a slow machine takes.
      SALLYPORT_WAIT_DEFAULT_SECONDS: '120',
    };
  }

  delegateEnvironment(): Record<string, string> {
    return {
      ...this.#common(),
      ...(this.redis === undefined ? { DATABASE_URL: this.databaseUrl } : {}),
      SALLYPORT_DATA_DIR: path.join(this.home, 'delegate'),
    };
  }

  /** Redis again on its old port, with what it had on disk or with nothing. */
  async restartRedis({ empty = false } = {}): Promise<void> {
    const directory = this.redis?.directory as string;
    await this.redis?.kill();
    if (empty) fs.rmSync(path.join(directory, 'appendonlydir'), { recursive: true, force: true });
    this.redis = await startRedis(directory);
  }

  /** What a user would read of what the processes wrote. */
  logs(): string {
    return [this.manager, ...this.delegates].map((one) => one?.output() ?? '').join('\n');
  }

  /** The body that puts a value into the keyring of the delegate in this folder, made by the delegate's own command. */
  async sealForDelegate(
    id: string,
    value: string,
    scope = 'accounts/demo',
    folder = 'delegate',
  ): Promise<unknown> {
    const env = { ...this.delegateEnvironment(), SALLYPORT_DATA_DIR: path.join(this.home, folder) };
    const { code, stdout, stderr } = await runCommand(
      'workers/delegate.js',
      ['secret', 'put', '--scope', scope, '--id', id],
      { env, input: value },
    );
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  /** Looks at the repository once nothing is on its way to it: whoever asked may have gone before the answer, and a check beside a push misses its objects. */
  async assertSoundAtRest(): Promise<void> {
    const pending = "select id from operation where state = 'pending'";
    await eventually(
      async () => (await sql(this.databaseUrl, pending)).length === 0,
      'the end of every operation',
    );
    assertSound(this.repository);
  }

  async stop(): Promise<void> {
    for (const one of [this.manager, ...this.delegates]) await one?.kill('SIGKILL');
    await this.host?.close();
    await this.redis?.stop();
    await this.#drop();
    fs.rmSync(this.home, { recursive: true, force: true });
  }

  #common(): Record<string, string> {
    return {
      SALLYPORT_GIT_ALLOW_HTTP: 'true',
      SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
      SALLYPORT_LEASE_SECONDS: '2',
      ...this.#settings,
    };
  }

  /** One kind, and one connector for each road with a secret that only that road can open. */
  async #furnish(): Promise<void> {
    const { api, accounts, repositoryUrl: url } = this;
    await api.ok('PUT', 'accounts/demo/kinds/pipeline', {
      pathTemplate: '{org}/{project}/pipelines/{id}.yaml',
      schema: { type: 'object', properties: { name: { type: 'string' } } },
    });
    await api.ok('PUT', 'accounts/demo/secret-managers/keyring', { settings: { kind: 'keyring' } });
    await api.ok('PUT', 'accounts/demo/secrets/git-direct', {
      manager: 'builtin',
      value: accounts.manager.password,
    });
    await api.ok('PUT', 'accounts/demo/connectors/direct', {
      url,
      connectivity: 'manager',
      credential: { username: accounts.manager.username, secret: 'git-direct' },
    });
    if (this.delegates.length === 0) return;
    const sealed = await this.sealForDelegate('git-delegated', accounts.delegate.password);
    await api.ok('PUT', 'accounts/demo/secrets/git-delegated', sealed);
    await api.ok('PUT', 'accounts/demo/connectors/delegated', {
      url,
      connectivity: 'delegate',
      credential: { username: accounts.delegate.username, secret: 'git-delegated' },
    });
  }
}

const newAccount = (username: string): GitAccount => ({
  username,
  password: randomBytes(18).toString('base64url'),
});
