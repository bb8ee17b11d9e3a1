// What a conflict is to come to, while somebody works on it.
import { useState } from 'preact/hooks';
import { draftOf, keepDraft } from '../data/drafts.js';
import type { Choices } from './merge.js';

interface Chosen {
  choices: Choices;
  typed: string | undefined;
}

/** What is chosen, and what is typed over what that comes to: kept while one looks at something else. */
export function useResult(operation: string) {
  const name = nameOf(operation);
  const [result, setResult] = useState<Chosen>(
    () => draftOf<Chosen>(name)?.base ?? { choices: new Map(), typed: undefined },
  );
  const keep = (choices: Choices, typed: string | undefined): void => {
    const next = { choices, typed };
    setResult(next);
    const isNone = choices.size === 0 && typed === undefined;
    keepDraft(name, isNone ? undefined : { base: next, text: typed ?? '' });
  };
  return { ...result, keep };
}

const nameOf = (operation: string): string => `result ${operation}`;

/** It is saved, or given up. */
export const forgetResult = (operation: string): void => keepDraft(nameOf(operation), undefined);
