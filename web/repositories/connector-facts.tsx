import type { ComponentChildren } from 'preact';
import type { Schemas } from '../data/api.js';
import type { Connector, Tracking } from '../data/connectors.js';
import { nameOf } from '../data/scopes.js';
import { Facts, Panel } from '../parts/panel.js';
import { Ago } from '../parts/time.js';
import { describeCredential } from './credential-words.js';
import { hookOf } from './following.js';
import { SaidState } from './said.js';

export interface ConnectorFactsProps {
  connector: Connector;
  tracking: Tracking | undefined;
}

export function ConnectorFacts({ connector, tracking }: ConnectorFactsProps) {
  const { provider, apiUrl, connectivity, group, tags, scope, revision, knownHosts } = connector;
  return (
    <Panel title="Facts">
      <Facts
        facts={[
          ['Scope', nameOf(scope)],
          ['Host', provider],
          apiUrl === null ? undefined : ['API address', apiUrl],
          ['Connectivity', connectivity],
          connectivity === 'delegate' ? ['Delegates', group ?? 'Any within reach'] : undefined,
          tags.length === 0 ? undefined : ['Tags', tags.join(', ')],
          ['Credential', describeCredential(connector.credential)],
          knownHosts === null ? undefined : ['Known hosts', countKeys(knownHosts)],
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

function countKeys(knownHosts: string): string {
  const keys = knownHosts.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')).length;
  return keys === 1 ? 'One key' : `${keys} keys`;
}
