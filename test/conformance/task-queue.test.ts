// What a manager believes of answers, on real Redis, when somebody else writes them.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clockSkewMaxMs, TaskClaims } from '../../src/contract/messages.js';
import { contractVersion, tracedSince } from '../../src/contract/version.js';
import { inSpan, useTracer } from '../../src/kernel/concern.js';
import { groupPrefix, openQueueBackend, type QueueBackend, taskQueueName } from '../../src/queue/backend.js';
import { type Sent, type Standing, TaskQueue } from '../../src/queue/task-queue.js';
import { Identity } from '../../src/sealing/identity.js';
import { openMessage, type SealedMessage } from '../../src/sealing/sealed-message.js';
import { headInput, makeParties, type Parties, writeAnswer } from '../support/sealed-road.js';
import { startRedis } from '../support/servers.js';

let redis: Awaited<ReturnType<typeof startRedis>>;
let backend: QueueBackend;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedis();
  backend = await openQueueBackend({ redisUrl: redis.url, databaseUrl: undefined });
  raw = new Redis(redis.url);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});

let parties: Parties;
let queue: TaskQueue;
let forger: Worker | undefined;
const forgeries: { delegate: string; reason: string }[] = [];

beforeEach(async () => {
  parties = await makeParties();
  forgeries.length = 0;
  queue = new TaskQueue(backend, parties.managerSeal, (delegate, reason) =>
    forgeries.push({ delegate, reason }),
  );
  const { delegate, group } = parties.addressee;
  const warm = new Queue(taskQueueName(delegate), { ...backend.producer, prefix: groupPrefix(group) });
  await warm.waitUntilReady();
  await warm.close();
});
afterEach(async () => {
  await forger?.close(true);
  forger = undefined;
  await queue.close();
});

/** Somebody who reaches the delegate's queue and finishes its jobs. */
function forge(answer: (task: string, data: unknown) => Promise<unknown>): void {
  const { delegate, group } = parties.addressee;
  forger = new Worker(taskQueueName(delegate), (job) => answer(job.id ?? '', job.data), {
    ...backend.worker,
    prefix: groupPrefix(group),
  });
  forger.on('error', () => undefined);
}

const ask = (ms = 30_000, contract = contractVersion): Promise<Sent> =>
  queue.send(parties.addressee, 'git.head', headInput, {
    contract,
    expiresAt: Date.now() + ms,
    standing: async () => 'serving',
  });

const turned = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

describe('a manager believes', () => {
  it('the delegate’s own answer to this task', async () => {
    forge((task) => writeAnswer(parties, { task }, { payload: { ok: true, output: 'a'.repeat(40) } }));
    expect(await ask()).toEqual({ outcome: 'answered', answer: { ok: true, output: 'a'.repeat(40) } });
    expect(forgeries).toEqual([]);
  });

  it('a failure that the delegate tells of', async () => {
    const failure = { code: 'GIT_UNREACHABLE', data: { host: 'git.example' }, delegate: 'd' };
    forge((task) => writeAnswer(parties, { task }, { payload: { ok: false, failure } }));
    expect(await ask()).toEqual({ outcome: 'answered', answer: { ok: false, failure } });
  });
});

describe('the process that has begun a task', () => {
  it.each([
    ['the one that says its name', 'p1', 'p1'],
    ['nobody, where it says none', undefined, undefined],
    ['nobody, where it says more than a name', 'p'.repeat(65), undefined],
  ])('is %s', async (_, name, begunBy) => {
    const { delegate, group } = parties.addressee;
    let free = (): void => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    forger = new Worker(
      taskQueueName(delegate),
      async ({ id: task = '' }) => {
        await held;
        return writeAnswer(parties, { task });
      },
      { ...backend.worker, prefix: groupPrefix(group), ...(name === undefined ? {} : { name }) },
    );
    const told: unknown[] = [];
    const sent = queue.send(parties.addressee, 'git.head', headInput, {
      contract: contractVersion,
      expiresAt: Date.now() + 30_000,
      standing: async ({ isBegun, begunBy: process }) => {
        if (isBegun) told.push(process);
        return 'serving';
      },
    });
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), 10_000);
    free();
    expect(await sent).toMatchObject({ outcome: 'answered' });
    expect(new Set(told)).toEqual(new Set([begunBy]));
  });
});

