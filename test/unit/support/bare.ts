import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ReferenceRepository } from '../../support/git-reference.js';

/** A bare repository of its own in a temporary folder. */
export class BareRepository extends ReferenceRepository {
  constructor() {
    super(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bare-')));
    this.git(['init', '-q', '--bare', '.']);
  }

  /** Standard output of a git command as bytes. */
  bytes(args: string[], input: string | Uint8Array = ''): Buffer {
    const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', args, { cwd: this.folder, env, input, maxBuffer: 2 ** 28, stdio: 'pipe' });
  }

  /** Writes the object as it is, sound or not, and gives git's id for it. */
  put(type: string, content: string | Uint8Array): string {
    return this.git(['hash-object', '-t', type, '--literally', '-w', '--stdin'], { input: content });
  }

  /** The content of an object, byte for byte. */
  content(type: string, id: string): Buffer {
    return this.bytes(['cat-file', type, id]);
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
