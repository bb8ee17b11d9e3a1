// Which delegate may do what in Redis: each has a user of its own that sees the keys of its own queue and of its group's
// presence, and runs the commands a worker needs. Measured with BullMQ 6.7 on Redis 7.0; test/flows/isolation.test.ts shows
// what is denied.
import { createHash, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Failure } from '../kernel/failure.js';
import { groupPrefix, presenceQueueName, type QueueBackend, taskQueueName } from './backend.js';
import { type RedisEndpoint, type RedisFiles, redisEndpoint } from './redis-endpoint.js';

const COMMANDS =
  '+auth +hello +ping +quit +info +client|setname +evalsha +eval +bzpopmin ' +
  '+del +exists +get +set +incr +pttl ' +
  '+hget +hgetall +hmget +hset +hmset +hdel +hexists +hincrby ' +
  '+llen +lpush +lrange +lrem +rpush +rpoplpush ' +
  '+sadd +srem +scard +smembers +xadd +xtrim ' +
  '+zadd +zcard +zpopmin +zrange +zrangebyscore +zrem +zremrangebyrank +zremrangebyscore ' +
  '+zrevrange +zrevrangebyscore +zscore';

/** A delegate as Redis knows it. */
export interface Admitted {
  delegate: string;
  /** Id of the group. */
  group: string;
  /** SHA-256 of its password, in hex. */
  passwordHash: string;
}

export const userOf = (delegate: string): string => `sallyport-${delegate}`;

/** A fresh password and the hash that is all anybody stores of it. */
export function makePassword(): { password: string; passwordHash: string } {
  const password = randomBytes(32).toString('base64url');
  return { password, passwordHash: createHash('sha256').update(password).digest('hex') };
}

/** The rules of a delegate's user, as ACL SETUSER takes them. */
export function rulesFor({ delegate, group, passwordHash }: Admitted): string[] {
  const prefix = groupPrefix(group);
  return [
    'reset',
    'on',
    `#${passwordHash}`,
    `~${prefix}:${taskQueueName(delegate)}:*`,
    `~${prefix}:${presenceQueueName(group)}:*`,
    'resetchannels',
    '-@all',
    ...COMMANDS.split(' '),
  ];
}

/**
 * How long passes between two looks at what the users of Redis may do. What one finds amiss may be an admission under way; what
 * the next one finds unchanged is mended.
 */
const INSPECTION_MS = 5_000;
/** What the manager made, by the ids it gives its delegates; all other users are somebody else's. */
const OURS = /^sallyport-d[0-9a-f]{16}$/;

/** Admits delegates to Redis and cuts them off; does nothing where the queue is in PostgreSQL. */
export class QueueAccess {
  readonly #endpoint: RedisEndpoint | undefined;
  readonly #inspectionMs: number;
  #redis: Redis | undefined;
  #inspectAt = 0;
  #suspects = new Map<string, string>();

  /** `adminUrl` is of a user that may run ACL. @throws CONFIGURATION_INVALID */
  constructor(
    { kind }: Pick<QueueBackend, 'kind'>,
    adminUrl: string | undefined,
    { inspectionMs = INSPECTION_MS, ...files }: RedisFiles & { inspectionMs?: number } = {},
  ) {
    if (kind === 'redis' && adminUrl !== undefined) this.#endpoint = redisEndpoint(adminUrl, files);
    this.#inspectionMs = inspectionMs;
  }

  /**
   * Whoever was there under this id before is cut off, its open connections too.
   * @throws QUEUE_UNAVAILABLE, QUEUE_ACCESS_DENIED
   */
  async admit(one: Admitted): Promise<void> {
    await this.#change([removing([userOf(one.delegate)]), setting(one)]);
  }

  /** Cuts the delegate off at once, its open connections too. @throws QUEUE_UNAVAILABLE, QUEUE_ACCESS_DENIED */
  async expel(delegate: string): Promise<void> {
    await this.#change([removing([userOf(delegate)])]);
  }

