import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector, Tracking } from '../data/connectors.js';
import { usePages } from '../data/pages.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Short } from '../parts/copy.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { lazily } from '../parts/lazy.js';
import { ListPanel } from '../parts/list-panel.js';
import { wordsOf } from '../parts/page-words.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import type { TabProps } from './tab-props.js';

type Branch = Schemas['TrackedBranch'];
type FileProblem = Schemas['FileProblem'];

const states: Record<Branch['state'], { word: string; tone: Tone }> = {
  current: { word: 'Up to date', tone: 'ok' },
  behind: { word: 'Behind', tone: 'warn' },
  refreshing: { word: 'Refreshing', tone: 'busy' },
  failing: { word: 'Failing', tone: 'bad' },
  gone: { word: 'Gone', tone: 'calm' },
};

const TrackingDialog = lazily(async () => (await import('./tracking-dialog.js')).TrackingDialog);

/** The branches that are followed, and the files that cannot be entities. */
export function TrackingPanel({ scope, connector, tracking }: TabProps) {
  const { open, show, close } = useDialog<'choose'>();
  const reload = (): void => void tracking.reload();
  const choose = (): void => show('choose');
  return (
    <>
      {tracking.data === null ? (
        <Unfollowed connector={connector} onChanged={reload} onChoose={choose} />
      ) : (
        <>
          <ProblemBox error={tracking.error} />
          <ProblemBox error={tracking.data?.problem} />
          <Branches connector={connector} tracking={tracking.data} onChanged={reload} onChoose={choose} />
          <FileProblems scope={scope} connector={connector} />
        </>
      )}
      {open === 'choose' && (
        <TrackingDialog
          connector={connector}
          tracking={tracking.data ?? undefined}
          onSaved={reload}
          onClose={close}
        />
      )}
    </>
  );
}

interface PartProps {
  connector: Connector;
  onChanged: () => void;
  onChoose: () => void;
}

function Unfollowed({ connector: { scope, id }, onChanged, onChoose }: PartProps) {
  const { isBusy, error, run } = useAction();
  const follow = (): void => {
    void run(async () => {
      const params = { path: { id } };
      const body = {} as Schemas['TrackingWrite'];
      await apiOf(scope).PUT('/connectors/{id}/tracking', { params, body });
      say(`${id} is followed from now on.`);
      onChanged();
    });
  };
  return (
    <Panel isFlush>
      <ProblemBox error={error} />
      <Empty
        icon="branch"
        title="It is not followed"
        action={
          <Allowed scope={scope} needs="connector.manage">
            <Button look="primary" isBusy={isBusy} onPress={follow}>
              Follow its default branch
            </Button>
            <Button onPress={onChoose}>Choose what to follow…</Button>
          </Allowed>
        }
      >
        Saves go to Git all the same. What others push is noticed once the repository is followed.
      </Empty>
    </Panel>
  );
}

/** Undefined while it is read. */
function Branches({
  connector,
  tracking,
  onChanged,
  onChoose,
}: PartProps & { tracking: Tracking | undefined }) {
  const { scope, id } = connector;
  const { isBusy, error, run } = useAction();
  const look = (): void => {
    void run(async () => {
      await apiOf(scope).POST('/connectors/{id}/tracking/poll', { params: { path: { id } } });
      say(`Looking at ${id}.`);
      onChanged();
    });
  };
  return (
    <>
      <ProblemBox error={error} />
      <ListPanel
        label="Followed branches"
        title="Followed branches"
        ends={
          <>
            <Allowed scope={scope} needs="connector.use">
              <Button icon="reload" look="bare" isBusy={isBusy} onPress={look}>
                Look now
              </Button>
            </Allowed>
            <Allowed scope={scope} needs="connector.manage">
              <Button look="bare" isDisabled={tracking === undefined} onPress={onChoose}>
                Change…
              </Button>
              <Unfollow connector={connector} onDone={onChanged} />
            </Allowed>
          </>
        }
        pages={{ rows: tracking?.followed, error: undefined }}
        columns={branchColumns}
        keyOf={({ branch }) => branch}
        skeletonRows={2}
        empty={
          <Empty icon="branch" title="No branch yet">
            The first look at the repository finds its default branch.
          </Empty>
        }
      />
    </>
  );
}

const branchColumns: Column<Branch>[] = [
  { label: 'Branch', cell: ({ branch }) => <span class="mono strong break">{branch}</span> },
  {
    label: 'State',
    cell: ({ state, problem }) => (
      <State tone={states[state].tone} title={problem?.detail}>
        {states[state].word}
      </State>
    ),
  },
  { label: 'Copy at', cell: ({ synced }) => <Short id={synced} /> },
  { label: 'Head', cell: ({ head }) => <Short id={head} /> },
  { label: 'Synced', isEnd: true, cell: ({ syncedAt }) => <Ago at={syncedAt} /> },
];

function Unfollow({ connector, onDone }: Pick<TabProps, 'connector'> & { onDone: () => void }) {
  const { open, show, close } = useDialog<'unfollow'>();
  const { id, scope } = connector;
  const unfollow = async (): Promise<void> => {
    await apiOf(scope).DELETE('/connectors/{id}/tracking', { params: { path: { id } } });
    say(`${id} is not followed any more.`);
    onDone();
  };
  return (
    <>
      <Button look="bare" onPress={() => show('unfollow')}>
        Stop following
      </Button>
      {open === 'unfollow' && (
        <Confirm
          title={`Stop following ${id}?`}
          act={`Stop following ${id}`}
          onConfirm={unfollow}
          onClose={close}
        >
          <p>What is pushed is not noticed any more. The copies stay as they are.</p>
        </Confirm>
      )}
    </>
  );
}

const PAGE = '50';

function FileProblems({ scope, connector }: Pick<TabProps, 'scope' | 'connector'>) {
  const { id } = connector;
  const pages = usePages(
    `file problems ${connector.scope} ${id}`,
    async (cursor) => {
      const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(
        apiOf(connector.scope).GET('/connectors/{id}/tracking/problems', { params: { path: { id }, query } }),
      );
      return { rows: page.files, next: page.nextCursor };
    },
    { keyOf: ({ branch, path }) => `${branch} ${path}`, live: ['entity.'] },
  );
  if (pages.rows === undefined || pages.rows.length === 0) return null;
  return (
    <ListPanel
      label="Files that are no entities"
      title="Files that are no entities"
      pages={pages}
      columns={problemColumns(scope)}
      empty={null}
    />
  );
}

const problemColumns = (scope: string): Column<FileProblem>[] => [
  { label: 'Path', cell: ({ path }) => <span class="mono break">{path}</span> },
  { label: 'Branch', cell: ({ branch }) => <span class="mono">{branch}</span> },
  {
    label: 'Verdict',
    cell: ({ verdict }) => (
      <State tone={verdict === 'invalid' ? 'bad' : 'warn'}>
        {verdict === 'invalid' ? 'Invalid' : 'Refused'}
      </State>
    ),
  },
  {
    label: 'Why',
    cell: ({ problem }) => (
      <span class="break" title={wordsOf(problem).hint}>
        {problem.detail} <span class="quiet mono">{problem.code}</span>
      </span>
    ),
  },
  {
    label: 'Entity',
    cell: ({ kind, entity, branch }) =>
      kind === null || entity === null ? (
        <span class="quiet">–</span>
      ) : (
        <a href={hrefOf(scope, ['entities', kind, entity], { branch })}>{entity}</a>
      ),
  },
];
