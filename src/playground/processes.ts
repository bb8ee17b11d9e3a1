// Manager and delegate as processes of their own: started, watched, started again when they die, drained at the end.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment } from '../config/process.js';
import type { Ready } from '../kernel/run-process.js';

export interface ProcessOptions {
  name: string;
  /** The compiled file to run. */
  entry: string;
  /** Settings on top of this process's environment. */
  settings: Record<string, string>;
  logFile: string;
  /** Told when the process died by itself and is started again. */
  onRestart: (how: string) => void;
}

export interface WatchedProcess {
  pid: number;
  /** Where it listens, if it does. */
  url: string | undefined;
  drain: () => Promise<void>;
}

const RESTART_MS = 1_000;
const START_MS_MAX = 60_000;
const COMPLAINT_BYTES_MAX = 4_000;

/** Starts the process and resolves when it says that it is ready. @throws Error with its last words when it does not */
export async function startProcess(options: ProcessOptions): Promise<WatchedProcess> {
  fs.mkdirSync(path.dirname(options.logFile), { recursive: true });
  let { child, url } = await launch(options);
  let ending = false;
  let restart: NodeJS.Timeout | undefined;
  const watch = (): void => {
    child.once('exit', (code, signal) => {
      if (ending) return;
      options.onRestart(signal ?? `exit code ${code}`);
      restart = setTimeout(() => void again(), RESTART_MS);
    });
  };
  const again = async (): Promise<void> => {
    try {
      ({ child, url } = await launch(options));
      if (ending) await end(child);
      else watch();
    } catch (error) {
      options.onRestart((error as Error).message);
      if (!ending) restart = setTimeout(() => void again(), RESTART_MS);
    }
  };
  watch();
  return {
    get pid() {
      return child.pid as number;
    },
    get url() {
      return url;
    },
    drain: async () => {
      ending = true;
      clearTimeout(restart);
      await end(child);
    },
  };
}

interface Launched {
  child: ChildProcess;
  url: string | undefined;
}

async function launch({ name, entry, settings, logFile }: ProcessOptions): Promise<Launched> {
  const log = fs.openSync(logFile, 'a', 0o600);
  const from = fs.fstatSync(log).size;
  // In a group of its own: Ctrl-C reaches only the launcher, which drains its processes in order.
  const child = spawn(process.execPath, [entry], {
    env: childEnvironment(settings),
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  });
  fs.closeSync(log);
  const failed = (why: string): Error =>
    new Error(`The ${name} did not start (${why}):\n${tail(logFile, from)}`);
  const { url } = await new Promise<Ready>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(failed(`not ready within ${START_MS_MAX / 1000} s`));
    }, START_MS_MAX);
    child.once('message', (message) => resolve(message as Ready));
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(failed(signal ?? `exit code ${code}`)));
    child.once('message', () => clearTimeout(timer)).once('exit', () => clearTimeout(timer));
  });
  child.removeAllListeners('exit');
  return { child, url };
}

function tail(file: string, from: number): string {
  const bytes = fs.readFileSync(file).subarray(from);
  return bytes.subarray(Math.max(0, bytes.length - COMPLAINT_BYTES_MAX)).toString('utf8');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}
