// Hosts refuse a push in their own words; these mean that somebody else was faster, not that the push is unwanted.
const HOOKED = /hook declined|pre-receive|protected/i;
const RACED =
  /non-fast-forward|fetch first|stale info|failed to (?:update ref|lock|write)|cannot lock|unable to (?:lock|create|write)|lock failed|already exists|incorrect old value|but expected|is at [0-9a-f]{40}|atomic/i;

/** Whether these words of a host (or of git about it) say that the branch was not where it had to be, or was locked. */
export const isRace = (words: string): boolean => !HOOKED.test(words) && RACED.test(words);