describe('the trace that a task is a part of', () => {
  const at = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  afterEach(() => useTracer(undefined));

  it.each([
    [tracedSince, { traceparent: at }],
    [tracedSince - 1, {}],
  ])('goes to a delegate of contract %i as %j', async (contract, told) => {
    const payloads: unknown[] = [];
    forge(async (task, data) => {
      const opened = await openMessage(data, {
        purpose: 'task',
        claims: TaskClaims,
        authorKey: parties.managerSeal.identity.publicKey,
        check: () => undefined,
        opener: parties.delegateSeal.opener,
      });
      payloads.push(opened.payload);
      return writeAnswer(parties, { task }, { payload: { ok: true, output: null } });
    });
    useTracer({
      begin: () => ({ traceparent: at, note: () => undefined, end: () => undefined }),
      close: async () => undefined,
    });
    const sent = await inSpan({ name: 'save' }, () => ask(30_000, contract));
    expect(sent).toMatchObject({ outcome: 'answered' });
    expect(payloads).toEqual([{ ...headInput, ...told }]);
  });
});

const unreadable = 'it is not a sealed message';
const unsigned = 'its signature is not its author’s';
const other = 'it answers something else';

describe('a manager counts as lost, reports and never believes', () => {
  type Forgery = (task: string, data: unknown) => Promise<unknown>;
  const altered =
    (alter: (message: SealedMessage) => unknown): Forgery =>
    async (task) =>
      alter(await writeAnswer(parties, { task }));
  const forged: [string, string, Forgery][] = [
    ['in the open', unreadable, async () => ({ ok: true, output: null })],
    ['of nothing', unreadable, async () => null],
    ['of a text', unreadable, async () => 'done'],
    ['without signature', unreadable, altered(({ claims, enc, box }) => ({ claims, enc, box }))],
    ['with any signature', unsigned, altered((message) => ({ ...message, signature: 'A'.repeat(86) }))],
    [
      'with altered claims',
      unsigned,
      altered((message) => ({ ...message, claims: message.claims.replace('test', 'tast') })),
    ],
    [
      'with an altered content',
      'its content was exchanged',
      altered((message) => ({ ...message, box: turned(message.box, 30) })),
    ],
    [
      'with another half',
      'its content was exchanged',
      altered((message) => ({ ...message, enc: turned(message.enc, 5) })),
    ],
    ['that is the task itself', 'its claims are not readable', async (_, data) => data],
    [
      'signed by another delegate',
      unsigned,
      (task) => writeAnswer(parties, { task }, { author: new Identity(Identity.make()) }),
    ],
    [
      'signed by the manager',
      unsigned,
      (task) => writeAnswer(parties, { task }, { author: parties.managerSeal.identity }),
    ],
    [
      'signed for another purpose',
      unsigned,
      (task) => writeAnswer(parties, { task }, { purpose: 'presence' }),
    ],
    ['for another task', other, () => writeAnswer(parties, {})],
    ['of another deployment', other, (task) => writeAnswer(parties, { task, deployment: 'production' })],
    ['of another group', other, (task) => writeAnswer(parties, { task, group: 'g2' })],
    ['of another delegate', other, (task) => writeAnswer(parties, { task, delegate: 'd2' })],
    [
      'sealed to somebody else',
      'it was sealed for somebody else',
      async (task) => writeAnswer(parties, { task }, { sealer: (await makeParties()).toManager }),
    ],
  ];
  it.each(forged)('an answer %s', async (_, reason, answer) => {
    forge(answer);
    expect(await ask()).toEqual({
      outcome: 'lost',
      isDead: false,
      reason: `the answer was refused: ${reason}`,
    });
    expect(forgeries).toEqual([{ delegate: parties.addressee.delegate, reason }]);
  });

  it('the answer to an earlier task', async () => {
    let earlier: Promise<unknown> | undefined;
    forge((task) => (earlier ??= writeAnswer(parties, { task })));
    expect(await ask()).toMatchObject({ outcome: 'answered' });
    expect(await ask()).toEqual({
      outcome: 'lost',
      isDead: false,
      reason: `the answer was refused: ${other}`,
    });
    expect(forgeries).toEqual([{ delegate: parties.addressee.delegate, reason: other }]);
  });

  /** Writes into the job of the task that is waiting, past BullMQ. */
  async function spoil(fields: Record<string, string>): Promise<void> {
    const { delegate, group } = parties.addressee;
    const prefix = `${groupPrefix(group)}:${taskQueueName(delegate)}`;
    for (;;) {
      const [task] = await raw.lrange(`${prefix}:wait`, 0, 0);
      if (task === undefined) continue;
      await raw.hset(`${prefix}:${task}`, fields);
      return;
    }
  }

  it.each([
    ['is no JSON', '{"claims":'],
    ['is empty', ''],
    ['is a huge text', JSON.stringify('x'.repeat(5_000_000))],
    ['is nested without end', '['.repeat(100_000) + ']'.repeat(100_000)],
  ])('an answer that %s', async (_, returnvalue) => {
    const sent = ask();
    await spoil({ returnvalue, finishedOn: String(Date.now()) });
    expect(await sent).toEqual({
      outcome: 'lost',
      isDead: false,
      reason: `the answer was refused: ${unreadable}`,
    });
    expect(forgeries).toHaveLength(1);
  });
});

