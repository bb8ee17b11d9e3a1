import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { unless } from '../data/outwards.js';
import { usePages } from '../data/pages.js';
import { server } from '../data/place.js';
import { type Resource, useResource } from '../data/resource.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Copyable } from '../parts/copy.js';
import { Confirm, Dialog, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { Facts, Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import type { TabProps } from './tab-props.js';
import { Refusing, WebhookSecrets } from './webhook-secret.js';

type Webhook = Schemas['Webhook'];
type Delivery = Schemas['WebhookDelivery'];

const states: Record<Webhook['state'], { word: string; tone: Tone }> = {
  silent: { word: 'Nothing came yet', tone: 'calm' },
  working: { word: 'Working', tone: 'ok' },
  refusing: { word: 'Refusing', tone: 'bad' },
};

const LOOK_MS = 4_000;

/** How the host tells of pushes, and what it told. */
export function WebhookTab({ connector }: TabProps) {
  const { id, scope } = connector;
  const hook = useResource<Webhook | null>(
    `webhook ${scope} ${id}`,
    async () =>
      (await unless(
        404,
        answer(apiOf(scope).GET('/connectors/{id}/webhook', { params: { path: { id } } })),
      )) ?? null,
    { everyMs: LOOK_MS },
  );
  const [made, setMade] = useState<Webhook | undefined>(undefined);
  const shown = made !== undefined && <Paste webhook={made} onClose={() => setMade(undefined)} />;
  if (hook.data === null) return <NoWebhook connector={connector} hook={hook} onMade={setMade} />;
  return (
    <>
      {shown}
      <ProblemBox error={hook.error} />
      {hook.data !== undefined && (
        <>
          <div class="sides">
            <Deliveries connector={connector} />
            <Health
              connector={connector}
              webhook={hook.data}
              onMade={setMade}
              onChanged={() => void hook.reload()}
            />
          </div>
        </>
      )}
    </>
  );
}

interface NoWebhookProps {
  connector: Connector;
  hook: Resource<Webhook | null>;
  onMade: (webhook: Webhook) => void;
}

function NoWebhook({ connector, hook, onMade }: NoWebhookProps) {
  const { isBusy, error, run } = useAction();
  const create = (): void => {
    void run(async () => {
      const params = { path: { id: connector.id } };
      onMade(await answer(apiOf(connector.scope).PUT('/connectors/{id}/webhook', { params, body: {} })));
      await hook.reload();
    });
  };
  return (
    <Panel isFlush>
      <ProblemBox error={error} />
      <Empty
        icon="operations"
        title="No webhook yet"
        action={
          <Allowed scope={connector.scope} needs="connector.manage">
            {' '}
            <Button look="primary" isBusy={isBusy} onPress={create}>
              Make a webhook
            </Button>
          </Allowed>
        }
      >
        With one, the host tells of a push at once. Without, it is noticed at the next look, some 15 seconds
        later, unless the manager is set otherwise.
      </Empty>
    </Panel>
  );
}

interface HealthProps {
  connector: Connector;
  webhook: Webhook;
  onMade: (webhook: Webhook) => void;
  onChanged: () => void;
}

function Health({ connector, webhook, onMade, onChanged }: HealthProps) {
  const { open, show, close } = useDialog<'paste' | 'delete'>();
  const { isBusy, error, run } = useAction();
  const { state } = webhook;
  const made = (one: Webhook): void => {
    onMade(one);
    onChanged();
  };
  const params = { path: { id: connector.id } };
  const register = (): void => {
    void run(async () => {
      await apiOf(connector.scope).POST('/connectors/{id}/webhook/register', { params });
      say(`Registered the webhook of ${connector.id} at its host.`);
      onChanged();
    });
  };
  const remove = async (): Promise<void> => {
    await apiOf(connector.scope).DELETE('/connectors/{id}/webhook', { params });
    say(`Deleted the webhook of ${connector.id}.`);
    onChanged();
  };
  return (
    <div class="stack">
      <Panel title="Health" ends={<State tone={states[state].tone}>{states[state].word}</State>}>
        <div class="stack">
          <HealthFacts webhook={webhook} />
          {state === 'refusing' && <Refusing connector={connector} />}
          <WebhookSecrets connector={connector} webhook={webhook} onMade={made} onChanged={onChanged} />
          <ProblemBox error={error} />
          <Allowed scope={connector.scope} needs="connector.manage">
            <div class="row">
              <Button onPress={() => show('paste')}>Set it up by hand</Button>
              {connector.provider !== 'generic' && (
                <Button isBusy={isBusy} onPress={register}>
                  Register at the host
                </Button>
              )}
              <Button look="danger" onPress={() => show('delete')}>
                Delete
              </Button>
            </div>
          </Allowed>
        </div>
      </Panel>
      {open === 'paste' && <Paste webhook={webhook} onClose={close} />}
      {open === 'delete' && (
        <Confirm
          title={`Delete the webhook of ${connector.id}?`}
          act="Delete the webhook"
          onConfirm={remove}
          onClose={close}
        >
          <p>
            Its deliveries go with it, and its registration at the host where that lets us. Pushes are then
            noticed by looking.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function HealthFacts({ webhook: { health, registration } }: { webhook: Webhook }) {
  return (
    <Facts
      facts={[
        ['Last delivery', <Ago key="last" at={health.lastDeliveryAt} />],
        ['Last proved', <Ago key="proved" at={health.lastVerifiedAt} />],
        ['Waiting', health.waiting],
        ['Refused', health.refused],
        health.refusedSince === null
          ? undefined
          : ['Refused since', <Ago key="since" at={health.refusedSince} />],
        registration === null
          ? ['At the host', 'Not registered by Sallyport']
          : ['At the host', registration.active ? 'Registered' : 'Switched off'],
      ]}
    />
  );
}

function Paste({ webhook: { toPaste }, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { url, secret, events, contentType, notes, where } = toPaste;
  const isPath = url.startsWith('/');
  return (
    <Dialog title="Set the webhook up by hand" onClose={onClose}>
      <p class="small">{where}</p>
      <div class="field">
        <span class="label">URL</span>
        <Copyable text={isPath ? `${server}${url}` : url} />
        {isPath && (
          <span class="note">
            As this browser reaches the manager, which does not know its own address: whoever runs it names
            that with <code>SALLYPORT_PUBLIC_URL</code>.
          </span>
        )}
      </div>
      {secret.value !== null && (
        <div class="field" data-secret>
          <span class="label">{secret.field}</span>
          <Copyable text={secret.value} />
          <span class="note">It is shown this once.</span>
        </div>
      )}
      <Facts
        facts={[
          ['Content type', <code key="type">{contentType}</code>],
          events.length === 0 ? undefined : ['Events', events.join(', ')],
          secret.value === null
            ? [
                'Secret',
                `${secret.name}, which was shown when it was made. For another one close this and make a new secret`,
              ]
            : undefined,
        ]}
      />
      {notes.length > 0 && (
        <ul class="dots small">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

const PAGE = '50';

function Deliveries({ connector }: { connector: Connector }) {
  const { id, scope } = connector;
  const [shown, setShown] = useState<string | undefined>(undefined);
  const pages = usePages(
    `deliveries ${scope} ${id}`,
    async (cursor) => {
      const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(
        apiOf(scope).GET('/connectors/{id}/webhook/deliveries', { params: { path: { id }, query } }),
      );
      return { rows: page.deliveries, next: page.nextCursor };
    },
    { keyOf: (one) => one.id, everyMs: LOOK_MS },
  );
  return (
    <div class="stack">
      <ListPanel
        label="Deliveries"
        title="Deliveries"
        pages={pages}
        columns={columnsOf(setShown)}
        empty={
          <Empty icon="operations" title="Nothing was delivered yet">
            Push to the repository, or send a test from the host’s settings: it shows up here.
          </Empty>
        }
      />
      {shown !== undefined && (
        <DeliveryDialog
          connector={connector}
          delivery={shown}
          onClose={() => setShown(undefined)}
          onReplayed={() => void pages.reload()}
        />
      )}
    </div>
  );
}

const outcomes: Record<string, { word: string; tone: Tone }> = {
  acted: { word: 'Acted on', tone: 'ok' },
  noted: { word: 'Noted', tone: 'ok' },
  joined: { word: 'Joined another', tone: 'calm' },
  ping: { word: 'Ping', tone: 'calm' },
  ignored: { word: 'Ignored', tone: 'calm' },
  'other-repository': { word: 'Another repository', tone: 'warn' },
  malformed: { word: 'Not readable', tone: 'bad' },
  resting: { word: 'Resting', tone: 'busy' },
  failed: { word: 'Failed', tone: 'bad' },
};

function outcomeOf({ state, outcome }: Delivery): { word: string; tone: Tone } {
  if (state === 'refused') return { word: 'Refused', tone: 'bad' };
  if (state === 'waiting' || outcome === null) return { word: 'Waiting', tone: 'busy' };
  return outcomes[outcome.kind] ?? { word: outcome.kind, tone: 'calm' };
}

const columnsOf = (show: (id: string) => void): Column<Delivery>[] => [
  { label: 'Event', cell: ({ event }) => <span class="strong">{event ?? 'unknown'}</span> },
  {
    label: 'Outcome',
    cell: (one) => (
      <State tone={outcomeOf(one).tone} title={one.why ?? one.outcome?.details.join('; ')}>
        {outcomeOf(one).word}
      </State>
    ),
  },
  { label: 'From', cell: ({ source }) => <span class="mono">{source}</span> },
  { label: 'Received', cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
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

interface DeliveryDialogProps {
  connector: Connector;
  delivery: string;
  onClose: () => void;
  onReplayed: () => void;
}

function DeliveryDialog({ connector, delivery, onClose, onReplayed }: DeliveryDialogProps) {
  const params = { path: { id: connector.id, delivery } };
  const { data, error, reload } = useResource(`delivery ${delivery}`, () =>
    answer(apiOf(connector.scope).GET('/connectors/{id}/webhook/deliveries/{delivery}', { params })),
  );
  const replay = useAction();
  const again = (): void => {
    void replay.run(async () => {
      await apiOf(connector.scope).POST('/connectors/{id}/webhook/deliveries/{delivery}/replay', { params });
      say('The delivery is worked on again.');
      onReplayed();
      await reload();
    });
  };
  return (
    <Dialog title="Delivery" isBroad onClose={onClose}>
      <ProblemBox error={error ?? replay.error} />
      {data !== undefined && (
        <>
          <Facts
            facts={[
              ['Event', data.event ?? 'unknown'],
              ['Outcome', `${outcomeOf(data).word}${data.why === null ? '' : `: ${data.why}`}`],
              ['Proved', data.verified ? 'Yes' : 'No'],
              ['Received', <Ago key="received" at={data.receivedAt} />],
              ['Replayed', data.replays === 0 ? 'Never' : <Ago key="replayed" at={data.replayedAt} />],
              ['Size', `${data.bodyBytes} bytes`],
            ]}
          />
          {data.outcome !== null && data.outcome.details.length > 0 && (
            <ul class="dots small">
              {data.outcome.details.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          )}
          <pre class="document plain panel scrolls" tabIndex={0}>
            {JSON.stringify(data.told ?? data.headers, null, 2)}
          </pre>
        </>
      )}
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
        <Allowed scope={connector.scope} needs="connector.use">
          <Button
            look="primary"
            icon="reload"
            isBusy={replay.isBusy}
            isDisabled={data === undefined || !data.verified}
            onPress={again}
          >
            Replay
          </Button>
        </Allowed>
      </div>
    </Dialog>
  );
}