  /**
   * Admits at once who is missing: a Redis that lost its users gets them again. Looks now and then for delegates that nobody
   * enrolled, and for rules that are not those of today.
   * @param list all that must be admitted, as they are now
   * @returns the users that there were
   * @throws QUEUE_UNAVAILABLE, QUEUE_ACCESS_DENIED
   */
  async restore(list: () => Promise<readonly Admitted[]>): Promise<ReadonlySet<string>> {
    if (this.#endpoint === undefined) return new Set();
    const present = new Set((await this.#run(['USERS'])) as string[]);
    const all = await list();
    await this.#readmit(
      all.filter(({ delegate }) => !present.has(userOf(delegate))),
      list,
    );
    if (Date.now() >= this.#inspectAt) {
      this.#inspectAt = Date.now() + this.#inspectionMs;
      await this.#inspect(all, list);
    }
    return present;
  }

  async close(): Promise<void> {
    this.#redis?.disconnect();
  }

  async #inspect(all: readonly Admitted[], list: () => Promise<readonly Admitted[]>): Promise<void> {
    const wanted = new Map(all.map((one) => [userOf(one.delegate), one]));
    const lines = ((await this.#run(['LIST'])) as string[]).map((line) => ({
      user: line.split(' ')[1] ?? '',
      line,
    }));
    const suspects = lines.filter(({ user, line }) => OURS.test(user) && !obeys(line, wanted.get(user)));
    const amiss = suspects.filter(({ user, line }) => this.#suspects.get(user) === line);
    this.#suspects = new Map(suspects.map(({ user, line }) => [user, line]));
    const strangers = amiss.map(({ user }) => user).filter((user) => !wanted.has(user));
    if (strangers.length > 0) await this.#change([removing(strangers)]);
    await this.#readmit(
      amiss.map(({ user }) => wanted.get(user)).filter((one) => one !== undefined),
      list,
    );
  }

  /** Who was revoked between the list and now is not brought back. */
  async #readmit(some: readonly Admitted[], list: () => Promise<readonly Admitted[]>): Promise<void> {
    if (some.length === 0) return;
    await this.#change(some.map(setting));
    const still = new Set((await list()).map(({ delegate }) => delegate));
    const revoked = some.map(({ delegate }) => delegate).filter((delegate) => !still.has(delegate));
    if (revoked.length > 0) await this.#change([removing(revoked.map(userOf))]);
  }

  /** All of it or nothing, and kept where Redis has a file for its users; elsewhere the managers' sweep stands in for one. */
  async #change(commands: string[][]): Promise<void> {
    if (this.#endpoint === undefined) return;
    const changes = this.#open().multi();
    for (const command of commands) changes.call('ACL', ...command);
    const answers = await changes.exec().catch((cause: Error) => [[cause] as const]);
    for (const [fault] of answers ?? []) if (fault) throw toFailure(fault);
    await this.#run(['SAVE']).catch(() => undefined);
  }

  async #run(args: string[]): Promise<unknown> {
    try {
      return await this.#open().call('ACL', ...args);
    } catch (cause) {
      throw toFailure(cause as Error);
    }
  }

  #open(): Redis {
    if (this.#redis !== undefined) return this.#redis;
    const { url, ...options } = this.#endpoint as RedisEndpoint;
    this.#redis = new Redis(url, { ...options, maxRetriesPerRequest: 1, connectTimeout: 5_000 });
    this.#redis.on('error', () => undefined);
    return this.#redis;
  }
}

const setting = (one: Admitted): string[] => ['SETUSER', userOf(one.delegate), ...rulesFor(one)];
const removing = (users: string[]): string[] => ['DELUSER', ...users];

/** Of a transaction that was not begun, the reason is with the command that was refused. */
function toFailure(cause: Error & { previousErrors?: Error[] }): Failure {
  const reason = (cause.previousErrors?.[0] ?? cause).message;
  const isDenied = /NOPERM|WRONGPASS|NOAUTH|unknown command|ERR Error in ACL/i.test(reason);
  if (isDenied) return new Failure('QUEUE_ACCESS_DENIED', { reason }, { cause }) as Failure;
  return new Failure('QUEUE_UNAVAILABLE', { reason }, { cause }) as Failure;
}

/** Whether a line of ACL LIST gives a user just what its rules say. */
function obeys(line: string, one: Admitted | undefined): boolean {
  if (one === undefined) return false;
  const wanted = new Set(rulesFor(one).filter(isGrant));
  const given = line.split(' ').slice(2).filter(isGrant);
  return given.length === wanted.size && given.every((rule) => wanted.has(rule));
}

/** 'on', '#hash', '~keys', '+command'; what only takes away is no grant. */
const isGrant = (rule: string): boolean => /^(?:[#~%&+(]|on$|off$|nopass$|all)/.test(rule);
