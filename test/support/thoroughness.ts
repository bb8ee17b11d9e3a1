// What every run of the suite tries, and what it leaves to `THOROUGH=1 npm test`: it has to stay within its time.

const isThorough = process.env.THOROUGH === '1';

/** Every so many of the cases, the first among them; all of them where there is time. */
export const sampled = <T>(cases: T[], every: number): T[] =>
  isThorough ? cases : cases.filter((_, at) => at % every === 0);

/** A number of things, and how many where there is time. */
export const atLeast = (few: number, many: number): number => (isThorough ? many : few);
