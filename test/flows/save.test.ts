// The main road: a save through the API is a commit in a real repository, through either road, on either backend.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { fileAt, git, gitOverNetwork, head, pushForeign, trailers } from '../support/repository.js';
import { backends, connectorOf, roads, Stack } from '../support/stack.js';

describe.each(backends)('on the %s servers', (backend) => {
  let stack: Stack;
  let api: Api;
  beforeAll(async () => {
    stack = await Stack.start(backend);
    api = stack.api;
  });
  afterAll(async () => {
    await stack.assertSoundAtRest();
    await stack.stop();
  });

  describe.each(roads)('with connectivity %s', (road) => {
    const connector = connectorOf[road];
    const into = { connector, branch: 'main' };
    const name = (id: string): string => `${road}-${id}`;
    const fileOf = (id: string): string => `pipelines/${name(id)}.yaml`;

    it('makes a save a commit, and a read gives it back byte for byte', async () => {
      const yaml = '# kept: ünïcode, comments  \nname:   build\n\n...\n';
      const saved = await api.save(name('first'), yaml, into);
      expect(saved.status).toBe(201);
      expect(saved.body).toMatchObject({
        kind: 'pipeline',
        id: name('first'),
        scope: 'accounts/demo',
        yaml,
        git: {
          connector,
          connectivity: road,
          branch: 'main',
          path: fileOf('first'),
          commitId: head(stack.repository),
        },
      });
      expect(fileAt(stack.repository, fileOf('first'))).toBe(yaml);
      expect(saved.headers.get('etag')).toBe(`"${saved.body.git.blobId}"`);
      expect(git(stack.repository, 'rev-parse', `main:${fileOf('first')}`).trim()).toBe(
        saved.body.git.blobId,
      );
      expect(trailers(stack.repository)[0]).toBe(saved.body.operationId);
      const read = await api.request('GET', `accounts/demo/entities/pipeline/${name('first')}`);
      expect(read.status).toBe(200);
      expect(read.body).toMatchObject(saved.body);
      expect(read.headers.get('etag')).toBe(saved.headers.get('etag'));
    });

    it('takes the bare file with the rest in the query', async () => {
      const query = `connector=${connector}&branch=main&message=Hello+world&authorName=Ada&authorEmail=ada@example.org`;
      const saved = await api.request(
        'PUT',
        `accounts/demo/entities/pipeline/${name('bare')}?${query}`,
        'name: bare\n',
      );
      expect(saved.status).toBe(201);
      expect(fileAt(stack.repository, fileOf('bare'))).toBe('name: bare\n');
      expect(git(stack.repository, 'log', '-1', '--format=%an <%ae> %cn: %s', 'main').trim()).toBe(
        'Ada <ada@example.org> Sallyport: Hello world',
      );
    });

    it('answers 200 to an update, and 202 with the operation to who does not wait', async () => {
      const id = name('update');
      await api.save(id, 'name: one\n', into);
      expect((await api.save(id, 'name: two\n', into)).status).toBe(200);
      const later = await api.save(id, 'name: three\n', into, { prefer: 'wait=0' });
      expect(later.status).toBe(202);
      expect(later.headers.get('location')).toBe(`/api/v1/accounts/demo/operations/${later.body.id}`);
      const ended = await api.ended(later.body.id);
      expect(ended).toMatchObject({ state: 'succeeded', git: { commitId: head(stack.repository) } });
      expect(fileAt(stack.repository, fileOf('update'))).toBe('name: three\n');
    });

    it('makes no commit of what Git holds already', async () => {
      await api.save(name('same'), 'name: same\n', into);
      const before = head(stack.repository);
      const again = await api.save(name('same'), 'name: same\n', into);
      expect(again.status).toBe(200);
      expect(head(stack.repository)).toBe(before);
    });

    it('guards a save by If-Match', async () => {
      const id = name('guarded');
      const first = await api.save(id, 'name: one\n', into);
      const etag = first.headers.get('etag') as string;
      const second = await api.save(id, 'name: two\n', into, { 'if-match': etag });
      expect(second.status).toBe(200);
      const stale = await api.save(id, 'name: three\n', into, { 'if-match': etag });
      expect(stale.status).toBe(409);
      expect(stale.body).toMatchObject({
        code: 'ENTITY_CONFLICT',
        operationId: expect.any(String),
        versions: {
          base: { blobId: first.body.git.blobId },
          theirs: { blobId: second.body.git.blobId, yaml: 'name: two\n' },
          ours: { yaml: 'name: three\n' },
        },
      });
      expect(fileAt(stack.repository, fileOf('guarded'))).toBe('name: two\n');
    });

    it('creates only, with If-None-Match: *', async () => {
      const only = { 'if-none-match': '*' };
      expect((await api.save(name('new'), 'name: new\n', into, only)).status).toBe(201);
      const again = await api.save(name('new'), 'name: newer\n', into, only);
      expect(again.status).toBe(412);
      expect(again.body.code).toBe('ENTITY_EXISTS');
    });

    it('gives one answer and one commit for one idempotency key', async () => {
      const key = { 'idempotency-key': `key-${road}` };
      const before = Number(git(stack.repository, 'rev-list', '--count', 'main'));
      const answers = await Promise.all(
        [1, 2, 3].map(() => api.save(name('once'), 'name: once\n', into, key)),
      );
      answers.push(await api.save(name('once'), 'name: once\n', into, key));
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
      expect(Number(git(stack.repository, 'rev-list', '--count', 'main'))).toBe(before + 1);
      const other = await api.save(name('once'), 'name: other\n', into, key);
      expect(other.status).toBe(422);
      expect(other.body.code).toBe('IDEMPOTENCY_KEY_REUSED');
    });

    it('passes a foreign commit to other paths by, and stands on it', async () => {
      const foreign = await pushForeign(stack.foreignUrl, { [`notes-${road}.txt`]: 'mine\n' });
      const saved = await api.save(name('beside'), 'name: beside\n', into);
      expect(saved.status).toBe(201);
      expect(git(stack.repository, 'rev-parse', 'main^').trim()).toBe(foreign);
      expect(fileAt(stack.repository, `notes-${road}.txt`)).toBe('mine\n');
    });

    it('overwrites no foreign change to the same path: 409 with the three versions', async () => {
      const id = name('contested');
      const first = await api.save(id, 'name: base\n', into);
      const foreign = await pushForeign(stack.foreignUrl, { [fileOf('contested')]: 'name: theirs\n' });
      const saved = await api.save(id, 'name: ours\n', into);
      expect(saved.status).toBe(409);
      expect(saved.body.versions).toMatchObject({
        base: { blobId: first.body.git.blobId, yaml: 'name: base\n' },
        theirs: { yaml: 'name: theirs\n' },
        ours: { yaml: 'name: ours\n' },
      });
      expect(head(stack.repository)).toBe(foreign);
      const operation = await api.ok('GET', `accounts/demo/operations/${saved.body.operationId}`);
      expect(operation).toMatchObject({
        state: 'conflict',
        yaml: 'name: ours\n',
        problem: { code: 'ENTITY_CONFLICT' },
      });
      const theirs = { 'if-match': `"${saved.body.versions.theirs.blobId}"` };
      expect((await api.save(id, 'name: ours\n', into, theirs)).status).toBe(200);
      expect(fileAt(stack.repository, fileOf('contested'))).toBe('name: ours\n');
    });

    it('overwrites no file that somebody else put there first', async () => {
      await pushForeign(stack.foreignUrl, { [fileOf('squatted')]: 'name: theirs\n' });
      const saved = await api.save(name('squatted'), 'name: ours\n', into);
      expect(saved.status).toBe(409);
      expect(saved.body.versions).toMatchObject({
        base: { blobId: null },
        theirs: { yaml: 'name: theirs\n' },
      });
      expect(fileAt(stack.repository, fileOf('squatted'))).toBe('name: theirs\n');
    });

    it('adopts a file that is there already, to the byte', async () => {
      const foreign = await pushForeign(stack.foreignUrl, { [fileOf('adopted')]: 'name: same\n' });
      const saved = await api.save(name('adopted'), 'name: same\n', into);
      expect(saved.status).toBe(201);
      expect(head(stack.repository)).toBe(foreign);
    });

    it('creates a branch with its first commit, and only once', async () => {
      const branch = `feature/${road}`;
      await api.save(name('branched'), 'name: main\n', into);
      const base = head(stack.repository);
      const git_ = { connector, branch, newBranchFrom: 'main' };
      const saved = await api.save(name('branched'), 'name: feature\n', git_);
      expect(saved.status).toBe(201);
      expect(head(stack.repository, branch)).toBe(saved.body.git.commitId);
      expect(git(stack.repository, 'rev-parse', `${branch}^`).trim()).toBe(base);
      expect(head(stack.repository)).toBe(base);
      const again = await api.save(name('branched'), 'name: again\n', git_);
      expect(again.status).toBe(409);
      expect(again.body.code).toBe('GIT_BRANCH_EXISTS');
      const onMain = await api.ok('GET', `accounts/demo/entities/pipeline/${name('branched')}?branch=main`);
      expect(onMain.yaml).toBe('name: main\n');
    });

    it('says so when the branch does not exist', async () => {
      const saved = await api.save(name('nowhere'), 'name: x\n', { connector, branch: 'no-such-branch' });
      expect(saved.status).toBe(422);
      expect(saved.body).toMatchObject({
        code: 'GIT_REF_NOT_FOUND',
        hint: expect.stringContaining('newBranchFrom'),
      });
    });

    it('deletes an entity with its file', async () => {
      await api.save(name('gone'), 'name: gone\n', into);
      const entity = `accounts/demo/entities/pipeline/${name('gone')}`;
      const deleted = await api.request('DELETE', `${entity}?message=No+longer+needed`);
      expect(deleted.status).toBe(200);
      expect(deleted.body.git.commitId).toBe(head(stack.repository));
      expect(fileAt(stack.repository, fileOf('gone'))).toBeNull();
      expect((await api.request('GET', entity)).status).toBe(404);
      expect((await api.request('DELETE', entity)).status).toBe(404);
    });

    it('knows where an entity will be while its first save is still on the way', async () => {
      const entity = `accounts/demo/entities/pipeline/${name('fresh')}`;
      const now = { prefer: 'wait=0' };
      const place = `connector=${connector}&branch=main&path=fresh/${road}.yaml`;
      const created = await api.request('PUT', `${entity}?${place}`, 'name: fresh\n', now);
      const changed = await api.request('PUT', entity, 'name: fresher\n', now);
      const deleted = await api.request('DELETE', entity, undefined, { prefer: 'wait=30' });
      expect([created.status, changed.status, deleted.status]).toEqual([202, 202, 200]);
      for (const { body } of [created, changed])
        expect(await api.ended(body.id)).toMatchObject({
          state: 'succeeded',
          git: { path: `fresh/${road}.yaml` },
        });
      expect(fileAt(stack.repository, `fresh/${road}.yaml`)).toBeNull();
      expect((await api.request('GET', entity)).status).toBe(404);
      const history = git(stack.repository, 'log', '--format=%s', 'main', '--', `fresh/${road}.yaml`).trim();
      expect(history.split('\n')).toHaveLength(3);
    });

    it('deletes nothing that somebody else changed', async () => {
      await api.save(name('kept'), 'name: kept\n', into);
      await pushForeign(stack.foreignUrl, { [fileOf('kept')]: 'name: changed\n' });
      const deleted = await api.request('DELETE', `accounts/demo/entities/pipeline/${name('kept')}`);
      expect(deleted.status).toBe(409);
      expect(fileAt(stack.repository, fileOf('kept'))).toBe('name: changed\n');
    });

    it('keeps a path to one entity, and an entity to its path', async () => {
      await api.save(name('owner'), 'name: owner\n', into);
      const intruder = await api.save(name('intruder'), 'name: x\n', { ...into, path: fileOf('owner') });
      expect(intruder.body.code).toBe('ENTITY_PLACE_TAKEN');
      const wanderer = await api.save(name('owner'), 'name: x\n', { ...into, path: 'elsewhere.yaml' });
      expect(wanderer.body.code).toBe('ENTITY_ELSEWHERE');
      expect(fileAt(stack.repository, fileOf('owner'))).toBe('name: owner\n');
    });

    it('checks a connector stage by stage over the road a save takes', async () => {
      const check = await api.ok('POST', `accounts/demo/connectors/${connector}/check`);
      expect(check).toMatchObject({ ok: true, connectivity: road });
      expect(check.stages.map(({ stage }: { stage: string }) => stage)).toEqual([
        'reach',
        'authenticate',
        'read',
        'write',
      ]);
    });
  });

  it('gives the same commit id whichever road is taken', async () => {
    // Both roads saved to one branch above; the repository's own git agrees with every id the API gave.
    const { entities } = await api.ok('GET', 'accounts/demo/entities?branch=main&limit=1000');
    expect(entities.length).toBeGreaterThan(20);
    for (const entity of entities)
      expect(git(stack.repository, 'cat-file', 'blob', `${entity.git.commitId}:${entity.git.path}`)).toBe(
        entity.yaml,
      );
  });

  it('shows in a clone what the API says it holds, byte for byte', async () => {
    const clone = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-clone-'));
    await gitOverNetwork(clone, 'clone', '-q', stack.foreignUrl, '.');
    const { entities } = await api.ok('GET', 'accounts/demo/entities?branch=main&limit=1000');
    const changedByOthers = new Set(['kept'].flatMap((id) => roads.map((road) => `${road}-${id}`)));
    for (const entity of entities.filter(({ id }: { id: string }) => !changedByOthers.has(id)))
      expect(fs.readFileSync(path.join(clone, entity.git.path), 'utf8')).toBe(entity.yaml);
    fs.rmSync(clone, { recursive: true });
  });

  it('lists entities and operations in pages', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await api.ok(
        'GET',
        `accounts/demo/entities?kind=pipeline&limit=7${cursor && `&cursor=${cursor}`}`,
      );
      expect(page.entities.length).toBeLessThanOrEqual(7);
      seen.push(
        ...page.entities.map((one: { id: string; git: { branch: string } }) => `${one.id}@${one.git.branch}`),
      );
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(20);
    const first = await api.ok('GET', 'accounts/demo/operations?limit=3');
    const second = await api.ok('GET', `accounts/demo/operations?limit=3&cursor=${first.nextCursor}`);
    const ids = [...first.operations, ...second.operations].map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(6);
  });
});
