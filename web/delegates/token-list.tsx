import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/dialog.js';
import { ListPanel } from '../parts/list-panel.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';

type Token = Schemas['DelegateTokens']['tokens'][number];

const LOOK_MS = 5_000;

/** What still lets a delegate join. */
export function TokenList({ scope }: { scope: string }) {
  const [revoked, setRevoked] = useState<Token | undefined>(undefined);
  const { data, error, reload } = useResource(
    `delegate tokens ${scope}`,
    async () => (await answer(apiOf(scope).GET('/delegate-tokens'))).tokens,
    { everyMs: LOOK_MS },
  );
  const revoke = async ({ id, group }: Token): Promise<void> => {
    await apiOf(scope).DELETE('/delegate-tokens/{id}', { params: { path: { id } } });
    say(`The token for ${group} is revoked.`);
    await reload();
  };
  const open = data?.filter((token) => isGood(token));
  if (open?.length === 0) return null;
  return (
    <>
      <ListPanel
        label="Tokens"
        title="Tokens that are good"
        pages={{ rows: open, error }}
        columns={columnsOf(scope, setRevoked)}
        keyOf={({ id }) => id}
        skeletonRows={1}
        empty={null}
      />
      {revoked !== undefined && (
        <Confirm
          title={`Revoke the token for ${revoked.group}?`}
          act="Revoke the token"
          onConfirm={() => revoke(revoked)}
          onClose={() => setRevoked(undefined)}
        >
          <p>Nobody enrols with it any more. Delegates that did stay as they are.</p>
        </Confirm>
      )}
    </>
  );
}

const isGood = ({ revoked, usesLeft, expiresAt }: Token): boolean =>
  !revoked && usesLeft > 0 && Date.parse(expiresAt) > Date.now();

const columnsOf = (scope: string, revoke: (token: Token) => void): Column<Token>[] => [
  { label: 'Group', cell: ({ group }) => <span class="tag">{group}</span> },
  { label: 'Uses left', cell: ({ usesLeft }) => <State tone="ok">{usesLeft}</State> },
  { label: 'Made', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { label: 'Good until', cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
  {
    label: 'Revoke',
    isUnnamed: true,
    isEnd: true,
    cell: (token) => (
      <Allowed scope={scope} needs="delegate.manage">
        {' '}
        <Button look="tiny danger" onPress={() => revoke(token)}>
          Revoke
        </Button>
      </Allowed>
    ),
  },
];
