// How a delegate says that it is there: hello at its start, a heartbeat while it lives, goodbye when it drains.
import { z } from 'zod';

/** Milliseconds between heartbeats. */
export const heartbeatIntervalMs = 2_000;
/** A delegate not heard of for this long counts as gone. */
export const silenceMaxMs = 8_000;

export const Presence = z.strictObject({
  said: z.enum(['hello', 'heartbeat', 'goodbye']),
  contract: z.int(),
  /** Unique per process: a restarted delegate is a new one. */
  delegate: z.string().min(1).max(128),
  group: z.string().min(1).max(63),
  name: z.string().min(1).max(128),
  version: z.string().max(64),
  tasksMax: z.int(),
});
export type Presence = z.infer<typeof Presence>;

/** The manager's answer to a hello. */
export const Welcome = z.discriminatedUnion('accepted', [
  z.strictObject({ accepted: z.literal(true), contract: z.int(), deployment: z.string() }),
  z.strictObject({ accepted: z.literal(false), contract: z.int() }),
]);
export type Welcome = z.infer<typeof Welcome>;
