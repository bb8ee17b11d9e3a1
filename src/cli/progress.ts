// How far long work is, on a terminal and nowhere else: one line, which the next one takes the place of.
const BAR_CHARS = 30;
const COLUMNS = 80;
const CLEAR = '\r\u001b[K';

export class Progress {
  readonly #isShown: boolean;
  #isOpen = false;

  constructor({ isJson }: { isJson: boolean }) {
    this.#isShown = process.stderr.isTTY && !isJson;
  }

  /** No wider than the terminal, where it would not be one line. */
  show(line: string): void {
    if (!this.#isShown) return;
    const columns = process.stderr.columns || COLUMNS;
    process.stderr.write(
      CLEAR +
        Array.from(line)
          .slice(0, columns - 1)
          .join(''),
    );
    this.#isOpen = true;
  }

  /** The last line stays. */
  end(): void {
    if (this.#isOpen) process.stderr.write('\n');
    this.#isOpen = false;
  }
}

/** ████░░░░ 3/7 */
export function barOf(done: number, total: number): string {
  const full = total === 0 ? 0 : Math.round((done / total) * BAR_CHARS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)} ${done}/${total}`;
}
