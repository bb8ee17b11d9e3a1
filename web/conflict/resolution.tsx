import { useEffect, useMemo, useState } from 'preact/hooks';
import { settleDrafts } from '../data/drafts.js';
import type { Operation } from '../data/operations.js';
import { goTo, hrefOf } from '../data/route.js';
import { CodeEditor } from '../editor/code-editor.js';
import { type LineProblem, lineProblemsOf } from '../editor/line-problems.js';
import { draftsOf } from '../entities/entity-draft.js';
import { isConflict, type Saved } from '../entities/save.js';
import { SaveDialog } from '../entities/save-dialog.js';
import { Button } from '../parts/button.js';
import { Confirm, Dialog, useDialog } from '../parts/dialog.js';
import { LazyDiff } from '../parts/lazy-diff.js';
import { Panel } from '../parts/panel.js';
import { Note } from '../parts/problem.js';
import { State } from '../parts/state.js';
import { say } from '../shell/toasts.js';
import { DifferenceList } from './difference-list.js';
import { LetStand } from './let-stand.js';
import type { Choices, Difference, Side, Versions } from './merge.js';
import { forgetResult, useResult } from './result.js';

type Merging = typeof import('./merge.js');

export interface ResolutionProps {
  scope: string;
  operation: Operation;
  /** Blob that is in Git now, which the next save is made from. */
  theirsId: string | null;
  versions: Versions;
}

export function Resolution({ scope, operation, theirsId, versions }: ResolutionProps) {
  const merging = useMerging();
  const { choices, typed, keep } = useResult(operation.id);
  const { theirs, ours, base } = versions;
  const differences = useMemo(() => merging?.findDifferences(versions), [merging, theirs, ours, base]);
  const merged = useMemo(() => merging?.merge(versions, choices), [merging, theirs, ours, base, choices]);
  const open = differences?.filter(({ path, by }) => by === 'both' && !choices.has(path)) ?? [];
  const [asked, ask] = useState<Choices | undefined>(undefined);
  const choose = (path: string, side: Side): void => {
    const next = new Map([...choices, [path, side]]);
    if (typed === undefined) keep(next, undefined);
    else ask(next);
  };
  const text = typed ?? merged;
  if (differences === undefined || text === undefined) return <span class="skeleton" />;
  return (
    <>
      <Summary isSame={theirs === ours} differences={differences} open={open.length} />
      <DifferenceList differences={differences} choices={choices} onChoose={choose} />
      <Result
        scope={scope}
        operation={operation}
        theirsId={theirsId}
        theirs={theirs}
        ours={ours}
        text={text}
        onText={(next) => keep(choices, next === merged ? undefined : next)}
        open={open.length}
      />
      {asked !== undefined && (
        <Confirm
          title="Choose, and lose what you typed in the result?"
          act="Make the result anew"
          leave="Keep my text"
          onConfirm={async () => keep(asked, undefined)}
          onClose={() => ask(undefined)}
        >
          <p>
            The result is made of what is chosen. What you changed in it by hand is not in any of the choices.
          </p>
        </Confirm>
      )}
    </>
  );
}

function useMerging(): Merging | undefined {
  const [merging, setMerging] = useState<Merging | undefined>(undefined);
  useEffect(() => {
    void import('./merge.js').then(setMerging);
  }, []);
  return merging;
}

interface SummaryProps {
  isSame: boolean;
  differences: readonly Difference[];
  open: number;
}

function Summary({ isSame, differences, open }: SummaryProps) {
  const clashes = differences.filter(({ by }) => by === 'both').length;
  if (isSame)
    return (
      <Note title="Both sides say the same">
        What Git holds now is what was to be saved: nothing has to be done.
      </Note>
    );
  if (clashes === 0)
    return (
      <Note icon="check" title="Nothing was changed by both">
        The two changes are about different keys. The result below has both; look at it and save.
      </Note>
    );
  const left =
    open === 0
      ? 'All of them are chosen.'
      : `${open} of them ${open === 1 ? 'is' : 'are'} still to be chosen.`;
  return (
    <Note
      tone={open === 0 ? 'calm' : 'warn'}
      icon="split"
      title={`${clashes} ${clashes === 1 ? 'key was' : 'keys were'} changed by both`}
    >
      {left} What only one side changed is taken from it already.
    </Note>
  );
}

interface ResultProps {
  scope: string;
  operation: Operation;
  theirsId: string | null;
  theirs: string;
  ours: string;
  text: string;
  onText: (text: string) => void;
  /** Choices that are still to be made. */
  open: number;
}

function Result({ scope, operation, theirsId, theirs, ours, text, onText, open: unchosen }: ResultProps) {
  const { kind, entity, git } = operation;
  const [problems, setProblems] = useState<readonly LineProblem[]>([]);
  const { open, show, close } = useDialog<'save' | 'diff'>();
  const refused = (error: unknown): void => {
    setProblems(lineProblemsOf(error));
    const next = isConflict(error) ? error.problem.operationId : undefined;
    // It changed once more: on with what is there now.
    if (next !== undefined) goTo(hrefOf(scope, ['operations', next, 'conflict']));
  };
  return (
    <Panel
      title="Result"
      isFlush
      ends={
        <>
          <LetStand scope={scope} operation={operation} ours={ours} />
          {unchosen > 0 && <State tone="warn">{unchosen} to choose</State>}
          <Button look="bare" onPress={() => show('diff')}>
            What it changes in Git
          </Button>
          <Button look="primary" isDisabled={unchosen > 0} onPress={() => show('save')}>
            Save again…
          </Button>
        </>
      }
    >
      <CodeEditor label="Result of the merge" text={text} onChange={onText} problems={problems} />
      {open === 'save' && (
        <SaveDialog
          scope={scope}
          target={{
            kind: kind ?? '',
            id: entity ?? '',
            from: theirsId,
            isInline: operation.store === 'inline',
          }}
          yaml={text}
          place={{ branch: git?.branch ?? '' }}
          connector={git?.connector}
          onSaved={(saved) => leave(scope, operation, { ours, saved })}
          onRefused={refused}
          onClose={close}
        />
      )}
      {open === 'diff' && (
        <Dialog title="What the result changes in Git" isBroad onClose={close}>
          <LazyDiff before={theirs} after={text} label="What the result changes in Git" />
          <div class="ends">
            <Button onPress={close}>Close</Button>
          </div>
        </Dialog>
      )}
    </Panel>
  );
}

function leave(
  scope: string,
  { id, kind, entity, git }: Operation,
  { ours, saved }: { ours: string; saved: Saved },
): void {
  forgetResult(id);
  // What was typed in the editor is a part of the result.
  settleDrafts(draftsOf({ scope, kind: kind ?? '', id: entity ?? '' }), ours);
  if ('operation' in saved) {
    goTo(hrefOf(scope, ['operations', saved.operation.id]));
    return;
  }
  say(`The conflict in ${entity ?? 'the entity'} is resolved.`);
  goTo(hrefOf(scope, ['entities', kind ?? '', entity ?? ''], { branch: git?.branch }));
}
