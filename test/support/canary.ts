// Values that are looked for wherever they could have been left.
import { randomBytes } from 'node:crypto';
import { LeakSearch } from './leaks.js';

/** Begins with what no form writes differently and is looked for by itself; then comes what every form does. */
export interface Canary {
  core: string;
  value: string;
}
export const canary = (): Canary => {
  const core = randomBytes(15).toString('hex');
  return { core, value: `${core} "/+%?~\\'ü→` };
};
export const of = (...canaries: Canary[]): LeakSearch =>
  new LeakSearch(canaries.flatMap(({ core, value }) => [core, value]));
