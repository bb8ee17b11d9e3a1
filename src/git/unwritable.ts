// What no commit can hold. The input policy stands at the doors; this guards the format, in every engine.
import { Failure } from '../kernel/failure.js';
import type { Step } from './git.js';
import { isFilePath } from './path-names.js';

/** @throws Failure INPUT_REFUSED for a step that would make a broken object */
export function refuseUnwritable(step: Step): void {
  const refuse = (field: string, rule: string): Failure =>
    new Failure('INPUT_REFUSED', { field, rule }) as Failure;
  for (const { name, email } of [step.author, step.committer])
    if (/[<>\u0000-\u001f]/.test(name + email))
      throw refuse('author', 'has an angle bracket or control character');
  if (!Number.isSafeInteger(step.timestamp) || step.timestamp < 0)
    throw refuse('timestamp', 'is not a whole number of seconds since 1970');
  if (step.message.includes('\0')) throw refuse('message', 'has a NUL');
  for (const { path } of step.changes)
    if (path.includes('\0') || !isFilePath(path))
      throw refuse('path', 'has a component that is empty, ., .. or taken for .git, or has a NUL');
}
