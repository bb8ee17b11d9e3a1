// Whether a method did what it says, as the server's disk tells.
import type { Answer } from './contender-client.js';
import type { FileText, OperationName } from './methods/method.js';
import { countCommits, fileAt, headOf, OTHER_FILE } from './repositories.js';

export interface Claim {
  /** Where the branch stood before. */
  base: string;
  /** What was to be written, or read. */
  files: FileText[];
  answer: Answer;
}

/** @throws Error when the claim is not true: then no figure of the run means anything. */
export function verifyOutcome(
  folder: string,
  operation: OperationName,
  { base, files, answer }: Claim,
): void {
  const head = headOf(folder);
  const expected = (): Answer => {
    if (operation === 'read') return files[0]?.content ?? '';
    if (operation === 'refresh') return [{ path: OTHER_FILE, content: fileAt(folder, head, OTHER_FILE) }];
    return head;
  };
  if (JSON.stringify(answer) !== JSON.stringify(expected()))
    throw new Error(`A wrong answer to ${operation}`);
  if (operation === 'read' || operation === 'refresh') return;
  const commits = countCommits(folder, base, head);
  if (commits !== files.length) throw new Error(`${operation} made ${commits} commits`);
  for (const { path, content } of files)
    if (fileAt(folder, head, path) !== content) throw new Error(`${operation} did not write ${path}`);
}
