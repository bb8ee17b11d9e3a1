// Whether a secret manager works, as a delegate that serves it finds out; nothing changes there.
import { useState } from 'preact/hooks';
import { type Action, useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { lastingOf } from '../data/time.js';
import { Note, ProblemBox } from '../parts/problem.js';

type Check = Schemas['SecretManagerCheck'];

export interface ManagerCheck extends Pick<Action, 'isBusy' | 'error'> {
  check: Check | undefined;
  begin: () => void;
}

export function useManagerCheck({ scope, id }: { scope: string; id: string }): ManagerCheck {
  const [check, setCheck] = useState<Check | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const begin = (): void => {
    const call = apiOf(scope).POST('/secret-managers/{id}/check', { params: { path: { id } } });
    void run(async () => setCheck(await answer(call)));
  };
  return { check, begin, isBusy, error };
}

export const CheckResult = ({ check, error }: Pick<ManagerCheck, 'check' | 'error'>) => (
  <>
    {check?.ok === true && (
      <Note icon="check" title={`It works${check.ms === null ? '' : `, in ${lastingOf(check.ms)}`}`} />
    )}
    {check?.ok === false && (
      <ProblemBox
        error={{
          code: check.code ?? 'CHECK_FAILED',
          title: 'It does not work',
          detail: check.detail ?? '',
          hint: check.hint ?? '',
        }}
      />
    )}
    <ProblemBox error={error} />
  </>
);