describe('a manager counts as lost', () => {
  it('an answer of the delegate’s own that is none', async () => {
    forge((task) => writeAnswer(parties, { task }, { payload: { ok: 'perhaps' } }));
    expect(await ask()).toEqual({ outcome: 'lost', isDead: false, reason: 'the answer is not readable' });
  });

  it('a task that failed without an answer', async () => {
    forge(async () => {
      throw new Error('fell over');
    });
    expect(await ask()).toEqual({ outcome: 'lost', isDead: false, reason: 'fell over' });
  });

  /** What becomes of a task that somebody has begun, once its delegate stands so. */
  async function askOneThatIs(standing: Standing, meanwhile = async (): Promise<void> => undefined) {
    const { delegate, group } = parties.addressee;
    const key = `${groupPrefix(group)}:${taskQueueName(delegate)}`;
    let now: Standing = 'serving';
    const expiresAt = Date.now() + 30_000;
    const sent = queue.send(parties.addressee, 'git.head', headInput, {
      contract: contractVersion,
      expiresAt,
      standing: async () => now,
    });
    const task = await vi.waitFor(async () => {
      const taken = await raw.rpoplpush(`${key}:wait`, `${key}:active`);
      expect(taken).not.toBeNull();
      return taken as string;
    }, 10_000);
    await raw.hset(`${key}:${task}`, 'processedOn', '1');
    await meanwhile();
    now = standing;
    return sent;
  }

  it('what a delegate has that left: no death', async () => {
    const reason = 'the delegate has left';
    expect(await askOneThatIs('gone')).toEqual({ outcome: 'lost', isDead: false, reason });
  });

  it('what a delegate has that fell silent: a death', async () => {
    const reason = 'the delegate has fallen silent';
    expect(await askOneThatIs('silent')).toEqual({ outcome: 'lost', isDead: true, reason });
  });

  it('what a delegate has that fell silent while Redis was away: no death', async () => {
    const stall = async (): Promise<void> => {
      await raw.client('PAUSE', 5_500, 'ALL');
      await raw.ping();
    };
    expect(await askOneThatIs('silent', stall)).toMatchObject({ outcome: 'lost', isDead: false });
  });

  it('a job that somebody removed', async () => {
    const { delegate, group } = parties.addressee;
    const sent = ask();
    const key = `${groupPrefix(group)}:${taskQueueName(delegate)}`;
    for (;;) {
      const [task] = await raw.lrange(`${key}:wait`, 0, 0);
      if (task === undefined) continue;
      await raw.del(`${key}:${task}`, `${key}:wait`);
      break;
    }
    expect(await sent).toEqual({ outcome: 'lost', isDead: false, reason: 'the queue has lost the task' });
  });
});

