// Who did what: every entry is chained to the one before it, and the chain can be exported and verified.
import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { type Route, refine } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { Button } from '../parts/button.js';
import { Search } from '../parts/choices.js';
import { Dialog, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Select } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { lazily } from '../parts/lazy.js';
import { ListPanel } from '../parts/list-panel.js';
import { Facts } from '../parts/panel.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import type { ScreenProps } from '../shell/screen.js';

type Entry = Schemas['AuditEntry'];
type Outcome = Entry['outcome'];

const VerifyDialog = lazily(async () => (await import('./verify-dialog.js')).VerifyDialog);

const PAGE = '50';
const outcomes: Record<Outcome, { word: string; tone: Tone }> = {
  done: { word: 'Done', tone: 'ok' },
  refused: { word: 'Refused', tone: 'warn' },
  denied: { word: 'Denied', tone: 'bad' },
  begun: { word: 'Begun', tone: 'busy' },
  failed: { word: 'Failed', tone: 'bad' },
};
const filters = [
  { value: '', label: 'Every outcome' },
  ...Object.entries(outcomes).map(([value, { word }]) => ({ value, label: word })),
];

export function AuditScreen({ scope, route }: ScreenProps) {
  const [shown, setShown] = useState<Entry | undefined>(undefined);
  const { open, show, close } = useDialog<'verify'>();
  const asked = {
    actor: route.query.get('actor') ?? '',
    action: route.query.get('action') ?? '',
    target: route.query.get('target') ?? '',
    outcome: route.query.get('outcome') ?? '',
  };
  const pages = usePages<Entry>(
    `audit ${scope} ${Object.values(asked).join(' ')}`,
    async (cursor) => {
      const query = {
        limit: PAGE,
        ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== '')),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await answer(apiOf(scope).GET('/audit', { params: { query } }));
      return { rows: page.entries, next: page.nextCursor };
    },
    { keyOf: ({ position }) => String(position), live: ['entity.', 'operation.', 'connector.', 'delegate.'] },
  );
  return (
    <>
      <Head title="Audit" note={`Who did what in ${nameOf(scope)} and within it, newest first.`}>
        <Button icon="audit" onPress={() => show('verify')}>
          Export and verify
        </Button>
      </Head>
      <Filters key={scope} route={route} asked={asked} />
      <ListPanel
        label="Audit"
        pages={pages}
        columns={columnsOf(setShown)}
        empty={
          <Empty icon="audit" title="Nothing fits">
            No entry has this actor, action, target and outcome.
          </Empty>
        }
      />
      {shown !== undefined && <EntryDialog entry={shown} onClose={() => setShown(undefined)} />}
      {open === 'verify' && <VerifyDialog scope={scope} onClose={close} />}
    </>
  );
}

interface FiltersProps {
  route: Route;
  asked: Record<'actor' | 'action' | 'target' | 'outcome', string>;
}

/** A text is asked for once somebody says so: by Enter, or by leaving it. */
function Filters({ route, asked }: FiltersProps) {
  const [typed, setTyped] = useState(asked);
  const ask = (event: Event): void => {
    event.preventDefault();
    refine(route, typed);
  };
  return (
    <form class="toolbar" onSubmit={ask} onChange={ask}>
      <Search label="By: id or name" value={typed.actor} onInput={(actor) => setTyped({ ...typed, actor })} />
      <Search
        label="Action: connector.*"
        value={typed.action}
        onInput={(action) => setTyped({ ...typed, action })}
      />
      <Search
        label="On: entities/pipeline/*"
        value={typed.target}
        onInput={(target) => setTyped({ ...typed, target })}
      />
      <Select
        label="Outcome"
        value={asked.outcome}
        options={filters}
        onChange={(outcome) => {
          setTyped({ ...typed, outcome });
          refine(route, { ...typed, outcome });
        }}
      />
      <button type="submit" class="unseen">
        Filter
      </button>
    </form>
  );
}

const columnsOf = (show: (entry: Entry) => void): Column<Entry>[] => [
  { label: 'When', cell: ({ at }) => <Ago at={at} /> },
  {
    label: 'Who',
    cell: ({ actor }) => (
      <span class="break">
        <span class="strong">{actor.name}</span> <span class="tag">{actor.kind}</span>
      </span>
    ),
  },
  { label: 'Action', cell: ({ action }) => <code>{action}</code> },
  {
    label: 'On',
    cell: ({ target, scope }) => (
      <span class="break">
        {target === '' ? nameOf(scope) : target}{' '}
        {target !== '' && <span class="quiet small">in {nameOf(scope)}</span>}
      </span>
    ),
  },
  {
    label: 'Outcome',
    cell: ({ outcome, code }) => (
      <State tone={outcomes[outcome].tone} title={code ?? undefined}>
        {outcomes[outcome].word}
      </State>
    ),
  },
  {
    label: 'Open',
    isUnnamed: true,
    isEnd: true,
    cell: (entry) => (
      <Button look="tiny" onPress={() => show(entry)}>
        Details
      </Button>
    ),
  },
];

function EntryDialog({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const { position, hash, at, actor, action, scope, target, outcome, code, data } = entry;
  return (
    <Dialog title={`Entry ${position}`} isBroad onClose={onClose}>
      <Facts
        facts={[
          ['When', <Ago key="at" at={at} />],
          ['Who', `${actor.name}, a ${actor.kind}`],
          ['Their id', <code key="actor">{actor.id}</code>],
          ['Action', <code key="action">{action}</code>],
          ['Scope', <code key="scope">{scope}</code>],
          target === '' ? undefined : ['On', <code key="target">{target}</code>],
          ['Outcome', `${outcomes[outcome].word}${code === null ? '' : `: ${code}`}`],
          ['Hash', <code key="hash">{hash}</code>],
        ]}
      />
      {data !== null && (
        <pre class="document plain panel scrolls" tabIndex={0}>
          {JSON.stringify(data, null, 2)}
        </pre>
      )}
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
