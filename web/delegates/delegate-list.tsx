import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf, type Schemas } from '../data/api.js';
import type { Resource } from '../data/resource.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { Facts } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';

export type Delegate = Schemas['Delegate'];

export interface DelegateListProps {
  scope: string;
  delegates: Resource<Delegate[]>;
  enrol: ComponentChildren;
}

export function DelegateList({ scope, delegates, enrol }: DelegateListProps) {
  const [shown, setShown] = useState<string | undefined>(undefined);
  const delegate = delegates.data?.find(({ id }) => id === shown);
  return (
    <>
      <ListPanel
        label="Delegates"
        pages={{ rows: delegates.data?.toSorted(byState), error: delegates.error }}
        columns={columnsOf(setShown)}
        keyOf={({ id }) => id}
        skeletonRows={3}
        empty={
          <Empty icon="delegates" title="No delegates yet" action={enrol}>
            A delegate reaches private Git hosts and opens secrets that the manager cannot. One command enrols
            it.
          </Empty>
        }
      />
      {delegate !== undefined && (
        <DelegateDialog
          scope={scope}
          delegate={delegate}
          onChanged={() => void delegates.reload()}
          onClose={() => setShown(undefined)}
        />
      )}
    </>
  );
}

/** Those that are gone for good stand last. */
const byState = (one: Delegate, other: Delegate): number =>
  Number(one.state === 'revoked') - Number(other.state === 'revoked') || one.name.localeCompare(other.name);

function stateOf({ state, alive }: Delegate): { word: string; tone: Tone } {
  if (state === 'revoked') return { word: 'Revoked', tone: 'calm' };
  if (!alive) return { word: 'Away', tone: 'bad' };
  if (state === 'draining') return { word: 'Draining', tone: 'warn' };
  return state === 'disabled' ? { word: 'Disabled', tone: 'warn' } : { word: 'Alive', tone: 'ok' };
}

const columnsOf = (show: (id: string) => void): Column<Delegate>[] => [
  { label: 'Delegate', cell: ({ name }) => <span class="strong break">{name}</span> },
  { label: 'Group', cell: ({ group }) => <span class="tag">{group}</span> },
  {
    label: 'State',
    cell: (one) => (
      <State tone={stateOf(one).tone} title={one.lastFault?.message}>
        {stateOf(one).word}
      </State>
    ),
  },
  {
    label: 'Tasks',
    cell: ({ running, tasksMax }) => (
      <span class="load">
        <progress class="progress" max={Math.max(tasksMax, 1)} value={running} aria-label="Tasks that run" />
        <span class="number quiet">
          {running}/{tasksMax}
        </span>
      </span>
    ),
  },
  { label: 'Version', cell: ({ version }) => <span class="mono">{version}</span> },
  { label: 'Seen', cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} /> },
  {
    label: 'Open',
    isUnnamed: true,
    isEnd: true,
    cell: ({ id }) => (
      <Button look="tiny" onPress={() => show(id)}>
        Details
      </Button>
    ),
  },
];

interface DelegateDialogProps {
  scope: string;
  delegate: Delegate;
  onChanged: () => void;
  onClose: () => void;
}

type Act = 'enable' | 'disable' | 'drain' | 'revoke';

function DelegateDialog({ delegate, onChanged, onClose }: DelegateDialogProps) {
  const { id, name, state, scope } = delegate;
  const [isAsked, setAsked] = useState(false);
  const { isBusy, error, run } = useAction();
  const change = async (act: Act, done: string): Promise<void> => {
    const params = { path: { id } };
    await apiOf(scope).POST(`/delegates/{id}/${act}`, { params });
    say(done);
    onChanged();
  };
  if (isAsked)
    return (
      <Confirm
        title={`Revoke ${name}?`}
        act={`Revoke ${name}`}
        onConfirm={() => change('revoke', `${name} is revoked.`)}
        onClose={onClose}
      >
        <p>
          Its user for the queue is removed at once, and what it was at goes to another delegate. It does not
          come back: a new one has to be enrolled.
        </p>
      </Confirm>
    );
  return (
    <Dialog title={name} onClose={onClose}>
      <DelegateFacts delegate={delegate} />
      <ProblemBox error={error} />
      {state !== 'revoked' && (
        <Allowed scope={scope} needs="delegate.manage">
          <div class="ends">
            <Button look="danger" onPress={() => setAsked(true)}>
              Revoke…
            </Button>
            <Button
              isBusy={isBusy}
              isDisabled={state === 'draining'}
              onPress={() => void run(() => change('drain', `${name} finishes what it is at.`))}
            >
              Drain
            </Button>
            {state === 'enabled' ? (
              <Button
                isBusy={isBusy}
                onPress={() => void run(() => change('disable', `${name} gets no more tasks.`))}
              >
                Disable
              </Button>
            ) : (
              <Button
                look="primary"
                isBusy={isBusy}
                onPress={() => void run(() => change('enable', `${name} gets tasks again.`))}
              >
                Enable
              </Button>
            )}
          </div>
        </Allowed>
      )}
    </Dialog>
  );
}

function DelegateFacts({ delegate }: { delegate: Delegate }) {
  const {
    id,
    group,
    groupFingerprint,
    fingerprint,
    capabilities,
    contract,
    enrolledAt,
    lastFault,
    tags,
    scope,
  } = delegate;
  return (
    <div class="stack">
      <Facts
        facts={[
          ['Id', <code key="id">{id}</code>],
          ['State', stateOf(delegate).word],
          ['Group', `${group} of ${nameOf(scope)}`],
          tags.length === 0 ? undefined : ['Tags', tags.join(', ')],
          ['Native Git', capabilities.nativeGit ? 'Yes: SSH and very large repositories' : 'No'],
          ['Git hosts it may reach', capabilities.gitAllowed?.join(', ') ?? 'All: its own policy names none'],
          ['Contract', `Version ${contract}`],
          ['Enrolled', <Ago key="enrolled" at={enrolledAt} />],
          ['Its identity', <code key="own">{fingerprint}</code>],
          ['Its group’s', <code key="group">{groupFingerprint}</code>],
        ]}
      />
      {lastFault !== null && (
        <Note tone="warn" title="What went wrong last">
          {lastFault.message} <code>{lastFault.code}</code>, <Ago at={lastFault.at} />
        </Note>
      )}
    </div>
  );
}
