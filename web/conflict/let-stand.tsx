import { settleDrafts } from '../data/drafts.js';
import type { Operation } from '../data/operations.js';
import { goTo, hrefOf } from '../data/route.js';
import { settleConflict } from '../data/settled.js';
import { draftsOf } from '../entities/entity-draft.js';
import { Button } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { say } from '../shell/toasts.js';
import { forgetResult } from './result.js';

export interface LetStandProps {
  scope: string;
  operation: Operation;
  /** What was to be saved; null: it was to be deleted. */
  ours: string | null;
}

/** The other way out of a conflict: what Git holds stays, and nothing is saved. */
export function LetStand({ scope, operation, ours }: LetStandProps) {
  const { open, show, close } = useDialog<'let'>();
  const { id, kind, entity, git } = operation;
  const leave = async (): Promise<void> => {
    settleConflict(id);
    forgetResult(id);
    if (ours !== null) settleDrafts(draftsOf({ scope, kind: kind ?? '', id: entity ?? '' }), ours);
    say(`${entity ?? 'The entity'} stays as it is in Git.`);
    goTo(hrefOf(scope, ['entities', kind ?? '', entity ?? ''], { branch: git?.branch }));
  };
  return (
    <>
      <Button onPress={() => show('let')}>Let Git’s version stand…</Button>
      {open === 'let' && (
        <Confirm
          title={`Let ${entity ?? 'the entity'} be as it is in Git?`}
          act="Let it stand"
          onConfirm={leave}
          onClose={close}
        >
          <p>Nothing is saved. What you wrote stays in the operation, where it can be saved again.</p>
        </Confirm>
      )}
    </>
  );
}
