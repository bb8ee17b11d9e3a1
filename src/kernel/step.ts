// Named steps of the corridors, published on a diagnostics channel: tracing subscribes to them, and so do crash tests.
import { channel } from 'node:diagnostics_channel';

const steps = channel('sallyport:step');

/** What subscribers of `sallyport:step` receive, before and after each step. */
export interface StepEvent {
  step: string;
  moment: 'before' | 'after';
}

/** Runs `work` as the step of this name. Costs nothing while nobody listens. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (steps.hasSubscribers) steps.publish({ step: name, moment: 'before' } satisfies StepEvent);
  const result = await work();
  if (steps.hasSubscribers) steps.publish({ step: name, moment: 'after' } satisfies StepEvent);
  return result;
}
