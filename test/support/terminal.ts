// A command on a terminal of its own, by `script` of util-linux: what it shows, what is typed, and how it ends.
import { spawn } from 'node:child_process';
import { eventually } from './api.js';

interface Surroundings {
  env?: Record<string, string>;
  columns?: number;
}

export class Terminal {
  #shown = '';
  readonly #child;
  /** The exit code. */
  readonly gone: Promise<number>;

  constructor(command: readonly string[], { env = {}, columns = 80 }: Surroundings = {}) {
    const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    this.#child = spawn('script', ['-qec', `stty cols ${columns} rows 24; exec ${words}`, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
      stdio: 'pipe',
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (bytes: Buffer) => (this.#shown += bytes.toString()));
    this.gone = new Promise((resolve) => this.#child.on('close', (code) => resolve(code ?? -1)));
  }

  get shown(): string {
    return this.#shown;
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Until this is to be seen. */
  async until(pattern: RegExp): Promise<void> {
    await eventually(async () => pattern.test(this.#shown), `${pattern} on the terminal`).catch((error) => {
      throw new Error(`${(error as Error).message}, which shows ${JSON.stringify(this.#shown)}`);
    });
  }

  /** What it has shown by its end, with the code. */
  async end(): Promise<{ code: number; shown: string }> {
    return { code: await this.gone, shown: this.#shown };
  }
}
