// All that a stack tells to whoever operates it: metrics, spans, and what its doctors find.
import { runCommand } from './processes.js';
import { signsOf } from './prometheus.js';
import type { Stack } from './stack.js';
import { TraceReceiver } from './trace-receiver.js';

export class OperatingSigns {
  private constructor(private readonly collector: TraceReceiver) {}

  static async start(): Promise<OperatingSigns> {
    return new OperatingSigns(await TraceReceiver.start());
  }

  /** Of manager and delegates, so that they tell everything. */
  get settings(): Record<string, string> {
    return {
      SALLYPORT_HEALTH_PORT: '0',
      SALLYPORT_DELEGATE_HEALTH_PORT: '0',
      SALLYPORT_TRACES_URL: this.collector.url,
    };
  }

  stop(): Promise<void> {
    return this.collector.stop();
  }

  /** By what it is, once it is seen to hold what it should. */
  async of(stack: Stack): Promise<Record<string, string>> {
    const at = [signsOf(stack.manager), signsOf(stack.delegates.at(-1))];
    const metrics = await Promise.all(at.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    const doctors = await Promise.all([
      runCommand('src/doctor.js', [], { env: stack.managerEnvironment() }),
      runCommand('workers/delegate.js', ['doctor'], { env: stack.delegateEnvironment() }),
    ]);
    const sent = this.collector.requests.map(({ headers, body }) => JSON.stringify(headers) + String(body));
    const told = {
      metrics: metrics.join(),
      traces: sent.join(),
      doctors: doctors.map(({ stdout, stderr }) => stdout + stderr).join(),
    };
    const lacking = [
      [told.metrics, 'manager_secrets_opened_total{'],
      [told.metrics, 'delegate_secrets_opened_total{'],
      [told.traces, 'run git.commit'],
      [told.traces, 'lane.push'],
      [told.doctors, 'data folder: '],
    ].filter(([text = '', words = '']) => !text.includes(words));
    if (lacking.length > 0) throw new Error(`Nobody tells ${lacking.map(([, words]) => words).join(', ')}`);
    return told;
  }
}
