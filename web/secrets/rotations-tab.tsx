import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { useResource } from '../data/resource.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';

type Rotation = Schemas['SecretOperation'];

const PAGE = '50';
const LOOK_MS = 2_000;
const names = { rewrap: 'Rewrap', reencrypt: 'Encrypt anew', migrate: 'Migrate' } as const;
const states: Record<Rotation['state'], { word: string; tone: Tone }> = {
  pending: { word: 'Under way', tone: 'busy' },
  succeeded: { word: 'Done', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'calm' },
};

export function RotationsTab({ scope }: { scope: string }) {
  const [shown, setShown] = useState<string | undefined>(undefined);
  const pages = usePages(
    `rotations ${scope}`,
    async (cursor) => {
      const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(apiOf(scope).GET('/secret-operations', { params: { query } }));
      return { rows: page.secretOperations, next: page.nextCursor };
    },
    { keyOf: ({ id }) => id, everyMs: LOOK_MS },
  );
  return (
    <>
      <ListPanel
        label="Rotations"
        pages={pages}
        columns={columnsOf(setShown)}
        skeletonRows={3}
        empty={
          <Empty icon="reload" title="Nothing was rotated yet">
            Secrets come under another key, or to another secret manager, one after the other; each is tried
            before the old one goes.
          </Empty>
        }
      />
      {shown !== undefined && (
        <RotationDialog
          scope={scope}
          id={shown}
          onClose={() => setShown(undefined)}
          onChanged={() => void pages.reload()}
        />
      )}
    </>
  );
}

const columnsOf = (show: (id: string) => void): Column<Rotation>[] => [
  {
    label: 'Rotation',
    cell: ({ action, from, to }) => (
      <span>
        <span class="strong">{names[action]}</span> {from}
        {to !== null && to !== from && ` → ${to}`}
      </span>
    ),
  },
  { label: 'State', cell: ({ state }) => <State tone={states[state].tone}>{states[state].word}</State> },
  {
    label: 'Progress',
    cell: ({ progress: { done, skipped, total, failed } }) => (
      <span class="stack-close">
        <progress class="progress" max={Math.max(total, 1)} value={done + skipped} aria-label="Progress" />
        <span class="quiet small number">
          {done + skipped} of {total}
          {failed > 0 && `, ${failed} failed`}
        </span>
      </span>
    ),
  },
  { label: 'Begun by', cell: ({ requestedBy }) => <span class="break">{requestedBy}</span> },
  { label: 'Begun', cell: ({ createdAt }) => <Ago at={createdAt} /> },
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

interface RotationDialogProps {
  scope: string;
  id: string;
  onClose: () => void;
  onChanged: () => void;
}

function RotationDialog({ scope, id, onClose, onChanged }: RotationDialogProps) {
  const params = { path: { id } };
  const { data, error, reload } = useResource(
    `rotation ${id}`,
    () => answer(apiOf(scope).GET('/secret-operations/{id}', { params })),
    { everyMs: LOOK_MS },
  );
  const act = useAction();
  const [isAsked, setAsked] = useState(false);
  const change = async (what: 'cancel' | 'retry'): Promise<void> => {
    await apiOf(scope).POST(`/secret-operations/{id}/${what}`, { params });
    onChanged();
    await reload();
  };
  if (isAsked)
    return (
      <Confirm
        title="Cancel the rotation?"
        act="Cancel the rotation"
        leave="Go on with it"
        onConfirm={() => change('cancel')}
        onClose={() => setAsked(false)}
      >
        <p>What it has done stays done, and the secrets that are left stay as they are.</p>
      </Confirm>
    );
  return (
    <Dialog title={data === undefined ? 'Rotation' : `${names[data.action]} ${data.from}`} onClose={onClose}>
      <ProblemBox error={error ?? act.error} />
      {data?.troubles.length === 0 && <p class="small quiet">No secret is in trouble.</p>}
      {data?.troubles.map(({ secret, problem, scope: of }) => (
        <div key={`${of} ${secret}`} class="stack-close">
          <h3>{secret}</h3>
          <ProblemBox error={problem} tone="warn" />
        </div>
      ))}
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
        <Allowed scope={scope} needs="secret.manage">
          {' '}
          {data?.state === 'pending' && (
            <Button look="danger" onPress={() => setAsked(true)}>
              Cancel the rotation…
            </Button>
          )}
          {data?.state === 'failed' && (
            <Button look="primary" isBusy={act.isBusy} onPress={() => void act.run(() => change('retry'))}>
              Try the failed ones again
            </Button>
          )}
        </Allowed>
      </div>
    </Dialog>
  );
}
