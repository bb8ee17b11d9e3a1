// What went wrong, in the API’s words where they are good for a page: what was attempted, what can be done, and the names to ask about it by.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError, type Problem } from '../data/api.js';
import { NameTaken } from '../data/free.js';
import { hrefOf, readRoute } from '../data/route.js';
import { Icon, type IconName } from './icon.js';
import { wordsOf } from './page-words.js';

/** Of anything that was thrown. */
export function problemOf(
  error: unknown,
): Pick<Problem, 'code' | 'title' | 'detail' | 'hint' | 'operationId' | 'delegate'> {
  if (error instanceof ApiError || error instanceof NameTaken) return error.problem;
  if (error instanceof TypeError)
    return {
      code: 'NOBODY_ANSWERS',
      title: 'The manager does not answer',
      detail: 'The request was sent again for a while, and nobody answered it.',
      hint: 'Check that the manager runs and that this browser reaches it; the page goes on by itself once it does.',
    };
  return {
    code: 'PAGE_FAULT',
    title: 'The page met something it did not expect',
    detail: error instanceof Error ? error.message : String(error),
    hint: 'Reload the page; if it happens again, report it with what is said here.',
  };
}

export interface ProblemBoxProps {
  error: unknown;
  tone?: 'bad' | 'warn';
}

/** Nothing where nothing went wrong. */
export function ProblemBox({ error, tone = 'bad' }: ProblemBoxProps) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Whoever pressed a button below a long form sees why nothing happened.
    if (element.current?.closest('form, dialog') != null)
      element.current.scrollIntoView({ block: 'nearest' });
  }, [error]);
  if (error === undefined || error === null) return null;
  const problem = isProblem(error) ? error : problemOf(error);
  const { detail, hint } = wordsOf(problem);
  return (
    <div ref={element} class={`problem ${tone === 'warn' ? 'warn' : ''}`} role="alert">
      <Icon name="alert" />
      <p class="title">{problem.title}</p>
      <p>{detail}</p>
      <p>{hint}</p>
      <p class="marks">
        <span>{problem.code}</span>
        {problem.operationId !== undefined && <OperationName id={problem.operationId} />}
        {problem.delegate !== undefined && <span>delegate {problem.delegate}</span>}
      </p>
    </div>
  );
}

/** The way to it, as far as one is in a scope. */
function OperationName({ id }: { id: string }) {
  const { scope, path } = readRoute(location.hash);
  if (scope === null || path.includes(id)) return <span>operation {id}</span>;
  return <a href={hrefOf(scope, ['operations', id])}>operation {id}</a>;
}

export interface NoteProps {
  tone?: 'warn' | 'calm';
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
}

/** What somebody should know before going on. */
export const Note = ({ tone = 'calm', icon = 'info', title, children }: NoteProps) => (
  <div class={`problem ${tone}`}>
    <Icon name={icon} />
    <p class="title">{title}</p>
    {children !== undefined && <p>{children}</p>}
  </div>
);

const isProblem = (error: unknown): error is Problem =>
  !(error instanceof Error) &&
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  'hint' in error;
