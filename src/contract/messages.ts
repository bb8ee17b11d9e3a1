// What passes between manager and delegates over the queue, and what each message claims in the open.
import { z } from 'zod';

/** Of a task. Times in milliseconds since 1970. */
export const TaskClaims = z.strictObject({
  deployment: z.string(),
  group: z.string(),
  /** The one delegate that may carry it out. */
  delegate: z.string(),
  /** Unique to this sending: a delegate carries out none twice. */
  task: z.uuid(),
  name: z.string(),
  contract: z.int(),
  issuedAt: z.int(),
  /** A delegate refuses a task it would begin after this moment. */
  expiresAt: z.int(),
  digest: z.string(),
});
export type TaskClaims = z.infer<typeof TaskClaims>;

/** Of an answer. */
export const AnswerClaims = z.strictObject({
  deployment: z.string(),
  group: z.string(),
  delegate: z.string(),
  task: z.uuid(),
  answeredAt: z.int(),
  digest: z.string(),
});
export type AnswerClaims = z.infer<typeof AnswerClaims>;

/** What a task is sealed for; without it the key to open it cannot be derived. */
export const taskInfo = (deployment: string, group: string): string =>
  `sallyport task ${deployment} ${group}`;
export const answerInfo = (deployment: string): string => `sallyport answer ${deployment}`;

/** How far two clocks may be apart. */
export const clockSkewMaxMs = 60_000;
