// How long what hosts told waited to be taken up.
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { unless } from '../data/outwards.js';
import { useResource } from '../data/resource.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { SpreadChart } from './chart.js';
import { lagsOf, type Span } from './statistics.js';

const LISTED = '200';
const LOOK_MS = 30_000;

export function WebhookLag({ connectors, span }: { connectors: Connector[] | undefined; span: Span }) {
  const { data: deliveries, error } = useResource(
    connectors === undefined
      ? null
      : `deliveries to ${connectors.map(({ scope, id }) => `${scope}/${id}`).join()}`,
    async () => (await Promise.all((connectors ?? []).map(readDeliveries))).flat(),
    { everyMs: LOOK_MS },
  );
  return (
    <Panel title="Webhooks, from arrival to their processing">
      <ProblemBox error={error} />
      <SpreadChart
        slots={lagsOf(deliveries ?? [], span)}
        of="From the arrival of a webhook to its processing"
        none="No webhook came in this time"
      />
    </Panel>
  );
}

/** None of what has no webhook, or may not be looked at. */
async function readDeliveries({
  scope,
  id,
}: Connector): Promise<Schemas['WebhookDeliveryPage']['deliveries']> {
  const call = apiOf(scope).GET('/connectors/{id}/webhook/deliveries', {
    params: { path: { id }, query: { limit: LISTED } },
  });
  return (await unless(404, answer(call), 403))?.deliveries ?? [];
}
