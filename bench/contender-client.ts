// The process of one method, as the bench sees it.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FileText, OperationName, Place } from './methods/method.js';

export type Answer = string | FileText[];

export interface RunCall {
  kind: 'run';
  operation: OperationName;
  place: Place;
  files: FileText[];
  atOnce: boolean;
  /** Whether to look at the memory of child processes, which costs a little time. */
  watchChildren: boolean;
  /** When many saves take longer, the rest of them is left out. */
  stopAfterMs: number;
}

export type Call = { kind: 'prepare'; place: Place } | RunCall;

export interface Done {
  kind: 'done';
  ms: number;
  cpuMs: number;
  /** Peak of the process above its idle memory. */
  rssMiB: number;
  /** Peak of its children together; `null` when nobody looked. */
  childrenMiB: number | null;
  answer: Answer;
}

export type Reply =
  | { kind: 'ready' }
  | Done
  | { kind: 'stopped'; done: number }
  | { kind: 'failed'; reason: string };

export type Outcome = Exclude<Reply, { kind: 'failed' }> | { kind: 'timeout' };

export class Contender {
  readonly #child: ChildProcess;
  readonly #name: string;
  #take: ((reply: Reply) => void) | null = null;

  private constructor(name: string) {
    this.#name = name;
    const { PATH = '' } = process.env;
    const env = {
      PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
    };
    this.#child = fork(fileURLToPath(new URL('contender.js', import.meta.url)), [name], {
      env,
      // A group of its own: a clone that takes too long ends with all its processes.
      detached: true,
    });
    this.#child.on('message', (reply: Reply) => this.#settle(reply));
    this.#child.on('exit', (code, signal) =>
      this.#settle({ kind: 'failed', reason: `its process ended with ${code ?? signal}` }),
    );
  }

  static async start(name: string): Promise<Contender> {
    const contender = new Contender(name);
    await contender.#next();
    return contender;
  }

  /** @throws Error when the method failed: then nothing of the bench can be believed. */
  async call(call: Call, msMax: number): Promise<Outcome> {
    this.#child.send(call);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<{ kind: 'timeout' }>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'timeout' }), msMax);
    });
    const reply = await Promise.race([this.#next(), timeout]);
    clearTimeout(timer);
    if (reply.kind === 'failed') throw new Error(`${this.#name}: ${reply.reason}`);
    if (reply.kind === 'timeout' && this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    return reply;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
  }

  #next(): Promise<Reply> {
    return new Promise((resolve) => {
      this.#take = resolve;
    });
  }

  #settle(reply: Reply): void {
    const take = this.#take;
    this.#take = null;
    take?.(reply);
  }
}
