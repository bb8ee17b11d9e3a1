// What the calls of a connector showed to its host last. A token that was at hand is given up for a fresh one where the host refuses it,
// but not by a connector whose host has refused a fresh one too: with each exchange it would end what others have at hand.
import type { ShownCredential, Useless } from '../credentials/once-more.js';
import type { AgedMap } from '../kernel/aged-map.js';
import type { Shown } from './manager-access.js';

/** For so long, or until something is taken, the refusal of a fresh one counts. */
export const REFUSING_MS = 900_000;

type Kept = Pick<Shown, 'isFresh' | 'forget'>;

export class LastShown implements ShownCredential {
  #last: Kept | undefined;
  /** Whether the host has not said yet what it makes of it. */
  #isOpen = false;

  /** `refusing`: names of the uses for which a fresh one was refused. */
  constructor(
    private readonly refusing: AgedMap<true>,
    private readonly name: string,
  ) {}

  show<T extends Kept>(shown: T): T {
    this.#last = shown;
    this.#isOpen = true;
    return shown;
  }

  forget(why: Useless): boolean {
    this.#isOpen = false;
    if (this.#last === undefined) return false;
    if (this.#last.isFresh) {
      if (why === 'refused') this.giveUp();
      return false;
    }
    if (why === 'refused' && this.refusing.get(this.name) === true) return false;
    this.#last.forget();
    return true;
  }

  giveUp(): void {
    this.#isOpen = false;
    if (this.#last?.isFresh === true) this.refusing.put(this.name, true);
  }

  /** What needed no credential, as it is remembered here, says nothing of one. */
  accept(): void {
    if (this.#isOpen) this.refusing.delete(this.name);
    this.#isOpen = false;
  }
}
