import type { Problem } from '../data/api.js';
import { wordsOf } from '../parts/page-words.js';

/** What to do about a file of Git: in a list of files, no document stands beside it in which the places are marked. */
export const todoOfFile = (problem: Pick<Problem, 'code' | 'detail' | 'hint'>): string =>
  problem.code === 'ENTITY_INVALID'
    ? 'Correct the file in Git. The schema of its kind is under Entities, Kinds.'
    : wordsOf(problem).hint;
