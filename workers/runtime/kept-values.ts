// What became of sealed values, on disk until they expire: one that is sent again is not put a second time, after a restart
// neither, and whoever lost the answer gets it again.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { StoredSecret } from '../../src/envelope/secret-manager.js';
import type { ValuePlace } from '../../src/sealing/client-sealing.js';

const Line = z.strictObject({ place: z.string(), expiresAt: z.int(), stored: StoredSecret });
type Line = z.infer<typeof Line>;

export class KeptValues {
  readonly #file: string;
  readonly #kept = new Map<string, Line>();

  constructor(folder: string) {
    this.#file = path.join(folder, 'kept-values');
    if (!fs.existsSync(this.#file)) return;
    for (const text of fs.readFileSync(this.#file, 'utf8').split('\n')) {
      const line = parse(text);
      if (line !== undefined) this.#kept.set(line.place, line);
    }
    this.#forget();
  }

  /** What the value for this place was turned into, if it was. */
  find(place: ValuePlace): StoredSecret | undefined {
    return this.#kept.get(digestOf(place))?.stored;
  }

  note(where: ValuePlace, stored: StoredSecret): void {
    this.#forget();
    const place = digestOf(where);
    this.#kept.set(place, { place, expiresAt: where.expiresAt, stored });
    const fresh = `${this.#file}.${process.pid}`;
    const lines = [...this.#kept.values()].map((line) => `${JSON.stringify(line)}\n`).join('');
    fs.writeFileSync(fresh, lines, { mode: 0o600, flush: true });
    fs.renameSync(fresh, this.#file);
  }

  #forget(): void {
    for (const { place, expiresAt } of this.#kept.values())
      if (expiresAt <= Date.now()) this.#kept.delete(place);
  }
}

/** The version alone is the client's choice, and may be another secret's as well. */
function digestOf({ scope, secret, version, managerScope, manager, expiresAt }: ValuePlace): string {
  const fields = [scope, secret, version, managerScope, manager, expiresAt];
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64url');
}

/** A line that is none says nothing. */
function parse(text: string): Line | undefined {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
