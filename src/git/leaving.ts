import type { BlobId } from './git.js';

/** Files that a step removes, by what they hold: one that it writes with the same content is one of them at another path. */
export class Leaving {
  readonly #executable = new Map<BlobId, boolean[]>();

  /** In the order of the step's changes. */
  note(blob: BlobId, isExecutable: boolean): void {
    this.#executable.set(blob, [...(this.#executable.get(blob) ?? []), isExecutable]);
  }

  /** Whether the next one of this content may be executed; false without one. */
  take(blob: BlobId): boolean {
    return this.#executable.get(blob)?.shift() ?? false;
  }
}
