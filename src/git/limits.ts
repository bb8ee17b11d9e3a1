// What one operation accepts from a Git host. Everything a server sends is bounded by one of these.

export interface Limits {
  /** Bytes of one HTTP answer. */
  answerBytes: number;
  /**
   * Bytes of an answer with all trees of a commit. Up to here one request for all costs less than one for each level of
   * directories; beyond, those on the paths are fetched alone.
   */
  treesAtOnceBytes: number;
  /** Objects in one pack. */
  packObjects: number;
  /** Bytes of one object, inflated. */
  objectBytes: number;
  /** Bytes inflated or rebuilt from deltas out of one pack, kept or not. */
  inflatedBytes: number;
  /** Bytes of objects kept in memory out of one pack. */
  keptBytes: number;
  /** Length of a chain of deltas. */
  deltaDepth: number;
  /** Entries visited while walking the trees of one commit. */
  treeEntries: number;
  /** Directories above a file. */
  treeDepth: number;
  /** Commits looked at for one page of a history. */
  historyCommits: number;
  /** Bytes of commits and trees read for one page of a history, before the last of them. */
  historyBytes: number;
}

const MIB = 1024 * 1024;

export const defaultLimits: Limits = {
  answerBytes: 256 * MIB,
  treesAtOnceBytes: MIB / 2,
  packObjects: 1_000_000,
  objectBytes: 64 * MIB,
  inflatedBytes: 2_048 * MIB,
  keptBytes: 256 * MIB,
  deltaDepth: 4_095,
  treeEntries: 2_000_000,
  treeDepth: 256,
  historyCommits: 2_000,
  historyBytes: 128 * MIB,
};
