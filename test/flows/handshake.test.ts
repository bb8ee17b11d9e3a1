// Manager and delegate compare contract versions before anything else.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taskInfo } from '../../src/contract/messages.js';
import { type Presence, PresenceClaims, presenceInfo, welcomeInfo } from '../../src/contract/presence.js';
import { contractOldest, contractVersion } from '../../src/contract/version.js';
import { createLog } from '../../src/kernel/log.js';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.js';
import { PresenceReceiver } from '../../src/queue/presence-queue.js';
import { type TaskContext, type TaskHandlers, TaskWorker } from '../../src/queue/task-worker.js';
import { makeSealingPair, Opener, Sealer } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import { openMessage, sealMessage } from '../../src/sealing/sealed-message.js';
import {
  type EnrolmentFile,
  type IdentityFile,
  makeGroupKeys,
  makeKeys,
  readDelegateFile,
  writeDelegateFile,
} from '../../workers/runtime/delegate-files.js';
import { PresenceReporter } from '../../workers/runtime/presence-reporter.js';
import { eventually } from '../support/api.js';
import { startDelegate } from '../support/processes.js';
import { startRedis } from '../support/servers.js';
import { Stack } from '../support/stack.js';

const speaking = (contract: number, oldest = contract): Presence => ({
  self: {
    name: 'today',
    version: '9.9.9',
    contract,
    contractOldest: oldest,
    tags: [],
    tasksMax: 1,
    capabilities: { nativeGit: true, gitAllowed: null },
  },
  running: 0,
  lastFault: null,
  wantsGroupKeys: null,
});

