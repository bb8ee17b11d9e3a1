import { parseDocument } from 'yaml';
import type { LineProblem } from './line-problems.js';

/** What is no YAML at all. */
export function yamlProblemsOf(text: string): LineProblem[] {
  return parseDocument(text, { prettyErrors: true }).errors.map(({ message, linePos }) => ({
    line: linePos?.[0].line ?? 1,
    column: linePos?.[0].col ?? 1,
    message: message.split(' at line')[0] ?? message,
  }));
}
