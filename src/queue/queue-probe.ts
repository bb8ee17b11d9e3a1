// Whether a delegate gets at its queue, and at what else, found by trying as the delegate's own user. Nothing is written.
import { Redis, type RedisOptions } from 'ioredis';
import pg from 'pg';
import { groupPrefix, managerPrefix, type QueueBackend, taskQueueName } from './backend.js';

export type QueueProbe =
  | { reached: false; because: 'unreachable' | 'encryption' | 'user'; reason: string }
  | { reached: true; encrypted: boolean; access: QueueReach };

/** `own`: why the delegate's own queue is shut to it, if it is; `others`: what it may read that is not its own. */
export interface QueueReach {
  own: string | null;
  others: string[];
}

const CONNECT_MS = 5_000;
/** Nobody has this name: access is decided by the name alone, before anything is looked for. */
const NOBODY = 'nobody';

/** `backend`: of Redis, as the delegate itself opens it. */
export async function probeRedis(
  backend: QueueBackend,
  { group, delegate }: { group: string; delegate: string },
): Promise<QueueProbe> {
  const { url, ...options } = backend.producer.connection as RedisOptions & { url: string };
  const { redis, firstFault } = openOnce(url, options);
  try {
    await redis.connect();
    const encrypted = new URL(url).protocol === 'rediss:';
    return { reached: true, encrypted, access: await tryKeys(redis, { group, delegate }) };
  } catch (error) {
    return explain(firstFault() ?? (error as Error));
  } finally {
    redis.disconnect();
  }
}

async function tryKeys(
  redis: Redis,
  { group, delegate }: { group: string; delegate: string },
): Promise<QueueReach> {
  const read = async (queue: string): Promise<string | null> => {
    try {
      await redis.exists(`${queue}:meta`);
      return null;
    } catch (error) {
      const reason = (error as Error).message;
      if (/^NOPERM/.test(reason)) return reason;
      throw error;
    }
  };
  const foreign = {
    'queues of other delegates of its group': `${groupPrefix(group)}:${taskQueueName(NOBODY)}`,
    'queues of other groups': `${groupPrefix(NOBODY)}:${taskQueueName(NOBODY)}`,
    'the manager’s jobs': `${managerPrefix}:jobs`,
  };
  const own = await read(`${groupPrefix(group)}:${taskQueueName(delegate)}`);
  const others: string[] = [];
  for (const [what, queue] of Object.entries(foreign)) if ((await read(queue)) === null) others.push(what);
  return { own, others };
}

function explain(error: Error & { code?: string; errors?: Error[] }): QueueProbe {
  const reason = error.message || error.errors?.[0]?.message || error.code || 'no answer';
  if (/^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason))
    return { reached: false, because: 'user', reason };
  const isOfTls =
    /CERT|SSL|TLS|EPROTO|SIGNATURE/.test(error.code ?? '') || /certificate|self-signed/i.test(reason);
  return { reached: false, because: isOfTls ? 'encryption' : 'unreachable', reason };
}

/** Whether Redis obeys somebody who does not say who it is: then users keep nobody apart. @throws where it does not answer */
export async function isOpenToAnybody(backend: QueueBackend): Promise<boolean> {
  const { url, ...options } = backend.producer.connection as RedisOptions & { url: string };
  const nameless = new URL(url);
  nameless.username = '';
  nameless.password = '';
  const { redis, firstFault } = openOnce(nameless.href, options);
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } catch (error) {
    const fault = firstFault() ?? (error as Error);
    if (/^(?:NOAUTH|NOPERM|WRONGPASS)/.test(fault.message)) return false;
    // It would obey, and cannot write.
    if (/^MISCONF/.test(fault.message)) return true;
    throw fault;
  } finally {
    redis.disconnect();
  }
}

/**
 * A connection that is not made again. What ended it is told by its first fault; the call that waited only hears that it ended.
 */
export function openOnce(
  url: string,
  options: RedisOptions,
): { redis: Redis; firstFault: () => Error | undefined } {
  const redis = new Redis(url, {
    ...(options as object),
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: CONNECT_MS,
    commandTimeout: CONNECT_MS,
    retryStrategy: () => null,
  });
  let fault: Error | undefined;
  redis.on('error', (error) => {
    fault ??= error;
  });
  return { redis, firstFault: () => fault };
}

/** Why the database that holds the queue does not answer; null where it does. */
export async function probePostgres(databaseUrl: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}
