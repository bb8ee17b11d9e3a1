import { hrefOf } from '../data/route.js';
import { State } from '../parts/state.js';
import type { GitState } from './git-state.js';

/** The state, and the way to the operation that explains it. */
export function GitStateMark({ scope, state }: { scope: string; state: GitState }) {
  const mark = (
    <State tone={state.tone} title={state.why} {...(state.icon === undefined ? {} : { icon: state.icon })}>
      {state.word}
    </State>
  );
  return state.operationId === undefined ? (
    mark
  ) : (
    <a href={hrefOf(scope, ['operations', state.operationId])}>{mark}</a>
  );
}
