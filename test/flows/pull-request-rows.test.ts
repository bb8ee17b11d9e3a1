// Rows of pull requests: what is read of them to show them, and what becomes of them when a connector has another repository, or
// the host has no such request any more.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PullRequestsRepository } from '../../src/pulls/pull-requests.repository.js';
import { Storage } from '../../src/storage/database.js';
import { type Answer, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { acmeRepository } from '../support/pull-routes.js';
import { Stack } from '../support/stack.js';

const demo = 'accounts/demo';
const id = '00000000-0000-4000-8000-000000000001';

const token = '0123456789abcdef0123456789abcdef01234567';

let stack: Stack;
let storage: Storage;
let server: HostServer;
let host: RepositoryState;

beforeAll(async () => {
  server = await HostServer.start(giteaDialect(token));
  stack = await Stack.start('embedded', { delegates: 0, passwords: { manager: token, delegate: token } });
  host = new RepositoryState(acmeRepository(stack));
  server.state = host;
  storage = new Storage(stack.databaseUrl);
  const saved = await stack.api.save('shown', 'name: shown\n', { connector: 'direct', branch: 'main' });
  await sql(
    stack.databaseUrl,
    `insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, title, body, reviewers, draft, operation_id)
     values ('${id}', '${demo}', '${demo}', 'direct', '${stack.repositoryUrl}', 'topic', 'Title', repeat('long ', 10000), '{}', false, '${saved.body.operationId}')`,
  );
});
afterAll(async () => {
  await storage.close();
  await stack.stop();
  await server.stop();
});
beforeEach(() => {
  server.requests.length = 0;
});

it('is not the body that was wished for, which nobody is shown', async () => {
  const requests = new PullRequestsRepository(storage);
  const { rows } = await requests.list({ scope: demo, id: 'direct' }, { limit: 10 });
  const read = [...rows, await requests.get(demo, id), ...(await requests.load([id])).values()];
  expect(read).toHaveLength(3);
  for (const row of read) {
    expect(row).toMatchObject({ id, title: 'Title' });
    expect(row).not.toHaveProperty('body');
  }
  const { pullRequests } = await stack.api.ok('GET', `${demo}/connectors/direct/pull-requests`);
  expect(pullRequests).toMatchObject([{ id, title: 'Title', state: 'wanted', branch: 'topic' }]);
});

/** A connector of its own to the host’s repository, or to another one. */
function putConnector(name: string, path = 'acme/app'): Promise<Answer> {
  const { username } = stack.accounts.manager;
  return stack.api.request('PUT', `${demo}/connectors/${name}`, {
    url: `${stack.host.url}/${path}.git`,
    connectivity: 'manager',
    provider: 'gitea',
    apiUrl: server.url,
    credential: { username, secret: 'git-direct' },
  });
}

interface Row {
  state?: string;
  number?: number | null;
  attempts?: number;
  /** From now. */
  dueInterval?: string;
  operation?: string;
  again?: object | null;
}

/** A request of the connector's, as saves and looks left it. */
async function putRow(connector: string, branch: string, row: Row = {}): Promise<string> {
  const name = randomUUID();
  const { state = 'open', number = null, attempts = 0, dueInterval = '1 hour', again = null } = row;
  await sql(
    stack.databaseUrl,
    `insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, base, title, body, reviewers, draft,
       operation_id, state, number, attempts, due_at, again, opened_at, finished_at)
     values ($1, $2, $2, $3, $4, $5, 'main', 'Ours', '', '{}', false, 'none', $6, $7, $8, now() + $9::interval, $10,
       case when $6 = 'open' then now() end, case when $6 = 'closed' then now() end)`,
    [
      name,
      demo,
      connector,
      `${stack.host.url}/acme/app.git`,
      branch,
      state,
      number,
      attempts,
      dueInterval,
      again === null ? null : JSON.stringify(again),
    ],
  );
  return name;
}
const atHost = (head: string, title = 'Ours') =>
  host.add({ title, body: '', head, base: 'main', draft: false });
const stored = async (name: string): Promise<Json> =>
  (await sql(stack.databaseUrl, `select * from pull_request where id = '${name}'`))[0];
const close = (name: string): Promise<Answer> =>
  stack.api.request('POST', `${demo}/pull-requests/${name}/close`);

describe('a connector that is to have another repository', () => {
  it('keeps the one it has while a request of it is not over', async () => {
    await putConnector('leaving');
    const { number } = atHost('leaving');
    const request = await putRow('leaving', 'leaving', { number });
    const refused = await putConnector('leaving', 'acme/other');
    expect(refused).toMatchObject({ status: 409, body: { code: 'STILL_IN_USE' } });
    expect(refused.body.detail).toContain(`the pull request ${request}`);
    expect((await close(request)).body).toMatchObject({ state: 'closed' });
    expect((await putConnector('leaving', 'acme/other')).status).toBe(200);
  });

  it('forgets what the host calls the one before, and what is to come from there', async () => {
    await putConnector('forgetful');
    await stack.api.ok('PUT', `${demo}/connectors/forgetful/webhook`, {});
    await sql(
      stack.databaseUrl,
      `update webhook set host_repository_id = '5' where connector_id = 'forgetful'`,
    );
    const request = await putRow('forgetful', 'forgetful', { number: 900, state: 'closed' });
    await sql(
      stack.databaseUrl,
      `update pull_request set state = 'merged', copies_due = true where id = '${request}'`,
    );
    expect((await putConnector('forgetful', 'acme/other')).status).toBe(200);
    const [webhook] = await sql(
      stack.databaseUrl,
      `select host_repository_id from webhook where connector_id = 'forgetful'`,
    );
    expect(webhook).toEqual({ host_repository_id: null });
    expect(await stored(request)).toMatchObject({ copies_due: false, due_at: null });
  });

  it('closes no request there that only has the number of one of the repository before', async () => {
    const stranger = atHost('strangers', 'Theirs');
    await putConnector('moved');
    const request = await putRow('moved', 'moved', { number: stranger.number });
    // As it could be done before it was refused.
    await sql(
      stack.databaseUrl,
      `update pull_request set repository = 'https://git.example/before.git' where id = '${request}'`,
    );
    expect((await close(request)).body).toMatchObject({ state: 'closed' });
    expect(stranger.state).toBe('open');
    expect(server.requests).toEqual([]);
  });

  it('has requests of its own for branches of the same names', async () => {
    await putConnector('twice');
    const before = await putRow('twice', 'twice', { number: 901 });
    await sql(
      stack.databaseUrl,
      `update pull_request set repository = 'https://git.example/before.git' where id = '${before}'`,
    );
    const place = { connector: 'twice', branch: 'twice', newBranchFrom: 'main', pullRequest: {} };
    const saved = await stack.api.save('twice', 'name: twice\n', place);
    expect(saved.body.pullRequest, saved.text).toMatchObject({ state: 'open', created: true });
    expect(saved.body.pullRequest.id).not.toBe(before);
  });
});

describe('a request that somebody deleted at the host', () => {
  it('is over, and the saves that came since have another one', async () => {
    await putConnector('deleted');
    const place = { connector: 'deleted', branch: 'deleted', newBranchFrom: 'main', pullRequest: {} };
    const first = await stack.api.save('deleted', 'name: one\n', place);
    const { id: gone, number } = first.body.pullRequest;
    // Hosts give no number twice.
    Object.assign(host.pull(number) as object, { number: 0, state: 'closed', head: 'gone' });
    const again = { connector: 'deleted', branch: 'deleted', pullRequest: {} };
    const next = await stack.api.save('deleted-too', 'name: two\n', again);
    expect(next.body.pullRequest, next.text).toMatchObject({ state: 'open', created: true });
    expect(next.body.pullRequest.id).not.toBe(gone);
    expect(await stored(gone)).toMatchObject({ state: 'closed', failure: null });
  });

  it('can be closed, and is asked about no more', async () => {
    await putConnector('absent');
    const request = await putRow('absent', 'absent', { number: 999 });
    expect((await close(request)).body).toMatchObject({ state: 'closed', nextCheckAt: null });
  });

  it('stays open while its whole repository is hidden, which a token that is mended may show again', async () => {
    await putConnector('hidden');
    server.instead = () => ({ status: 404, json: { message: 'Not Found' } });
    const request = await putRow('hidden', 'hidden', { number: 998, dueInterval: '-1 second' });
    const waiting = await eventually(async () => {
      const row = await stored(request);
      return row.failure !== null && row;
    }, 'the host to be asked');
    server.instead = undefined;
    expect(waiting).toMatchObject({ state: 'open', failure: { code: 'HOST_API_NOT_FOUND' } });
    await sql(stack.databaseUrl, `delete from pull_request where id = '${request}'`);
  });
});

it('that is given up closes nothing of its branches that somebody else opened', async () => {
  await putConnector('given-up');
  const theirs = atHost('given-up', 'Theirs');
  const one = await putRow('given-up', 'given-up', { state: 'failed', attempts: 1 });
  expect((await close(one)).body).toMatchObject({ state: 'closed' });
  expect(theirs.state).toBe('open');
  theirs.title = 'Ours';
  const other = await putRow('given-up', 'given-up', { state: 'failed', attempts: 1 });
  await close(other);
  expect(theirs.state).toBe('closed');
});

it('that many saves wish for again is known to no more than the first thousand of them', async () => {
  await putConnector('many');
  const operations = Array.from({ length: 1_000 }, () => randomUUID());
  const again = { into: 'main', title: 'T', body: '', reviewers: [], draft: false, scope: demo, operations };
  const request = await putRow('many', 'many', { number: 997, again: { ...again, requestedBy: null } });
  await sql(stack.databaseUrl, `update pull_request set claimed_until = now() + interval '1 hour'`);
  const place = { connector: 'many', branch: 'many', newBranchFrom: 'main', pullRequest: { into: 'main' } };
  await stack.api.save('many', 'name: many\n', place, { prefer: 'wait=0' });
  const row = await eventually(async () => {
    const found = await stored(request);
    return Number(found.hints) > 0 && found;
  }, 'the save to wish for it');
  expect(row.again.operations).toEqual(operations);
});
