// What a Redis is to whoever uses it under this URL: found by asking as that user, by what it may ask. Nothing is written.
import type { RedisOptions } from 'ioredis';
import { managerPrefix, openQueueBackend } from './backend.js';
import { isOpenToAnybody, openOnce } from './queue-probe.js';
import type { RedisFiles } from './redis-endpoint.js';

export interface RedisFacts {
  /** `redis` or `valkey`, and its version: '7.0.15'. */
  product: 'redis' | 'valkey';
  version: string;
  /** By its clock, in the middle of the question; undefined where it does not say. Milliseconds since 1970. */
  now: number | undefined;
  /** By this clock, then. */
  here: number;
  /** Whom it knows us as: `default` where the URL names nobody. */
  user: string;
  isEncrypted: boolean;
  /** Where it listens; empty where it does not say. */
  addresses: string[];
  /** Whether it obeys somebody who does not say who it is. */
  isOpen: boolean;
  policy: string;
  /** Bytes; 0 for as much as there is. */
  memoryMax: number;
  hasAppendFile: boolean;
  /** Why what it has may not be on its disk; none where it is. */
  diskFaults: string[];
  replicas: number;
  /** Whether it stops taking writes when no replica follows closely. */
  heedsReplicas: boolean;
  /** Commands that no user of the queue needs, and that this one may run. */
  commands: string[];
  /** Whether the user may use keys that are not Sallyport’s. */
  hasAllKeys: boolean;
}

/** Those that end, empty or change a server, or tell of everything in it. */
const FORBIDDEN: [name: string, ...args: string[]][] = [
  ['CONFIG', 'GET', 'maxmemory'],
  ['DEBUG', 'SLEEP', '0'],
  ['FLUSHALL'],
  ['KEYS', '*'],
  ['SHUTDOWN'],
  ['MODULE', 'LIST'],
];

/**
 * Asks about each of ARGV, in JSON, whether the user may run it; runs none. Last, about a key of nobody. One whose disk is full
 * refuses scripts that do not say that they write nothing.
 */
const MAY_RUN = `#!lua flags=no-writes
local may = {}
for at, text in ipairs(ARGV) do
  local done, is = pcall(redis.acl_check_cmd, unpack(cjson.decode(text)))
  may[at] = (done and is) and 1 or 0
end
return may`;

/** @returns why it cannot be asked, in words of Redis or of the network, where that is so. @throws CONFIGURATION_INVALID */
export async function probeRedisServer(url: string, files: RedisFiles): Promise<RedisFacts | string> {
  const backend = await openQueueBackend({ redisUrl: url, databaseUrl: undefined }, files);
  const { url: address, ...options } = backend.producer.connection as RedisOptions & { url: string };
  const { redis, firstFault } = openOnce(address, options);
  try {
    await redis.connect();
    const began = Date.now();
    const told = readInfo(await redis.info());
    const here = (began + Date.now()) / 2;
    const asked = [...FORBIDDEN, ['GET', 'a-key-of-nobody'], ['GET', `${managerPrefix}:a-key`]];
    const may = (await redis.eval(MAY_RUN, 0, ...asked.map((one) => JSON.stringify(one)))) as number[];
    const isOpen = await isOpenToAnybody(backend);
    return {
      ...factsOf(told),
      here,
      user: decodeURIComponent(new URL(url).username) || 'default',
      isEncrypted: new URL(url).protocol === 'rediss:',
      isOpen,
      commands: FORBIDDEN.map(([name]) => name).filter((_, at) => may[at] === 1),
      hasAllKeys: may[FORBIDDEN.length] === 1,
    };
  } catch (error) {
    return (firstFault() ?? (error as Error)).message;
  } finally {
    redis.disconnect();
  }
}

/** 'maxmemory:0' by name. */
function readInfo(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

function factsOf(info: Map<string, string>) {
  const now = Number(info.get('server_time_usec'));
  const listeners = [...info].filter(([name]) => /^listener\d+$/.test(name)).map(([, text]) => text);
  return {
    product: info.has('valkey_version') ? ('valkey' as const) : ('redis' as const),
    version: info.get('valkey_version') ?? info.get('redis_version') ?? '0',
    now: Number.isFinite(now) && now > 0 ? now / 1_000 : undefined,
    addresses: listeners.flatMap((text) => [...text.matchAll(/bind=([^,]*)/g)].map(([, at = '']) => at)),
    policy: info.get('maxmemory_policy') ?? 'unknown',
    memoryMax: Number(info.get('maxmemory') ?? 0),
    hasAppendFile: info.get('aof_enabled') === '1',
    diskFaults: diskFaultsOf(info),
    replicas: Number(info.get('connected_slaves') ?? 0),
    heedsReplicas: info.has('min_slaves_good_slaves'),
  };
}

function diskFaultsOf(info: Map<string, string>): string[] {
  const states: [name: string, words: string][] = [
    ['aof_last_write_status', 'the last write to its file failed'],
    ['aof_last_bgrewrite_status', 'the last rewriting of its file failed'],
    ['rdb_last_bgsave_status', 'the last snapshot failed'],
  ];
  const failed = states.filter(([name]) => (info.get(name) ?? 'ok') !== 'ok').map(([, words]) => words);
  return [...failed, ...(info.get('loading') === '1' ? ['it is still loading its file'] : [])];
}
