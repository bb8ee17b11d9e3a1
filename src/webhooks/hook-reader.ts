// Reads what a host says in a body. That takes seconds and hundreds of megabytes where it is large, and nothing can stop a parser: so
// a large one is read on a thread of its own, within limits to both, while the manager goes on.
import { Worker } from 'node:worker_threads';
import { codecs } from '../providers/codecs.js';
import type { Provider } from '../providers/provider.js';
import { type HookEvent, type HookHeaders, MalformedHook } from '../providers/webhook.js';
import { keptEvent } from './kept-event.js';

export const hookReading = {
  /** A larger body is not read where everything else is done. */
  hereBytesMax: 256 * 1024,
  /** For one that is larger: of a thread's heap, and until it is given up. */
  heapMiB: 384,
  deadlineMs: 20_000,
} as const;

/** What a thread is given. */
export interface HookReading {
  provider: Provider;
  body: Uint8Array;
  headers: HookHeaders;
}

export type ReadHook = { event: HookEvent } | { malformed: string };

// Worker threads load compiled code; where this file itself runs uncompiled (under the test runner), the build's is used.
const entry = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/webhooks/hook-worker.js', import.meta.url)
  : new URL('./hook-worker.js', import.meta.url);

/** @throws MalformedHook */
export async function readHook(
  provider: Provider,
  body: Buffer,
  headers: HookHeaders,
  limits: { heapMiB: number; deadlineMs: number } = hookReading,
): Promise<HookEvent> {
  if (body.length <= hookReading.hereBytesMax) return keptEvent(codecs[provider].parse(body, headers));
  const read = await readApart({ provider, body: Uint8Array.from(body), headers }, limits);
  if ('event' in read) return read.event;
  throw new MalformedHook('body', read.malformed);
}

function readApart(
  workerData: HookReading,
  { heapMiB, deadlineMs }: { heapMiB: number; deadlineMs: number },
): Promise<ReadHook> {
  const worker = new Worker(entry, {
    workerData,
    transferList: [workerData.body.buffer as ArrayBuffer],
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 32 },
  });
  worker.unref();
  return new Promise<ReadHook>((resolve, reject) => {
    const giveUp = (why: string): void => resolve({ malformed: `The body takes too ${why} to read` });
    const deadline = setTimeout(() => giveUp('long'), deadlineMs);
    worker
      .once('message', resolve)
      .once('error', (error) => (isTooLarge(error) ? giveUp('much memory') : reject(error)))
      .once('exit', () => clearTimeout(deadline));
    // Which it does once it is past what cannot be stopped.
  }).finally(() => void worker.terminate());
}

const isTooLarge = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
