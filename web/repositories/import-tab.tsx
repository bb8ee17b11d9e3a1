import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { usePages } from '../data/pages.js';
import { useResource } from '../data/resource.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Counted } from '../parts/counted.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { Reason } from './reason.js';
import type { TabProps } from './tab-props.js';

type Import = Schemas['Import'];
type ImportItem = Schemas['ImportItem'];
type Outcome = NonNullable<ImportItem['outcome']>;

const PAGE = '50';
const LOOK_MS = 700;

const states: Record<Import['state'], { word: string; tone: Tone }> = {
  reporting: { word: 'Looking', tone: 'busy' },
  reported: { word: 'Report', tone: 'calm' },
  applying: { word: 'Importing', tone: 'busy' },
  done: { word: 'Imported', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'calm' },
};

/** What is committed already: first a report of what each file would become, then becoming it. */
export function ImportTab({ connector, tracking }: TabProps) {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const { data: imports, reload } = useResource(`imports ${connector.scope} ${connector.id}`, async () => {
    const params = { path: { connector: connector.id }, query: { limit: PAGE } };
    return (await answer(apiOf(connector.scope).GET('/connectors/{connector}/imports', { params }))).imports;
  });
  const shown = chosen ?? imports?.[0]?.id;
  return (
    <>
      <Allowed scope={connector.scope} needs="entity.edit" isTold>
        <Begin
          connector={connector}
          branch={tracking.data?.defaultBranch ?? 'main'}
          onBegun={(id) => {
            setChosen(id);
            void reload();
          }}
        />
      </Allowed>
      {shown !== undefined && (
        <Report key={shown} connector={connector} id={shown} onChanged={() => void reload()} />
      )}
      {imports !== undefined && imports.length > 1 && (
        <ListPanel
          label="Imports"
          title="Earlier"
          pages={{ rows: imports.filter(({ id }) => id !== shown), error: undefined }}
          columns={importColumns(setChosen)}
          keyOf={({ id }) => id}
          empty={null}
        />
      )}
    </>
  );
}

interface BeginProps {
  connector: Connector;
  branch: string;
  onBegun: (id: string) => void;
}

function Begin({ connector, branch: usual, onBegun }: BeginProps) {
  const [branch, setBranch] = useState(usual);
  const [folder, setFolder] = useState('');
  const { isBusy, error, run } = useAction();
  const begin = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const body = { branch, dryRun: true, ...(folder === '' ? {} : { folder }) };
      const params = { path: { connector: connector.id } };
      onBegun(
        (await answer(apiOf(connector.scope).POST('/connectors/{connector}/imports', { params, body }))).id,
      );
    });
  };
  return (
    <Panel title="Import">
      <form class="stack" onSubmit={begin}>
        <div class="compare">
          <TextField label="Branch" value={branch} onInput={setBranch} isRequired isMono />
          <TextField
            label="Folder"
            value={folder}
            onInput={setFolder}
            placeholder="The whole branch"
            isMono
          />
          <Button type="submit" look="primary" isBusy={isBusy}>
            Report what it would do
          </Button>
        </div>
        <p class="quiet small">The kinds say which file is which entity. A report changes nothing.</p>
        <ProblemBox error={error} />
      </form>
    </Panel>
  );
}

interface ReportProps {
  connector: Connector;
  id: string;
  onChanged: () => void;
}

