import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useConnectors } from '../data/connectors.js';
import { useKinds } from '../data/kinds.js';
import { type Pages, usePages } from '../data/pages.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Counted } from '../parts/counted.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { SelectField, TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import {
  bodyOf,
  countOf,
  INLINE,
  isNarrowed,
  type Move,
  type Said,
  targetOf,
  unmovedOf,
  type Wish,
} from './moves.js';
import { MoveBar, MoveState, Moving } from './moving.js';
import { PlaceWords } from './place-words.js';
import { Reason } from './reason.js';
import type { TabProps } from './tab-props.js';

type Report = Schemas['MoveReport'];
type Planned = Schemas['PlannedMove'];

const PAGE = '20';
/** Others begin moves as well, and no event tells of it. */
const LOOK_MS = 2_000;

/** Entities of this repository to another place: a report of each, then the move; and the moves that there were. */
export function MoveTab({ scope, connector, tracking }: TabProps) {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [begun, setBegun] = useState<string | undefined>(undefined);
  const moves = usePages<Move>(
    `moves ${scope} ${connector.id}`,
    async (cursor) => {
      const query = { connector: connector.id, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(apiOf(scope).GET('/moves', { params: { query } }));
      return { rows: page.moves, next: page.nextCursor };
    },
    { keyOf: ({ id }) => id, everyMs: LOOK_MS },
  );
  const shown = chosen ?? moves.rows?.[0]?.id;
  const onBegun = (id: string): void => {
    setBegun(id);
    setChosen(id);
    void moves.reload();
  };
  return (
    <>
      <Allowed scope={scope} needs="entity.edit" isTold>
        <NewMove
          scope={scope}
          connector={connector.id}
          branch={tracking.data?.defaultBranch ?? 'main'}
          branches={tracking.data?.followed.map((one) => one.branch) ?? []}
          onBegun={onBegun}
        />
      </Allowed>
      {shown !== undefined && (
        <Moving
          key={shown}
          scope={scope}
          id={shown}
          isMine={shown === begun}
          known={moves.rows?.find(({ id }) => id === shown)}
        />
      )}
      <OtherMoves moves={moves} shown={shown} onChoose={setChosen} />
    </>
  );
}

interface NewMoveProps {
  scope: string;
  connector: string;
  /** Which the target has, unless somebody says otherwise. */
  branch: string;
  branches: string[];
  onBegun: (id: string) => void;
}

function NewMove({ scope, connector, branch, branches, onBegun }: NewMoveProps) {
  const [wish, setWish] = useState<Wish>({
    kind: '',
    fromBranch: '',
    folder: '',
    to: '',
    branch,
    template: '',
  });
  const [report, setReport] = useState<Report | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const { open, show, close } = useDialog<'move'>();
  const ask = (dryRun: boolean): Promise<Report | Move> =>
    answer(
      apiOf(scope).POST('/moves', {
        // What becomes of it is looked at, and not waited for.
        params: { header: { Prefer: 'wait=0' } },
        body: bodyOf(connector, wish, dryRun),
      }),
    ) as Promise<Report | Move>;
  const plan = (event: Event): void => {
    event.preventDefault();
    void run(async () => setReport((await ask(true)) as Report));
  };
  const move = async (): Promise<void> => {
    onBegun(((await ask(false)) as Move).id);
    setReport(undefined);
  };
  const change = (part: Partial<Wish>): void => {
    setWish({ ...wish, ...part });
    setReport(undefined);
  };
  const target = wish.to === INLINE ? 'Sallyport alone' : wish.to;
  return (
    <>
      <Panel title={`Move what ${connector} holds of this scope`}>
        <form class="stack" onSubmit={plan}>
          <SourceFields scope={scope} wish={wish} change={change} branches={branches} />
          <TargetFields scope={scope} wish={wish} change={change} />
          <ProblemBox error={error} />
          <div class="row">
            <Button type="submit" look="primary" isBusy={isBusy} isDisabled={wish.to === ''}>
              Report what it would do
            </Button>
          </div>
        </form>
      </Panel>
      {report !== undefined && (
        <Planning report={report} scope={scope} isNarrowed={isNarrowed(wish)} onMove={() => show('move')} />
      )}
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

interface FieldsProps {
  scope: string;
  wish: Wish;
  change: (part: Partial<Wish>) => void;
}

function SourceFields({ scope, wish, change, branches }: FieldsProps & { branches: string[] }) {
  const { data: kinds = [] } = useKinds(scope);
  return (
    <div class="beside">
      <SelectField
        label="Kind"
        value={wish.kind}
        options={[{ value: '', label: 'Every kind' }, ...kinds.map(({ id }) => ({ value: id, label: id }))]}
        onChange={(kind) => change({ kind })}
      />
      <TextField
        label="From branch"
        value={wish.fromBranch}
        onInput={(fromBranch) => change({ fromBranch })}
        placeholder="Where each was first saved"
        suggestions={branches}
        isMono
      />
      <TextField
        label="From folder"
        value={wish.folder}
        onInput={(folder) => change({ folder })}
        placeholder="Every folder"
        isMono
      />
    </div>
  );
}

function TargetFields({ scope, wish, change }: FieldsProps) {
  const { data: connectors = [] } = useConnectors(scope);
  return (
    <>
      <SelectField
        label="To"
        value={wish.to}
        options={[
          { value: '', label: 'Choose a place' },
          ...connectors.map(({ id }) => ({ value: id, label: id })),
          { value: INLINE, label: 'Inline: Sallyport alone' },
        ]}
        onChange={(to) => change({ to })}
      />
      {wish.to !== INLINE && wish.to !== '' && (
        <div class="beside">
          <TextField
            label="To branch"
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
        </div>
      )}
    </>
  );
}

/** What asks for attention first. */
const outcomes: Record<Planned['outcome'], Said> = {
  blocked: { word: 'Blocked', tone: 'bad' },
  move: { word: 'Moves', tone: 'ok' },
  same: { word: 'There already', tone: 'calm' },
};

const plannedColumns = (scope: string): Column<Planned>[] => [
  {
    label: 'Entity',
    cell: ({ kind, entity }) => (
      <a class="strong break" href={hrefOf(scope, ['entities', kind, entity])}>
        {entity}
      </a>
    ),
  },
  {
    label: 'Outcome',
    cell: ({ outcome }) => <State tone={outcomes[outcome].tone}>{outcomes[outcome].word}</State>,
  },
  { label: 'From', cell: ({ from }) => <PlaceWords place={from} /> },
  { label: 'To', cell: ({ to }) => <PlaceWords place={to} /> },
  { label: 'Why not', cell: ({ problem }) => <Reason problem={problem} /> },
];

interface PlanningProps {
  report: Report;
  scope: string;
  isNarrowed: boolean;
  onMove: () => void;
}

function Planning({ report: { counts, entities }, scope, isNarrowed: isSome, onMove }: PlanningProps) {
  const [outcome, setOutcome] = useState<Planned['outcome'] | ''>('');
  return (
    <ListPanel
      label="What the move would do"
      title="Report"
      ends={
        <>
          <Counted
            label="Which entities are shown"
            counts={counts}
            total={entities.length}
            words={outcomes}
            value={outcome}
            onChange={setOutcome}
          />
          {counts.move > 0 && (
            <Button look="primary" onPress={onMove}>
              Move {countOf(counts.move)}…
            </Button>
          )}
        </>
      }
      pages={{ rows: entities.filter((one) => outcome === '' || one.outcome === outcome), error: undefined }}
      columns={plannedColumns(scope)}
      keyOf={({ kind, entity }) => `${kind} ${entity}`}
      empty={
        <Empty icon="entities" title="Nothing to move">
          {isSome
            ? 'No entity of this scope in this repository is of that kind, branch and folder.'
            : 'No entity of this scope is in this repository.'}
        </Empty>
      }
    />
  );
}

interface OtherMovesProps {
  moves: Pages<Move>;
  shown: string | undefined;
  onChoose: (id: string) => void;
}

/** Of this repository, also those that others began elsewhere. */
function OtherMoves({ moves, shown, onChoose }: OtherMovesProps) {
  const others = moves.rows?.filter(({ id }) => id !== shown) ?? [];
  if (others.length === 0 && moves.held.news === 0) return <ProblemBox error={moves.error} />;
  return (
    <ListPanel
      label="Moves"
      title="Other moves"
      pages={{ ...moves, rows: others }}
      columns={moveColumns(onChoose)}
      empty={null}
    />
  );
}

const moveColumns = (choose: (id: string) => void): Column<Move>[] => [
  {
    label: 'To',
    cell: (move) => (
      <Button look="bare tiny" onPress={() => choose(move.id)}>
        {targetOf(move)}
      </Button>
    ),
  },
  { label: 'State', cell: (move) => <MoveState move={move} /> },
  {
    label: 'Entities',
    cell: (move) => <MoveBar move={move} label={`Progress of that to ${targetOf(move)}`} />,
  },
  {
    label: 'Not moved',
    cell: ({ counts }) => <span class="number">{unmovedOf(counts) === 0 ? '–' : unmovedOf(counts)}</span>,
  },
  { label: 'By', cell: ({ requestedBy }) => requestedBy },
  { label: 'Begun', isEnd: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
];
