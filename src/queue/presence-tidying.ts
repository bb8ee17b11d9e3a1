// What a manager takes away from a group's signs of life: each delegate of the group writes there what it likes, and what stays
// when it is revoked must not keep the others from being heard.
import type { Worker } from 'bullmq';

/** Of one sign of life, with all that the queue tells of it: less than a connection for it accepts. */
export const SIGN_BYTES_MAX = 960 * 1024;
/** So many may stand unread; many more than all delegates of a group leave there. */
const WAITING_MAX = 1_000;
/** Taken away at one look, so that Redis is not held up by it. */
const TRIMMED_MAX = 10_000;
/** An id is a few words. */
const ID_BYTES_MAX = 256;

export interface Tidied {
  /** Stood there beyond all reason; the oldest. */
  tooMany: number;
  tooLong: number;
}

/**
 * Keys of another type than the queue's own are taken away, as are all settings (paused, limits), and what signs of life have no
 * use for (delays, priorities). What stands in the lists is measured as a worker's connection would count it.
 */
const TIDY = `
local prefix, most, trimmedMost, bytesMost, idMost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local types = {wait = {'LLEN'}, active = {'LLEN'}, stalled = {'SCARD'}, completed = {'ZCARD'}, failed = {'ZCARD'},
  events = {'XTRIM', 'MAXLEN', '~', 10000}, id = {'INCR'}}
for name, command in pairs(types) do
  local found = redis.pcall(command[1], prefix .. name, unpack(command, 2))
  if type(found) == 'table' and found.err then redis.call('DEL', prefix .. name) end
end
for _, name in ipairs({'meta', 'limiter', 'delayed', 'prioritized', 'paused', 'pc', 'marker'}) do redis.call('DEL', prefix .. name) end
local check = redis.call('PTTL', prefix .. 'stalled-check')
if check == -1 or check > 60000 then redis.call('DEL', prefix .. 'stalled-check') end
if redis.call('SCARD', prefix .. 'stalled') > 2 * most then redis.call('DEL', prefix .. 'stalled') end

local function size(key)
  for _, field in ipairs({'data', 'opts', 'returnvalue', 'failedReason', 'stacktrace', 'defa'}) do
    local bytes = redis.pcall('HSTRLEN', key, field)
    if type(bytes) == 'table' then return 0 end
    if bytes > bytesMost then return bytes end
  end
  local bytes = 0
  for _, part in ipairs(redis.call('HGETALL', key)) do bytes = bytes + #part + 32 end
  return bytes
end

local tooMany, tooLong, left = 0, 0, 64 * bytesMost
for _, name in ipairs({'wait', 'active'}) do
  local list = prefix .. name
  local excess = math.min(redis.call('LLEN', list) - most, trimmedMost)
  if excess > 0 then
    for _, id in ipairs(redis.call('LRANGE', list, -excess, -1)) do redis.call('DEL', prefix .. id) end
    redis.call('LTRIM', list, 0, -excess - 1)
    tooMany = tooMany + excess
  end
  for _, id in ipairs(redis.call('LRANGE', list, -most, -1)) do
    if left < 0 then break end
    local bytes = size(prefix .. id)
    left = left - bytes
    if bytes > bytesMost or bytes == 0 or #id > idMost then
      redis.call('LREM', list, 0, id)
      redis.call('SREM', prefix .. 'stalled', id)
      redis.call('DEL', prefix .. id, prefix .. id .. ':lock')
      if bytes > 0 then tooLong = tooLong + 1 end
    end
  end
end
if redis.call('LLEN', prefix .. 'wait') > 0 then redis.call('ZADD', prefix .. 'marker', 0, '0') end
return {tooMany, tooLong}
`;

/** Of a queue in Redis. Waits for a Redis that is away. */
export async function tidyPresence(worker: Worker): Promise<Tidied> {
  const { connection } = worker.getBackend();
  const client = await connection.client;
  client.defineCommand('tidyPresence', { numberOfKeys: 1, lua: TIDY });
  const args = [
    worker.toKey('wait'),
    worker.toKey(''),
    WAITING_MAX,
    TRIMMED_MAX,
    SIGN_BYTES_MAX,
    ID_BYTES_MAX,
  ];
  const [tooMany, tooLong] = (await client.runCommand('tidyPresence', args)) as [number, number];
  return { tooMany, tooLong };
}
