// How a manager looks at a task in its delegate's queue: at sizes first, since the delegate writes there what it likes.
import type { Queue } from 'bullmq';
import type { QueueBackend } from './backend.js';

/** Of an answer as it stands in the queue: sealed, in base64. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const REASON_BYTES_MAX = 2_048;
const PROCESS_BYTES_MAX = 64;

export interface TaskLook {
  isBegun: boolean;
  /** The process that took it last; undefined where its delegate does not say, as one of an older version. */
  begunBy: string | undefined;
  isFinished: boolean;
  /** Why the queue counts it as failed, where it does. */
  failedReason: string | undefined;
  /** As it was returned; undefined for what is no JSON. */
  answer: unknown;
  /** It was returned, and not read. */
  isTooLong: boolean;
}

/** Nothing of an unfinished task is read, and nothing that is longer than it may be. */
const LOOK = `
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local processed = redis.call('HEXISTS', KEYS[1], 'processedOn')
if redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0 then
  if redis.call('HSTRLEN', KEYS[1], 'pb') > tonumber(ARGV[3]) then return {processed, 0} end
  return {processed, 0, '', 0, '', redis.call('HGET', KEYS[1], 'pb')}
end
local reason = redis.call('HSTRLEN', KEYS[1], 'failedReason')
if reason > tonumber(ARGV[2]) then return {processed, 1, 'it gave a reason of ' .. reason .. ' bytes'} end
if reason > 0 then return {processed, 1, redis.call('HGET', KEYS[1], 'failedReason')} end
if redis.call('HSTRLEN', KEYS[1], 'returnvalue') > tonumber(ARGV[1]) then return {processed, 1, '', 1} end
return {processed, 1, '', 0, redis.call('HGET', KEYS[1], 'returnvalue')}
`;
type Found = [
  isBegun: number,
  isFinished: number,
  reason?: string,
  isTooLong?: number,
  answer?: string | null,
  begunBy?: string | null,
];

/** Null when the queue has lost the task. @throws what the queue throws */
export async function lookAt(
  kind: QueueBackend['kind'],
  queue: Queue,
  task: string,
): Promise<TaskLook | null> {
  if (kind === 'postgres') return lookAtJob(queue, task);
  const { connection } = queue.getBackend();
  const client = await connection.client;
  client.defineCommand('lookAtTask', { numberOfKeys: 1, lua: LOOK });
  const args = [queue.toKey(task), ANSWER_BYTES_MAX, REASON_BYTES_MAX, PROCESS_BYTES_MAX];
  const found = (await client.runCommand('lookAtTask', args)) as Found | null;
  if (found === null) return null;
  const [isBegun, isFinished, reason, isTooLong, answer, begunBy] = found;
  return {
    isBegun: isBegun === 1,
    begunBy: begunBy ?? undefined,
    isFinished: isFinished === 1,
    failedReason: reason || undefined,
    answer: parse(answer),
    isTooLong: isTooLong === 1,
  };
}

async function lookAtJob(queue: Queue, task: string): Promise<TaskLook | null> {
  const job = await queue.getJob(task);
  if (job === undefined) return null;
  return {
    isBegun: job.processedOn !== undefined,
    begunBy: job.processedBy,
    isFinished: job.finishedOn !== undefined,
    failedReason: job.failedReason || undefined,
    answer: job.returnvalue,
    isTooLong: false,
  };
}

function parse(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
