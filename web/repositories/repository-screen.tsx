// One repository: whether it can be reached, how it is followed, what its host tells, and what differs.

import { apiOf, type Schemas } from '../data/api.js';
import { type Connector, readTracking, type Tracking, useConnectors } from '../data/connectors.js';
import { useResource } from '../data/resource.js';
import { goTo, hrefOf, type Route } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button, LinkButton } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { lazily } from '../parts/lazy.js';
import { wordsOf } from '../parts/page-words.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { Tabs } from '../parts/tabs.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { CheckPanel } from './check-panel.js';
import { ConnectorFacts } from './connector-facts.js';
import { DriftTab } from './drift-tab.js';
import { followingOf } from './following.js';
import { ImportTab } from './import-tab.js';
import { MoveTab } from './move-tab.js';
import { SaidState } from './said.js';
import type { TabProps } from './tab-props.js';
import { TrackingPanel } from './tracking-panel.js';
import { WebhookTab } from './webhook-tab.js';

const ChangeRepository = lazily(async () => (await import('./change-repository.js')).ChangeRepository);
const RenameDialog = lazily(async () => (await import('./rename-dialog.js')).RenameDialog);

const tabs = [
  { name: 'overview', label: 'Overview', Show: Overview },
  { name: 'webhook', label: 'Webhook', Show: WebhookTab },
  { name: 'drift', label: 'Drift', Show: DriftTab },
  { name: 'import', label: 'Import', Show: ImportTab },
  { name: 'move', label: 'Move', Show: MoveTab },
] as const;

export function RepositoryScreen({ scope, id, route }: { scope: string; id: string; route: Route }) {
  const { data: connectors, error, reload } = useConnectors(scope);
  const connector = connectors?.find((one) => one.id === id);
  const [, , part] = route.path;
  if (connector !== undefined && part === 'change')
    return <ChangeRepository scope={scope} connector={connector} onDone={reload} />;
  if (connector !== undefined) return <Found scope={scope} connector={connector} route={route} />;
  return (
    <>
      <Head title={id} trail={[{ label: 'Repositories', href: hrefOf(scope, ['repositories']) }]} />
      <ProblemBox error={error} />
      {connectors !== undefined && error === undefined && (
        <Panel isFlush>
          <Empty
            icon="repositories"
            title={`No connector is called ${id}`}
            action={<LinkButton href={hrefOf(scope, ['repositories'])}>Show the repositories</LinkButton>}
          >
            It may be in another scope, or it was deleted.
          </Empty>
        </Panel>
      )}
    </>
  );
}

function Found({ scope, connector, route }: { scope: string; connector: Connector; route: Route }) {
  const { id, url } = connector;
  const tracking = useResource<Tracking | null>(
    `tracking ${connector.scope} ${id}`,
    async () => (await readTracking(apiOf(connector.scope), id)) ?? null,
    { live: ['entity.', 'connector.'], everyMs: 5_000 },
  );
  const chosen = route.query.get('tab') ?? 'overview';
  const tab = tabs.find(({ name }) => name === chosen) ?? tabs[0];
  return (
    <>
      <Head
        title={id}
        trail={[{ label: 'Repositories', href: hrefOf(scope, ['repositories']) }]}
        mark={<SaidState said={followingOf(tracking.data ?? undefined)} />}
        note={<span class="mono break">{url}</span>}
      >
        <Allowed scope={connector.scope} needs="connector.manage">
          <LinkButton href={hrefOf(scope, ['repositories', id, 'change'])}>Change…</LinkButton>
          <Renaming connector={connector} onDone={() => void tracking.reload()} />
          <Removal scope={scope} connector={connector} />
        </Allowed>
      </Head>
      <Tabs
        label="Views of the repository"
        tabs={tabs}
        current={tab.name}
        hrefOf={(name) => hrefOf(scope, ['repositories', id], { tab: name })}
      />
      <tab.Show scope={scope} connector={connector} tracking={tracking} route={route} />
    </>
  );
}

function Overview(props: TabProps) {
  const { connector } = props;
  return (
    <div class="sides">
      <div class="stack">
        {connector.needsAuthorisation !== null && (
          <Note tone="warn" icon="lock" title="It has to be authorised again">
            {connector.needsAuthorisation.detail}. {wordsOf(connector.needsAuthorisation).hint}
          </Note>
        )}
        {connector.renamedTo !== null && (
          <Note tone="warn" title="Its host calls the repository otherwise now">
            It is said to be at <code>{connector.renamedTo.url}</code>. Nobody goes there before you say so,
            with “Renamed…”.
          </Note>
        )}
        {props.tracking.data != null && <Patience host={props.tracking.data.host} />}
        <CheckPanel connector={connector} isAtOnce={props.route.query.get('check') === 'now'} />
        <TrackingPanel {...props} />
      </div>
      <ConnectorFacts connector={connector} tracking={props.tracking.data ?? undefined} />
    </div>
  );
}

/** Why nothing happens for a while, as far as the manager that was asked has heard it. */
function Patience({ host: { gitPausedUntil, apiPausedUntil } }: { host: Schemas['HostPatience'] }) {
  const [until, what] =
    gitPausedUntil === null
      ? [apiPausedUntil, 'Pull requests and webhooks wait; saves and looks do not']
      : [gitPausedUntil, 'Saves, looks and pull requests of this account wait'];
  if (until === null) return null;
  return (
    <Note tone="warn" icon="clock" title="Its host asked for patience">
      {what}. It is asked again <Ago at={until} />, as far as the manager that answered has heard.
    </Note>
  );
}

function Renaming({ connector, onDone }: { connector: Connector; onDone: () => void }) {
  const { open, show, close } = useDialog<'rename'>();
  return (
    <>
      <Button onPress={() => show('rename')}>Renamed…</Button>
      {open === 'rename' && <RenameDialog connector={connector} onDone={onDone} onClose={close} />}
    </>
  );
}

function Removal({ scope, connector }: { scope: string; connector: Connector }) {
  const { open, show, close } = useDialog<'delete'>();
  const { id } = connector;
  const remove = async (): Promise<void> => {
    await apiOf(connector.scope).DELETE('/connectors/{id}', { params: { path: { id } } });
    say(`Deleted the connector ${id}.`);
    goTo(hrefOf(scope, ['repositories']));
  };
  return (
    <>
      <Button look="danger" icon="trash" onPress={() => show('delete')}>
        Delete
      </Button>
      {open === 'delete' && (
        <Confirm
          title={`Delete the connector ${id}?`}
          act={`Delete ${id}`}
          onConfirm={remove}
          onClose={close}
        >
          <p>
            Sallyport forgets the way to <code>{connector.url}</code>. The repository itself stays as it is.
            It is refused while entities are in it.
          </p>
        </Confirm>
      )}
    </>
  );
}
