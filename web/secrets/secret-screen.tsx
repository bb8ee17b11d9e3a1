import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { useResource } from '../data/resource.js';
import { goTo, hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button, LinkButton } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import { Facts, Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { RotateDialog } from './rotate-dialog.js';
import { Versions } from './versions.js';

type Secret = Schemas['Secret'];
type Use = Schemas['Uses']['uses'][number];
type AuditRecord = Schemas['SecretAuditRecord'];

const PAGE = '50';

/** One secret: everything but its value. */
export function SecretScreen({ scope, id }: { scope: string; id: string }) {
  const params = { path: { id } };
  const secret = useResource(`secret ${scope} ${id}`, () =>
    answer(apiOf(scope).GET('/secrets/{id}', { params })),
  );
  const uses = useResource(`uses ${scope} ${id}`, () =>
    answer(apiOf(scope).GET('/secrets/{id}/uses', { params })),
  );
  return (
    <>
      <Head title={id} trail={[{ label: 'Secrets', href: hrefOf(scope, ['secrets']) }]}>
        {secret.data !== undefined && (
          <Allowed scope={scope} needs="secret.manage">
            <Acts scope={scope} secret={secret.data} onChanged={() => void secret.reload()} />
          </Allowed>
        )}
      </Head>
      <ProblemBox error={secret.error} />
      {secret.data !== undefined && (
        <div class="sides">
          <div class="stack">
            <Uses scope={scope} uses={uses.data?.uses} error={uses.error} />
            <Versions scope={scope} id={id} current={secret.data.version} />
            <Openings scope={scope} id={id} />
          </div>
          <SecretFacts secret={secret.data} />
        </div>
      )}
    </>
  );
}

function Acts({ scope, secret, onChanged }: { scope: string; secret: Secret; onChanged: () => void }) {
  const { id } = secret;
  const { open, show, close } = useDialog<'rotate' | 'delete'>();
  const remove = async (): Promise<void> => {
    await apiOf(scope).DELETE('/secrets/{id}', { params: { path: { id } } });
    say(`Deleted the secret ${id}.`);
    goTo(hrefOf(scope, ['secrets']));
  };
  return (
    <>
      <LinkButton icon="plus" href={hrefOf(scope, ['secrets', 'new'], { id })}>
        New version
      </LinkButton>
      <Button icon="reload" onPress={() => show('rotate')}>
        Rotate or migrate
      </Button>
      <Button look="danger" icon="trash" onPress={() => show('delete')}>
        Delete
      </Button>
      {open === 'rotate' && (
        <RotateDialog
          scope={scope}
          what={{ secret: id }}
          from={secret.manager}
          onBegun={onChanged}
          onClose={close}
        />
      )}
      {open === 'delete' && (
        <Confirm title={`Delete the secret ${id}?`} act={`Delete ${id}`} onConfirm={remove} onClose={close}>
          <p>Its value is gone for good, with every version. It is refused while something uses it.</p>
        </Confirm>
      )}
    </>
  );
}

function SecretFacts({ secret }: { secret: Secret }) {
  const { manager, managerScope, kind, version, createdAt, updatedAt } = secret;
  const [result, setResult] = useState<Schemas['SecretRefresh'] | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const refresh = (): void => {
    void run(async () => {
      const params = { path: { id: secret.id } };
      setResult(await answer(apiOf(secret.scope).POST('/secrets/{id}/refresh', { params })));
    });
  };
  return (
    <Panel title="Facts">
      <div class="stack">
        <Facts
          facts={[
            ['Value', 'Never shown'],
            ['Kept by', manager],
            managerScope === null ? undefined : ['Of scope', nameOf(managerScope)],
            ['Kind', kind],
            ['Version', <code key="version">{version}</code>],
            ['First put', <Ago key="created" at={createdAt} />],
            ['Last put', <Ago key="updated" at={updatedAt} />],
          ]}
        />
        {result?.ok === true && <Note icon="check" title="It can be opened" />}
        {result?.ok === false && (
          <ProblemBox
            error={{
              code: result.code ?? 'SECRET_UNREADABLE',
              title: 'It cannot be opened',
              detail: result.detail ?? '',
              hint: result.hint ?? '',
            }}
          />
        )}
        <ProblemBox error={error} />
        <div class="row">
          <Button isBusy={isBusy} onPress={refresh}>
            Try to open it
          </Button>
        </div>
      </div>
    </Panel>
  );
}

const screenOf: Partial<Record<Use['what'], string>> = { connector: 'repositories', secret: 'secrets' };

const useColumns = (scope: string): Column<Use>[] => [
  {
    label: 'Used by',
    cell: ({ what, id, scope: of }) => {
      const screen = screenOf[what];
      return screen === undefined ? (
        <span class="strong">{id}</span>
      ) : (
        <a class="strong" href={hrefOf(of === scope ? scope : of, [screen, id])}>
          {id}
        </a>
      );
    },
  },
  { label: 'What', cell: ({ what }) => <span class="tag">{what}</span> },
  { label: 'Scope', cell: ({ scope: of }) => nameOf(of) },
];

const Uses = ({ scope, uses, error }: { scope: string; uses: Use[] | undefined; error: unknown }) => (
  <ListPanel
    label="Where it is used"
    title="Where it is used"
    pages={{ rows: uses, error }}
    columns={useColumns(scope)}
    keyOf={({ what, id, scope: of }) => `${what} ${of} ${id}`}
    skeletonRows={2}
    empty={
      <Empty icon="secrets" title="Nothing uses it">
        Name it in a repository’s credential, or delete it.
      </Empty>
    }
  />
);

const outcomes: Record<AuditRecord['outcome'], { word: string; tone: Tone }> = {
  opened: { word: 'Opened', tone: 'ok' },
  refused: { word: 'Refused', tone: 'bad' },
  lost: { word: 'Lost', tone: 'warn' },
};

const openingColumns: Column<AuditRecord>[] = [
  { label: 'When', cell: ({ at }) => <Ago at={at} /> },
  {
    label: 'Outcome',
    cell: ({ outcome, code }) => (
      <State tone={outcomes[outcome].tone} title={code ?? undefined}>
        {outcomes[outcome].word}
      </State>
    ),
  },
  { label: 'By', cell: ({ openedBy }) => <span class="break">{openedBy}</span> },
  { label: 'For', cell: ({ purpose }) => <span class="tag">{purpose}</span> },
  { label: 'Asked by', cell: ({ actors }) => <span class="break">{actors.join(', ') || '–'}</span> },
];

function Openings({ scope, id }: { scope: string; id: string }) {
  const pages = usePages(
    `openings ${scope} ${id}`,
    async (cursor) => {
      const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(apiOf(scope).GET('/secrets/{id}/audit', { params: { path: { id }, query } }));
      return { rows: page.records, next: page.nextCursor };
    },
    { keyOf: ({ id: of }) => of },
  );
  return (
    <ListPanel
      label="Who opened it"
      title="Who opened it"
      pages={pages}
      columns={openingColumns}
      skeletonRows={3}
      empty={
        <Empty icon="audit" title="Nobody opened it yet">
          Every opening is on record before it happens, by the manager or a delegate.
        </Empty>
      }
    />
  );
}
