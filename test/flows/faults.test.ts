// Lines that break, hosts that refuse, queues that forget: nothing is lost, nothing is doubled, and the answer says what it is.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRepository } from '../../src/playground/git-host.js';
import { eventually } from '../support/api.js';
import { BadLine } from '../support/git-world.js';
import { assertSound, fileAt, git, gitOverNetwork, head, trailers } from '../support/repository.js';
import { freePort } from '../support/servers.js';
import { roads, Stack } from '../support/stack.js';

describe.each(roads)('with connectivity %s', (road) => {
  let stack: Stack;
  let line: BadLine;
  const into = { connector: 'over-the-line', branch: 'main' };

  /** A connector of this road to the URL, with the credential of the one that is there. */
  async function connect(
    id: string,
    url: string,
    secret = road === 'manager' ? 'git-direct' : 'git-delegated',
  ) {
    const { username } = stack.accounts[road];
    const connector = { url, connectivity: road, credential: { username, secret } };
    await stack.api.ok('PUT', `accounts/demo/connectors/${id}`, connector);
  }

  beforeAll(async () => {
    stack = await Stack.start('embedded');
    line = await BadLine.open(stack.host.url);
    await connect('over-the-line', `${line.url}/demo.git`);
  });
  afterAll(async () => {
    assertSound(stack.repository);
    await line.close();
    await stack.stop();
  });

  it('makes one commit when the answer to the push is lost', async () => {
    line.next = 'cut-answer';
    const saved = await stack.api.save('unanswered', 'name: unanswered\n', into);
    expect(saved.status, saved.text).toBe(201);
    expect(trailers(stack.repository).filter((id) => id === saved.body.operationId)).toHaveLength(1);
  });

  it('sends the push again when it never arrived', async () => {
    line.next = 'cut-request';
    const saved = await stack.api.save('unsent', 'name: unsent\n', into);
    expect(saved.status, saved.text).toBe(201);
    expect(trailers(stack.repository).filter((id) => id === saved.body.operationId)).toHaveLength(1);
  });

  it.each(['cut-answer', 'cut-request'] as const)(
    'waits in doubt while the line stays dead after %s, and ends with one commit once it is mended',
    async (fault) => {
      line.next = fault;
      line.staysDead = true;
      // What may have been created already must not be taken for somebody else's.
      const once = { prefer: 'wait=1', 'if-none-match': '*' };
      const saved = await stack.api.save(`doubt-${fault}`, 'name: doubt\n', into, once);
      expect(saved.status).toBe(202);
      const behind = await stack.api.save(`behind-${fault}`, 'name: behind\n', into, { prefer: 'wait=0' });
      line.mend();
      line.staysDead = false;
      for (const { id } of [saved.body, behind.body])
        expect((await stack.api.ended(id, 60_000)).state).toBe('succeeded');
      const mine = trailers(stack.repository).filter((id) => [saved.body.id, behind.body.id].includes(id));
      expect(mine).toEqual([behind.body.id, saved.body.id]);
    },
  );

  it('says what a host that is not there is waited for, and fails at the deadline with nothing written', async () => {
    await connect('nowhere', `http://127.0.0.1:${await freePort()}/demo.git`);
    await stack.manager?.kill('SIGTERM');
    await stack.startManager(undefined, { SALLYPORT_OPERATION_DEADLINE_SECONDS: '6' });
    const nowhere = { connector: 'nowhere', branch: 'main' };
    const saved = await stack.api.save('nowhere', 'name: nowhere\n', nowhere, { prefer: 'wait=0' });
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.waitsFor !== null && operation;
    }, 'the operation to say what it waits for');
    expect(waiting.waitsFor).toContain('the connection was refused');
    const ended = await stack.api.ended(saved.body.id);
    expect(ended).toMatchObject({
      state: 'failed',
      yaml: 'name: nowhere\n',
      problem: { code: 'OPERATION_EXPIRED' },
    });
    expect(ended.problem.detail).toContain('the connection was refused');
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
  });

  it('answers 422 to a credential that the host refuses, and tells it from what Sallyport refuses', async () => {
    const wrong =
      road === 'manager'
        ? { manager: 'builtin', value: 'not-the-password' }
        : await stack.sealForDelegate('git-wrong', 'not-the-password');
    await stack.api.ok('PUT', 'accounts/demo/secrets/git-wrong', wrong);
    await connect('wrong', stack.repositoryUrl.replace('127.0.0.1', 'localhost'), 'git-wrong');
    const saved = await stack.api.save('wrong', 'name: wrong\n', { connector: 'wrong', branch: 'main' });
    expect(saved.status).toBe(422);
    expect(saved.body).toMatchObject({ code: 'GIT_AUTH_REJECTED', operationId: expect.any(String) });
    expect(saved.body.delegate === undefined).toBe(road === 'manager');
    const check = await stack.api.ok('POST', 'accounts/demo/connectors/wrong/check');
    expect(check.ok).toBe(false);
    expect(check.stages.map(({ stage, ok }: { stage: string; ok: boolean }) => `${stage} ${ok}`)).toEqual([
      'reach true',
      'authenticate false',
    ]);
  });

  it('fails only the save that a hook of the host refuses, not those that were pushed with it', async () => {
    const { folder } = createRepository(path.join(stack.home, 'repositories'), 'hooked', {
      files: { a: 'a\n' },
    });
    const hook = path.join(folder, 'hooks', 'update');
    fs.mkdirSync(path.dirname(hook), { recursive: true });
    const refuse = `git diff --name-only $2 $3 | grep -q forbidden && { echo 'Not this file' >&2; exit 1; }`;
    fs.writeFileSync(hook, `#!/bin/sh\n${refuse}\nexit 0\n`, { mode: 0o755 });
    await connect('hooked', `${stack.host.url}/hooked.git`);
    const hooked = { connector: 'hooked', branch: 'main' };
    const ids = ['one', 'two', 'forbidden', 'three', 'four'];
    const saves = await Promise.all(ids.map((id) => stack.api.save(`hooked-${id}`, `name: ${id}\n`, hooked)));
    expect(saves.map(({ status }) => status)).toEqual([201, 201, 422, 201, 201]);
    expect(saves[2]?.body).toMatchObject({
      code: 'GIT_PUSH_REJECTED',
      detail: expect.stringContaining('Not this file'),
    });
    expect(fileAt(folder, 'pipelines/hooked-forbidden.yaml')).toBeNull();
    assertSound(folder);
  });

  it('makes the first commit of an empty repository', async () => {
    const { folder } = createRepository(path.join(stack.home, 'repositories'), 'empty');
    await connect('empty', `${stack.host.url}/empty.git`);
    const saved = await stack.api.save('first', 'name: first\n', { connector: 'empty', branch: 'main' });
    expect(saved.status, saved.text).toBe(201);
    expect(head(folder)).toBe(saved.body.git.commitId);
    expect(git(folder, 'rev-list', '--count', 'main').trim()).toBe('1');
  });

  it('writes through no symbolic link and over no directory', async () => {
    const clone = fs.mkdtempSync(path.join(stack.home, 'clone-'));
    await gitOverNetwork(clone, 'clone', '-q', stack.foreignUrl, '.');
    fs.symlinkSync('/etc', path.join(clone, 'linked'));
    fs.mkdirSync(path.join(clone, 'folder.yaml'));
    fs.writeFileSync(path.join(clone, 'folder.yaml', 'x'), 'x\n');
    git(clone, 'add', '-A');
    git(clone, 'commit', '-q', '-m', 'Traps');
    await gitOverNetwork(clone, 'push', '-q', 'origin', 'HEAD:main');
    for (const [id, file] of [
      ['through', 'linked/passwd.yaml'],
      ['over', 'folder.yaml'],
    ] as const) {
      const saved = await stack.api.save(id, 'name: x\n', { ...into, path: file });
      expect(saved.status).toBe(409);
      expect(saved.body.code).toBe('GIT_PATH_BLOCKED');
    }
  });
});