describe('a manager keeps connections to a delegate’s queue', () => {
  /** Readers of events: one for each queue that is open. */
  const readers = async (): Promise<number> =>
    String(await raw.client('LIST')).match(/cmd=xread\b/g)?.length ?? 0;

  it('as long as a task is awaited, and closes them once none was for a while', async () => {
    const idle = new TaskQueue(backend, parties.managerSeal, () => undefined, { idleMs: 400 });
    let free = (): void => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    forge(async (task) => {
      await held;
      return writeAnswer(parties, { task });
    });
    const options = {
      contract: contractVersion,
      expiresAt: Date.now() + 30_000,
      standing: async () => 'serving' as const,
    };
    try {
      const since = Date.now();
      const sent = idle.send(parties.addressee, 'git.head', headInput, options);
      await vi.waitFor(async () => expect(await readers()).toBe(1), 10_000);
      await vi.waitFor(() => expect(Date.now() - since).toBeGreaterThan(1_500), 10_000);
      expect(await readers()).toBe(1);
      free();
      expect(await sent).toMatchObject({ outcome: 'answered' });
      await vi.waitFor(async () => expect(await readers()).toBe(0), 10_000);
      expect(await idle.send(parties.addressee, 'git.head', headInput, options)).toMatchObject({
        outcome: 'answered',
      });
    } finally {
      await idle.close();
    }
  });
});

describe('a manager seals a task', () => {
  /** What became of a task that nobody takes, and the message that stood in the queue meanwhile. */
  async function messageTo(to: Parties['addressee'], expiresAt: number): Promise<SealedMessage> {
    const key = `${groupPrefix(to.group)}:${taskQueueName(to.delegate)}`;
    let isOver = false;
    const standing = async (): Promise<'serving' | 'gone'> => (isOver ? 'gone' : 'serving');
    const sent = queue.send(to, 'git.head', headInput, { contract: contractVersion, expiresAt, standing });
    const data = await vi.waitFor(async () => {
      const [task] = await raw.lrange(`${key}:wait`, 0, 0);
      const found = task === undefined ? null : await raw.hget(`${key}:${task}`, 'data');
      expect(found).not.toBeNull();
      return found as string;
    }, 10_000);
    isOver = true;
    expect(await sent).toEqual({ outcome: 'untouched' });
    return JSON.parse(data) as SealedMessage;
  }

  const open = (message: SealedMessage, { delegateSeal }: Parties) =>
    openMessage(message, {
      purpose: 'task',
      claims: TaskClaims,
      authorKey: delegateSeal.managerIdentityKey,
      check: () => undefined,
      opener: delegateSeal.opener,
    });

  it('for its group, also where another group names the same key as its own', async () => {
    const { addressee } = parties;
    const thief = { ...addressee, group: 'g2', delegate: `${addressee.delegate}-thief` };
    const [own, others] = [
      await messageTo(addressee, Date.now() + 30_000),
      await messageTo(thief, Date.now() + 30_000),
    ];
    expect((await open(own, parties)).payload).toEqual(headInput);
    await expect(open(others, parties)).rejects.toThrow('it was sealed for somebody else');
  });

  it('so that a delegate whose clock runs ahead within the bound still begins it', async () => {
    const expiresAt = Date.now() + 30_000;
    const { claims } = await open(await messageTo(parties.addressee, expiresAt), parties);
    expect(claims.expiresAt).toBe(expiresAt + clockSkewMaxMs);
  });
});
