// A save that opens a pull request: the host's API beside the real repository, by either road.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer, type Reply } from '../support/host-servers/host-server.js';
import { openingsOf, refusePulls, tellOfPull } from '../support/host-servers/pulls-at-host.js';
import { RepositoryState } from '../support/host-servers/repository-state.js';
import { setOut } from '../support/on-the-way.js';
import { acmeRepository } from '../support/pull-routes.js';
import { fileAt, git, pushForeign, trailers } from '../support/repository.js';
import { type Road, roads, Stack } from '../support/stack.js';
import { webhooksOf } from '../support/webhook-sender.js';
import { describePullsAtHosts } from './pull-requests-at-hosts.js';

const token = '0123456789abcdef0123456789abcdef01234567';
const demo = 'accounts/demo';

let stack: Stack;
let server: HostServer;
let host: RepositoryState;
let repository: string;
let named = 0;

beforeAll(async () => {
  server = await HostServer.start(giteaDialect(token));
  stack = await Stack.start('embedded', {
    passwords: { manager: token, delegate: token },
    settings: { SALLYPORT_POLL_FAST_SECONDS: '3600', SALLYPORT_PULLS_POLL_SECONDS: '1' },
  });
  repository = acmeRepository(stack);
  for (const road of roads) await putConnector(road);
  // One for all tests: its numbers are those of rows.
  host = new RepositoryState(repository);
  server.state = host;
});
beforeEach(() => {
  server.requests.length = 0;
  server.instead = undefined;
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const connectorOf = (road: Road): string => `app-${road}`;
const url = (): string => `${stack.host.url}/acme/app.git`;
const putConnector = (road: Road): Promise<Json> => {
  const { username } = stack.accounts[road];
  const secret = road === 'manager' ? 'git-direct' : 'git-delegated';
  return stack.api.ok('PUT', `${demo}/connectors/${connectorOf(road)}`, {
    url: url(),
    connectivity: road,
    provider: 'gitea',
    apiUrl: server.url,
    credential: { username, secret },
  });
};
/** Names nothing else has. */
const fresh = (): { id: string; branch: string } => ({ id: `e${(named += 1)}`, branch: `topic/${named}` });
const find = (id: string, branch = 'main'): Promise<Json> =>
  stack.api
    .request('GET', `${demo}/entities/pipeline/${id}?branch=${branch}`)
    .then(({ status, body }) => (status === 200 ? body : null));
const get = (id: string): Promise<Json> => stack.api.ok('GET', `${demo}/pull-requests/${id}`);
const until = (id: string, state: string): Promise<Json> =>
  eventually(async () => {
    const pull = await get(id);
    return pull.state === state && pull;
  }, `${id} to be ${state}`);
/** Once so many can be read: transactions of others in the same server hold events back for a moment. */
const told = (id: string, atLeast: number): Promise<string[]> =>
  eventually(async () => {
    const all = await stack.api.ok('GET', `${demo}/events?after=start&limit=1000&types=pull-request.*`);
    const found = all.events.filter((one: Json) => one.data.id === id);
    const types = found.map((one: Json) => one.type.replace('sallyport.pull-request.', ''));
    return types.length >= atLeast && types;
  }, `${atLeast} events about ${id}`);
/** Changes the row behind everybody’s back. */
const put = (id: string, change: string): Promise<unknown> =>
  sql(stack.databaseUrl, `update pull_request set ${change} where id = '${id}'`);
const refuse = (reply: Reply): void => refusePulls(server, reply);
const posts = (branch: string) => openingsOf(server, branch);
const save = (
  { id, branch, ...more }: { id: string; branch: string; [field: string]: unknown },
  pullRequest: object | undefined,
  { road = 'manager', headers = {} }: { road?: Road; headers?: Record<string, string> } = {},
): Promise<Answer> => {
  const place = { connector: connectorOf(road), branch, newBranchFrom: 'main' };
  return stack.api.save(id, `name: ${id}\n`, { ...place, pullRequest, ...more }, headers);
};

describe.each(roads)('with connectivity %s', (road) => {
  it('brings branch, commit and request into being with one call', async () => {
    const { id, branch } = fresh();
    const wish = { title: 'Please', body: 'As agreed.\n', draft: true, reviewers: ['grace', 'nobody'] };
    const saved = await save({ id, branch }, wish, { road });
    expect(saved.status, saved.text).toBe(201);
    expect(saved.headers.get('location')).toBeNull();
    expect(fileAt(repository, `pipelines/${id}.yaml`, branch)).toBe(`name: ${id}\n`);
    const { pullRequest } = saved.body;
    expect(pullRequest).toEqual({
      id: expect.any(String),
      scope: demo,
      state: 'open',
      number: expect.any(Number),
      webUrl: `https://gitea.example/acme/app/pulls/${pullRequest.number}`,
      into: 'main',
      draft: true,
      created: true,
      reviewersRefused: ['nobody'],
      problem: null,
    });
    const asked = { head: branch, base: 'main', body: 'As agreed.\n', draft: true, reviewers: ['grace'] };
    expect(host.pulls.filter(({ head }) => head === branch)).toMatchObject([asked]);
    const operation = await stack.api.ok('GET', `${demo}/operations/${saved.body.operationId}`);
    expect(operation.pullRequest).toEqual(pullRequest);
    const { commits } = await stack.api.ok('GET', `${demo}/entities/pipeline/${id}/history?branch=${branch}`);
    const { id: opened, number, webUrl } = pullRequest;
    expect(commits).toMatchObject([
      { operationId: operation.id, pullRequest: { id: opened, number, webUrl, state: 'open' } },
    ]);
    expect(await get(pullRequest.id)).toMatchObject({
      title: 'Please',
      branch,
      connector: connectorOf(road),
    });
    expect(await told(pullRequest.id, 1)).toEqual(['opened']);
  });

  it('shows on main what was merged, and tells of it, although nobody said so', async () => {
    const { id, branch } = fresh();
    const other = await setOut(stack, connectorOf(road === 'manager' ? 'delegate' : 'manager'));
    const { body } = await save({ id, branch }, {}, { road });
    expect(await find(id)).toBeNull();
    const commit = host.merge(body.pullRequest.number);
    expect(await until(body.pullRequest.id, 'merged')).toMatchObject({ mergeCommit: commit });
    const copy = await eventually(async () => (await find(id)) ?? undefined, `${id} on main`);
    expect(copy).toMatchObject({ yaml: `name: ${id}\n`, git: { commitId: commit, branch: 'main' } });
    expect(await other.overtaken()).toEqual([`pipelines/${id}.yaml`]);
    await other.end();
    expect(await told(body.pullRequest.id, 2)).toEqual(['opened', 'merged']);
  });
});

describe('the same branches', () => {
  it('have one request, whatever is saved again, and by a retry the same answer', async () => {
    const { id, branch } = fresh();
    const key = { headers: { 'idempotency-key': `key-${id}` } };
    const first = await save({ id, branch }, {}, key);
    const again = await save({ id, branch }, {}, key);
    expect(again.body).toEqual(first.body);
    const second = await save({ id, branch, newBranchFrom: undefined, path: undefined }, {});
    expect(second.status, second.text).toBe(200);
    const { pullRequest } = first.body;
    expect(second.body.pullRequest).toEqual({ ...pullRequest, created: false });
    expect(posts(branch)).toHaveLength(1);
    expect(await told(pullRequest.id, 1)).toEqual(['opened']);
  });

  it('are found open where somebody on the host was first', async () => {
    const { id, branch } = fresh();
    await stack.api.save(id, 'name: first\n', { connector: 'app-manager', branch, newBranchFrom: 'main' });
    const theirs = host.add({ title: 'Theirs', body: '', head: branch, base: 'main', draft: false });
    const { body } = await save({ id, branch, newBranchFrom: undefined }, { into: 'main' });
    expect(body.pullRequest).toMatchObject({ number: theirs.number, created: false, state: 'open' });
    expect(posts(branch)).toEqual([]);
  });

  it('are those of the default branch where nobody says into what', async () => {
    const { id, branch } = fresh();
    git(repository, 'branch', branch, 'main');
    const place = { id, branch, newBranchFrom: undefined };
    const { body } = await save(place, {});
    expect(body.pullRequest).toMatchObject({ into: 'main', state: 'open', created: true });
    const { body: other } = await save({ ...place, id: `${id}b` }, { into: 'main' });
    expect(other.pullRequest.id).toBe(body.pullRequest.id);
    expect(posts(branch)).toHaveLength(1);
  });

  it('get another request where theirs is over by now, known or not', async () => {
    const { id, branch } = fresh();
    const { body } = await save({ id, branch }, {});
    await put(body.pullRequest.id, `due_at = now() + interval '1 hour'`);
    host.merge(body.pullRequest.number);
    const next = await save({ id: `${id}b`, branch, newBranchFrom: undefined }, { title: 'Next' });
    expect(next.body.pullRequest).toMatchObject({ state: 'open', created: true });
    expect(next.body.pullRequest.number).toBeGreaterThan(body.pullRequest.number);
    expect(await get(body.pullRequest.id)).toMatchObject({ state: 'merged' });
    expect(host.pull(next.body.pullRequest.number)).toMatchObject({ title: 'Next', head: branch });
  });
});

it('is asked for in the query as well, also with a deletion', async () => {
  const { id, branch } = fresh();
  const wish = 'pullRequest=true&pullRequestTitle=By%20query&pullRequestReviewers=grace,linus';
  const place = `connector=app-manager&branch=${encodeURIComponent(branch)}`;
  const address = `${demo}/entities/pipeline/${id}`;
  const saved = await stack.api.request('PUT', `${address}?${place}&newBranchFrom=main&${wish}`, 'name: q\n');
  expect(saved.body.pullRequest, saved.text).toMatchObject({ state: 'open', into: 'main' });
  expect(host.pull(saved.body.pullRequest.number)).toMatchObject({
    title: 'By query',
    reviewers: ['grace', 'linus'],
  });
  const about = `branch=${encodeURIComponent(branch)}&pullRequest=true`;
  const deleted = await stack.api.request('DELETE', `${address}?${about}`);
  expect(deleted.status, deleted.text).toBe(200);
  expect(deleted.body.pullRequest.id).toBe(saved.body.pullRequest.id);
});

describe('a request that cannot be opened', () => {
  it('leaves the commit on its branch, says why, and is tried again', async () => {
    const { id, branch } = fresh();
    git(repository, 'branch', branch, 'main');
    await stack.api.save(id, 'name: same\n', { connector: 'app-manager', branch: 'main' });
    git(repository, 'update-ref', `refs/heads/${branch}`, 'main');
    const saved = await stack.api.save(id, 'name: same\n', {
      connector: 'app-manager',
      branch,
      path: `pipelines/${id}.yaml`,
      pullRequest: { into: 'main' },
    });
    expect(saved.status, saved.text).toBe(201);
    const { pullRequest } = saved.body;
    expect(pullRequest).toMatchObject({
      state: 'failed',
      number: null,
      problem: { code: 'HOST_API_NO_CHANGES', hint: expect.stringMatching(/./) },
    });
    expect(await told(pullRequest.id, 1)).toEqual(['failed']);
    await pushForeign(url().replace('://', `://guest:${stack.accounts.guest.password}@`), { a: 'b' }, branch);
    const { headers } = await stack.api.request('POST', `${demo}/pull-requests/${pullRequest.id}/retry`);
    expect(headers.get('location')).toBe(`/api/v1/${demo}/pull-requests/${pullRequest.id}`);
    expect(await until(pullRequest.id, 'open')).toMatchObject({ problem: null, created: true });
    expect(await told(pullRequest.id, 2)).toEqual(['failed', 'opened']);
  });

  /** It takes its time: a branch that was just pushed may not be seen yet. */
  let missing: Promise<Answer>;
  beforeAll(() => {
    missing = save(fresh(), { into: 'gone' });
  });

  it.each<[string, () => void, string]>([
    ['may not be', () => refuse({ status: 403, json: { message: 'token lacks a scope' } }), 'FORBIDDEN'],
    ['is into a protected branch', () => void host.locked.add('main'), 'PROTECTED'],
    ['is into a branch that is gone', () => undefined, 'BRANCH_MISSING'],
  ])('because it %s', async (what, prepare, code) => {
    const { id, branch } = fresh();
    prepare();
    const saved = await (what.includes('gone') ? missing : save({ id, branch }, {}));
    host.locked.clear();
    expect(saved.status, saved.text).toBe(201);
    expect(saved.body.pullRequest.problem.code).toBe(`HOST_API_${code}`);
    expect(saved.body.pullRequest.state).toBe('failed');
    const { path: file, branch: on } = saved.body.git;
    expect(fileAt(repository, file, on)).not.toBeNull();
  });

  it('waits as long as the host asks for, and the caller learns where to look', async () => {
    const { id, branch } = fresh();
    refuse({ status: 429, json: { message: 'slow down' }, headers: { 'retry-after': '10' } });
    const saved = await save({ id, branch }, {}, { headers: { prefer: 'wait=4' } });
    expect(saved.status, saved.text).toBe(201);
    const { pullRequest } = saved.body;
    expect(pullRequest).toMatchObject({ state: 'wanted', number: null, created: null });
    expect(saved.headers.get('location')).toBe(`/api/v1/${demo}/pull-requests/${pullRequest.id}`);
    await eventually(async () => posts(branch).length > 0, 'the host to be asked');
    server.instead = undefined;
    expect(await until(pullRequest.id, 'open')).toMatchObject({ problem: null, created: true });
    expect(posts(branch)).toHaveLength(2);
  });

  it('is part of an operation that nobody waits for', async () => {
    const { id, branch } = fresh();
    const saved = await save({ id, branch }, { draft: true }, { headers: { prefer: 'wait=0' } });
    expect(saved.status).toBe(202);
    expect(saved.body.pullRequest).toMatchObject({ id: null, state: 'wanted', into: 'main', draft: true });
    const operation = await eventually(async () => {
      const found = await stack.api.ok('GET', `${demo}/operations/${saved.body.id}`);
      return found.pullRequest?.state === 'open' && found;
    }, 'the request of the operation');
    expect(operation).toMatchObject({ state: 'succeeded', pullRequest: { created: true, draft: true } });
  });
});

it.each<[string, object, string]>([
  ['on plain Git', { connector: 'direct', pullRequest: {} }, 'PULL_REQUESTS_UNSUPPORTED'],
  ['of a branch into itself', { pullRequest: { into: 'itself' } }, 'PULL_REQUEST_UNFIT'],
  ['with an unknown field', { pullRequest: { merge: true } }, 'REQUEST_INVALID'],
])('is refused %s, before anything is written', async (_, more, code) => {
  const newest = (): Promise<Json> => stack.api.ok('GET', `${demo}/operations?limit=1`);
  const before = await newest();
  const { body } = await save({ id: 'refused', branch: 'itself', ...more }, undefined);
  expect([body.code, body.hint]).toEqual([code, expect.stringMatching(/./)]);
  expect(host.branch('itself')).toBeUndefined();
  expect(git(stack.repository, 'for-each-ref', '--format=%(refname)').trim()).toBe('refs/heads/main');
  expect(await newest()).toEqual(before);
});

describe('an open request', () => {
  it('is closed, once, and a new save opens another one', async () => {
    const { id, branch } = fresh();
    const { body } = await save({ id, branch }, {});
    const address = `${demo}/pull-requests/${body.pullRequest.id}/close`;
    expect(await stack.api.ok('POST', address)).toMatchObject({ state: 'closed', nextCheckAt: null });
    expect(await stack.api.ok('POST', address)).toMatchObject({ state: 'closed' });
    expect(host.pull(body.pullRequest.number)?.state).toBe('closed');
    expect(await told(body.pullRequest.id, 2)).toEqual(['opened', 'closed']);
    const next = await save({ id: `${id}b`, branch, newBranchFrom: undefined }, {});
    expect(next.body.pullRequest).toMatchObject({ state: 'open', into: 'main', created: true });
  });

  it('is given up before it was opened', async () => {
    const { id, branch } = fresh();
    refuse({ status: 429, json: { message: 'slow down' }, headers: { 'retry-after': '3600' } });
    const { body } = await save({ id, branch }, {}, { headers: { prefer: 'wait=0' }, road: 'delegate' });
    const waiting = await eventually(async () => {
      const { pullRequest: pull } = await stack.api.ok('GET', `${demo}/operations/${body.id}`);
      return pull?.problem?.code === 'HOST_API_RATE_LIMITED' && get(pull.id);
    }, 'what it waits for');
    expect(Date.parse(waiting.nextCheckAt) - Date.now()).toBeGreaterThan(3_500_000);
    expect(posts(branch)).toHaveLength(1);
    await stack.api.ok('POST', `${demo}/pull-requests/${waiting.id}/close`);
    expect(await get(waiting.id)).toMatchObject({ state: 'closed', number: null });
  });

  it('is looked at when a webhook tells of it, and is open again where somebody reopened it', async () => {
    const { id, branch } = fresh();
    const { body } = await save({ id, branch }, {});
    const { number, id: pull } = body.pullRequest;
    const webhook = await stack.api.ok('PUT', `${demo}/connectors/app-manager/webhook`, {});
    const door = { url: `${stack.manager?.url}${webhook.path}`, secret: webhook.toPaste.secret.value };
    const tell = async (of: number): Promise<void> =>
      expect(await tellOfPull(door, url(), { number: of, head: branch, base: 'main' })).toBe(202);
    await put(pull, `due_at = now() + interval '1 hour'`);
    Object.assign(host.pull(number) as object, { state: 'closed' });
    await tell(9_999);
    await tell(number);
    await until(pull, 'closed');
    Object.assign(host.pull(number) as object, { state: 'open' });
    await tell(number);
    await until(pull, 'open');
    const deliveries = await webhooksOf(() => stack).processed('app-manager', 3);
    const outcomes = deliveries.map(({ outcome }) => String(outcome.kind)).toSorted();
    expect(outcomes).toEqual(['acted', 'acted', 'noted']);
    expect(await told(pull, 3)).toEqual(['opened', 'closed', 'opened']);
  });

  it('is listed with the others of its connector, page by page and by state', async () => {
    const list = `${demo}/connectors/app-manager/pull-requests`;
    const all = await stack.api.ok('GET', list);
    const first = await stack.api.ok('GET', `${list}?limit=2`);
    const second = await stack.api.ok('GET', `${list}?limit=2&cursor=${first.nextCursor}`);
    const ids = (page: Json): string[] => page.pullRequests.map((one: Json) => one.id);
    expect([...ids(first), ...ids(second)]).toEqual(ids(all).slice(0, 4));
    const merged = await stack.api.ok('GET', `${list}?state=merged`);
    expect(merged.pullRequests.length).toBeGreaterThan(0);
    expect(merged.pullRequests.every((one: Json) => one.state === 'merged')).toBe(true);
    expect((await stack.api.request('GET', `${demo}/connectors/none/pull-requests`)).status).toBe(404);
  });
});

it('leaves what was merged to the refresh where the branch is tracked', async () => {
  const tracking = `${demo}/connectors/app-manager/tracking`;
  const follows = (is: (one: Json) => boolean): Promise<unknown> =>
    eventually(async () => (await stack.api.ok('GET', tracking)).followed.some(is), 'main to be followed');
  await stack.api.ok('PUT', tracking, { branches: ['main'] });
  await follows(({ state }) => state === 'current');
  const { id, branch } = fresh();
  const { body } = await save({ id, branch }, {});
  const commit = host.merge(body.pullRequest.number);
  const copy = await eventually(async () => (await find(id)) ?? undefined, `${id} on main`);
  expect(copy.git.commitId).toBe(commit);
  await follows(({ synced }) => synced === commit);
  await stack.api.ok('DELETE', tracking);
});

it('survives a manager that is killed before and after the host opens it, and after it is merged', async () => {
  const { id, branch } = fresh();
  const headers = { 'idempotency-key': `key-${id}` };
  const ours = () => host.pulls.filter(({ head }) => head === branch);
  await stack.manager?.kill('SIGTERM');
  let victim = await stack.startManager('pull.open:before');
  const first = save({ id, branch }, {}, { headers }).catch(() => undefined);
  expect(await victim.ended()).toBe('SIGKILL');
  await first;
  const [landed] = trailers(repository, branch);
  expect(landed).toBeDefined();
  expect(ours()).toEqual([]);
  victim = await stack.startManager('pull.open:after');
  expect(await victim.ended()).toBe('SIGKILL');
  expect(ours()).toHaveLength(1);
  victim = await stack.startManager('pull.end:after');
  const { status, body } = await save({ id, branch }, {}, { headers });
  expect([status, body.pullRequest.state, body.pullRequest.created]).toEqual([201, 'open', true]);
  host.merge(body.pullRequest.number);
  expect(await victim.ended()).toBe('SIGKILL');
  await stack.startManager();
  await eventually(async () => (await find(id)) ?? undefined, `${id} on main`);
  expect(ours()).toHaveLength(1);
  expect(body.operationId).toBe(landed);
  expect(await told(body.pullRequest.id, 2)).toEqual(['opened', 'merged']);
});

describePullsAtHosts(() => stack);

it('asks the host nothing that its API does not describe', () => {
  expect(server.violations).toEqual([]);
});
