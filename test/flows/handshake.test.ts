// Manager and delegate compare contract versions before anything else.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractVersion } from '../../src/contract/version.js';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.js';
import { PresenceReceiver, PresenceSender } from '../../src/queue/presence-queue.js';
import { startDelegate } from '../support/processes.js';
import { startRedis } from '../support/servers.js';
import { Stack } from '../support/stack.js';

const ofAnotherContract = {
  said: 'hello' as const,
  contract: contractVersion + 1,
  delegate: 'from-the-future',
  group: 'local',
  name: 'future',
  version: '9.9.9',
  tasksMax: 1,
};

describe('a delegate of another contract', () => {
  let stack: Stack;
  let sender: PresenceSender;
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    const backend = await openQueueBackend({ redisUrl: stack.redis?.url, databaseUrl: undefined });
    sender = new PresenceSender(backend, () => undefined);
  });
  afterAll(async () => {
    await sender.close();
    await stack.stop();
  });

  it('is turned away by the manager, told its version, and not counted as there', async () => {
    const welcome = await sender.hello(ofAnotherContract, AbortSignal.timeout(30_000));
    expect(welcome).toEqual({ accepted: false, contract: contractVersion });
    expect((await stack.api.ok('GET', 'health')).delegates).toEqual([]);
  });

  it('is welcomed once it speaks the same', async () => {
    const same = { ...ofAnotherContract, contract: contractVersion, delegate: 'of-today', name: 'today' };
    const welcome = await sender.hello(same, AbortSignal.timeout(30_000));
    expect(welcome).toMatchObject({ accepted: true, deployment: expect.any(String) });
    const { delegates } = await stack.api.ok('GET', 'health');
    expect(delegates).toEqual([expect.objectContaining({ name: 'today', alive: true })]);
  });
});

describe('a delegate that meets a manager of another contract', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let backend: QueueBackend;
  beforeAll(async () => {
    redis = await startRedis();
    backend = await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined });
  });
  afterAll(() => redis.stop());

  it.each([
    { side: 'delegate', contract: contractVersion + 1 },
    { side: 'manager', contract: contractVersion - 1 },
  ])('does not start, and says that the $side has to be upgraded', async ({ side, contract }) => {
    const receiver = new PresenceReceiver(
      backend,
      async () => ({ accepted: false, contract }),
      () => undefined,
    );
    const env = { REDIS_URL: redis.url, SALLYPORT_DATA_DIR: `${redis.directory}/delegate` };
    await expect(startDelegate({ env })).rejects.toThrow(
      new RegExp(
        `ended with 1 .*CONTRACT_VERSION_MISMATCH: .* speaks contract ${contract}.*Upgrade the ${side}`,
        's',
      ),
    );
    await receiver.close();
  });
});
