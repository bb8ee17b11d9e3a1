import { useRef, useState } from 'preact/hooks';
import { answer, apiOf } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { Counted } from '../parts/counted.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { endOf, itemStates, type Move, type MoveItem, progressOf, stateOf, targetOf } from './moves.js';
import { PlaceWords } from './place-words.js';
import { Reason } from './reason.js';

const LOOK_MS = 700;
const PAGE = '50';

export interface MovingProps {
  scope: string;
  id: string;
  /** Whether it was begun here, so that its end is said even where it was quick. */
  isMine: boolean;
  /** As the list has it, for as long as it is not read. */
  known: Move | undefined;
}

/** One move: how far it is, and what became of each of its entities. */
export function Moving({ scope, id, isMine, known }: MovingProps) {
  const [isOver, setOver] = useState(false);
  const isToTell = useRef(isMine);
  const { data = known, error } = useResource<Move>(
    `move ${scope} ${id}`,
    async () => {
      const read = await answer(apiOf(scope).GET('/moves/{id}', { params: { path: { id } } }));
      const isEnded = read.finishedAt !== null;
      const words = endOf(read.counts);
      if (isEnded && isToTell.current && words !== undefined) say(words);
      isToTell.current = !isEnded;
      setOver(isEnded);
      return read;
    },
    isOver ? {} : { everyMs: LOOK_MS },
  );
  if (data === undefined) return <ProblemBox error={error} />;
  const isRunning = data.finishedAt === null;
  return (
    <>
      <ProblemBox error={error} />
      <Panel title={`The move to ${targetOf(data)}`} ends={<MoveState move={data} />}>
        <div class="stack-close">
          <MoveBar move={data} label="Progress of the move" />
          <p class="quiet small">
            Begun <Ago at={data.createdAt} /> by {data.requestedBy}
            {data.operations.length > 0 && <>, as </>}
            {data.operations.map((one, at) => (
              <span key={one}>
                {at > 0 && ', '}
                <a href={hrefOf(scope, ['operations', one])}>operation {one.slice(0, 8)}</a>
              </span>
            ))}
            .
          </p>
        </div>
      </Panel>
      <Items key={String(isRunning)} scope={scope} move={data} isRunning={isRunning} />
    </>
  );
}

export function MoveState({ move }: { move: Move }) {
  const { word, tone } = stateOf(move);
  return <State tone={tone}>{word}</State>;
}

export function MoveBar({ move, label }: { move: Move; label: string }) {
  const { done, total } = progressOf(move.counts);
  return (
    <span class="load">
      <progress class="progress" max={Math.max(total, 1)} value={done} aria-label={label} />
      <span class="number quiet nowrap">
        {done} of {total}
      </span>
    </span>
  );
}

interface ItemsProps {
  scope: string;
  move: Move;
  isRunning: boolean;
}

function Items({ scope, move: { id, counts }, isRunning }: ItemsProps) {
  const [state, setState] = useState<MoveItem['state'] | ''>('');
  const pages = usePages(
    `move entities ${id} ${state}`,
    async (cursor) => {
      const query = {
        limit: PAGE,
        ...(state === '' ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await answer(
        apiOf(scope).GET('/moves/{id}/entities', { params: { path: { id }, query } }),
      );
      return { rows: page.entities, next: page.nextCursor };
    },
    { keyOf: ({ kind, entity }) => `${kind} ${entity}`, ...(isRunning ? { everyMs: LOOK_MS } : {}) },
  );
  return (
    <ListPanel
      label="Entities of the move"
      title="Its entities"
      ends={
        <Counted
          label="Which entities are shown"
          counts={counts}
          total={progressOf(counts).total}
          words={itemStates}
          value={state}
          onChange={setState}
          isRunning={isRunning}
        />
      }
      pages={pages}
      columns={columnsOf(scope)}
      skeletonRows={Math.min(state === '' ? progressOf(counts).total : counts[state], Number(PAGE))}
      empty={
        <Empty icon="entities" title="No entity">
          The move has none like that.
        </Empty>
      }
    />
  );
}

const columnsOf = (scope: string): Column<MoveItem>[] => [
  {
    label: 'Entity',
    cell: ({ kind, entity }) => (
      <a class="strong break" href={hrefOf(scope, ['entities', kind, entity])}>
        {entity}
      </a>
    ),
  },
  {
    label: 'State',
    cell: ({ state }) => <State tone={itemStates[state].tone}>{itemStates[state].word}</State>,
  },
  { label: 'From', cell: ({ from }) => <PlaceWords place={from} /> },
  { label: 'To', cell: ({ to }) => <PlaceWords place={to} /> },
  { label: 'Why', cell: ({ problem }) => <Reason problem={problem} /> },
];
