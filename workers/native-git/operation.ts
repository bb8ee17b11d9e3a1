// One operation on one remote: its commands, its deadline, and what their failures mean.
import type { Network } from '../../src/git/network.js';
import { Failure } from '../../src/kernel/failure.js';
import { initArgv, PROMISOR, repackArgv } from './argv.js';
import { buildEnvironment } from './environment.js';
import type { RepositoryFolder } from './repository-folder.js';
import type { Journey, Road } from './road.js';
import { CommandFailed, type GitCommand, OutputTooLarge, runCatFile, runGit } from './run-git.js';
import type { Scripts } from './scripts.js';
import { explainComplaint } from './stderr.js';

export interface NativeGitOptions {
  /** Folder for repositories, scripts and pipes; made when it is not there, and closed to others. */
  root: string;
  /** Whether unencrypted http may be spoken. */
  allowHttp: boolean;
  /** Whether loopback and private addresses may be dialled. Default: no. */
  allowPrivate?: boolean | undefined;
  /** How hosts are reached, in the place of `allowPrivate`. */
  network?: Network | undefined;
  /** Longest time one operation may take, in milliseconds. Default: a minute. */
  deadlineMs?: number | undefined;
  /** Room for all repositories below `root`, in bytes; those unused for the longest time go first. Default: 2 GiB. */
  diskBytesMax?: number | undefined;
  /** Ends running operations, with all their processes and GIT_CANCELLED. */
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
export const DISK_BYTES_MAX = 2_048 * 1024 * 1024;
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;
/** How much earlier than our own the clock of `timeout` may ring. */
const CLOCKS_DIFFER_MS = 100;

export class Operation {
  /** `name[:port]`, as failures name the host. */
  readonly host: string;
  readonly #road: Road;
  readonly #folder: RepositoryFolder;
  readonly #options: NativeGitOptions;
  readonly #deadlineMs: number;
  readonly #endsAt: number;
  readonly #scripts: Scripts;
  #commandEndsAt = 0;

  /** An operation whose time runs from now on; the folder is told when it has one. */
  static timed(
    road: Road,
    scripts: Scripts,
    options: NativeGitOptions,
  ): (folder: RepositoryFolder) => Operation {
    const endsAt = performance.now() + (options.deadlineMs ?? DEADLINE_MS);
    return (folder) => new Operation(road, scripts, options, { folder, endsAt });
  }

  private constructor(
    road: Road,
    scripts: Scripts,
    options: NativeGitOptions,
    { folder, endsAt }: { folder: RepositoryFolder; endsAt: number },
  ) {
    this.host = road.host;
    this.#road = road;
    this.#folder = folder;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#endsAt = endsAt;
    this.#scripts = scripts;
  }

  /** Standard output of a command without network. @throws Failure, RepositoryDamaged */
  async local(argv: string[], options: CommandOptions = {}): Promise<string> {
    return this.#explained(argv, null, () => runGit(this.#command(argv, options, null)));
  }

  /** As `local`, for `cat-file`: bytes. */
  async localBytes(argv: string[], options: CommandOptions = {}): Promise<Buffer> {
    return this.#explained(argv, null, () => runCatFile(this.#command(argv, options, null)));
  }

  /** Standard output of a command that may talk to the host, with the credential or, when asked so, without. */
  async network(argv: string[], options: CommandOptions & { anonymous?: boolean } = {}): Promise<string> {
    const anonymous = options.anonymous === true;
    const journey = await this.#road.prepare({ anonymous, secondsLeft: this.#secondsLeft() });
    return this.#explained(argv, journey, async () => {
      try {
        return await runGit(this.#command(argv, options, journey));
      } finally {
        this.#road.rest();
        this.#folder.resetConfig();
      }
    });
  }

  /** As `Road.confirmEmpty`. */
  async confirmEmpty(): Promise<void> {
    await this.#road.confirmEmpty(this.#secondsLeft());
  }

  /** Makes the folder, where it is not there, and fit for an operation. */
  async prepare(): Promise<void> {
    if (!this.#folder.exists()) {
      this.#folder.clear();
      await this.local(initArgv(this.#folder.path));
    }
    this.#folder.begin();
    if (this.#folder.isScattered()) await this.local(repackArgv(), { config: [PROMISOR] });
  }

  async close(): Promise<void> {
    await this.#road.close();
  }

  #command(argv: string[], options: CommandOptions, journey: Journey | null): GitCommand {
    const secondsMax = this.#secondsLeft() * (options.share ?? 1);
    this.#commandEndsAt = performance.now() + secondsMax * 1_000;
    const folder = this.#folder.path;
    return {
      argv,
      folder,
      wrapper: this.#scripts.wrapper,
      env: buildEnvironment({
        folder,
        home: this.#scripts.home,
        helpers: this.#scripts.helpers,
        secondsMax,
        fileBytesMax: this.#options.diskBytesMax ?? DISK_BYTES_MAX,
        journey,
        config: options.config,
        trace: this.#options.trace,
      }),
      input: options.input ?? '',
      signal: this.#options.signal,
      outputBytesMax: OUTPUT_BYTES_MAX,
    };
  }

  /** @throws Failure GIT_TIMEOUT when there are none, GIT_CANCELLED */
  #secondsLeft(): number {
    if (this.#options.signal?.aborted === true) throw new Failure('GIT_CANCELLED', { host: this.host });
    const leftMs = this.#endsAt - performance.now();
    if (leftMs > 0) return leftMs / 1_000;
    throw new Failure('GIT_TIMEOUT', { host: this.host, seconds: this.#deadlineMs / 1_000 });
  }

  async #explained<T>(argv: string[], journey: Journey | null, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const explained = this.#explain(argv[0] ?? '', journey, error);
      if (explained !== error) explained.cause = error;
      throw explained;
    }
  }

  #explain(command: string, journey: Journey | null, error: unknown): Error {
    const { host } = this;
    if (error instanceof Failure) return error;
    if (error instanceof OutputTooLarge)
      return new Failure('GIT_LIMIT_EXCEEDED', { host, limit: 'bytes of one answer', max: OUTPUT_BYTES_MAX });
    if (this.#options.signal?.aborted === true) return new Failure('GIT_CANCELLED', { host });
    if (!(error instanceof CommandFailed)) return error instanceof Error ? error : new Error(String(error));
    const { exitCode, stdout, stderr } = error;
    return explainComplaint({
      command,
      host,
      exitCode,
      seconds: this.#deadlineMs / 1_000,
      isOutOfTime: performance.now() >= this.#commandEndsAt - CLOCKS_DIFFER_MS,
      fileBytesMax: this.#options.diskBytesMax ?? DISK_BYTES_MAX,
      isLocal: journey === null,
      text: `${stderr}\n${stdout}`,
    });
  }
}
