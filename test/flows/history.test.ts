// The history of an entity through the API, over either road, and its versions.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api, Json } from '../support/api.js';
import { git, gitOverNetwork, head, pushForeign } from '../support/repository.js';
import { connectorOf, roads, Stack } from '../support/stack.js';

let stack: Stack;
let api: Api;
beforeAll(async () => {
  stack = await Stack.start('embedded');
  api = stack.api;
});
afterAll(() => stack.stop());

const entity = (id: string): string => `accounts/demo/entities/pipeline/${id}`;
const file = (id: string): string => `pipelines/${id}.yaml`;
const logOf = (id: string, branch = 'main'): string[] =>
  git(stack.repository, 'log', '--format=%H', branch, '--', file(id)).split('\n').filter(Boolean);
const idsOf = ({ commits }: Json): string[] => commits.map(({ commitId }: Json) => commitId);

describe.each(roads)('with connectivity %s', (road) => {
  const id = `told-${road}`;
  const save = async (yaml: string, more: object = {}): Promise<Json> => {
    const saved = await api.save(id, yaml, { connector: connectorOf[road], branch: 'main', ...more });
    expect(saved.status, saved.text).toBeLessThan(202);
    return saved.body;
  };

  it('tells who changed an entity, when, how, and by which operation', async () => {
    const author = { name: 'Ada Lovelace', email: 'ada@example.org' };
    const first = await save('name: one\n', { message: 'Begin', author });
    const foreign = await pushForeign(stack.foreignUrl, { [file(id)]: 'name: two\n' });
    await pushForeign(stack.foreignUrl, { 'elsewhere.yaml': `${road}\n` });
    const history = await api.ok('GET', `${entity(id)}/history`);
    expect(history).toMatchObject({
      kind: 'pipeline',
      id,
      connector: connectorOf[road],
      branch: 'main',
      path: file(id),
      nextCursor: null,
    });
    expect(idsOf(history)).toEqual(logOf(id));
    const [two, one] = history.commits;
    expect(one).toMatchObject({
      commitId: first.git.commitId,
      what: 'added',
      blobId: first.blobId,
      previousBlobId: null,
      merge: false,
      author,
      committer: { name: expect.stringMatching(/./), email: expect.stringMatching(/@/) },
      message: expect.stringMatching(/^Begin\n\nSallyport-Operation: /),
      messageCut: false,
      operationId: first.operationId,
      pullRequest: null,
    });
    expect(two).toMatchObject({
      commitId: foreign,
      parentId: first.git.commitId,
      what: 'changed',
      previousBlobId: first.blobId,
      author: { name: 'Somebody Else', email: 'else@example.org' },
      committer: null,
      message: 'A change by somebody else\n',
      operationId: null,
    });
    expect(new Date(two.committedAt).getTime()).toBeGreaterThan(Date.now() - 600_000);
    const { to } = await api.ok('GET', `${entity(id)}/compare?from=${two.parentId}&to=${two.commitId}`);
    expect(to.blobId).toBe(two.blobId);
  });

  it('comes in pages, and no cursor is good for another entity', async () => {
    const expected = logOf(id);
    const page = await api.ok('GET', `${entity(id)}/history?limit=1`);
    const rest = await api.ok('GET', `${entity(id)}/history?limit=1&cursor=${page.nextCursor}`);
    expect([...idsOf(page), ...idsOf(rest)]).toEqual(expected);
    expect(page.searchedTo).toBe(expected[0]);
    await api.save(`other-${road}`, 'name: other\n', { connector: connectorOf[road], branch: 'main' });
    const other = `${entity(`other-${road}`)}/history?cursor=${page.nextCursor}`;
    expect(await api.request('GET', other)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', detail: expect.stringContaining('cursor') },
    });
  });

  it('reads each version as it was', async () => {
    const [two, one] = (await api.ok('GET', `${entity(id)}/history`)).commits;
    for (const [version, yaml] of [
      [two, 'name: two\n'],
      [one, 'name: one\n'],
    ]) {
      const read = await api.request('GET', `${entity(id)}?commit=${version.commitId}`);
      expect(read.status, read.text).toBe(200);
      expect(read.headers.get('etag')).toBe(`"${version.blobId}"`);
      expect(read.body).toMatchObject({ yaml, blobId: version.blobId, git: { commitId: version.commitId } });
    }
    const [root] = git(stack.repository, 'rev-list', '--max-parents=0', 'main').trim().split('\n');
    expect((await api.request('GET', `${entity(id)}?commit=${root}`)).status).toBe(404);
  });

  it('is that of a branch, also of one without a copy', async () => {
    const branch = `side-${road}`;
    git(stack.repository, 'branch', branch, 'main');
    const commit = await pushForeign(stack.foreignUrl, { [file(id)]: 'name: side\n' }, branch);
    const history = await api.ok('GET', `${entity(id)}/history?branch=${branch}&limit=1`);
    expect(history).toMatchObject({ branch, path: file(id), commits: [{ commitId: commit }] });
    const { nextCursor: cursor } = history;
    const rest = await api.ok('GET', `${entity(id)}/history?branch=${branch}&cursor=${cursor}`);
    expect(idsOf(rest)).toEqual(logOf(id));
    expect(await api.request('GET', `${entity(id)}/history?branch=nowhere`)).toMatchObject({
      status: 422,
      body: { code: 'GIT_REF_NOT_FOUND' },
    });
  });
});

