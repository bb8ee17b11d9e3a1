// Runs `npm run -s git` as a person would.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../architecture/pages.js';

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
  /** What was printed. */
  report: Record<string, unknown> & { result?: Record<string, unknown> };
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  /** Where npm is run, if not here. */
  folder?: string;
  onStart?: (pid: number) => void;
}

/** A folder for one file of tests, and the command run from it. */
export class GitCommand {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-git-command-'));

  close(): void {
    fs.rmSync(this.home, { recursive: true });
  }

  write(name: string, content: string | Uint8Array): string {
    const file = path.join(this.home, name);
    fs.writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Runs it to its end. Whatever happens, it prints one line of JSON and leaves nothing behind. */
  async run(args: string[], options: RunOptions = {}): Promise<Run> {
    const temporary = fs.mkdtempSync(path.join(this.home, 'tmp-'));
    const child = spawn('npm', ['run', '-s', 'git', '--', ...args], {
      cwd: options.folder ?? root,
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        HOME: this.home,
        TMPDIR: temporary,
        ...options.env,
      },
      stdio: 'pipe',
      // With a process group of its own, as a shell would give it.
      detached: true,
    });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    const code = await new Promise<number>((resolve) => child.on('close', (value) => resolve(value ?? -1)));
    if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`Not one line of JSON: ${stdout}${stderr}`);
    const left = fs.readdirSync(temporary).filter((name) => name.startsWith('sallyport-'));
    if (left.length > 0) throw new Error(`It left ${left.join()}`);
    return { code, stdout, stderr, report: JSON.parse(stdout) as Run['report'] };
  }
}
