import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useConnectors } from '../data/connectors.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { SelectField, TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { say } from '../shell/toasts.js';
import type { TabProps } from './tab-props.js';

type Report = Schemas['MoveReport'];
type Move = Schemas['Move'];
type Planned = Schemas['PlannedMove'];

const INLINE = ' inline';
const LOOK_MS = 700;

interface Wish {
  to: string;
  branch: string;
  template: string;
}

/** Entities of this repository to another place: a report of each, then the move. */
export function MoveTab({ scope, connector, tracking }: TabProps) {
  const { data: connectors } = useConnectors(scope);
  const [wish, setWish] = useState<Wish>({
    to: '',
    branch: tracking.data?.defaultBranch ?? 'main',
    template: '',
  });
  const [report, setReport] = useState<Report | undefined>(undefined);
  const [moveId, setMoveId] = useState<string | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const { open, show, close } = useDialog<'move'>();
  const ask = async (dryRun: boolean): Promise<Report | Move> =>
    (await answer(apiOf(scope).POST('/moves', { body: bodyOf(connector.id, wish, dryRun) }))) as
      | Report
      | Move;
  const plan = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      setMoveId(undefined);
      setReport((await ask(true)) as Report);
    });
  };
  const move = async (): Promise<void> => {
    setMoveId(((await ask(false)) as Move).id);
    setReport(undefined);
  };
  const change = (part: Partial<Wish>): void => {
    setWish({ ...wish, ...part });
    setReport(undefined);
  };
  const target = wish.to === INLINE ? 'Sallyport alone' : wish.to;
  return (
    <>
      <Allowed scope={scope} needs="entity.edit" isTold>
        <Panel title={`Move what ${connector.id} holds of this scope`}>
          <form class="stack" onSubmit={plan}>
            <WishFields wish={wish} change={change} names={connectors?.map(({ id }) => id) ?? []} />
            <ProblemBox error={error} />
            <div class="row">
              <Button type="submit" look="primary" isBusy={isBusy} isDisabled={wish.to === ''}>
                Report what it would do
              </Button>
            </div>
          </form>
        </Panel>
      </Allowed>
      {report !== undefined && <Planning report={report} scope={scope} onMove={() => show('move')} />}
      {moveId !== undefined && <Moving scope={scope} id={moveId} />}
      {open === 'move' && report !== undefined && (
        <Confirm
          title={`Move ${countOf(report.counts.move)} to ${target}?`}
          act={`Move ${countOf(report.counts.move)}`}
          isDangerous={false}
          onConfirm={move}
          onClose={close}
        >
          <p>
            The files are added at their new place first and removed at their old one afterwards, by one
            commit each. What others change meanwhile stays.
          </p>
        </Confirm>
      )}
    </>
  );
}

const countOf = (count: number): string => `${count} ${count === 1 ? 'entity' : 'entities'}`;

function bodyOf(connector: string, { to, branch, template }: Wish, dryRun: boolean): Schemas['MoveWrite'] {
  return {
    from: { connector },
    to:
      to === INLINE
        ? { store: 'inline' }
        : { store: 'git', connector: to, branch, ...(template === '' ? {} : { pathTemplate: template }) },
    dryRun,
    keepFiles: false,
    otherBranches: 'refuse',
    skipBlocked: true,
  };
}

interface WishFieldsProps {
  wish: Wish;
  change: (part: Partial<Wish>) => void;
  names: string[];
}

const WishFields = ({ wish, change, names }: WishFieldsProps) => (
  <>
    <SelectField
      label="To"
      value={wish.to}
      options={[
        { value: '', label: 'Choose a place' },
        ...names.map((value) => ({ value, label: value })),
        { value: INLINE, label: 'Inline: Sallyport alone' },
      ]}
      onChange={(to) => change({ to })}
    />
    {wish.to !== INLINE && wish.to !== '' && (
      <>
        <TextField
          label="Branch"
          value={wish.branch}
          onInput={(branch) => change({ branch })}
          isRequired
          isMono
        />
        <TextField
          label="Path template"
          value={wish.template}
          onInput={(template) => change({ template })}
          placeholder="{org}/{project}/{kind}/{id}.yaml"
          note="Left empty, that of each kind."
          isMono
        />
      </>
    )}
  </>
);

const outcomes: Record<Planned['outcome'], { word: string; tone: Tone }> = {
  move: { word: 'Moves', tone: 'ok' },
  same: { word: 'There already', tone: 'calm' },
  blocked: { word: 'Blocked', tone: 'bad' },
};

const placeOf = (place: Planned['from']): string => {
  if (place === null) return '–';
  return place.store === 'inline' ? 'Inline' : `${place.connector} ${place.branch}: ${place.path}`;
};

const plannedColumns = (scope: string): Column<Planned>[] => [
  {
    label: 'Entity',
    cell: ({ kind, entity }) => (
      <a class="strong" href={hrefOf(scope, ['entities', kind, entity])}>
        {entity}
      </a>
    ),
  },
  {
    label: 'Outcome',
    cell: ({ outcome, problem }) => (
      <State tone={outcomes[outcome].tone} title={problem?.detail}>
        {outcomes[outcome].word}
      </State>
    ),
  },
  { label: 'From', cell: ({ from }) => <span class="mono break">{placeOf(from)}</span> },
  { label: 'To', cell: ({ to }) => <span class="mono break">{placeOf(to)}</span> },
  { label: 'Why not', cell: ({ problem }) => <span class="small break">{problem?.detail ?? ''}</span> },
];

function Planning({ report, scope, onMove }: { report: Report; scope: string; onMove: () => void }) {
  return (
    <ListPanel
      label="What the move would do"
      title="Report"
      ends={
        report.counts.move > 0 && (
          <Button look="primary" onPress={onMove}>
            Move {countOf(report.counts.move)}…
          </Button>
        )
      }
      pages={{ rows: report.entities, error: undefined }}
      columns={plannedColumns(scope)}
      keyOf={({ kind, entity }) => `${kind} ${entity}`}
      empty={
        <Empty icon="entities" title="Nothing to move">
          No entity of this scope is in this repository.
        </Empty>
      }
    />
  );
}

const moveStates: Record<Move['state'], { word: string; tone: Tone }> = {
  adding: { word: 'Adding', tone: 'busy' },
  removing: { word: 'Removing the old files', tone: 'busy' },
  done: { word: 'Moved', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
};

function Moving({ scope, id }: { scope: string; id: string }) {
  const [isOver, setOver] = useState(false);
  const { data, error } = useResource<Move>(
    `move ${id}`,
    async () => {
      const read = await answer(apiOf(scope).GET('/moves/{id}', { params: { path: { id } } }));
      if (read.finishedAt !== null && !isOver) {
        setOver(true);
        say(`Moved ${countOf(read.counts.done + read.counts.left)}.`);
      }
      return read;
    },
    isOver ? {} : { everyMs: LOOK_MS },
  );
  if (data === undefined) return <ProblemBox error={error} />;
  const { counts, state } = data;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <Panel title="The move" ends={<State tone={moveStates[state].tone}>{moveStates[state].word}</State>}>
      <div class="stack-close">
        <progress
          class="progress"
          max={Math.max(total, 1)}
          value={total - counts.adding - counts.removing}
          aria-label="Progress of the move"
        />
        <p class="quiet small">
          {counts.done} moved, {counts.same} there already, {counts.left} with their old file left,{' '}
          {counts.blocked} blocked, {counts.failed} failed.
        </p>
      </div>
    </Panel>
  );
}
