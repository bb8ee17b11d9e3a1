// One operation on one remote: its folder, its deadline, its credential. Operations on the same folder follow one another.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Remote } from '../../src/git/git.js';
import { isSshUrl } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import { initArgv, PROMISOR, repackArgv } from './argv.js';
import { buildEnvironment } from './environment.js';
import { HttpRoad } from './http-road.js';
import type { Journey, Road } from './road.js';
import { CommandFailed, type GitCommand, OutputTooLarge, runCatFile, runGit } from './run-git.js';
import { type Scripts, writeScripts } from './scripts.js';
import { SshRoad } from './ssh-road.js';
import { explainComplaint, RepositoryDamaged } from './stderr.js';

export interface NativeGitOptions {
  /** Folder for repositories, scripts and pipes; made when it is not there, and closed to others. */
  root: string;
  /** Whether unencrypted http may be spoken. */
  allowHttp: boolean;
  /** Whether loopback and private addresses may be dialled. Default: no. */
  allowPrivate?: boolean | undefined;
  /** Longest time one operation may take, in milliseconds. Default: a minute. */
  deadlineMs?: number | undefined;
  /** Ends running operations with all their processes. */
  signal?: AbortSignal | undefined;
  /** File that git writes its requests and packets to, credentials struck out; for measuring. */
  trace?: string | undefined;
}

/** What may be said to a command besides its arguments. */
export interface CommandOptions {
  input?: Uint8Array | string;
  /** Share of the remaining time it may take, up to 1. */
  share?: number;
  config?: [string, string][];
}

const DEADLINE_MS = 60_000;
/** The whole configuration of a repository; everything else comes with each command. */
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;
/** From so many packs on, they are made one. */
const PACKS_MAX = 60;
/** The last operation on each folder of this process. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `use` on the remote's folder, alone. A folder that turns out to be damaged is made again, once.
 * @throws Failure CONNECTOR_DENIED for an address of the wrong form, GIT_TIMEOUT when its turn does not come in time.
 */
export async function withOperation<T>(
  remote: Remote,
  options: NativeGitOptions,
  use: (operation: Operation) => Promise<T>,
): Promise<T> {
  fs.mkdirSync(options.root, { recursive: true, mode: 0o700 });
  const root = fs.realpathSync(options.root);
  const scripts = writeScripts(root);
  const road = openRoad(remote, options, { root, scripts });
  const name = createHash('sha256').update(road.repository).digest('hex');
  const folder = path.join(root, `${name}.git`);
  const operation = new Operation(road, scripts, folder, options);
  return takeTurn(folder, async () => {
    try {
      return await repairOnce(operation, use);
    } finally {
      await operation.close();
    }
  });
}

export class Operation {
  /** `name[:port]`, as failures name the host. */
  readonly host: string;
  readonly #road: Road;
  readonly #folder: string;
  readonly #options: NativeGitOptions;
  readonly #deadlineMs: number;
  readonly #endsAt: number;
  readonly #scripts: Scripts;

  constructor(road: Road, scripts: Scripts, folder: string, options: NativeGitOptions) {
    this.host = road.host;
    this.#road = road;
    this.#folder = folder;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#endsAt = performance.now() + this.#deadlineMs;
    this.#scripts = scripts;
  }

  /** Standard output of a command without network. @throws Failure, RepositoryDamaged */
  async local(argv: string[], options: CommandOptions = {}): Promise<string> {
    return this.#explained(argv, () => runGit(this.#command(argv, options, null)));
  }

  /** As `local`, for `cat-file`: bytes. */
  async localBytes(argv: string[], options: CommandOptions = {}): Promise<Buffer> {
    return this.#explained(argv, () => runCatFile(this.#command(argv, options, null)));
  }

