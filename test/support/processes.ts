// Manager and delegate as real processes of the compiled program, to be used, watched, killed and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Ready } from '../../src/kernel/run-process.js';
import { inTime } from './api.js';
import { loopback, type Network, within } from './servers.js';

const entryOf = (file: string): string => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
const CRASH = fileURLToPath(new URL('./crash-at.mjs', import.meta.url));

export interface RunningProcess {
  pid: number;
  /** Where it listens. */
  url: string;
  /** All it has written to standard output and error. */
  output: () => string;
  /** Resolves with the signal or exit code when the process has ended, and all that it wrote is read. */
  gone: Promise<string>;
  /** The same. @throws Error that shows what it wrote, where it lives on */
  ended: () => Promise<string>;
  kill: (signal?: NodeJS.Signals) => Promise<void>;
}

export interface StartOptions {
  env: Record<string, string>;
  /** `step:before` or `step:after`: where the process kills itself. */
  crashAt?: string;
  /** Resolve once spawned, not once ready. */
  detached?: boolean;
  network?: Network;
}

export const startManager = (options: StartOptions): Promise<RunningProcess> => start('src/main.js', options);
export const startDelegate = (options: StartOptions): Promise<RunningProcess> =>
  start('workers/delegate.js', options);

/** Runs a command of the compiled program to its end. */
export async function runCommand(
  file: string,
  args: string[],
  {
    env,
    crashAt,
    input = '',
    network = loopback,
  }: Omit<StartOptions, 'detached'> & { input?: string | Buffer },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = within(network, process.execPath, [...crashing(crashAt), entryOf(file), ...args]);
  const child = spawn(...command, { env: environment(env, crashAt), stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  child.stdin.on('error', () => undefined).end(input);
  const closed = new Promise<number>((resolve) => child.on('close', (value) => resolve(value ?? -1)));
  const code = await inTime(
    closed,
    () => `${file} ${args.join(' ')} to end, which wrote\n${stdout}\n${stderr}`,
  ).finally(() => child.kill('SIGKILL'));
  return { code, stdout, stderr };
}

const environment = (env: Record<string, string>, crashAt?: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  ...env,
  ...(crashAt === undefined ? {} : { CRASH_AT: crashAt }),
});
const crashing = (at: string | undefined): string[] => (at === undefined ? [] : ['--import', CRASH]);

async function start(
  file: string,
  { env, crashAt, detached, network = loopback }: StartOptions,
): Promise<RunningProcess> {
  const args = [...crashing(crashAt), entryOf(file)];
  const command = within(network, process.execPath, args);
  const child = spawn(...command, {
    env: environment(env, crashAt),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  // Its exit may be heard of before its last words are.
  const gone = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  const ended = (): Promise<string> =>
    inTime(gone, () => `${file} ${crashAt ?? ''} (process ${child.pid}) to end, which wrote\n${output}`);
  const ready = detached === true ? { ready: true as const } : await readiness(child, gone, () => output);
  return {
    pid: child.pid as number,
    url: ready.url ?? '',
    output: () => output,
    gone,
    ended,
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await ended();
    },
  };
}

async function readiness(child: ChildProcess, gone: Promise<string>, output: () => string): Promise<Ready> {
  const said = new Promise<Ready>((resolve) => child.once('message', (message) => resolve(message as Ready)));
  const ended = gone.then((how) => {
    throw new Error(`ended with ${how} before it was ready:\n${output()}`);
  });
  ended.catch(() => undefined);
  return inTime(
    Promise.race([said, ended]),
    () => `process ${child.pid} to be ready, which wrote\n${output()}`,
  );
}
