// Asks every route of moves in one scope, with every kind of answer.
import { randomUUID } from 'node:crypto';
import { type Api, eventually } from './api.js';

/** What was answered with another status than it should be. */
export async function askOfMoves(api: Api, scope: string): Promise<string[]> {
  const faults: string[] = [];
  const ask = async (status: number, ...request: Parameters<Api['request']>) => {
    const answer = await api.request(...request);
    if (answer.status !== status) faults.push(`${request[0]} ${request[1]}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const moves = `${scope}/moves`;
  const folder = `moves-${scope.split('/').length}`;
  const git = { connector: 'direct', branch: 'main', path: `${folder}/a.yaml` };
  await ask(201, 'PUT', `${scope}/entities/pipeline/moving`, { yaml: 'name: moving\n', git });
  const entities = [{ kind: 'pipeline', id: 'moving' }];
  const to = { store: 'git', connector: 'direct', branch: 'main', path: `${folder}/b.yaml` };
  const wait = { prefer: 'wait=30' };
  await ask(200, 'POST', moves, { entities, to, dryRun: true });
  await ask(400, 'POST', moves, { to });
  await ask(404, 'POST', moves, { entities, to: { ...to, connector: 'none' } });
  await ask(409, 'POST', moves, { entities: [{ kind: 'pipeline', id: 'none' }], to });
  const { id, operations } = await ask(200, 'POST', moves, { entities, to }, wait);
  const { id: later } = await ask(
    202,
    'POST',
    moves,
    { entities, to: { ...to, path: `${folder}/c.yaml` } },
    { prefer: 'wait=0' },
  );
  await ask(200, 'GET', `${scope}/operations/${operations?.[0]}`);
  await ask(200, 'GET', `${moves}/${id}`);
  await ask(200, 'GET', `${moves}/${later}/entities?limit=1&state=adding`);
  await ask(200, 'GET', `${moves}/${id}/entities`);
  await ask(400, 'GET', `${moves}/${id}/entities?cursor=.`);
  await ask(404, 'GET', `${moves}/${randomUUID()}/entities`);
  await ask(404, 'GET', `${moves}/${randomUUID()}`);
  await ask(200, 'GET', `${moves}?connector=direct&limit=1`);
  await eventually(
    async () => (await api.ok('GET', `${moves}/${later}`)).state === 'done',
    'the move to be done',
  );
  await ask(200, 'DELETE', `${scope}/entities/pipeline/moving`);
  return faults;
}
