// Where in a document a problem stands: the manager says so in its words, line by line.
import { ApiError } from '../data/api.js';

export interface LineProblem {
  /** From 1. */
  line: number;
  column: number;
  message: string;
}

const PLACE = /line (\d+), column (\d+):? ?([^;]*)/g;

/** Of what a save was refused for; none where that is not in the text. */
export function lineProblemsOf(error: unknown): LineProblem[] {
  if (!(error instanceof ApiError) || error.problem.status !== 422) return [];
  return [...error.problem.detail.matchAll(PLACE)].map(([, line, column, message = '']) => ({
    line: Number(line),
    column: Number(column),
    message: message.trim() === '' ? error.problem.detail : message.trim(),
  }));
}
