// What the bench of refreshes runs on: a manager with its database, a real Git host behind a line that counts, a contender, and
// somebody who pushes.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { configureRepository, createRepository, startGitHost } from '../src/playground/git-host.js';
import { startProcess } from '../src/playground/processes.js';
import { startEmbeddedPostgres } from '../src/storage/embedded-postgres.js';
import { type Line, Proxy } from './proxy-client.js';
import type { CloneCall, CloneReply } from './refresh-contender.js';
import { manifestPattern, manifestSchema, type YamlRepository } from './yaml-repository.js';

const entryOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const HOOK = entryOf('../../deploy/webhooks/post-receive');
const SHOWN_MS_MAX = 300_000;
/** Between two looks at what the API shows: so many, or a fiftieth of the wait so far, so that looking costs next to nothing. */
const LOOK_MS = 4;
const manifests = [{ pattern: manifestPattern, kind: 'manifest' }];

export class Stage {
  private constructor(
    readonly home: string,
    readonly databaseUrl: string,
    /** Where the bare repositories are served, past every line. */
    private readonly hostUrl: string,
    /** The way of the product to the host, and that of the contender. */
    readonly lines: { product: Line; contender: Line },
    readonly manager: { url: string; pid: () => number; token: string },
    readonly contender: Contender,
  ) {}

  static async open(home: string, stops: (() => Promise<void>)[]): Promise<Stage> {
    const root = path.join(home, 'repositories');
    fs.mkdirSync(root);
    const postgres = await startEmbeddedPostgres(path.join(home, 'postgres'));
    stops.unshift(postgres.stop);
    const host = await startGitHost({ root, port: 0, accounts: [] });
    stops.unshift(() => host.close());
    const proxy = new Proxy(host.url);
    stops.unshift(() => proxy.stop());
    const lines = { product: await proxy.open(0), contender: await proxy.open(0) };
    const logFile = path.join(home, 'manager.log');
    const running = await startProcess({
      name: 'manager',
      entry: entryOf('../src/main.js'),
      settings: {
        DATABASE_URL: postgres.url,
        SALLYPORT_PORT: '0',
        SALLYPORT_ACCOUNT: 'demo',
        SALLYPORT_DATA_DIR: path.join(home, 'manager'),
        SALLYPORT_GIT_ALLOW_HTTP: 'true',
        SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
        // Nothing is looked at by the clock: a push shows because somebody told of it.
        SALLYPORT_POLL_FAST_SECONDS: '3600',
        SALLYPORT_POLL_SECONDS: '3600',
      },
      logFile,
      onRestart: (how) => {
        throw new Error(`The manager ended with ${how}:\n${fs.readFileSync(logFile, 'utf8').slice(-4_000)}`);
      },
    });
    stops.unshift(running.drain);
    const contender = new Contender();
    stops.unshift(() => contender.stop());
    const token = fs.readFileSync(path.join(home, 'manager', 'admin-token'), 'utf8').trim();
    const manager = { url: running.url ?? '', pid: () => running.pid, token };
    const stage = new Stage(home, postgres.url, host.url, lines, manager, contender);
    await stage.ask('PUT', 'kinds/manifest', {
      pathTemplate: 'catalog/{id}.yaml',
      schema: manifestSchema,
    });
    return stage;
  }

  /** A bare repository with these files in its first commit, and a connector of its name that does not follow it yet. */
  async furnish(name: string, { files }: YamlRepository): Promise<void> {
    createRepository(path.join(this.home, 'repositories'), name, {
      files: { 'README.md': `# ${name}\n`, ...Object.fromEntries(files) },
    });
    // This process did nothing else meanwhile: it learns now of connections that the manager has closed.
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    await this.ask('PUT', `connectors/${name}`, {
      url: `${this.lines.product.url}/${name}.git`,
      connectivity: 'manager',
    });
  }

  /** From the wish to follow a repository until all of its branch is in the copy. */
  async follow(name: string): Promise<number> {
    const begin = performance.now();
    await this.ask('PUT', `connectors/${name}/tracking`, { files: manifests });
    await this.#until(`${name} to be followed`, async () => this.#isAt(name, undefined));
    return performance.now() - begin;
  }

