// The route that cancels an operation: of one that has ended, of none, and of one that waits.
import { randomUUID } from 'node:crypto';
import type { DocumentedApi } from './documented-api.js';

/** Nobody ever listens on this port: connections are refused. */
const NOWHERE = 'http://127.0.0.1:1/x.git';

/** The statuses, in this order. */
export async function cancelOf(api: DocumentedApi, scope: string, ended: string): Promise<number[]> {
  await api.ok('PUT', `${scope}/connectors/away`, { url: NOWHERE, connectivity: 'manager' });
  const body = { yaml: 'name: away\n', git: { connector: 'away', branch: 'main' } };
  const waiting = await api.ok('PUT', `${scope}/entities/pipeline/away`, body, { prefer: 'wait=0' });
  const statuses: number[] = [];
  for (const id of [ended, randomUUID(), waiting.id])
    statuses.push((await api.request('POST', `${scope}/operations/${id}/cancel`)).status);
  await api.ok('DELETE', `${scope}/connectors/away`);
  return statuses;
}
