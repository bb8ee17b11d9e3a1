// Reads what a refresh comes to next while what it has read is judged and written, and more of it at a time where files are short:
// a request costs a host as much as hundreds of short files do. It is a help and no more: what it does not bring, or brings
// too late, is read by whoever needs it.
import type { BlobId, CommitId, Git } from '../git/git.js';
import type { FileChangeWithContent } from './branch-changes.js';

const FILES_MIN = 200;
const FILES_MAX = 2_000;
/** So much of short files is read at a time. */
const BYTES_WANTED = 4 * 1024 * 1024;

export class ReadAhead {
  /** What is here and has not been taken. */
  readonly #held = new Map<BlobId, Uint8Array>();
  #reading: Promise<void> | undefined;
  /** So many at a time. */
  #files = FILES_MIN;
  /** After a failure nothing is read ahead any more: whoever needs a file learns what is wrong by reading it. */
  #isOver = false;

  /**
   * @param target the commit that is read
   * @param known which of these blobs the copy has, so that nobody has to read them
   */
  constructor(
    private readonly git: Pick<Git, 'read'>,
    private readonly target: CommitId,
    private readonly known: (blobs: BlobId[]) => Promise<Set<BlobId>>,
  ) {}

  /**
   * What is there of these files, whose turn it is. Begins to read what comes behind them.
   * @param ahead files that will be written if nothing stands against it, in the order of their turns
   */
  async take(
    part: readonly FileChangeWithContent[],
    ahead: () => readonly FileChangeWithContent[],
  ): Promise<Map<BlobId, Uint8Array>> {
    const isHeld = (change: FileChangeWithContent): boolean =>
      change.to === null || this.peek(change) !== undefined;
    if (!part.every(isHeld)) await this.#reading;
    const found = new Map<BlobId, Uint8Array>();
    for (const change of part) {
      const bytes = this.peek(change);
      if (change.to !== null && bytes !== undefined) found.set(change.to.id, bytes);
    }
    for (const id of found.keys()) this.#held.delete(id);
    // Half a window is left: by the time it is used up, the next one is there.
    if (!this.#isOver && this.#reading === undefined && this.#held.size <= this.#files / 2) {
      const wanted = ahead().filter((change) => isReadable(change) && !isHeld(change));
      if (wanted.length > 0) this.#reading = this.#read(wanted.slice(0, this.#files));
    }
    return found;
  }

  /** The document, where it is here. */
  peek({ to, content }: FileChangeWithContent): Uint8Array | undefined {
    return to === null ? undefined : (content ?? this.#held.get(to.id));
  }

  /** When all has come that is on its way. */
  async arrived(): Promise<void> {
    await this.#reading;
  }

  async #read(wanted: readonly FileChangeWithContent[]): Promise<void> {
    try {
      const paths = new Map(wanted.flatMap(({ path, to }) => (to === null ? [] : [[to.id, path]])));
      const known = await this.known([...paths.keys()]);
      for (const id of known) paths.delete(id);
      if (paths.size === 0) return;
      let bytes = 0;
      for (const file of await this.git.read(this.target, [...paths.values()])) {
        if (file === null) continue;
        this.#held.set(file.id, file.content);
        bytes += file.content.byteLength;
      }
      const fitting = Math.floor((BYTES_WANTED * paths.size) / Math.max(bytes, 1));
      this.#files = Math.min(FILES_MAX, Math.max(FILES_MIN, fitting));
    } catch {
      this.#isOver = true;
    } finally {
      this.#reading = undefined;
    }
  }
}

const isReadable = ({ to, content }: FileChangeWithContent): boolean =>
  to !== null && content === undefined && to.mode.startsWith('100');
