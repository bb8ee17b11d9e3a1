// Whether a process makes traces. Where it does not, nothing of a tracer is loaded.
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.js';
import { useTracer } from '../kernel/concern.js';
import { registerSecret } from '../kernel/redact.js';

/** Until the answer is called, which sends what there is. */
export async function openTraces(
  { SALLYPORT_TRACES_URL: url, SALLYPORT_TRACES_PERCENT: percent }: Config,
  process: { name: 'manager' | 'delegate'; version: string },
): Promise<() => Promise<void>> {
  if (url === undefined) return async () => undefined;
  const forget = registerSecret(decodeURIComponent(new URL(url).password));
  const { openTelemetry } = await import('./open-telemetry.js');
  const tracer = openTelemetry({ url, percent, process: { ...process, instance: randomUUID() } });
  useTracer(tracer);
  return async () => {
    useTracer(undefined);
    await tracer.close();
    forget();
  };
}
