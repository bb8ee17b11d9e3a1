// The life of a Sallyport process: start, say that it is ready, drain when asked or when its parent is gone.
import { Failure } from './failure.js';

/** What a process tells its parent once it takes work. */
export interface Ready {
  ready: true;
  /** Where it listens, if it does. */
  url?: string | undefined;
}

export interface Running {
  url?: string;
  drain: () => Promise<void>;
  /** A drain that takes longer is cut off. Milliseconds. */
  drainMsMax?: number;
  onFault: (error: unknown) => void;
}

const DRAIN_MS_MAX = 25_000;

/** Runs until SIGTERM, SIGINT or the end of the parent that started it with a channel; then drains and exits. */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  let running: Running;
  try {
    running = await start();
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  }
  let draining = false;
  const drain = async (): Promise<void> => {
    if (draining) return;
    draining = true;
    setTimeout(() => process.exit(1), running.drainMsMax ?? DRAIN_MS_MAX).unref();
    await running.drain().catch(running.onFault);
    process.exit(0);
  };
  process.on('SIGTERM', () => void drain());
  process.on('SIGINT', () => void drain());
  process.on('disconnect', () => void drain());
  process.on('unhandledRejection', running.onFault);
  if (process.connected) process.send?.({ ready: true, url: running.url } satisfies Ready);
}

function describe(error: unknown): string {
  if (error instanceof Failure) return `${error.code}: ${error.message}\n${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
