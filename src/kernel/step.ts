// Named steps of the corridors, published on a diagnostics channel, which crash tests subscribe to; and spans, where they are part of
// a trace.
import { channel } from 'node:diagnostics_channel';
import { inPart } from './concern.js';

const steps = channel('sallyport:step');

/** What subscribers of `sallyport:step` receive, before and after each step. */
export interface StepEvent {
  step: string;
  moment: 'before' | 'after';
}

/** Runs `work` as the step of this name. Costs nothing while nobody listens. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (steps.hasSubscribers) steps.publish({ step: name, moment: 'before' } satisfies StepEvent);
  const result = await inPart({ name }, work);
  if (steps.hasSubscribers) steps.publish({ step: name, moment: 'after' } satisfies StepEvent);
  return result;
}
