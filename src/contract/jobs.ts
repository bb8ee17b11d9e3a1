// What the manager queues for itself. A job is only a hint that there is work; the work itself stands in the database.
import { z } from 'zod';

export const jobs = {
  /** Work on what waits in this lane. Doing it twice, or late, or never, loses nothing: a sweep asks again. */
  'lane.run': z.strictObject({ lane: z.string(), account: z.string() }),
} as const;

export type JobName = keyof typeof jobs;
export type JobData<N extends JobName> = z.infer<(typeof jobs)[N]>;
/** One handler for every job: a missing one does not compile. */
export type JobHandlers = { [N in JobName]: (data: JobData<N>) => Promise<void> };