describe('when Redis is gone', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('real');
  });
  afterAll(async () => {
    assertSound(stack.repository);
    await stack.stop();
  });

  it('still saves through the manager, keeps what waits for a delegate, and goes on when it is back', async () => {
    await stack.redis?.kill();
    const direct = await stack.api.save('direct', 'name: direct\n', { connector: 'direct', branch: 'main' });
    expect(direct.status, direct.text).toBe(201);
    const delegated = { connector: 'delegated', branch: 'main' };
    const waiting = await stack.api.save('waiting', 'name: waiting\n', delegated, { prefer: 'wait=2' });
    expect(waiting.status, waiting.text).toBe(202);
    const health = await stack.api.request('GET', 'health');
    expect(health.status).toBe(200);
    expect(health.body).toMatchObject({ up: true, queue: { up: false, why: expect.any(String) } });
    await stack.restartRedis();
    expect((await stack.api.ended(waiting.body.id, 60_000)).state).toBe('succeeded');
    expect((await stack.api.ok('GET', 'health')).queue.up).toBe(true);
    const again = await stack.api.save('again', 'name: again\n', delegated);
    expect(again.status, again.text).toBe(201);
  });

  it('loses nothing when Redis comes back empty', async () => {
    const delegated = { connector: 'delegated', branch: 'main' };
    const [delegate] = stack.delegates;
    process.kill(delegate?.pid as number, 'SIGSTOP');
    const saved = await stack.api.save('forgotten', 'name: forgotten\n', delegated, { prefer: 'wait=1' });
    expect(saved.status).toBe(202);
    await stack.restartRedis({ empty: true });
    process.kill(delegate?.pid as number, 'SIGCONT');
    expect((await stack.api.ended(saved.body.id, 60_000)).state).toBe('succeeded');
    expect(trailers(stack.repository).filter((id) => id === saved.body.id)).toHaveLength(1);
  });
});
