import { useMay } from '../data/may.js';
import type { Operation } from '../data/operations.js';
import { goTo, hrefOf } from '../data/route.js';
import { CodeEditor, type CodeEditorProps } from '../editor/code-editor.js';
import { lineProblemsOf } from '../editor/line-problems.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Dialog, useDialog } from '../parts/dialog.js';
import { LazyDiff } from '../parts/lazy-diff.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import { announce } from './announce.js';
import { Discarding } from './discarding.js';
import { type EntityDraft, useEntityDraft } from './entity-draft.js';
import type { EntityPlace } from './entity-place.js';
import type { Entity } from './git-state.js';
import type { Saved } from './save.js';
import { SaveDialog } from './save-dialog.js';

export interface DocumentTabProps {
  place: EntityPlace;
  entity: Entity | undefined;
  onChanged: () => void;
}

/** What is edited stays, whatever happens meanwhile: a change from elsewhere is told, and a save is made from what was read. */
export function DocumentTab({ place, entity, onChanged }: DocumentTabProps) {
  const { scope, kind, id } = place;
  const draft = useEntityDraft(place, entity);
  const { base, text, type, problems, setProblems, isDirty, begin } = draft;
  const { open, show, close } = useDialog<'save' | 'meanwhile' | 'discard'>();
  const mayDo = useMay(scope);
  const hasMoved = isDirty && entity?.blobId !== base?.blobId;
  /** On another branch the document is another one. */
  const settleIn = (saved: Entity): void => {
    const branch = saved.git?.branch;
    begin(branch === base?.git?.branch ? saved : (base ?? saved));
    if (branch !== base?.git?.branch) goTo(hrefOf(scope, ['entities', kind, id], { branch }));
  };
  const follow = ({ id: operation, git }: Operation): void => {
    if (git?.branch === base?.git?.branch) return draft.send(operation);
    // There its content is, whatever becomes of it.
    if (base !== undefined) begin(base);
    goTo(hrefOf(scope, ['operations', operation]));
  };
  const settle = (saved: Saved): void => {
    close();
    announce(place, scope, saved);
    if ('entity' in saved) settleIn(saved.entity);
    else follow(saved.operation);
    onChanged();
  };
  return (
    <div class="stack">
      {entity?.invalid != null && <ProblemBox error={entity.invalid} />}
      {hasMoved && base !== undefined && entity !== undefined && (
        <Meanwhile
          base={base}
          entity={entity}
          isOpen={open === 'meanwhile'}
          onOpen={() => show('meanwhile')}
          onClose={close}
          onBegin={() => begin(entity)}
        />
      )}
      <Panel title="Document" isFlush ends={<Ends scope={scope} draft={draft} show={show} />}>
        <Text
          label={`Document of ${kind} ${id}`}
          isThere={base !== undefined}
          text={text}
          onChange={type}
          problems={problems}
          isReadOnly={!mayDo('entity.edit')}
        />
      </Panel>
      {open === 'discard' && base !== undefined && (
        <Discarding id={id} onDiscard={() => begin(base)} onClose={close} />
      )}
      {open === 'save' && base !== undefined && (
        <SaveDialog
          scope={scope}
          {...wayOf(place, base)}
          yaml={text}
          onSaved={settle}
          onRefused={(error) => setProblems(lineProblemsOf(error))}
          onClose={close}
        />
      )}
    </div>
  );
}

interface EndsProps {
  scope: string;
  draft: EntityDraft;
  show: (which: 'save' | 'discard') => void;
}

/** What is on its way is neither given up nor sent twice. */
const Ends = ({ scope, draft: { isDirty, isOnItsWay }, show }: EndsProps) => (
  <Allowed scope={scope} needs="entity.edit">
    {isOnItsWay ? (
      <State tone="busy">On its way to Git</State>
    ) : (
      isDirty && <State tone="warn">Not saved</State>
    )}
    <Button look="bare" isDisabled={!isDirty || isOnItsWay} onPress={() => show('discard')}>
      Discard…
    </Button>
    <Button look="primary" isDisabled={!isDirty || isOnItsWay} onPress={() => show('save')}>
      Save…
    </Button>
  </Allowed>
);

/** Nobody types before the document is there: it would be written over. */
const Text = ({ isThere, ...editor }: CodeEditorProps & { isThere: boolean }) =>
  isThere ? (
    <CodeEditor {...editor} />
  ) : (
    <div class="editor inset">
      <span class="skeleton w-40" />
    </div>
  );

interface MeanwhileProps {
  base: Entity;
  entity: Entity;
  isOpen: boolean;
  onOpen: () => void;
  onClose: () => void;
  onBegin: () => void;
}

/** Somebody else was first: what they changed, and the way to begin with it. */
function Meanwhile({ base, entity, isOpen, onOpen, onClose, onBegin }: MeanwhileProps) {
  const { id, git } = entity;
  const begin = (): void => {
    onBegin();
    onClose();
  };
  return (
    <>
      <Note
        tone="warn"
        icon="split"
        title={`${id} has changed on ${git?.branch ?? 'its place'} since you read it`}
      >
        Your text is kept. Saving it is a conflict unless you begin with what is there now.{' '}
        <Button look="tiny" onPress={onOpen}>
          Show what changed
        </Button>
      </Note>
      {isOpen && (
        <Dialog title={`What changed in ${id} meanwhile`} isBroad onClose={onClose}>
          <LazyDiff before={base.yaml} after={entity.yaml} label="What changed meanwhile" />
          <div class="ends">
            <Button onPress={onClose}>Keep editing</Button>
            <Button look="danger" onPress={begin}>
              Discard my text and begin with this
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** What is saved from what, and where it is. */
const wayOf = ({ kind, id }: EntityPlace, { blobId, store, git }: Entity) => ({
  target: { kind, id, from: blobId, isInline: store === 'inline' },
  // In full: whoever removed it meanwhile left nothing that says where it was.
  place: { branch: git?.branch ?? '', connector: git?.connector, path: git?.path },
  connector: git?.connector,
});
