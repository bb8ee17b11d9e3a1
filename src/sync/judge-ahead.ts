// Verdicts on documents before their turn: while one part of a branch is written, the threads that validate are at the next. A
// verdict is of a document, its kind and the entity that it is meant to be; where any of them is another in the end, it is of no use.
import { type DocumentValidator, type DocumentVerdict, documentBytesMax } from '../entities/document.js';
import type { Kind } from '../entities/kinds.repository.js';
import type { BlobId } from '../git/git.js';
import { nameOf } from './refresh-plan.js';
import type { Named } from './tracked-files.js';

/** A file that is read already. */
export interface ReadFile {
  named: Named;
  blob: BlobId;
  yaml: Uint8Array;
}

/** Verdicts come so many at once. */
const TOGETHER = 50;

export class JudgeAhead {
  readonly #begun = new Map<string, Promise<DocumentVerdict | undefined>>();

  constructor(
    private readonly documents: Pick<DocumentValidator, 'validateAll'>,
    private readonly kinds: ReadonlyMap<string, Kind>,
  ) {}

  /** Begins with those that are not begun yet. */
  begin(files: readonly ReadFile[]): void {
    const fresh = files.filter(
      (file) => file.yaml.byteLength <= documentBytesMax && this.#kind(file) && !this.#begun.has(keyOf(file)),
    );
    for (const some of Map.groupBy(fresh, ({ named }) => named.kind).values())
      for (let at = 0; at < some.length; at += TOGETHER) this.#begin(some.slice(at, at + TOGETHER));
  }

  /** The verdict, once; undefined where none was begun, or none could be had. */
  async take(file: Omit<ReadFile, 'yaml'>): Promise<DocumentVerdict | undefined> {
    const key = keyOf(file);
    const verdict = this.#begun.get(key);
    this.#begun.delete(key);
    return verdict;
  }

  #begin(files: readonly ReadFile[]): void {
    const kind = files[0] === undefined ? undefined : this.#kind(files[0]);
    if (kind === undefined) return;
    const meant = files.map(({ named, yaml }) => ({ yaml, meant: { scope: named.scope, id: named.id } }));
    // Whoever needs a document that could not be judged here judges it again, and hears why.
    const verdicts = this.documents.validateAll(meant, kind).catch(() => undefined);
    for (const [at, file] of files.entries())
      this.#begun.set(
        keyOf(file),
        verdicts.then((all) => all?.[at]),
      );
  }

  #kind({ named }: ReadFile): Kind | undefined {
    return this.kinds.get(named.kind);
  }
}

const keyOf = ({ named, blob }: Omit<ReadFile, 'yaml'>): string => `${blob} ${nameOf(named)}`;
