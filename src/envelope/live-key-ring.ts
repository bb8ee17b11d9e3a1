// The keys of a file that may change under a running process: read again when it has. A key that was read once stays, so that a
// file which is broken, half copied or an old one takes nothing away from what runs.
import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import { type KeyRing, openKeyFile } from './key-file.js';

export class LiveKeyRing {
  readonly file: string;
  readonly #keys = new Map<string, KeyObject>();
  /** Of the file when it was last read whole. */
  #stamp = '';
  #read: KeyRing;
  #fault: Error | undefined;

  /** @throws KEY_FILE_UNUSABLE */
  constructor(file: string, { createIfMissing }: { createIfMissing: boolean }) {
    this.file = file;
    this.#read = openKeyFile(file, { createIfMissing });
    this.#take(this.#read);
  }

  /** The key that the file calls active. */
  get labelled(): string {
    return this.#read.active.id;
  }

  find(id: string): KeyObject | undefined {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    this.refresh();
    return this.#keys.get(id);
  }

  /** The keys that the file has, as a process that starts would find them: none where it cannot be used, and why. */
  refresh(): { ids: string[]; fault: Error | undefined } {
    const stamp = stampOf(this.file);
    if (stamp !== this.#stamp || this.#fault !== undefined) this.#readAgain(stamp);
    return { ids: this.#fault === undefined ? this.#read.ids : [], fault: this.#fault };
  }

  /** Lets go of every other key that the file does not have either. */
  keep(ids: readonly string[]): void {
    const kept = new Set([...ids, ...this.#read.ids]);
    for (const id of this.#keys.keys()) if (!kept.has(id)) this.#keys.delete(id);
  }

  #readAgain(stamp: string): void {
    try {
      this.#read = openKeyFile(this.file, { createIfMissing: false });
      this.#take(this.#read);
      this.#stamp = stamp;
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error as Error;
    }
  }

  #take(ring: KeyRing): void {
    for (const id of ring.ids) this.#keys.set(id, ring.find(id) as KeyObject);
  }
}

/** What changes with the file; taken before it is read, so that a change meanwhile is read once more. */
function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs, mode } = fs.lstatSync(file, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs, mode].join();
  } catch {
    return 'none';
  }
}
