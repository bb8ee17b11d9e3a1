// Delegates come, go, die and disagree; what was accepted waits for one, says so, and is done once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { fileAt, head, trailers } from '../support/repository.js';
import { Stack, sampledBackends } from '../support/stack.js';

const delegated = { connector: 'delegated', branch: 'main' };
const soon = { prefer: 'wait=1' };

describe.each(sampledBackends)('on the %s servers', (backend) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start(backend);
  });
  afterAll(async () => {
    await stack.assertSoundAtRest();
    await stack.stop();
  });

  it('shows in health who is there', async () => {
    const { delegates } = await stack.api.ok('GET', 'health');
    expect(delegates).toEqual([
      expect.objectContaining({
        group: 'local',
        alive: true,
        name: expect.any(String),
        version: expect.any(String),
      }),
    ]);
  });

  it('keeps what is saved while no delegate is there, says what it waits for, and goes through when one appears', async () => {
    await stack.delegates[0]?.kill('SIGTERM');
    const before = head(stack.repository);
    const saved = await stack.api.save('patient', 'name: patient\n', delegated, soon);
    expect(saved.status).toBe(202);
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.waitsFor !== null && operation;
    }, 'the operation to say what it waits for');
    expect(waiting).toMatchObject({
      state: 'pending',
      waitsFor: expect.stringContaining('local/delegate: it is not running'),
    });
    expect(head(stack.repository)).toBe(before);
    await stack.startDelegate();
    expect(await stack.api.ended(saved.body.id)).toMatchObject({ state: 'succeeded', waitsFor: null });
    expect(fileAt(stack.repository, 'pipelines/patient.yaml')).toBe('name: patient\n');
  });

  it('lets the other connector of the same branch pass while the delegate is away', async () => {
    await stack.delegates.at(-1)?.kill('SIGTERM');
    const waiting = await stack.api.save('behind', 'name: behind\n', delegated, { prefer: 'wait=0' });
    const direct = await stack.api.save('beside', 'name: beside\n', { connector: 'direct', branch: 'main' });
    expect(direct.status, direct.text).toBe(201);
    expect((await stack.api.ok('GET', `accounts/demo/operations/${waiting.body.id}`)).state).toBe('pending');
    await stack.startDelegate();
    expect((await stack.api.ended(waiting.body.id)).state).toBe('succeeded');
  });

  it('gives a task whose delegate is killed to another, once', async () => {
    await stack.delegates.at(-1)?.kill('SIGTERM');
    const victim = await stack.startDelegate('git.push:after');
    const saving = stack.api.save('orphan', 'name: orphan\n', delegated, { prefer: 'wait=60' });
    expect(await victim.ended()).toBe('SIGKILL');
    await stack.startDelegate();
    const saved = await saving;
    expect(saved.status, saved.text).toBe(201);
    expect(trailers(stack.repository).filter((id) => id === saved.body.operationId)).toHaveLength(1);
  });

  it('lets a delegate finish its tasks when it is told to stop', async () => {
    const leaving = stack.delegates.at(-1);
    const saves = Array.from({ length: 10 }, (_, n) =>
      stack.api.save(`last-${n}`, `name: last ${n}\n`, delegated, { prefer: 'wait=60' }),
    );
    await leaving?.kill('SIGTERM');
    expect(await leaving?.ended()).toBe('0');
    await stack.startDelegate();
    for (const saved of await Promise.all(saves)) expect(saved.status, saved.text).toBe(201);
  });

  it('serves a group with several delegates', async () => {
    await stack.startDelegate();
    const saves = await Promise.all(
      Array.from({ length: 20 }, (_, n) => stack.api.save(`many-${n}`, `name: many ${n}\n`, delegated)),
    );
    expect(saves.map(({ status }) => status)).toEqual(saves.map(() => 201));
    const { delegates } = await stack.api.ok('GET', 'health');
    expect(delegates.filter(({ alive }: { alive: boolean }) => alive)).toHaveLength(2);
  });

  it('ends an operation at its deadline, visibly, with its content and nothing in Git', async () => {
    for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
    await stack.manager?.kill('SIGTERM');
    await stack.startManager(undefined, { SALLYPORT_OPERATION_DEADLINE_SECONDS: '6' });
    const before = head(stack.repository);
    const saved = await stack.api.save('late', 'name: late\n', delegated, { prefer: 'wait=30' });
    expect(saved.status).toBe(504);
    expect(saved.body).toMatchObject({
      code: 'OPERATION_EXPIRED',
      detail: expect.stringContaining('it is not running'),
    });
    const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.operationId}`);
    expect(operation).toMatchObject({ state: 'failed', yaml: 'name: late\n' });
    await stack.startDelegate();
    expect((await stack.api.save('next', 'name: next\n', delegated)).status).toBe(201);
    expect(fileAt(stack.repository, 'pipelines/late.yaml')).toBeNull();
    expect(head(stack.repository)).not.toBe(before);
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
  });

  /** Cuts off every delegate of the group that is called so. */
  async function revoke(group: string, name: string): Promise<void> {
    const { delegates } = await stack.api.ok('GET', 'accounts/demo/delegates');
    for (const one of delegates)
      if (one.group === group && one.name === name)
        await stack.api.ok('POST', `accounts/demo/delegates/${one.id}/revoke`);
  }

  it('opens nothing with another keyring, says so, and goes through when the right one comes back', async () => {
    for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
    const stranger = await stack.startDelegate(
      undefined,
      {
        SALLYPORT_DATA_DIR: `${stack.home}/stranger`,
      },
      { group: 'strangers' },
    );
    const saved = await stack.api.save('shut', 'name: shut\n', delegated, soon);
    expect(saved.status, saved.text).toBe(202);
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `accounts/demo/operations/${saved.body.id}`);
      return operation.waitsFor?.includes('stranger') && operation;
    }, 'the operation to name who refused it');
    expect(waiting).toMatchObject({
      state: 'pending',
      waitsFor: expect.stringMatching(
        /delegate stranger does not do it \(Secret git-delegated .*\), and who may cannot now \(.*local\/delegate: /,
      ),
    });
    const right = await stack.startDelegate();
    expect((await stack.api.ended(saved.body.id)).state).toBe('succeeded');
    expect(fileAt(stack.repository, 'pipelines/shut.yaml')).toBe('name: shut\n');
    for (const one of [stranger, right]) await one.kill('SIGTERM');
  });

  it('ends at once what the one delegate there cannot open, where no other is to be waited for', async () => {
    const stranger = await stack.startDelegate(
      undefined,
      { SALLYPORT_DATA_DIR: `${stack.home}/recluse` },
      { group: 'recluses' },
    );
    await stack.api.ok('PUT', 'accounts/demo/connectors/reclusive', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      group: 'recluses',
      credential: { username: stack.accounts.delegate.username, secret: 'git-delegated' },
    });
    const saved = await stack.api.save('barred', 'name: barred\n', {
      connector: 'reclusive',
      branch: 'main',
    });
    expect(saved.status).toBe(422);
    expect(saved.body).toMatchObject({
      code: 'SECRET_UNREADABLE',
      delegate: 'recluse',
      operationId: expect.any(String),
    });
    await stranger.kill('SIGTERM');
  });

  it('obeys its own settings against the manager’s word: a delegate that may not dial does not', async () => {
    await revoke('local', 'delegate-2');
    await revoke('strangers', 'stranger');
    await revoke('recluses', 'recluse');
    const cautious = await stack.startDelegate(undefined, { SALLYPORT_GIT_ALLOW_PRIVATE: 'false' });
    const saved = await stack.api.save('inside', 'name: inside\n', delegated);
    expect(saved.body).toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
    await cautious.kill('SIGTERM');
  });

  it('works through the native engine as well', async () => {
    await stack.startDelegate(undefined, { SALLYPORT_DELEGATE_GIT_ENGINE: 'native' });
    const saved = await stack.api.save('native', 'name: native\n', delegated);
    expect(saved.status, saved.text).toBe(201);
    expect(saved.body.git.commitId).toBe(head(stack.repository));
    const check = await stack.api.ok('POST', 'accounts/demo/connectors/delegated/check');
    expect(check).toMatchObject({ ok: true, connectivity: 'delegate' });
  });
});
