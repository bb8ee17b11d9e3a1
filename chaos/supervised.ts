// A process of the compiled program under a supervisor: whatever ends it, it is started again.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ready } from '../src/kernel/run-process.js';

export interface SupervisedOptions {
  name: string;
  /** The compiled file. */
  entry: string;
  env: Record<string, string>;
  /** What it writes goes here. */
  logFile: string;
}

const RESTART_MS = 500;

export class Supervised {
  /** Ends that nobody here brought about: each is a fault of the program. */
  readonly surprises: string[] = [];
  readonly #options: SupervisedOptions;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  #isEnding = false;
  #wasKilled = false;
  #ready: () => void = () => undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Where it listens, while it does. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Resolves when it is ready for the first time. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    this.#launch();
    await ready;
  }

  /** SIGKILL; whether there was anything to kill. */
  kill(): boolean {
    this.#wasKilled = true;
    return this.#child?.kill('SIGKILL') ?? false;
  }

  freeze(): boolean {
    return this.#child?.kill('SIGSTOP') ?? false;
  }

  thaw(): boolean {
    return this.#child?.kill('SIGCONT') ?? false;
  }

  /** For good. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  #launch(): void {
    const { entry, env, logFile } = this.#options;
    const log = fs.openSync(logFile, 'a');
    const child = spawn(process.execPath, [entry], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', log, log, 'ipc'],
    });
    fs.closeSync(log);
    this.#child = child;
    this.#wasKilled = false;
    child.once('message', (message) => {
      this.#url = (message as Ready).url;
      this.#ready();
    });
    child.once('exit', (code, signal) => void this.#again(signal ?? `code ${code}`));
  }

  async #again(how: string): Promise<void> {
    this.#child = undefined;
    this.#url = undefined;
    if (!this.#wasKilled && !this.#isEnding)
      this.surprises.push(`${new Date().toISOString()} ${this.name} ended by itself with ${how}`);
    await delay(RESTART_MS);
    if (!this.#isEnding) this.#launch();
  }
}