it('a trailer that somebody else wrote names no operation', async () => {
  const saved = await api.save('forged', 'name: one\n', { connector: 'direct', branch: 'main' });
  const clone = `${stack.home}/forging`;
  git(stack.home, 'clone', '-q', stack.repository, clone);
  git(clone, 'rm', '-q', file('forged'));
  git(clone, 'commit', '-qm', `Gone\n\nSallyport-Operation: ${saved.body.operationId}`);
  await gitOverNetwork(clone, 'push', '-q', stack.foreignUrl, 'HEAD:refs/heads/main');
  const { commits } = await api.ok('GET', `${entity('forged')}/history`);
  expect(commits.map(({ what, operationId }: Json) => [what, operationId])).toEqual([
    ['removed', null],
    ['added', saved.body.operationId],
  ]);
  expect(commits[0]).toMatchObject({ commitId: head(stack.repository), blobId: null });
});

it('an entity without Git has none, and neither has one that is not there', async () => {
  await api.ok('PUT', entity('kept'), { yaml: 'name: kept\n', store: 'inline' });
  for (const query of ['kept/history', `kept?commit=${'0'.repeat(40)}`])
    expect(await api.request('GET', entity(query))).toMatchObject({
      status: 409,
      body: { code: 'ENTITY_INLINE', hint: expect.stringContaining('move it to Git') },
    });
  expect((await api.request('GET', entity('nobody/history'))).status).toBe(404);
});

it.each([
  'history?limit=0',
  'history?cursor=x',
  `history?cursor=${'A'.repeat(10_000)}`,
  'history?path=a.yaml',
  'history?branch=..',
])('asking for %s is refused', async (query) => {
  const { status, body } = await api.request('GET', `${entity('forged')}/${query}`);
  expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
});

it.each(['commit=main', `commit=${'0'.repeat(40)}&branch=main`, `commit=${'0'.repeat(40)}&freshness=verify`])(
  'reading with %s is refused',
  async (query) => {
    const { status, body } = await api.request('GET', `${entity('forged')}?${query}`);
    expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
  },
);

it('a commit that is not there is said not to be there', async () => {
  const { status, body } = await api.request('GET', `${entity('forged')}?commit=${'0'.repeat(40)}`);
  expect([status, body.code]).toEqual([422, 'GIT_OBJECT_NOT_FOUND']);
});
