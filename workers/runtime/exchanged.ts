// What took the place of refresh tokens that this delegate exchanged, on disk before anybody is told: whoever asks again with the one
// before, since an answer was lost, gets its successor. Sealed with the keyring of the group.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Envelope } from '../../src/envelope/envelope.js';

const Line = z.strictObject({ digest: z.string(), until: z.int(), sealed: Envelope });
type Line = z.infer<typeof Line>;

const KEPT_MS = 7 * 24 * 3_600_000;

export class ExchangedTokens {
  readonly #file: string;
  readonly #lines = new Map<string, Line>();
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(folder: string) {
    this.#file = path.join(folder, 'exchanged-tokens');
    if (!fs.existsSync(this.#file)) return;
    for (const text of fs.readFileSync(this.#file, 'utf8').split('\n')) {
      const line = parse(text);
      if (line !== undefined) this.#lines.set(line.digest, line);
    }
  }

  /** What took the place of the token with this digest. */
  find(digest: string): Envelope | undefined {
    return this.#lines.get(digest)?.sealed;
  }

  /** One after the other for one token: the manager that asked first may be gone, and what it asked for is still under way. */
  async inTurn<T>(digest: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(digest) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(digest, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(digest) === mine) this.#last.delete(digest);
    }
  }

  note(digest: string, sealed: Envelope): void {
    for (const line of this.#lines.values()) if (line.until <= Date.now()) this.#lines.delete(line.digest);
    this.#lines.set(digest, { digest, until: Date.now() + KEPT_MS, sealed });
    const fresh = `${this.#file}.${process.pid}`;
    const lines = [...this.#lines.values()].map((line) => `${JSON.stringify(line)}\n`).join('');
    fs.writeFileSync(fresh, lines, { mode: 0o600, flush: true });
    fs.renameSync(fresh, this.#file);
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
