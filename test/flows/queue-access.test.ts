// Users of Redis come and go with the delegates they are for, whatever becomes of Redis, and nobody else's do.
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupPrefix, taskQueueName } from '../../src/queue/backend.js';
import { type Admitted, makePassword, QueueAccess, userOf } from '../../src/queue/queue-access.js';
import { type Member, newId, RedisWithUsers } from '../support/redis-users.js';
import { forgetUsers, startRedis } from '../support/servers.js';

let place: RedisWithUsers;
let root: Redis;

beforeAll(async () => {
  place = await RedisWithUsers.start();
  root = await place.makeRoot();
});
afterAll(() => place.stop());

const users = async (): Promise<string[]> => (await root.call('ACL', 'USERS')) as string[];
const ping = (url: string): Promise<string> => place.connect(url).ping();
const markerOf = ({ group, delegate }: Member): string =>
  `${groupPrefix(group)}:${taskQueueName(delegate)}:marker`;
const admittedOf = ({ delegate, group, passwordHash }: Member): Admitted => ({
  delegate,
  group,
  passwordHash,
});
const listing =
  (...members: Member[]) =>
  async () =>
    members.map(admittedOf);

/** Two looks: the first one suspects, the second one mends. */
async function restoreTwice(...members: Member[]): Promise<void> {
  await place.access.restore(listing(...members));
  await place.access.restore(listing(...members));
}

describe('expel', () => {
  it('cuts live connections within a second, also one that waits, and nobody else’s; none comes back', async () => {
    const [revoked, other] = [await place.admit(), await place.admit()];
    const [busy, waiting, others] = [revoked.url, revoked.url, other.url].map((url) =>
      place.connect(url),
    ) as [Redis, Redis, Redis];
    expect(await Promise.all([busy.ping(), waiting.ping(), others.ping()])).toEqual(['PONG', 'PONG', 'PONG']);
    const blocked = waiting.bzpopmin(markerOf(revoked), 0).catch((error: Error) => error);
    const cut = [busy, waiting].map((one) => new Promise((resolve) => one.once('close', resolve)));
    const before = performance.now();
    await place.access.expel(revoked.delegate);
    await Promise.all(cut);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(await blocked).toBeInstanceOf(Error);
    await expect(ping(revoked.url)).rejects.toThrow();
    expect(await others.ping()).toBe('PONG');
  });

  it('holds after a restart of Redis', async () => {
    const [revoked, other] = [await place.admit(), await place.admit()];
    await place.access.expel(revoked.delegate);
    await place.restart();
    root = await place.makeRoot();
    await expect(ping(revoked.url)).rejects.toThrow();
    expect(await ping(other.url)).toBe('PONG');
  });
});

describe('admit', () => {
  it('cuts off whoever holds the password of before', async () => {
    const before = await place.admit();
    const live = place.connect(before.url);
    await live.ping();
    const cut = new Promise((resolve) => live.once('close', resolve));
    const after = await place.admit(before);
    await cut;
    expect(after.user).toBe(before.user);
    await expect(ping(before.url)).rejects.toThrow();
    expect(await ping(after.url)).toBe('PONG');
  });
});

describe('restore', () => {
  it('gives users back to a Redis that lost them, and takes none from one that was emptied', async () => {
    const [one, two] = [await place.admit(), await place.admit()];
    await root.call('FLUSHALL');
    expect(await ping(one.url)).toBe('PONG');
    await place.redis.kill();
    forgetUsers(place.redis);
    await place.restart();
    root = await place.makeRoot();
    await expect(ping(one.url)).rejects.toThrow();
    await place.access.restore(listing(one, two));
    expect([await ping(one.url), await ping(two.url)]).toEqual(['PONG', 'PONG']);
  });

  it('takes away delegates that nobody enrolled, at the second look, and no other user', async () => {
    const enrolled = await place.admit();
    const stranger = userOf(newId('d'));
    const others = ['sallyport-demo', 'sallyport-d1', 'sallyport-delegates', 'somebody'];
    for (const user of [stranger, ...others])
      await root.call('ACL', 'SETUSER', user, 'on', 'nopass', '~*', '+@all');
    const theirs = place.connect(place.urlOf(stranger, 'any'));
    await theirs.ping();
    const cut = new Promise((resolve) => theirs.once('close', resolve));
    await place.access.restore(listing(enrolled));
    expect(await users()).toContain(stranger);
    await place.access.restore(listing(enrolled));
    await cut;
    expect((await users()).toSorted()).toEqual(
      ['default', 'root', 'sallyport-admin', 'sallyport-manager', enrolled.user, ...others].toSorted(),
    );
    await root.call('ACL', 'DELUSER', ...others);
  });

  it('leaves alone whom another manager is just admitting', async () => {
    const newcomer = await place.admit();
    const live = place.connect(newcomer.url);
    await live.ping();
    await place.access.restore(listing());
    await restoreTwice(newcomer);
    await place.access.restore(listing());
    expect(await live.ping()).toBe('PONG');
  });

  it('brings nobody back who is revoked in that moment', async () => {
    const revoked = await place.admit();
    await root.call('ACL', 'DELUSER', revoked.user);
    const lists = [[admittedOf(revoked)], []];
    await place.access.restore(async () => lists.shift() ?? []);
    expect(await users()).not.toContain(revoked.user);
  });

  it.each([
    ['more commands', ['+keys']],
    ['more keys', ['~*']],
    ['more ways', ['(+keys ~*)']],
    ['no password', ['nopass']],
    ['fewer commands', ['-bzpopmin']],
    ['another password', ['resetpass', '>other']],
  ])('mends a user with %s at the second look', async (_, rules) => {
    const member = await place.admit();
    const rulesOf = async (): Promise<string> => String(await root.call('ACL', 'GETUSER', member.user));
    const right = await rulesOf();
    await root.call('ACL', 'SETUSER', member.user, ...rules);
    expect(await rulesOf()).not.toBe(right);
    await restoreTwice(member);
    expect(await rulesOf()).toBe(right);
    expect(await ping(member.url)).toBe('PONG');
  });

  it('changes nothing where nothing is amiss', async () => {
    const member = await place.admit();
    const live = place.connect(member.url);
    await live.ping();
    await restoreTwice(member);
    await root.config('RESETSTAT');
    await restoreTwice(member);
    const stats = await root.info('commandstats');
    expect(stats).toContain('cmdstat_acl|users:calls=2,');
    expect(stats).not.toMatch(/cmdstat_acl\|(?:setuser|deluser|save)/);
    expect(await live.ping()).toBe('PONG');
  });
});

describe('a Redis that does not do as it is told', () => {
  const member = { delegate: newId('d'), group: newId('g'), passwordHash: makePassword().passwordHash };
  const admitBy = async (url: string): Promise<void> => {
    const access = new QueueAccess({ kind: 'redis' }, url);
    try {
      await access.admit(member);
    } finally {
      await access.close();
    }
  };

  it('is told apart: away, or by a user that may not, or with another password', async () => {
    await expect(admitBy(place.redis.url)).rejects.toMatchObject({ code: 'QUEUE_ACCESS_DENIED' });
    await expect(admitBy('redis://127.0.0.1:1')).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    await expect(admitBy(place.urlOf('sallyport-admin', 'guessed'))).rejects.toMatchObject({
      code: 'QUEUE_ACCESS_DENIED',
    });
  });

  it('may have no file for its users', async () => {
    const plain = await startRedis();
    await admitBy(plain.url);
    const client = place.connect(plain.url);
    expect(await client.call('ACL', 'USERS')).toContain(userOf(member.delegate));
    await plain.stop();
  });
});