function Report({ connector, id, onChanged }: ReportProps) {
  const path = { connector: connector.id, id };
  const [isOver, setOver] = useState(false);
  const { data, error, reload } = useResource<Import>(
    `import ${id}`,
    async () => {
      const read = await answer(
        apiOf(connector.scope).GET('/connectors/{connector}/imports/{id}', { params: { path } }),
      );
      setOver(!['reporting', 'applying'].includes(read.state));
      return read;
    },
    isOver ? {} : { everyMs: LOOK_MS },
  );
  const { open, show, close } = useDialog<'apply'>();
  const apply = async (): Promise<void> => {
    await apiOf(connector.scope).POST('/connectors/{connector}/imports/{id}/apply', { params: { path } });
    setOver(false);
    await reload();
    onChanged();
  };
  if (data === undefined) return <ProblemBox error={error} />;
  const { counts, state, branch, folder } = data;
  const count = counts.create + counts.update;
  return (
    <>
      <Panel
        title={`${branch}${folder === null ? '' : `, ${folder}`}`}
        ends={
          <>
            <State tone={states[state].tone}>{states[state].word}</State>
            {state === 'reported' && count > 0 && (
              <Allowed scope={connector.scope} needs="entity.edit">
                <Button look="primary" onPress={() => show('apply')}>
                  Import {count} {count === 1 ? 'file' : 'files'}…
                </Button>
              </Allowed>
            )}
          </>
        }
      >
        <Progress found={data} />
      </Panel>
      <ProblemBox error={error ?? data.problem} />
      <Files key={state} connector={connector} found={data} isRunning={!isOver} />
      {open === 'apply' && (
        <Confirm
          title={`Import from ${branch}?`}
          act={`Import ${count} ${count === 1 ? 'file' : 'files'}`}
          isDangerous={false}
          onConfirm={apply}
          onClose={close}
        >
          <p>
            {counts.create} become new entities and {counts.update} change copies that are there. Nothing is
            written to Git, and what cannot be an entity is left as it is.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** What asks for attention first. */
const outcomes: Record<Outcome, { word: string; tone: Tone }> = {
  invalid: { word: 'Invalid', tone: 'bad' },
  mismatch: { word: 'Another entity', tone: 'bad' },
  elsewhere: { word: 'Elsewhere', tone: 'warn' },
  taken: { word: 'Taken', tone: 'warn' },
  refused: { word: 'Refused', tone: 'warn' },
  create: { word: 'New', tone: 'ok' },
  update: { word: 'Changed', tone: 'busy' },
  same: { word: 'The same', tone: 'calm' },
};
const order = Object.keys(outcomes) as Outcome[];

function Progress({ found: { progress, counts } }: { found: Import }) {
  const { done, total } = progress;
  return (
    <div class="stack-close">
      <progress class="progress" max={Math.max(total, 1)} value={done} aria-label="Progress of the import" />
      <p class="row small">
        <span class="quiet number">
          {done} of {total} files
        </span>
        {order
          .filter((one) => counts[one] > 0)
          .map((one) => (
            <State key={one} tone={outcomes[one].tone}>
              {counts[one]} {outcomes[one].word.toLowerCase()}
            </State>
          ))}
      </p>
    </div>
  );
}

interface FilesProps {
  connector: Connector;
  found: Import;
  isRunning: boolean;
}

function Files({ connector, found: { id, counts, progress }, isRunning }: FilesProps) {
  const [outcome, setOutcome] = useState<Outcome | ''>('');
  const path = { connector: connector.id, id };
  const pages = usePages(
    `import files ${id} ${outcome}`,
    async (cursor) => {
      const query = {
        limit: PAGE,
        ...(outcome === '' ? {} : { outcome }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await answer(
        apiOf(connector.scope).GET('/connectors/{connector}/imports/{id}/files', { params: { path, query } }),
      );
      return { rows: page.files, next: page.nextCursor };
    },
    { keyOf: ({ path: of }) => of, ...(isRunning ? { everyMs: LOOK_MS } : {}) },
  );
  return (
    <ListPanel
      label="Files of the import"
      title="Files"
      ends={
        <Counted
          label="Which files are shown"
          counts={counts}
          total={progress.total}
          words={outcomes}
          value={outcome}
          onChange={setOutcome}
          isRunning={isRunning}
        />
      }
      pages={pages}
      columns={fileColumns}
      skeletonRows={Math.min(outcome === '' ? progress.total : counts[outcome], Number(PAGE))}
      empty={
        <Empty icon="entities" title={isRunning ? 'Listing the branch' : 'No file is an entity of a kind'}>
          {isRunning
            ? 'The files come as they are judged.'
            : 'Compare the path templates of the kinds with the repository.'}
        </Empty>
      }
    />
  );
}

const fileColumns: Column<ImportItem>[] = [
  { label: 'Path', cell: ({ path }) => <span class="mono break">{path}</span> },
  {
    label: 'Outcome',
    cell: ({ outcome }) =>
      outcome === null ? (
        <State tone="busy">To come</State>
      ) : (
        <State tone={outcomes[outcome].tone}>{outcomes[outcome].word}</State>
      ),
  },
  {
    label: 'Kind',
    cell: ({ kind }) => (kind === null ? <span class="quiet">–</span> : <span class="tag">{kind}</span>),
  },
  { label: 'Entity', cell: ({ entity }) => entity ?? '–' },
  { label: 'Why', cell: ({ problem }) => <Reason problem={problem} /> },
];

const importColumns = (choose: (id: string) => void): Column<Import>[] => [
  {
    label: 'Import',
    cell: ({ id, branch, folder }) => (
      <Button look="bare tiny" onPress={() => choose(id)}>
        {branch}
        {folder === null ? '' : `, ${folder}`}
      </Button>
    ),
  },
  { label: 'State', cell: ({ state }) => <State tone={states[state].tone}>{states[state].word}</State> },
  { label: 'Files', cell: ({ progress }) => <span class="number">{progress.total}</span> },
  { label: 'Begun', isEnd: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
];
