// Conflicts whose other version somebody lets stand, in this browser: nothing is left to be done about them here.
const KEY = 'sallyport.settled';
const KEPT_MAX = 200;

/** Ids of their operations. */
export const settled = (): ReadonlySet<string> => new Set(read());

export function settleConflict(operation: string): void {
  const others = read().filter((id) => id !== operation);
  localStorage.setItem(KEY, [...others, operation].slice(-KEPT_MAX).join(' '));
}

const read = (): string[] => localStorage.getItem(KEY)?.split(' ') ?? [];
