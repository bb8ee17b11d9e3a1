// Closing a pull request reaches its host, which may refuse: what is on record of it is what came of it there.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Answer, Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { acmeRepository } from '../support/pull-routes.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const TOKEN = '0123456789abcdef0123456789abcdef01234567';

let stack: Stack;
let server: HostServer;
let host: RepositoryState;

beforeAll(async () => {
  server = await HostServer.start(giteaDialect(TOKEN));
  stack = await Stack.start('embedded', { delegates: 0, passwords: { manager: TOKEN, delegate: TOKEN } });
  host = new RepositoryState(acmeRepository(stack));
  server.state = host;
  await stack.api.ok('PUT', `${SCOPE}/connectors/app`, {
    url: repository(),
    connectivity: 'manager',
    provider: 'gitea',
    apiUrl: server.url,
    credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
  });
});
afterAll(async () => {
  await stack?.stop();
  await server.stop();
});
beforeEach(() => {
  server.requests.length = 0;
  server.instead = undefined;
  server.meddle = undefined;
});

const repository = (): string => `${stack.host.url}/acme/app.git`;
const rename = (from: string, to: string): Promise<unknown> =>
  sql(stack.databaseUrl, `alter function ${from}(text, text[]) rename to ${to}`);

/** As a save has left it; nobody looks at it by itself within the hour. */
async function putRequest(number: number | null): Promise<string> {
  const id = randomUUID();
  const state = number === null ? 'wanted' : 'open';
  await sql(
    stack.databaseUrl,
    `insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, base, title, body, reviewers, draft,
       operation_id, state, number, due_at, opened_at)
     values ($1, $2, $2, 'app', $3, $1, 'main', 'Ours', '', '{}', false, 'none', $4, $5, now() + interval '1 hour', now())`,
    [id, SCOPE, repository(), state, number],
  );
  return id;
}
/** Open here and at its host. */
async function openRequest() {
  const atHost = host.add({ title: 'Ours', body: '', head: randomUUID(), base: 'main', draft: false });
  return { atHost, id: await putRequest(atHost.number) };
}
const close = (id: string): Promise<Answer> =>
  stack.api.request('POST', `${SCOPE}/pull-requests/${id}/close`);
const stateOf = async (id: string): Promise<string> =>
  (await stack.api.ok('GET', `${SCOPE}/pull-requests/${id}`)).state;
const entriesOf = async (id: string): Promise<Json[]> => {
  const { entries } = await stack.api.ok('GET', `${SCOPE}/audit?limit=1000&target=pull-requests/${id}`);
  return entries.filter(({ action }: Json) => action === 'pull-request.close');
};

const begun = { actor: { kind: 'token', name: 'admin' }, outcome: 'begun', code: null };

it('begins before the host is asked, and is done once it has closed it', async () => {
  const { id, atHost } = await openRequest();
  expect((await close(id)).body).toMatchObject({ state: 'closed' });
  expect(atHost.state).toBe('closed');
  const entries = await entriesOf(id);
  expect(entries).toMatchObject([{ outcome: 'done', data: { state: 'closed' } }, begun]);
  expect(entries[0]?.data.attempt).toBe(entries[1]?.data.attempt);
});

it('has failed where the host refuses it, with the code, and the request stays open', async () => {
  const { id, atHost } = await openRequest();
  server.instead = ({ method }) =>
    method === 'PATCH' ? { status: 403, json: { message: 'no' } } : undefined;
  const refused = await close(id);
  expect(refused.status, refused.text).toBeGreaterThanOrEqual(400);
  const entries = await entriesOf(id);
  expect(entries).toMatchObject([{ outcome: 'failed', code: refused.body.code }, begun]);
  expect(entries).toHaveLength(2);
  expect([atHost.state, await stateOf(id)]).toEqual(['open', 'open']);
  server.instead = undefined;
  expect((await close(id)).body, 'nobody holds it').toMatchObject({ state: 'closed' });
});

it('is not asked of the host while no entry can be written, and is once one can', async () => {
  const { id, atHost } = await openRequest();
  await rename('audit_append', 'audit_away');
  const refused = await close(id);
  await rename('audit_away', 'audit_append');
  expect(refused, refused.text).toMatchObject({ status: 503, body: { code: 'AUDIT_UNWRITABLE' } });
  expect([server.requests, atHost.state, await stateOf(id)]).toEqual([[], 'open', 'open']);
  expect(await entriesOf(id)).toEqual([]);
  expect((await close(id)).body).toMatchObject({ state: 'closed' });
});

it('says that somebody had merged it', async () => {
  const { id, atHost } = await openRequest();
  Object.assign(atHost, { state: 'merged' });
  expect((await close(id)).body).toMatchObject({ state: 'merged' });
  expect(await entriesOf(id)).toMatchObject([{ outcome: 'done', data: { state: 'merged' } }, begun]);
});

it('is one entry where the host has nothing to close, and none where there is nothing to do', async () => {
  const id = await putRequest(null);
  await rename('audit_append', 'audit_away');
  expect((await close(id)).body).toMatchObject({ code: 'AUDIT_UNWRITABLE' });
  await rename('audit_away', 'audit_append');
  expect(await stateOf(id)).toBe('wanted');
  for (let times = 0; times < 2; times++) expect((await close(id)).body).toMatchObject({ state: 'closed' });
  expect(await entriesOf(id)).toMatchObject([{ outcome: 'done', code: null, data: null }]);
  expect(await entriesOf(id)).toHaveLength(1);
  expect(server.requests).toEqual([]);
});
