import type { Problem } from '../data/api.js';
import { wordsOf } from '../parts/page-words.js';
import { todoOfFile } from './todo-of-file.js';

/** Why, and what to do about it, in the cell of a table. */
export const Why = ({ why, todo }: { why: string; todo: string | undefined }) => (
  <div class="small break">
    <p>{why}</p>
    {todo !== undefined && <p class="quiet">{todo}</p>}
  </div>
);

export function Reason({ problem }: { problem: Problem | null }) {
  if (problem === null) return null;
  return <Why why={wordsOf(problem).detail} todo={todoOfFile(problem)} />;
}
