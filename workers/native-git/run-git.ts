// Runs one git command through simple-git: fixed arguments, an environment of our own, limits and a process group around it.
import { GitError, simpleGit } from 'simple-git';
import { inPart } from '../../src/kernel/concern.js';
import { KILL_AFTER_SECONDS } from './scripts.js';

export interface GitCommand {
  argv: string[];
  /** Working directory; nothing is read from or written to it by name. */
  folder: string;
  /** The script that starts git. */
  wrapper: string;
  env: Record<string, string>;
  input?: Uint8Array | string;
  /** Ends the command and all it started. */
  signal?: AbortSignal | undefined;
  /** Larger outputs end the command. */
  outputBytesMax: number;
}

/** How often a command that has not closed its streams is looked at. Milliseconds. */
const ORPHANS_LOOK_MS = 500;

/** A command that did not end well. Its streams are unfit for a message. */
export class CommandFailed extends GitError {
  constructor(
    readonly command: string,
    readonly exitCode: number,
    readonly stdout: string,
    readonly stderr: string,
  ) {
    super(undefined, `git ${command} ended with ${exitCode}`);
  }
}

/** A command said more than it may. */
export class OutputTooLarge extends Error {
  override readonly name = 'OutputTooLarge';
}

/** Standard output of the command as UTF-8. @throws CommandFailed, OutputTooLarge */
export async function runGit(command: GitCommand): Promise<string> {
  return asPart(command, (git) => git.raw(command.argv));
}

/** Standard output of a `cat-file` command as bytes. @throws CommandFailed, OutputTooLarge */
export async function runCatFile(command: GitCommand): Promise<Buffer> {
  return asPart(command, (git) => git.binaryCatFile(command.argv.slice(1)) as Promise<Buffer>);
}

type Git = ReturnType<typeof simpleGit>;

const asPart = <T>(command: GitCommand, use: (git: Git) => PromiseLike<T>): Promise<T> =>
  inPart({ name: `git ${command.argv[0] ?? ''}` }, () => guardOutput(command, use));

async function guardOutput<T>(command: GitCommand, use: (git: Git) => PromiseLike<T>): Promise<T> {
  const excess = new AbortController();
  const signals = command.signal === undefined ? [excess.signal] : [excess.signal, command.signal];
  const git = prepare(command, AbortSignal.any(signals));
  let bytes = 0;
  git.outputHandler((_, stdout, stderr) => {
    stderr.once('data', (first: Buffer) => {
      const group = Number.parseInt(first.toString(), 10);
      endWithSignal(command.signal, group, stderr);
      endWithLeader(group, stderr);
    });
    for (const stream of [stdout, stderr])
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > command.outputBytesMax) excess.abort();
      });
  });
  try {
    return await use(git);
  } catch (error) {
    if (excess.signal.aborted) throw new OutputTooLarge(`more than ${command.outputBytesMax} bytes`);
    throw error;
  }
}

/** Ends what a polite signal has not ended: the group's leader may miss it while it is only just starting. */
function endWithSignal(signal: AbortSignal | undefined, group: number, stderr: NodeJS.ReadableStream): void {
  if (signal === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => endGroup(group), (KILL_AFTER_SECONDS + 1) * 1_000);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  stderr.once('close', () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
}

/**
 * Ends helpers that outlive git. Where git is killed, by the kernel for want of memory say, one that waits for a silent host
 * keeps our streams open, and nobody else would end it.
 */
function endWithLeader(group: number, stderr: NodeJS.ReadableStream): void {
  const look = setInterval(() => {
    if (!isAlive(group)) endGroup(group);
  }, ORPHANS_LOOK_MS);
  stderr.once('close', () => clearInterval(look));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Kills every process of the group that this process leads. */
export function endGroup(leader: number | undefined): void {
  if (leader === undefined || !(leader > 1)) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A simple-git for one command. Its guards are for arguments and variables of strangers; here both are our own. */
function prepare(command: GitCommand, abort: AbortSignal): Git {
  const input = Buffer.from(command.input ?? '');
  return simpleGit({
    baseDir: command.folder,
    binary: ['/bin/sh', command.wrapper],
    abort,
    completion: { onClose: true, onExit: false },
    allowEnvironment: Object.keys(command.env),
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeCustomBinary: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
    // Always something, so that standard input is closed.
    input: () => input,
    errors: (error, { exitCode, stdOut, stdErr }) => {
      if (exitCode === 0 && error === undefined) return undefined;
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      return new CommandFailed(
        command.argv[0] ?? '',
        exitCode,
        text(stdOut),
        text(stdErr).replace(/^\d+\n/, ''),
      );
    },
  }).env(command.env);
}
