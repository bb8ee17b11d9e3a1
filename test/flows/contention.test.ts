// What happens when others are at the same place at the same time: the database, the branch, the file, the entity.
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Api, eventually } from '../support/api.js';
import { startManager } from '../support/processes.js';
import { fileAt, git, pushForeign, trailers } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';
import { TcpLine } from '../support/tcp-line.js';

const direct = { connector: 'direct', branch: 'main' };
const delegated = { connector: 'delegated', branch: 'main' };
const now = { prefer: 'wait=0' };

describe.each(oneBackend)('on the %s servers', (backend) => {
  let stack: Stack;
  let client: pg.Client;
  beforeAll(async () => {
    stack = await Stack.start(backend);
    client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await stack.assertSoundAtRest();
    await stack.stop();
  });

  const blobOf = (file: string): string => git(stack.repository, 'rev-parse', `main:${file}`).trim();

  it('finds a landed save landed when the database refuses to write that down at first', async () => {
    await client.query(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'not now'; end $$`);
    await client.query(`create trigger refuse before update on operation for each row
      when (new.state = 'succeeded') execute function refuse()`);
    const once = { ...now, 'if-none-match': '*' };
    const saved = await stack.api.save('settled-late', 'name: settled\n', direct, once);
    await eventually(
      async () => trailers(stack.repository).includes(saved.body.id),
      'the commit to be on the branch',
    );
    const pending = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
    expect(pending.state).toBe('pending');
    await client.query('drop trigger refuse on operation');
    expect((await stack.api.ended(saved.body.id)).state).toBe('succeeded');
    expect(trailers(stack.repository).filter((id) => id === saved.body.id)).toHaveLength(1);
  });

  it('judges a guarded save by what is in Git now, not by what was there at the last push', async () => {
    await stack.api.save('moved-on', 'name: one\n', direct);
    await pushForeign(stack.foreignUrl, { 'pipelines/moved-on.yaml': 'name: two\n' });
    const guard = { 'if-match': `"${blobOf('pipelines/moved-on.yaml')}"` };
    const saved = await stack.api.save('moved-on', 'name: three\n', direct, guard);
    expect(saved.status, saved.text).toBe(200);
    expect(fileAt(stack.repository, 'pipelines/moved-on.yaml')).toBe('name: three\n');
  });

  it('creates again what somebody else has deleted in Git, when asked for what is there now', async () => {
    await pushForeign(stack.foreignUrl, { 'pipelines/left.yaml': 'name: left\n' });
    await stack.api.save('beside-left', 'name: beside\n', direct);
    await pushForeign(stack.foreignUrl, { 'pipelines/left.yaml': null });
    const saved = await stack.api.save('left', 'name: new\n', direct, { 'if-none-match': '*' });
    expect(saved.status, saved.text).toBe(201);
  });

  it('writes where a directory was in the way that somebody else has removed', async () => {
    await pushForeign(stack.foreignUrl, { 'was-in-the-way.yaml/x': 'x\n' });
    await stack.api.save('beside-directory', 'name: beside\n', direct);
    await pushForeign(stack.foreignUrl, { 'was-in-the-way.yaml/x': null });
    const saved = await stack.api.save('in-its-place', 'name: x\n', {
      ...direct,
      path: 'was-in-the-way.yaml',
    });
    expect(saved.status, saved.text).toBe(201);
  });

  it('waits while somebody else holds the branch, says so, and goes through when it is free', async () => {
    const lock = path.join(stack.repository, 'refs', 'heads', 'main.lock');
    fs.writeFileSync(lock, '');
    const saved = await stack.api.save('locked', 'name: locked\n', direct, now);
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.waitsFor !== null && operation;
    }, 'the operation to say what it waits for');
    expect(waiting.waitsFor).toContain('could not write main');
    fs.rmSync(lock);
    expect((await stack.api.ended(saved.body.id, 60_000)).state).toBe('succeeded');
  });

  it('refuses for good a branch that cannot be beside another', async () => {
    const beneath = { connector: 'direct', branch: 'main/beneath', newBranchFrom: 'main' };
    const saved = await stack.api.save('beneath', 'name: beneath\n', beneath);
    expect(saved.status).toBe(422);
    expect(saved.body.code).toBe('GIT_PUSH_REJECTED');
  });

  describe('while operations wait together', () => {
    beforeAll(async () => {
      await stack.api.save('waited-for', 'name: zero\n', delegated);
      await stack.delegates.at(-1)?.kill('SIGTERM');
    });

    it('shows a guarded save what really stands in its way, once that is in Git', async () => {
      const guard = { ...now, 'if-match': `"${blobOf('pipelines/waited-for.yaml')}"` };
      const first = await stack.api.save('waited-for', 'name: one\n', delegated, now);
      const second = await stack.api.save('waited-for', 'name: two\n', delegated, guard);
      const beside = await stack.api.save('waited-beside', 'name: beside\n', delegated, now);
      await stack.startDelegate();
      expect((await stack.api.ended(first.body.id)).state).toBe('succeeded');
      expect((await stack.api.ended(beside.body.id)).state).toBe('succeeded');
      const refused = await stack.api.ended(second.body.id);
      expect(refused.state).toBe('conflict');
      expect(refused.problem.versions.theirs).toEqual({
        blobId: blobOf('pipelines/waited-for.yaml'),
        yaml: 'name: one\n',
      });
    });

    it('says of each alone whether it made the entity', async () => {
      await stack.delegates.at(-1)?.kill('SIGTERM');
      const texts = ['name: one\n', 'name: two\n', null, 'name: three\n'];
      const send = (index: number, wait: number): Promise<Answer> => {
        const headers = { prefer: `wait=${wait}`, 'idempotency-key': `made-twice-${index}` };
        const yaml = texts[index];
        return yaml == null
          ? stack.api.request('DELETE', 'accounts/demo/entities/pipeline/made-twice', undefined, headers)
          : stack.api.save('made-twice', yaml, delegated, headers);
      };
      for (const index of texts.keys()) expect((await send(index, 0)).status).toBe(202);
      await stack.startDelegate();
      const answers = [];
      for (const index of texts.keys()) answers.push(await send(index, 30));
      expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 201]);
    });

    it('keeps a new entity to the place of its first save', async () => {
      await stack.delegates.at(-1)?.kill('SIGTERM');
      const first = await stack.api.save('two-places', 'name: p\n', { ...delegated, path: 'p.yaml' }, now);
      const second = await stack.api.save('two-places', 'name: q\n', { ...delegated, path: 'q.yaml' }, now);
      expect(second.status).toBe(409);
      expect(second.body).toMatchObject({
        code: 'ENTITY_ELSEWHERE',
        detail: expect.stringContaining('p.yaml'),
      });
      await stack.startDelegate();
      expect((await stack.api.ended(first.body.id)).state).toBe('succeeded');
      expect(fileAt(stack.repository, 'q.yaml')).toBeNull();
    });
  });
});

describe('a manager whose database breaks off in the middle of its work', () => {
  let stack: Stack;
  let line: TcpLine;
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    line = await TcpLine.open(stack.databaseUrl);
  });
  afterAll(async () => {
    await line.cut();
    await stack.stop();
  });

  it('lives on, and ends what it had accepted', async () => {
    const env = { ...stack.managerEnvironment(), DATABASE_URL: line.through(stack.databaseUrl) };
    const manager = await startManager({ env });
    const api = new Api(manager.url, stack.token);
    let isOver = false;
    const accepted = new Set<string>();
    const client = async (number: number): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const answer = await api
          .save(`cut-${number}-${n}`, 'name: cut\n', direct, now)
          .catch(() => undefined);
        if (answer?.status === 202) accepted.add(answer.body.id);
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const clients = [1, 2, 3, 4].map(client);
    for (let cuts = 0; cuts < 5; cuts++) {
      const before = accepted.size;
      await eventually(async () => accepted.size > before, 'saves to be accepted');
      await line.cut();
      await line.mend();
    }
    isOver = true;
    await Promise.all(clients);
    expect(await Promise.race([manager.gone, Promise.resolve('alive')])).toBe('alive');
    for (const id of accepted) expect((await api.ended(id, 60_000)).state).toBe('succeeded');
    const seen = trailers(stack.repository);
    for (const id of accepted) expect(seen.filter((one) => one === id)).toHaveLength(1);
    await manager.kill('SIGTERM');
  });
});