  /** Standard output of a command that may talk to the host, with the credential or, when asked so, without. */
  async network(argv: string[], options: CommandOptions & { anonymous?: boolean } = {}): Promise<string> {
    const anonymous = options.anonymous === true;
    const journey = await this.#road.prepare({ anonymous, secondsLeft: this.#secondsLeft() });
    return this.#explained(argv, async () => {
      try {
        return await runGit(this.#command(argv, options, journey));
      } finally {
        this.#road.rest();
        this.#resetConfig();
      }
    });
  }

  /** Makes the folder, where it is not there. */
  async prepare(): Promise<void> {
    if (!fs.existsSync(path.join(this.#folder, 'HEAD'))) {
      fs.rmSync(this.#folder, { recursive: true, force: true });
      fs.mkdirSync(this.#folder, { mode: 0o700 });
      await this.local(initArgv(this.#folder));
    }
    this.#resetConfig();
    const packs = path.join(this.#folder, 'objects', 'pack');
    const isScattered = fs.existsSync(packs) && fs.readdirSync(packs).filter(isPack).length > PACKS_MAX;
    if (isScattered) await this.local(repackArgv(), { config: [PROMISOR] });
  }

  remove(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.#road.close();
  }

  /** A partial fetch notes down that missing files may be fetched at any time; see PROMISOR. */
  #resetConfig(): void {
    if (fs.existsSync(this.#folder)) fs.writeFileSync(path.join(this.#folder, 'config'), CONFIG);
  }

  #command(argv: string[], options: CommandOptions, journey: Journey | null): GitCommand {
    const secondsMax = this.#secondsLeft() * (options.share ?? 1);
    const folder = this.#folder;
    return {
      argv,
      folder,
      wrapper: this.#scripts.wrapper,
      env: buildEnvironment({
        folder,
        home: this.#scripts.home,
        secondsMax,
        journey,
        config: options.config,
        trace: this.#options.trace,
      }),
      input: options.input ?? '',
      signal: this.#options.signal,
      outputBytesMax: OUTPUT_BYTES_MAX,
    };
  }

  /** @throws Failure GIT_TIMEOUT when there are none. */
  #secondsLeft(): number {
    const leftMs = this.#endsAt - performance.now();
    if (leftMs > 0) return leftMs / 1_000;
    throw new Failure('GIT_TIMEOUT', { host: this.host, seconds: this.#deadlineMs / 1_000 });
  }

  async #explained<T>(argv: string[], run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const explained = this.#explain(argv[0] ?? '', error);
      if (explained !== error) explained.cause = error;
      throw explained;
    }
  }

  #explain(command: string, error: unknown): Error {
    if (error instanceof OutputTooLarge)
      return new Failure('GIT_LIMIT_EXCEEDED', {
        host: this.host,
        limit: 'bytes of one answer',
        max: OUTPUT_BYTES_MAX,
      });
    if (this.#options.signal?.aborted === true)
      return new Failure('GIT_ENGINE_FAILED', { command, reason: 'it was ended, since this process stops' });
    if (!(error instanceof CommandFailed)) return error instanceof Error ? error : new Error(String(error));
    const { exitCode, stdout, stderr } = error;
    const seconds = this.#deadlineMs / 1_000;
    return explainComplaint({ command, host: this.host, exitCode, seconds, text: `${stderr}\n${stdout}` });
  }
}

function openRoad(
  remote: Remote,
  { allowHttp, allowPrivate = false }: NativeGitOptions,
  place: { root: string; scripts: Scripts },
): Road {
  const options = { remote, allowHttp, allowPrivate, ...place };
  return isSshUrl(remote.url) ? new SshRoad(options) : new HttpRoad(options);
}

async function repairOnce<T>(operation: Operation, use: (operation: Operation) => Promise<T>): Promise<T> {
  for (let isSecond = false; ; isSecond = true) {
    try {
      await operation.prepare();
      return await use(operation);
    } catch (error) {
      if (!(error instanceof RepositoryDamaged)) throw error;
      operation.remove();
      if (isSecond)
        throw new Failure(
          'GIT_ENGINE_FAILED',
          { command: 'repository', reason: error.message },
          { cause: error },
        );
    }
  }
}

async function takeTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(folder) ?? Promise.resolve();
  const turn = before.then(work, work);
  queues.set(folder, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(folder) === turn) queues.delete(folder);
  }
}

function isPack(file: string): boolean {
  return file.endsWith('.pack');
}
