// Repositories as a host would make them, for tests that mostly ask for the same few: the first of its kind takes eight commands
// of git, a copy of it none.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRepository, type NewRepository } from '../../src/playground/git-host.js';

export class RepositoryPatterns {
  readonly #made = new Map<string, string>();
  readonly #home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-patterns-'));

  /** Makes the bare repository `<root>/<name>.git`, and answers its folder. */
  create(root: string, name: string, options: NewRepository): string {
    const contents = Object.values(options.files ?? {});
    // Bytes are of one test, and may be many.
    if (!contents.every((content) => typeof content === 'string'))
      return createRepository(root, name, options).folder;
    const key = JSON.stringify(options);
    const pattern = this.#made.get(key) ?? createRepository(this.#home, `${this.#made.size}`, options).folder;
    this.#made.set(key, pattern);
    const folder = path.join(root, `${name}.git`);
    fs.cpSync(pattern, folder, { recursive: true });
    return folder;
  }

  close(): void {
    fs.rmSync(this.#home, { recursive: true, force: true });
  }
}
