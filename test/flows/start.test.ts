// What a newcomer does: start, read what is printed, try it, stop, start again.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, eventually, inTime } from '../support/api.js';
import { fileAt, git } from '../support/repository.js';
import { freePort } from '../support/servers.js';

const ENTRY = fileURLToPath(new URL('../../dist/src/playground/start.js', import.meta.url));
/** The longest that a start may take once built. */
const READY_MS_MAX = 120_000;
/** The longest until a push shows, where a second or less is usual. */
const SHOWN_MS_MAX = 60_000;
const SHOWN_MS_MEDIAN = 2_000;
/** No look at a repository but when a webhook or a person asks for one. */
const noClock = { SALLYPORT_POLL_SECONDS: '3600', SALLYPORT_POLL_FAST_SECONDS: '3600' };
const fastClock = { SALLYPORT_POLL_SECONDS: '1', SALLYPORT_POLL_FAST_SECONDS: '1' };

class Playground {
  output = '';
  readonly #gone: Promise<number | null>;
  readonly #child: ReturnType<typeof spawn>;

  constructor(
    readonly data: string,
    ports: { manager: number; host: number },
    settings: Record<string, string> = {},
  ) {
    this.#child = spawn(process.execPath, [ENTRY], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        SALLYPORT_DATA_DIR: data,
        SALLYPORT_PORT: String(ports.manager),
        SALLYPORT_PLAYGROUND_PORT: String(ports.host),
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text) => (this.output += String(text)));
    // Its exit may be heard of before its last words are.
    this.#gone = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  async ready(): Promise<this> {
    await eventually(
      async () => this.output.includes('Stop:'),
      () => `the greeting, not\n${this.output}`,
      READY_MS_MAX,
    );
    return this;
  }

  async interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.ended();
  }

  ended(): Promise<number | null> {
    return inTime(this.#gone, () => `the playground to end, which wrote\n${this.output}`);
  }

  /** What a line of the greeting says behind its label. */
  said(label: string): string {
    return new RegExp(`^${label}: +(.*)$`, 'm').exec(this.output)?.[1] ?? '';
  }

  get token(): string {
    return fs.readFileSync(path.join(this.data, 'admin-token'), 'utf8').trim();
  }

  get api(): Api {
    return new Api(this.said('Sallyport is ready'), this.token);
  }

  /** Process ids of this playground, by the entry they run and their data folder. */
  processes(entry: string): number[] {
    return fs
      .readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .filter((pid) => {
        try {
          const commandLine = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
          const environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1');
          return commandLine.includes(entry) && (environment + commandLine).includes(this.data);
        } catch {
          return false;
        }
      })
      .map(Number);
  }
}

