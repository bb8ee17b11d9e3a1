// What became of sealed values, on disk until they expire: one that is sent again is not put a second time, after a restart
// neither, and whoever lost the answer gets it again.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { StoredSecret } from '../../src/envelope/secret-manager.js';

const Line = z.strictObject({ version: z.uuid(), expiresAt: z.int(), stored: StoredSecret });
type Line = z.infer<typeof Line>;

export class KeptValues {
  readonly #file: string;
  readonly #kept = new Map<string, Line>();

  constructor(folder: string) {
    this.#file = path.join(folder, 'kept-values');
    if (!fs.existsSync(this.#file)) return;
    for (const text of fs.readFileSync(this.#file, 'utf8').split('\n')) {
      const line = parse(text);
      if (line !== undefined) this.#kept.set(line.version, line);
    }
    this.#forget();
  }

  /** What the value of this version was turned into, if it was. */
  find(version: string): StoredSecret | undefined {
    return this.#kept.get(version)?.stored;
  }

  note(version: string, expiresAt: number, stored: StoredSecret): void {
    this.#forget();
    this.#kept.set(version, { version, expiresAt, stored });
    const fresh = `${this.#file}.${process.pid}`;
    const lines = [...this.#kept.values()].map((line) => `${JSON.stringify(line)}\n`).join('');
    fs.writeFileSync(fresh, lines, { mode: 0o600, flush: true });
    fs.renameSync(fresh, this.#file);
  }

  #forget(): void {
    for (const { version, expiresAt } of this.#kept.values())
      if (expiresAt <= Date.now()) this.#kept.delete(version);
  }
}

/** A line that is none says nothing. */
function parse(text: string): Line | undefined {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
