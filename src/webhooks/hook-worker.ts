// The thread that reads one large body, and ends.
import { parentPort, workerData } from 'node:worker_threads';
import { codecs } from '../providers/codecs.js';
import { MalformedHook } from '../providers/webhook.js';
import type { HookReading, ReadHook } from './hook-reader.js';
import { keptEvent } from './kept-event.js';

parentPort?.postMessage(read(workerData as HookReading));

function read({ provider, body, headers }: HookReading): ReadHook {
  try {
    return { event: keptEvent(codecs[provider].parse(Buffer.from(body.buffer), headers)) };
  } catch (error) {
    if (error instanceof MalformedHook) return { malformed: error.message };
    throw error;
  }
}