describe('npm start', () => {
  const data = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-start-')), 'state');
  fs.chmodSync(path.dirname(data), 0o755);
  let ports: { manager: number; host: number };
  let playground: Playground;
  beforeAll(async () => {
    ports = { manager: await freePort(), host: await freePort() };
    playground = new Playground(data, ports, noClock);
    await playground.ready();
  });
  afterAll(async () => {
    await playground.interrupt();
    fs.rmSync(path.dirname(data), { recursive: true, force: true });
  });

  /** A clone, made as the greeting tells. */
  async function inClone<T>(work: (clone: string) => Promise<T>): Promise<T> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-newcomer-'));
    try {
      execFileSync('sh', ['-c', playground.said('What is in Git')], { cwd: folder, stdio: 'pipe' });
      return await work(path.join(folder, 'demo'));
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Somebody else's commit with these files. */
  async function pushFrom(
    clone: string,
    files: Record<string, string | null>,
    branch = 'main',
  ): Promise<string> {
    for (const [file, text] of Object.entries(files))
      if (text === null) fs.rmSync(path.join(clone, file));
      else fs.writeFileSync(path.join(clone, file), text);
    git(clone, 'add', '-A');
    const you = ['-c', 'user.name=You', '-c', 'user.email=you@example.com'];
    git(clone, ...you, 'commit', '--allow-empty', '-qm', 'Own');
    git(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
    return git(clone, 'rev-parse', 'HEAD').trim();
  }

  const push = (files: Record<string, string | null>, branch?: string): Promise<string> =>
    inClone((clone) => pushFrom(clone, files, branch));

  /** The copy of a pipeline once it holds this text, or is gone. */
  const shows = (id: string, yaml: string | null): Promise<unknown> =>
    eventually(
      async () => {
        const { status, body } = await playground.api.request(
          'GET',
          `accounts/demo/entities/pipeline/${id}?branch=main`,
        );
        return (status === 200 ? body.yaml : null) === yaml && [body];
      },
      `${id} to be ${JSON.stringify(yaml)}`,
      SHOWN_MS_MAX,
    ).then(([body]) => body);

  it('says in under fifteen lines what a newcomer needs', () => {
    const lines = playground.output.trim().split('\n');
    expect(lines.length).toBeLessThan(15);
    expect(playground.said('Sallyport is ready')).toBe(`http://127.0.0.1:${ports.manager}`);
    expect(playground.said('Admin token')).toBe(path.join(data, 'admin-token'));
    expect(fs.statSync(path.join(data, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('keeps keys and passwords in files that nobody else reads', () => {
    for (const file of [
      'master-key.json',
      'delegate/keyring.json',
      'playground/accounts.json',
      'playground/direct-webhook',
      'playground/delegated-webhook',
      'database-url',
      'repository-url',
    ])
      expect(fs.statSync(path.join(data, file)).mode & 0o077, file).toBe(0);
  });

  it('has saved samples of three kinds through both connectivities', async () => {
    const { api } = playground;
    const found = [];
    for (const scope of ['accounts/demo', 'accounts/demo/orgs/shop/projects/checkout'])
      found.push(...(await api.ok('GET', `${scope}/entities`)).entities);
    expect(new Set(found.map(({ kind }) => kind)).size).toBe(3);
    expect(new Set(found.map((one) => one.git.connectivity))).toEqual(new Set(['manager', 'delegate']));
    for (const road of ['direct', 'delegated'])
      expect(await api.ok('POST', `accounts/demo/connectors/${road}/check`)).toMatchObject({ ok: true });
  });

  it('prints a git clone that works, and shows in it what the API says, byte for byte', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-newcomer-'));
    execFileSync('sh', ['-c', playground.said('What is in Git')], { cwd: folder, stdio: 'pipe' });
    const { entities } = await playground.api.ok('GET', 'accounts/demo/entities');
    for (const entity of entities)
      expect(fs.readFileSync(path.join(folder, 'demo', entity.git.path), 'utf8')).toBe(entity.yaml);
    expect(git(path.join(folder, 'demo'), 'rev-list', '--merges', '--count', 'HEAD').trim()).toBe('0');
    fs.rmSync(folder, { recursive: true });
  });

  it('prints a curl that saves an entity, through either connector', () => {
    const command = /curl -X PUT[\s\S]*?--data-binary '[^']*'/.exec(playground.output)?.[0] ?? '';
    for (const [connector, id] of [
      ['direct', 'hello'],
      ['delegated', 'hallo'],
    ] as const) {
      const own = command.replace('connector=direct', `connector=${connector}`).replace('/hello?', `/${id}?`);
      const answer = JSON.parse(execFileSync('sh', ['-c', own], { stdio: 'pipe' }).toString());
      expect(answer).toMatchObject({ kind: 'pipeline', id, git: { connector, branch: 'main' } });
      expect(fileAt(path.join(data, 'playground/repositories/demo.git'), `pipelines/${id}.yaml`)).toBe(
        'name: hello',
      );
    }
  });

  it('tells both connectors of a push, by a script that any Git server can run', async () => {
    await push({}, 'told');
    for (const connector of ['direct', 'delegated'])
      await eventually(async () => {
        const address = `accounts/demo/connectors/${connector}/webhook/deliveries`;
        const { deliveries } = await playground.api.ok('GET', address);
        return deliveries.some(
          ({ event, verified, state }: Record<string, unknown>) =>
            event === 'refs/heads/told' && verified === true && state === 'done',
        );
      }, `the push to be told to ${connector}`);
  });

  it('shows what is pushed from a clone, as soon as the Git host tells of it', async () => {
    const commit = await push({ 'pipelines/pushed.yaml': 'name: pushed\n' });
    expect(await shows('pushed', 'name: pushed\n')).toMatchObject({
      operationId: null,
      git: { commitId: commit, path: 'pipelines/pushed.yaml' },
    });
    await push({ 'pipelines/pushed.yaml': 'name: pushed again\n' });
    await shows('pushed', 'name: pushed again\n');
    await push({ 'pipelines/pushed.yaml': null });
    await shows('pushed', null);
  });

  it('shows a push within two seconds at the median, told by the webhook alone', async () => {
    const took: number[] = [];
    await inClone(async (clone) => {
      for (let time = 1; time <= 5; time++) {
        await pushFrom(clone, { 'pipelines/timed.yaml': `name: ${time}\n` });
        const pushedAt = performance.now();
        await shows('timed', `name: ${time}\n`);
        took.push(Math.round(performance.now() - pushedAt));
      }
    });
    expect(took.toSorted((one, other) => one - other)[2], `of ${took.join(', ')} ms`).toBeLessThan(
      SHOWN_MS_MEDIAN,
    );
  });

  it('gives each connectivity an account of its own, with its own password', () => {
    const accounts = JSON.parse(fs.readFileSync(path.join(data, 'playground/accounts.json'), 'utf8'));
    expect(accounts.manager.password).not.toBe(accounts.delegate.password);
    expect(accounts.manager.username).not.toBe(accounts.delegate.username);
  });

  it.each(['dist/src/main.js', 'dist/workers/delegate.js'])(
    'starts %s again when it is killed',
    async (entry) => {
      const [victim] = playground.processes(entry);
      process.kill(victim as number, 'SIGKILL');
      await eventually(async () => {
        const [successor] = playground.processes(entry);
        return successor !== undefined && successor !== victim;
      }, 'a new process');
      const saved = await eventually(async () => {
        const answer = await playground.api
          .save('survivor', `name: after ${path.basename(entry)}\n`, {
            connector: 'delegated',
            branch: 'main',
          })
          .catch(() => undefined);
        return answer !== undefined && answer.status < 300 && answer;
      }, 'a save');
      expect(saved.body.git.connectivity).toBe('delegate');
    },
  );

  it('refuses a second one on the same folder, and says why', async () => {
    const second = new Playground(data, { manager: await freePort(), host: await freePort() });
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain('is in use by another process');
  });

  it('drains on Ctrl-C, leaves no process behind, and finds everything at the next start', async () => {
    const before = await playground.api.ok('GET', 'accounts/demo/entities');
    const clone = playground.said('What is in Git');
    const token = playground.token;
    expect(await playground.interrupt()).toBe(0);
    for (const entry of ['dist/src/main.js', 'dist/workers/delegate.js', 'postgres'])
      expect(playground.processes(entry)).toEqual([]);
    playground = await new Playground(data, ports, fastClock).ready();
    expect(playground.said('What is in Git')).toBe(clone);
    expect(playground.token).toBe(token);
    expect(await playground.api.ok('GET', 'accounts/demo/entities')).toEqual(before);
  });

  it('shows a push that no webhook told of at the next look', async () => {
    // The clock of before was an hour; a push that is told of sets the new one.
    await push({ 'pipelines/told.yaml': 'name: told\n' });
    await shows('told', 'name: told\n');
    fs.rmSync(path.join(data, 'playground/repositories/demo.git/hooks/post-receive'));
    await push({ 'pipelines/untold.yaml': 'name: untold\n' });
    await shows('untold', 'name: untold\n');
    for (const connector of ['direct', 'delegated'])
      await eventually(async () => {
        const { webhook } = await playground.api.ok('GET', `accounts/demo/connectors/${connector}/tracking`);
        return webhook === 'losing';
      }, `the webhook of ${connector} to be known as one that loses`);
  });

  it.each([
    { whose: 'manager', setting: 'SALLYPORT_PORT' },
    { whose: 'host', setting: 'SALLYPORT_PLAYGROUND_PORT' },
  ])('says that the port of the $whose is taken, and how to choose another', async ({ whose, setting }) => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as net.AddressInfo;
    const elsewhere = path.join(path.dirname(data), whose);
    const others = { manager: await freePort(), host: await freePort() };
    const second = new Playground(elsewhere, { ...others, [whose]: port });
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(second.output).toContain(`set ${setting} to another port`);
    taken.close();
  });
});
