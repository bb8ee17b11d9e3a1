// A lock on a repository's folder between processes. The kernel holds it for a child that lives as long as this process keeps
// its input open: whatever ends this process ends the lock, so no lock is ever stale.
import { type ChildProcess, spawn } from 'node:child_process';
import { childEnvironment } from '../../src/config/process.js';
import { Failure } from '../../src/kernel/failure.js';

/** What flock answers when another process has the lock. */
const HELD_CODE = 75;

export class FolderLock {
  readonly #holder: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(file: string) {
    const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment({});
    const options = ['--nonblock', '--no-fork', '--conflict-exit-code', String(HELD_CODE)];
    // Out of this process's group, so that a terminal's Ctrl-C does not take the lock from work that is being finished.
    this.#holder = spawn('flock', [...options, file, 'cat'], {
      env: { PATH },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#holder.once('error', () => resolve(null)).once('close', (code) => resolve(code));
    });
  }

  /** `null` when another process, or other work of this one, has it. @throws Failure GIT_ENGINE_FAILED */
  static async take(file: string): Promise<FolderLock | null> {
    const lock = new FolderLock(file);
    const holder = lock.#holder;
    holder.stdin?.on('error', () => undefined);
    // Once it runs, it answers what it hears.
    const heard = new Promise<true>((resolve) => holder.stdout?.once('data', () => resolve(true)));
    holder.stdin?.write('\n');
    const answer = await Promise.race([heard, lock.#ended]);
    if (answer === true) return lock;
    if (answer === HELD_CODE) return null;
    throw new Failure('GIT_ENGINE_FAILED', { command: 'flock', reason: 'it cannot lock the data folder' });
  }

  async release(): Promise<void> {
    this.#holder.stdin?.end();
    await this.#ended;
  }
}
