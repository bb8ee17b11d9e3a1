// One operation on one remote: its folder, its deadline, its credential. Operations on the same folder follow one another.
import { createHash } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import fs from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { lookupAllowed, requireAllowed } from '../../src/git/address-policy.js';
import type { Remote } from '../../src/git/git.js';
import { parseRemoteUrl } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import { initArgv, PROMISOR, repackArgv } from './argv.js';
import { buildEnvironment, type Road } from './environment.js';
import { PasswordPipe } from './password-pipe.js';
import { CommandFailed, type GitCommand, OutputTooLarge, runCatFile, runGit } from './run-git.js';
import { type Scripts, writeScripts } from './scripts.js';
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
  const url = parseRemoteUrl(remote.url, options.allowHttp);
  fs.mkdirSync(options.root, { recursive: true, mode: 0o700 });
  const folder = path.join(
    fs.realpathSync(options.root),
    `${createHash('sha256').update(url.href).digest('hex')}.git`,
  );
  const operation = new Operation(remote, url, folder, options);
  return takeTurn(folder, async () => {
    try {
      return await repairOnce(operation, use);
    } finally {
      operation.close();
    }
  });
}

export class Operation {
  /** `name[:port]`, as failures name the host. */
  readonly host: string;
  readonly #remote: Remote;
  readonly #url: URL;
  readonly #folder: string;
  readonly #options: NativeGitOptions;
  readonly #deadlineMs: number;
  readonly #endsAt: number;
  readonly #scripts: Scripts;
  #secret: Secret | null = null;
  #pipe: PasswordPipe | null = null;
  #resolved: string | null | undefined;

  constructor(remote: Remote, url: URL, folder: string, options: NativeGitOptions) {
    this.host = url.host;
    this.#remote = remote;
    this.#url = url;
    this.#folder = folder;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#endsAt = performance.now() + this.#deadlineMs;
    this.#scripts = writeScripts(path.dirname(folder));
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
    const road = await this.#openRoad(options.anonymous === true);
    return this.#explained(argv, async () => {
      try {
        return await runGit(this.#command(argv, options, road));
      } finally {
        this.#pipe?.drain();
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

  close(): void {
    this.#pipe?.close();
    this.#secret?.wipe();
  }

  /** A partial fetch notes down that missing files may be fetched at any time; see PROMISOR. */
  #resetConfig(): void {
    if (fs.existsSync(this.#folder)) fs.writeFileSync(path.join(this.#folder, 'config'), CONFIG);
  }

  #command(argv: string[], options: CommandOptions, road: Road | null): GitCommand {
    const leftMs = this.#endsAt - performance.now();
    if (leftMs <= 0) throw this.#timeout();
    const secondsMax = (leftMs / 1_000) * (options.share ?? 1);
    const folder = this.#folder;
    return {
      argv,
      folder,
      wrapper: this.#scripts.wrapper,
      env: buildEnvironment({ folder, home: this.#scripts.home, secondsMax, road, config: options.config }),
      input: options.input ?? '',
      signal: this.#options.signal,
      outputBytesMax: OUTPUT_BYTES_MAX,
    };
  }

  async #openRoad(isAnonymous: boolean): Promise<Road> {
    const allowHttp = this.#options.allowHttp;
    this.#resolved ??= await resolveAllowed(this.#url, this.#options.allowPrivate === true);
    const { trace } = this.#options;
    const road = { url: this.#url.href, resolve: this.#resolved, allowHttp, trace };
    const { credential } = this.#remote;
    if (credential === undefined || isAnonymous) return road;
    this.#secret ??= await credential.open();
    this.#pipe ??= await PasswordPipe.open(path.dirname(this.#folder));
    this.#pipe.offer(this.#secret);
    const { username } = credential;
    return { ...road, askpass: { script: this.#scripts.askpass, username, pipe: this.#pipe.file } };
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

  #timeout(): Failure {
    return new Failure('GIT_TIMEOUT', { host: this.host, seconds: this.#deadlineMs / 1_000 }) as Failure;
  }
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

/** 'https://git.example/x' → 'git.example:443:192.0.2.1'; `null` for an address that needs no resolving. */
async function resolveAllowed(url: URL, allowPrivate: boolean): Promise<string | null> {
  const name = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0) {
    requireAllowed(url.host, name, allowPrivate);
    return null;
  }
  const addresses = await new Promise<LookupAddress[]>((resolve, reject) => {
    lookupAllowed(allowPrivate)(name, { all: true }, (error, found) => {
      if (error === null) return resolve(found as LookupAddress[]);
      const reason = 'the name does not resolve';
      reject(
        error instanceof Failure
          ? error
          : new Failure('GIT_UNREACHABLE', { host: url.host, reason }, { cause: error }),
      );
    });
  });
  const port = url.port === '' ? { 'http:': '80', 'https:': '443' }[url.protocol] : url.port;
  const literals = addresses.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
  return `${name}:${port}:${literals.join(',')}`;
}

function isPack(file: string): boolean {
  return file.endsWith('.pack');
}
