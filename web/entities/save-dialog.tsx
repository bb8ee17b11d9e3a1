import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf, type Schemas } from '../data/api.js';
import { type Connector, useConnectors } from '../data/connectors.js';
import { hrefOf } from '../data/route.js';
import { Button, LinkButton } from '../parts/button.js';
import { Choices } from '../parts/choices.js';
import { Dialog } from '../parts/dialog.js';
import { CheckField, TextField } from '../parts/field.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { sayCommitted } from './announce.js';
import { PullDialog } from './pull-request.js';
import { isConflict, type Saved, type SaveTarget, type SaveWish, saveEntity } from './save.js';

export interface SaveDialogProps {
  scope: string;
  target: SaveTarget;
  yaml: string;
  /** Where it is, or is to be; a connector and path of what is new. */
  place: Pick<SaveWish, 'branch' | 'connector' | 'path'>;
  /** Whose host is asked for a pull request; undefined: none is. */
  connector: string | undefined;
  /** What it changes, where that is not on the screen already. */
  change?: ComponentChildren;
  onSaved: (saved: Saved) => void;
  /** What was refused, for whoever shows the document. */
  onRefused: (error: unknown) => void;
  onClose: () => void;
}

export function SaveDialog({ scope, target, yaml, place, connector, change, ...on }: SaveDialogProps) {
  const { onSaved, onRefused, onClose } = on;
  const { kind, id, from, isInline = false } = target;
  const hasPulls = useHasPulls(scope, connector);
  const [unopened, setUnopened] = useState<Unopened | undefined>(undefined);
  const [draft, setDraft] = useState<Draft>({
    message: `${from === null ? 'Add' : 'Change'} ${kind} ${id}`,
    where: 'here',
    newBranch: '',
    isAsked: true,
  });
  const { isBusy, error, run } = useAction();
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const wish = {
        ...place,
        ...(isInline ? { message: '' } : wishOf(draft, place.branch, hasPulls)),
        yaml,
      };
      const saved = await saveEntity(apiOf(scope), target, wish).catch((refusal: unknown) => {
        onRefused(refusal);
        throw refusal;
      });
      const waiting = unopenedOf(saved);
      if (waiting === undefined) onSaved(saved);
      else setUnopened(waiting);
    });
  };
  if (unopened !== undefined)
    return (
      <PullDialog
        committed={sayCommitted(unopened.entity)}
        first={unopened.request}
        onClose={() => onSaved(unopened)}
      />
    );
  const branch = draft.where === 'new' ? draft.newBranch || 'the new branch' : place.branch;
  return (
    <Dialog title={`Save ${kind} ${id}`} isBroad={change !== undefined} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        {isInline ? (
          <Note title="Inline">This entity is kept in Sallyport alone: no commit is made.</Note>
        ) : (
          <CommitFields id={id} branch={place.branch} hasPulls={hasPulls} draft={draft} onChange={setDraft} />
        )}
        {change}
        <Refusal scope={scope} error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            {isInline ? 'Save' : `Commit to ${branch}`}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface Draft {
  message: string;
  where: 'here' | 'new';
  newBranch: string;
  /** Whether a pull request is. */
  isAsked: boolean;
}

/** Nothing can be asked of their APIs. */
const without: readonly Connector['provider'][] = ['generic', 'gogs'];

/** Of what is not known yet it is taken to be so: the manager says otherwise. */
function useHasPulls(scope: string, connector: string | undefined): boolean {
  const { data: connectors } = useConnectors(scope);
  const provider = connectors?.find(({ id }) => id === connector)?.provider;
  return connector !== undefined && (provider === undefined || !without.includes(provider));
}

interface Unopened {
  entity: Schemas['SavedEntity'];
  request: Schemas['SavedPullRequest'];
}

/** What was committed without the pull request that it wished for. */
function unopenedOf(saved: Saved): Unopened | undefined {
  if (!('entity' in saved)) return undefined;
  const { pullRequest: request } = saved.entity;
  return request == null || request.state === 'open' ? undefined : { entity: saved.entity, request };
}

function wishOf(
  { message, where, newBranch, isAsked }: Draft,
  branch: string,
  hasPulls: boolean,
): Omit<SaveWish, 'yaml'> {
  if (where === 'here') return { message, branch };
  const title = message.split('\n')[0] ?? message;
  const pullRequest = isAsked && hasPulls ? { into: branch, title } : undefined;
  return { message, branch: newBranch, newBranchFrom: branch, pullRequest };
}

interface CommitFieldsProps {
  id: string;
  branch: string;
  hasPulls: boolean;
  draft: Draft;
  onChange: (draft: Draft) => void;
}

function CommitFields({ id, branch, hasPulls, draft, onChange }: CommitFieldsProps) {
  const change = (part: Partial<Draft>): void => onChange({ ...draft, ...part });
  return (
    <>
      <TextField
        label="Commit message"
        value={draft.message}
        onInput={(message) => change({ message })}
        rows={3}
        isRequired
      />
      <Choices
        label="Branch"
        value={draft.where}
        onChange={(where) => change({ where })}
        options={[
          { value: 'here', label: `Commit to ${branch}` },
          { value: 'new', label: 'New branch' },
        ]}
      />
      {draft.where === 'new' && (
        <>
          <TextField
            label="Name of the new branch"
            value={draft.newBranch}
            onInput={(newBranch) => change({ newBranch })}
            note={`It begins at ${branch}.`}
            placeholder={`change-${id}`}
            isRequired
            isMono
          />
          {hasPulls ? (
            <CheckField
              label={`Open a pull request into ${branch}`}
              note="The host opens it once the commit is on its branch."
              isChecked={draft.isAsked}
              onChange={(isAsked) => change({ isAsked })}
            />
          ) : (
            <p class="quiet small">
              Its connector knows the host as plain Git, which has no pull requests: open one there.
            </p>
          )}
        </>
      )}
    </>
  );
}

function Refusal({ scope, error }: { scope: string; error: unknown }) {
  const operationId = isConflict(error) ? error.problem.operationId : undefined;
  return (
    <>
      <ProblemBox error={error} />
      {operationId !== undefined && (
        <div class="row">
          <LinkButton
            look="primary"
            icon="split"
            href={hrefOf(scope, ['operations', operationId, 'conflict'])}
          >
            Resolve the conflict
          </LinkButton>
        </div>
      )}
    </>
  );
}
