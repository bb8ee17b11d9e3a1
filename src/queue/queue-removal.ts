// What is left in Redis of delegates that were cut off is removed by the names of its keys, and never by what stands in them: a
// delegate wrote there what it liked, and BullMQ's own removal follows that.
import type { RedisOptions } from 'ioredis';
import { groupPrefix, type QueueBackend, taskQueueName } from './backend.js';
import { openOnce } from './queue-probe.js';

/** One step through all keys. It runs in Redis, since names too may be as long as a delegate likes. */
const REMOVE = `
local gone = {}
for i = 2, #ARGV do gone[ARGV[i]] = true end
local found = redis.call('SCAN', ARGV[1], 'MATCH', '{sallyport:*}:tasks-*', 'COUNT', 1000)
for _, key in ipairs(found[2]) do
  local queue = string.match(key, '^({sallyport:[^}]*}:tasks%-[^:]*):')
  if queue and gone[queue] then redis.call('UNLINK', key) end
end
return found[1]
`;

/** Of delegates that can write nothing any more. @throws what Redis throws */
export async function removeTaskQueues(
  backend: QueueBackend,
  gone: readonly { group: string; delegate: string }[],
): Promise<void> {
  const { url, ...options } = backend.producer.connection as RedisOptions & { url: string };
  const queues = gone.map(({ group, delegate }) => `${groupPrefix(group)}:${taskQueueName(delegate)}`);
  const { redis, firstFault } = openOnce(url, options);
  try {
    await redis.connect();
    let cursor = '0';
    do cursor = (await redis.eval(REMOVE, 0, cursor, ...queues)) as string;
    while (cursor !== '0');
  } catch (error) {
    throw firstFault() ?? error;
  } finally {
    redis.disconnect();
  }
}