  /** From the call that imports a repository, without a report before it, until every file of it is applied. */
  async import(name: string, count: number): Promise<number> {
    const begin = performance.now();
    const body = { branch: 'main', patterns: manifests };
    const { id } = await this.ask('POST', `connectors/${name}/imports`, body);
    await this.#until(`${name} to be imported`, async () => {
      const { state, progress, problem } = (await this.ask(
        'GET',
        `connectors/${name}/imports/${String(id)}`,
      )) as unknown as { state: string; progress: { total: number; done: number }; problem: unknown };
      if (state === 'failed') throw new Error(`${name} is not imported: ${JSON.stringify(problem)}`);
      if (state === 'done' && (progress.total !== count || progress.done !== count))
        throw new Error(`${progress.done} of ${count} files are imported`);
      return state === 'done';
    });
    return performance.now() - begin;
  }

  /** Has the repository looked at now, as a webhook does, until the copy of its branch is at the commit. */
  async poll(name: string, commit: string): Promise<number> {
    const begin = performance.now();
    await this.ask('POST', `connectors/${name}/tracking/poll`);
    await this.#until(`${name} to be at ${commit}`, async () => this.#isAt(name, commit));
    return performance.now() - begin;
  }

  /** Until an entity reads so. */
  async shows(id: string, yaml: string): Promise<void> {
    await this.#until(`${id} to be shown`, async () => {
      const found = await this.ask('GET', `entities/manifest/${id}?branch=main`);
      return found.yaml === yaml;
    });
  }

  /** Has the repository tell the connector’s webhook of every push, by the script for plain Git. */
  async hook(name: string): Promise<void> {
    const answer = (await this.ask('PUT', `connectors/${name}/webhook`, {})) as unknown as {
      path: string;
      toPaste: { secret: { value: string } };
    };
    const secretFile = path.join(this.home, `${name}-webhook`);
    fs.writeFileSync(secretFile, `${answer.toPaste.secret.value}\n`, { mode: 0o600 });
    const folder = path.join(this.home, 'repositories', `${name}.git`);
    configureRepository(folder, {
      'sallyport.url': `${this.manager.url}${answer.path}`,
      'sallyport.secretFile': secretFile,
      'sallyport.repository': `${this.lines.product.url}/${name}.git`,
    });
    fs.mkdirSync(path.join(folder, 'hooks'), { recursive: true });
    fs.copyFileSync(HOOK, path.join(folder, 'hooks', 'post-receive'));
    fs.chmodSync(path.join(folder, 'hooks', 'post-receive'), 0o755);
  }

  /** Somebody’s own clone, from which is pushed. */
  async clone(name: string): Promise<Clone> {
    const folder = path.join(this.home, `clone-${name}`);
    await git(this.home, 'clone', '-q', `${this.hostUrl}/${name}.git`, folder);
    return new Clone(folder);
  }

  /** A request below the account. @throws Error unless it succeeds */
  async ask(method: string, where: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.manager.url}/api/v1/accounts/demo/${where}`, {
      method,
      headers: {
        authorization: `Bearer ${this.manager.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where} was answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  async #isAt(name: string, commit: string | undefined): Promise<boolean> {
    const { followed, problem } = (await this.ask('GET', `connectors/${name}/tracking`)) as unknown as {
      followed: { state: string; synced: string | null; problem: unknown }[];
      problem: unknown;
    };
    const [branch] = followed;
    const fault = problem ?? branch?.problem ?? null;
    if (fault !== null) throw new Error(`${name} is not followed: ${JSON.stringify(fault)}`);
    return branch?.state === 'current' && (commit === undefined || branch.synced === commit);
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const begin = performance.now();
    while (!(await holds())) {
      const waited = performance.now() - begin;
      if (waited > SHOWN_MS_MAX) throw new Error(`Waited in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, Math.max(LOOK_MS, waited / 50)));
    }
  }
}

export class Clone {
  constructor(private readonly folder: string) {}

  /** One commit with these files. */
  async commit(files: Iterable<[string, string]>): Promise<string> {
    for (const [name, text] of files) fs.writeFileSync(path.join(this.folder, name), text);
    await git(this.folder, 'commit', '-qam', 'A change by somebody else');
    const { stdout } = await git(this.folder, 'rev-parse', 'HEAD');
    return stdout.trim();
  }

  async push(): Promise<void> {
    await git(this.folder, 'push', '-q', 'origin', 'HEAD:refs/heads/main');
  }
}

export class Contender {
  readonly #child: ChildProcess = fork(entryOf('./refresh-contender.js'), {
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
  });

  /** @throws Error when it failed */
  async ask(call: CloneCall): Promise<CloneReply> {
    const reply = await new Promise<CloneReply>((resolve, reject) => {
      const gone = (): void => reject(new Error('The contender ended'));
      this.#child.once('exit', gone);
      this.#child.once('message', (message) => {
        this.#child.off('exit', gone);
        resolve(message as CloneReply);
      });
      this.#child.send(call);
    });
    if (reply.error !== undefined) throw new Error(`The contender: ${reply.error}`);
    return reply;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await gone;
  }
}

const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com', '-c', 'gc.auto=0'];

/** Asynchronously: the host is in this very process. */
function git(folder: string, ...args: string[]): Promise<{ stdout: string }> {
  const env = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  return promisify(execFile)('git', [...identity, ...args], { cwd: folder, env });
}

/** Memory of a process, in MiB: now, and the most since it was asked for last. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) / 1024);
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

export function forgetPeak(pid: number): void {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
