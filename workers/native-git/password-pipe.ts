// The way of a password to git's askpass: through a named pipe, so that it is in no argument, environment or file.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../../src/config/process.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';

/** What a pipe holds without a reader. */
const PIPE_BYTES_MAX = 65_536;

export class PasswordPipe {
  readonly file: string;
  readonly #descriptor: number;

  private constructor(file: string) {
    this.file = file;
    // Open at both ends, so that nobody waits to open it, and never waiting itself.
    this.#descriptor = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  }

  /** Makes the pipe in a fresh folder below `root` that is closed to others. */
  static async open(root: string): Promise<PasswordPipe> {
    const folder = await fs.promises.mkdtemp(path.join(root, 'pipe-'));
    const file = path.join(folder, 'password');
    const { PATH = '/usr/bin:/bin' } = childEnvironment({});
    await promisify(execFile)('mkfifo', ['-m', '600', file], { env: { PATH } });
    return new PasswordPipe(file);
  }

  /**
   * Puts one line with the password into the pipe, for the one time a command asks. What the command before left is gone.
   * @throws Failure SECRET_UNREADABLE when the value cannot be a line.
   */
  offer(secret: Secret): void {
    this.drain();
    secret.use((bytes) => {
      if (bytes.includes(0) || bytes.includes(10) || bytes.includes(13))
        throw refuse('it has a line break or NUL');
      if (bytes.length >= PIPE_BYTES_MAX) throw refuse('it is too long for a password');
      const line = Buffer.alloc(bytes.length + 1, '\n');
      bytes.copy(line);
      try {
        fs.writeSync(this.#descriptor, line);
      } finally {
        line.fill(0);
      }
    });
  }

  /** The same for a private key in PEM, whose last line its reader knows. @throws SECRET_UNREADABLE */
  offerKey(key: Buffer): void {
    this.drain();
    if (key.length >= PIPE_BYTES_MAX || !key.includes('-----END'))
      throw refuse('it is no private key in PEM');
    fs.writeSync(this.#descriptor, key);
    fs.writeSync(this.#descriptor, '\n');
  }

  /** Takes back what was not read. */
  drain(): void {
    const rest = Buffer.alloc(PIPE_BYTES_MAX);
    try {
      while (fs.readSync(this.#descriptor, rest) > 0) rest.fill(0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }

  close(): void {
    this.drain();
    fs.closeSync(this.#descriptor);
    fs.rmSync(path.dirname(this.file), { recursive: true, force: true });
  }
}

function refuse(reason: string): Failure {
  return new Failure('SECRET_UNREADABLE', { secret: 'of the connector', reason }) as Failure;
}
