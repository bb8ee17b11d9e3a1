// Which tasks this delegate has begun, on disk: none is begun twice, not after a restart either. A task is remembered until
// it has expired, when it is refused for that.
import fs from 'node:fs';
import path from 'node:path';
import { clockSkewMaxMs } from '../../src/contract/messages.js';
import type { TaskJournal } from '../../src/queue/task-worker.js';

const COMPACT_LINES = 10_000;
/** How long a task is remembered whose line was cut off before its end: longer than anybody waits for one. */
const CUT_OFF_MS = 24 * 3_600_000;
/** What stands before it was left by a write that failed. */
const LINE = /([0-9A-Fa-f-]{36}) (\d{1,16})$/;

export class FileTaskJournal implements TaskJournal {
  readonly #file: string;
  readonly #begun = new Map<string, number>();
  #handle: number;
  #linesLeft = 0;

  constructor(folder: string) {
    fs.mkdirSync(folder, { recursive: true });
    this.#file = path.join(folder, 'begun-tasks');
    this.#load();
    this.#handle = this.#compact();
  }

  begin(task: string, expiresAt: number): boolean {
    if (this.#begun.has(task)) return false;
    if (this.#linesLeft <= 0) {
      const full = this.#handle;
      this.#handle = this.#compact();
      fs.closeSync(full);
    }
    this.#append(`${task} ${expiresAt}\n`);
    this.#begun.set(task, expiresAt);
    return true;
  }

  close(): void {
    fs.closeSync(this.#handle);
  }

  #append(line: string): void {
    this.#linesLeft -= 1;
    try {
      fs.appendFileSync(this.#handle, line);
    } catch (error) {
      // The next line must not continue what was written of this one.
      this.#linesLeft = 0;
      throw error;
    }
  }

  #load(): void {
    if (!fs.existsSync(this.#file)) return;
    const lines = fs.readFileSync(this.#file, 'utf8').split('\n');
    const cutOff = lines.pop() ?? '';
    for (const line of lines) {
      const [, task, expiresAt] = LINE.exec(line) ?? [];
      if (task !== undefined) this.#begun.set(task, Number(expiresAt));
    }
    const [, task] = /^([0-9A-Fa-f-]{36})(?: |$)/.exec(cutOff) ?? [];
    if (task !== undefined) this.#begun.set(task, Date.now() + CUT_OFF_MS);
  }

  /** Writes what has not expired into a new file, and keeps that open. */
  #compact(): number {
    const oldest = Date.now() - clockSkewMaxMs;
    for (const [task, expiresAt] of this.#begun) if (expiresAt < oldest) this.#begun.delete(task);
    const fresh = `${this.#file}.new`;
    const handle = fs.openSync(fresh, 'w', 0o600);
    try {
      const lines = [...this.#begun].map(([task, expiresAt]) => `${task} ${expiresAt}\n`);
      fs.writeFileSync(handle, lines.join(''));
      fs.fsyncSync(handle);
      fs.renameSync(fresh, this.#file);
    } catch (error) {
      fs.closeSync(handle);
      throw error;
    }
    // In proportion to what it writes, so that each task pays the same.
    this.#linesLeft = Math.max(COMPACT_LINES, this.#begun.size);
    return handle;
  }
}
