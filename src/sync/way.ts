// The files of a branch whose turns come one after the other: while one part of them is written, the next are read and judged.
import type { FileChangeWithContent } from './branch-changes.js';
import type { JudgeAhead } from './judge-ahead.js';
import type { ReadAhead } from './read-ahead.js';
import type { Journey } from './refresh-plan.js';
import type { Named } from './tracked-files.js';

export interface Way extends Pick<Journey, 'meaningOf'> {
  /** Sorted by path bytes. */
  changes: FileChangeWithContent[];
  contents: ReadAhead;
  ahead: JudgeAhead;
}

/** What was read of the way, or of what lies beside it, is another thing by now: the next turn sets out anew. */
export class WayLost extends Error {}

/** Files of one part, which is one transaction. */
const PART_FILES_MAX = 200;
/** And of one whose documents are all at hand: nobody waits for them while the lane is held. */
const READY_FILES_MAX = 500;
/** So many files whose turns come next are judged while a part is written. */
const JUDGED_FILES_MAX = 2 * READY_FILES_MAX;

export function nextPart({ changes, contents }: Pick<Way, 'changes' | 'contents'>): FileChangeWithContent[] {
  const most = changes.slice(0, READY_FILES_MAX);
  const missing = most.findIndex((change) => change.to !== null && contents.peek(change) === undefined);
  return most.slice(0, missing < 0 ? most.length : Math.max(missing, PART_FILES_MAX));
}

/** Begins to judge what comes behind a part, as soon as it is here. */
export function judgeNext(way: Way, from: number): void {
  const next = way.changes.slice(from, from + JUDGED_FILES_MAX);
  beginWith(way, next);
  void way.contents.arrived().then(() => beginWith(way, next));
}

/** Those that have been read. */
function beginWith(way: Way, next: readonly FileChangeWithContent[]): void {
  way.ahead.begin(
    next.flatMap((change) => {
      const named = nameIn(way, change.path);
      const yaml = way.contents.peek(change);
      return named === undefined || yaml === undefined || change.to === null
        ? []
        : { named, blob: change.to.id, yaml };
    }),
  );
}

export function nameIn({ meaningOf }: Pick<Journey, 'meaningOf'>, path: string): Named | undefined {
  const meaning = meaningOf(path);
  return meaning !== undefined && 'named' in meaning ? meaning.named : undefined;
}