describe('a delegate of another contract', () => {
  let stack: Stack;
  let backend: QueueBackend;
  let author: { enrolment: EnrolmentFile; keys: IdentityFile; identity: Identity };
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
    backend = await openQueueBackend({ redisUrl: stack.redis?.url, databaseUrl: undefined });
    const folder = `${stack.home}/delegate`;
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DELEGATE_NAME: 'today' };
    await stack.enrolDelegate({ env });
    const keys = readDelegateFile(folder, 'identity.json') as IdentityFile;
    const enrolment = readDelegateFile(folder, 'delegate.json') as EnrolmentFile;
    author = { enrolment, keys, identity: new Identity(keys.identity) };
  });
  afterAll(() => stack.stop());

  /** Says hello, and once it is welcome that it takes tasks. */
  const hello = async (presence: Presence) => {
    const reporter = new PresenceReporter(backend, author, createLog('test', 'silent'), () => presence);
    try {
      const welcome = await reporter.hello(null, AbortSignal.timeout(30_000));
      if (welcome.accepted) await reporter.say('heartbeat');
      return welcome;
    } finally {
      await reporter.close();
    }
  };

  it.each([
    ['a later one', contractVersion + 1],
    ['an earlier one', contractOldest - 1],
  ])('is turned away by the manager and told what it speaks: %s', async (_, contract) => {
    expect(await hello(speaking(contract))).toEqual({
      accepted: false,
      contract: contractVersion,
      contractOldest,
    });
    const explained = await stack.api.ok('GET', 'accounts/demo/delegates');
    expect(explained.delegates).toMatchObject([{ name: 'today', contract }]);
  });

  it('is given tasks in the version before where it speaks no other', async () => {
    expect(await hello(speaking(contractOldest))).toMatchObject({ accepted: true, contract: contractOldest });
    const { enrolment, identity, keys } = author;
    const { deployment, delegate, group, manager } = enrolment;
    const log = randomUUID();
    const asked: unknown[] = [];
    const faults: unknown[] = [];
    const worker = new TaskWorker(backend, {
      seal: {
        deployment,
        group: group.id,
        delegate,
        identity,
        opener: new Opener(keys.sealing, taskInfo(deployment, group.id)),
        managerIdentityKey: manager.identityKey,
        managerSealingKey: manager.sealingKey,
      },
      speaks: { oldest: contractOldest, latest: contractOldest },
      name: 'older',
      process: 'p1',
      tasksMax: 1,
      journal: { begin: () => true },
      handlers: {
        'git.check': async ({ remote }: { remote: { url: string } }, { purpose }: TaskContext) => {
          asked.push([remote.url, purpose?.kind]);
          return { stages: [], host: null };
        },
        'secrets.audit': async () => ({ log, after: 0, records: [], latest: 0 }),
      } as unknown as TaskHandlers,
      onFault: (error) => faults.push(error),
      onForgery: (reason) => faults.push(reason),
    });
    await stack.api.ok('PUT', 'accounts/demo/connectors/older', {
      url: 'https://git.example/a.git',
      connectivity: 'delegate',
    });
    await eventually(
      async () => (await stack.api.ok('POST', 'accounts/demo/explain', { connector: 'older' })).carriedBy,
      'the delegate to be there',
    );
    expect(await stack.api.ok('POST', 'accounts/demo/connectors/older/check')).toMatchObject({ ok: true });
    expect(asked).toEqual([['https://git.example/a.git', 'connector-check']]);
    await stack.api.ok('GET', 'accounts/demo/secret-audit');
    expect(faults).toEqual([]);
    await worker.close();
  });

  it('is welcomed where it speaks the manager’s as well', async () => {
    const welcome = await hello(speaking(contractVersion + 1, contractVersion));
    expect(welcome).toEqual({ accepted: true, contract: contractVersion, groupKeys: null, edition: null });
  });

  it('is welcomed once it speaks the same', async () => {
    const welcome = await hello(speaking(contractVersion));
    expect(welcome).toEqual({ accepted: true, contract: contractVersion, groupKeys: null, edition: null });
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
    const folder = `${redis.directory}/${side}`;
    const group = `g${side}`;
    const [own, ofGroup, manager] = [await makeKeys(), await makeGroupKeys(), await makeSealingPair()];
    const managerIdentity = new Identity(Identity.make());
    const identity = new Identity(own.identity);
    const groupIdentity = new Identity(ofGroup.identity);
    writeDelegateFile(folder, 'identity.json', { format: 'sallyport-identity-1', ...own });
    writeDelegateFile(folder, 'group.json', ofGroup);
    writeDelegateFile(folder, 'delegate.json', {
      format: 'sallyport-enrolment-1',
      name: 'today',
      managerUrl: 'https://sallyport.example',
      deployment: 'test',
      delegate: 'd1',
      group: {
        id: group,
        name: 'local',
        scope: 'accounts/demo',
        identityKey: groupIdentity.publicKey,
        sealingKey: ofGroup.sealing.publicKey,
        signature: groupIdentity.sign('sealing-key', ofGroup.sealing.publicKey),
      },
      manager: { identityKey: managerIdentity.publicKey, sealingKey: manager.publicKey },
      queue: { kind: 'redis', url: redis.url, username: 'default', password: '' },
    });
    const opener = new Opener(manager, presenceInfo('test'));
    const receiver = new PresenceReceiver(
      backend,
      group,
      async (data) => {
        const { claims } = await openMessage(data, {
          purpose: 'presence',
          claims: PresenceClaims,
          authorKey: identity.publicKey,
          check: () => undefined,
          opener,
        });
        return sealMessage(
          { accepted: false, contract, contractOldest: contract },
          { deployment: 'test', delegate: 'd1', process: claims.process },
          {
            purpose: 'welcome',
            sealer: new Sealer(own.sealing.publicKey, welcomeInfo('d1')),
            author: managerIdentity,
          },
        );
      },
      { onFault: () => undefined, onRefusal: () => undefined },
    );
    await expect(startDelegate({ env: { SALLYPORT_DATA_DIR: folder } })).rejects.toThrow(
      new RegExp(
        `ended with 1 .*CONTRACT_VERSION_MISMATCH: .* speaks contract ${contract}.*Upgrade the ${side}`,
        's',
      ),
    );
    await receiver.close();
  });
});
