import type { ComponentChildren } from 'preact';
import type { Schemas } from '../data/api.js';
import type { Connector, Tracking } from '../data/connectors.js';
import { nameOf } from '../data/scopes.js';
import { Facts, Panel } from '../parts/panel.js';
import { Ago } from '../parts/time.js';
import { hookOf } from './following.js';
import { SaidState } from './said.js';

export interface ConnectorFactsProps {
  connector: Connector;
  tracking: Tracking | undefined;
}

export function ConnectorFacts({ connector, tracking }: ConnectorFactsProps) {
  const { provider, connectivity, group, tags, scope, revision } = connector;
  return (
    <Panel title="Facts">
      <Facts
        facts={[
          ['Scope', nameOf(scope)],
          ['Host', provider],
          ['Connectivity', connectivity],
          connectivity === 'delegate' ? ['Delegates', group ?? 'Any within reach'] : undefined,
          tags.length === 0 ? undefined : ['Tags', tags.join(', ')],
          ['Credential', describeCredential(connector)],
          ['Webhook', <SaidState key="hook" said={hookOf(tracking)} />],
          ['Last look', <Ago key="polled" at={tracking?.polledAt} />],
          tracking === undefined ? undefined : ['Next look', <Ago key="next" at={tracking.nextPollAt} />],
          sayRate(tracking?.host.apiRate),
          ['Revision', <code key="revision">{revision.slice(0, 8)}</code>],
        ]}
      />
    </Panel>
  );
}

/** How much more the API of the host answers. */
function sayRate(
  rate: Schemas['HostPatience']['apiRate'] | undefined,
): [string, ComponentChildren] | undefined {
  if (rate == null || rate.remaining === null) return undefined;
  const { limit, remaining, resetAt } = rate;
  return [
    'API calls left',
    <span key="rate" class="number">
      {limit === null ? remaining : `${remaining} of ${limit}`}
      {resetAt !== null && (
        <>
          , all again <Ago at={resetAt} />
        </>
      )}
    </span>,
  ];
}

function describeCredential({ credential }: Connector): string {
  if (credential === null) return 'None';
  if ('kind' in credential) return credential.kind;
  return 'secret' in credential
    ? `${credential.username}, secret ${credential.secret}`
    : `${credential.username}, ${credential.reference} in ${credential.manager}`;
}
