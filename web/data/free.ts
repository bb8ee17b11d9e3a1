// What is made anew must not write over what is there: the API puts a thing under a name, whether or not there was one.
import { unless } from './outwards.js';

/**
 * Of a name that somebody chose for something new.
 * @param look answers what has that name, or is refused with 404
 * @throws NameTaken
 */
export async function assertFree(what: string, look: Promise<unknown>): Promise<void> {
  // Whoever may not look is told by what comes next.
  if ((await unless(404, look, 403)) !== undefined) throw new NameTaken(what);
}

/** As the page tells it. */
export class NameTaken extends Error {
  readonly problem: { code: string; title: string; detail: string; hint: string };

  constructor(what: string) {
    super(`${what} is there already`);
    this.problem = {
      code: 'NAME_TAKEN',
      title: 'The name is taken',
      detail: `There is ${what} already, and nothing of it was changed.`,
      hint: 'Choose another name, or change what is there on its own screen.',
    };
  }
}
