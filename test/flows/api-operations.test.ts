// Operations over HTTP: what became of each, how long a request waits for its own, and keys that make a retry harmless.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import { fileAt, git, head, pushForeign } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';

/** Nobody ever listens on this port: connections are refused. */
const NOWHERE = 'http://127.0.0.1:1/x.git';

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into freely
type Json = any;

const into = { connector: 'direct', branch: 'main' };
const QUERY = 'connector=direct&branch=main';

/** The id that Git gives these bytes. */
const blobOf = (text: string): string =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');

describe.each(oneBackend)('on the %s servers', (backend) => {
  let stack: Stack;
  let api: DocumentedApi;

  beforeAll(async () => {
    stack = await Stack.start(backend, { delegates: 0 });
    api = await DocumentedApi.open(stack.api);
    for (const scope of ['orgs/other', 'orgs/waits']) await api.ok('PUT', `accounts/demo/${scope}`, {});
  });
  afterAll(() => stack.stop());

  describe('operations', () => {
    const scope = 'accounts/demo/orgs/waits';
    const save = (id: string, yaml: string, git_: object, headers: Record<string, string> = {}) =>
      api.request('PUT', `${scope}/entities/pipeline/${id}`, { yaml, git: git_ }, headers);
    const list = (query = ''): Promise<Json> => api.ok('GET', `${scope}/operations?${query}`);
    const made: Record<string, string> = {};

    beforeAll(async () => {
      await api.ok('PUT', `${scope}/connectors/nowhere`, { url: NOWHERE, connectivity: 'manager' });
      made.succeeded = (await save('fine', 'name: fine\n', into)).body.operationId;
      await pushForeign(stack.foreignUrl, { 'waits/pipelines/fine.yaml': 'name: theirs\n' });
      made.conflict = (await save('fine', 'name: ours\n', into)).body.operationId;
      made.failed = (await save('lost', 'name: x\n', { ...into, branch: 'no-branch' })).body.operationId;
      const nowhere = { connector: 'nowhere', branch: 'main' };
      made.pending = (await save('stuck', 'name: stuck\n', nowhere, { prefer: 'wait=0' })).body.id;
    });

    it('are listed from the newest on', async () => {
      const { operations, nextCursor } = await list();
      expect(operations.map(({ id, state }: Json) => [state, id])).toEqual(
        ['pending', 'failed', 'conflict', 'succeeded'].map((state) => [state, made[state]]),
      );
      expect(nextCursor).toBeNull();
    });

    it.each(['pending', 'succeeded', 'conflict', 'failed'])('are filtered by the state %s', async (state) => {
      const { operations } = await list(`state=${state}`);
      expect(operations.map(({ id }: Json) => id)).toEqual([made[state]]);
    });

    it.each([
      ['entity=fine', ['conflict', 'succeeded']],
      ['kind=pipeline&entity=stuck', ['pending']],
      ['kind=service', []],
      ['connector=direct&branch=main', ['conflict', 'succeeded']],
      ['branch=no-branch', ['failed']],
      ['connector=nowhere&state=failed', []],
      ['connector=nowhere&state=pending&limit=1', ['pending']],
    ])('are filtered by %s', async (query, states) => {
      const { operations, nextCursor } = await list(query);
      expect(operations.map(({ id }: Json) => id)).toEqual(states.map((state) => made[state]));
      expect(nextCursor).toBeNull();
    });

    it.each(['entity=no/id', 'branch=..', 'kind=', 'author=ann'])('are not filtered by %s', async (query) => {
      const answer = await api.request('GET', `${scope}/operations?${query}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID']);
    });

    it('come in pages that hold each of them once, while new ones are made', async () => {
      const seen: string[] = [];
      for (let cursor: string | null = '', page = 0; cursor !== null; page++) {
        const found: Json = await list(`limit=1${cursor && `&cursor=${cursor}`}`);
        seen.push(...found.operations.map(({ id }: Json) => id));
        cursor = found.nextCursor;
        if (page === 1) await save('newer', 'name: newer\n', into);
      }
      expect(seen).toEqual([made.pending, made.failed, made.conflict, made.succeeded]);
    });

    it('tell what became of each, with its content', async () => {
      const read = (state: string) => api.ok('GET', `${scope}/operations/${made[state]}`);
      expect(await read('succeeded')).toMatchObject({
        scope,
        action: 'save',
        kind: 'pipeline',
        entity: 'fine',
        state: 'succeeded',
        yaml: 'name: fine\n',
        problem: null,
        git: { ...into, path: 'waits/pipelines/fine.yaml', blobId: blobOf('name: fine\n') },
        finishedAt: expect.any(String),
      });
      expect(await read('conflict')).toMatchObject({
        yaml: 'name: ours\n',
        git: { commitId: null, blobId: null },
        problem: {
          code: 'ENTITY_CONFLICT',
          operationId: made.conflict,
          versions: { theirs: { yaml: 'name: theirs\n' } },
        },
      });
      expect(await read('failed')).toMatchObject({
        yaml: 'name: x\n',
        problem: { code: 'GIT_REF_NOT_FOUND' },
      });
      expect(await read('pending')).toMatchObject({ yaml: 'name: stuck\n', problem: null, finishedAt: null });
    });

    it.each(['accounts/demo', 'accounts/demo/orgs/other'])('are not found from %s', async (other) => {
      for (const id of Object.values(made)) {
        const answer = await api.request('GET', `${other}/operations/${id}`);
        expect(answer.status).toBe(404);
        expect(answer.body.code).toBe('NOT_FOUND');
      }
    });

    it('that is unknown is not found, and what is no id is refused', async () => {
      const unknown = await api.request('GET', `${scope}/operations/8c0e8a2c-14e4-4b4f-9d6b-0c54e0c5a111`);
      expect(unknown.status).toBe(404);
      for (const id of ['1', 'x', '%00', "'%20or%201=1", made.pending?.slice(1)])
        expect((await api.request('GET', `${scope}/operations/${id}`)).status).toBe(400);
    });
  });

  describe('Prefer', () => {
    const save = (id: string, prefer: string) => api.save(id, `name: p${prefer.length}\n`, into, { prefer });

    it.each(['wait=0', 'respond-async', 'WAIT = "0"', 'handling=lenient, wait=0; x=y'])(
      '%s does not wait: 202, and the operation at its Location',
      async (prefer) => {
        const answer = await save('prefers', prefer);
        expect(answer.status).toBe(202);
        const location = answer.headers.get('location') as string;
        expect(location).toBe(`/api/v1/accounts/demo/operations/${answer.body.id}`);
        expect((await api.ended(answer.body.id)).state).toBe('succeeded');
        expect((await api.ok('GET', location.replace('/api/v1/', ''))).id).toBe(answer.body.id);
      },
    );

    it.each([
      'wait=20',
      'respond-async, wait=20',
      'wait=999999',
      'wait=abc',
      'wait=-1',
      'wait=1e9',
      'return=minimal',
      '',
    ])('%j waits for the commit', async (prefer) => {
      const answer = await save('waits', prefer);
      expect(answer.status, answer.text).toBeLessThan(202);
      expect(git(stack.repository, 'merge-base', '--is-ancestor', answer.body.git.commitId, 'main')).toBe('');
    });

    it('bounds the wait, not the work', async () => {
      const begun = Date.now();
      const git_ = { connector: 'nowhere', branch: 'main' };
      const answer = await api.request(
        'PUT',
        'accounts/demo/orgs/waits/entities/pipeline/bounded',
        { yaml: 'name: x\n', git: git_ },
        { prefer: 'wait=1' },
      );
      expect(answer.status).toBe(202);
      expect(Date.now() - begun).toBeGreaterThanOrEqual(950);
      expect(Date.now() - begun).toBeLessThan(10_000);
      const { state } = await api.ok('GET', `accounts/demo/orgs/waits/operations/${answer.body.id}`);
      expect(state).toBe('pending');
    });
  });

  describe('an idempotency key', () => {
    const file = `accounts/demo/entities/pipeline/keyed?${QUERY}`;
    const count = (): number => Number(git(stack.repository, 'rev-list', '--count', 'main'));

    it('gives a retry of the bare file the same answer and no second commit', async () => {
      const key = { 'idempotency-key': `${'k'.repeat(254)}~` };
      const first = await api.request('PUT', file, 'name: keyed\n', key);
      await api.request('PUT', file, 'name: meanwhile\n');
      const before = count();
      const retry = await api.request('PUT', file, 'name: keyed\n', key);
      expect(retry.status).toBe(201);
      expect(retry.body).toEqual(first.body);
      expect(retry.headers.get('etag')).toBe(first.headers.get('etag'));
      expect(count()).toBe(before);
      expect(fileAt(stack.repository, 'pipelines/keyed.yaml')).toBe('name: meanwhile\n');
    });

    it.each<[string, Parameters<DocumentedApi['request']>]>([
      ['another body', ['PUT', file, 'name: other\n']],
      ['the same body with other line ends', ['PUT', file, 'name: first\r\n']],
      ['another address', ['PUT', file.replace('keyed', 'another'), 'name: first\n']],
      ['another query', ['PUT', `${file}&message=x`, 'name: first\n']],
      ['another method', ['DELETE', 'accounts/demo/entities/pipeline/keyed?branch=main']],
      [
        'another form',
        ['PUT', 'accounts/demo/entities/pipeline/keyed', { yaml: 'name: first\n', git: into }],
      ],
      ['a condition', ['PUT', file, 'name: first\n', { 'if-none-match': '*' }]],
    ])(
      'with %s is another request: 422, and nothing is written',
      async (name, [method, address, body, more]) => {
        const key = { 'idempotency-key': `used-${name.length}` };
        await api.request('PUT', file, 'name: first\n', key);
        const before = head(stack.repository);
        const answer = await api.request(method, address, body, { ...key, ...more });
        expect(answer.status, answer.text).toBe(422);
        expect(answer.body.code).toBe('IDEMPOTENCY_KEY_REUSED');
        expect(head(stack.repository)).toBe(before);
      },
    );

    it('gives the same refusal to a retry of what was refused by Git', async () => {
      const key = { 'idempotency-key': 'refused' };
      const nowhere = { connector: 'direct', branch: 'no-such-branch' };
      const first = await api.save('refused', 'name: x\n', nowhere, key);
      const retry = await api.save('refused', 'name: x\n', nowhere, key);
      expect(first.body.code).toBe('GIT_REF_NOT_FOUND');
      expect(retry.body).toEqual(first.body);
    });

    it('is not used up by a request that was refused at the door', async () => {
      const key = { 'idempotency-key': 'door' };
      expect((await api.request('PUT', file, '- no mapping\n', key)).status).toBe(422);
      expect((await api.request('PUT', file, 'name: mapping\n', key)).status).toBe(200);
    });

    it('makes a retried deletion harmless', async () => {
      const key = { 'idempotency-key': 'deletion' };
      const address = 'accounts/demo/entities/pipeline/keyed?branch=main';
      const first = await api.request('DELETE', address, undefined, key);
      expect(first.status).toBe(200);
      const before = count();
      expect((await api.request('DELETE', address, undefined, key)).body).toEqual(first.body);
      expect(count()).toBe(before);
    });
  });

  it('nothing of this was a fault of Sallyport’s own', () => {
    expect(stack.logs()).not.toContain('unexpected fault');
  });
});
