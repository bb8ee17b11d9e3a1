// Structured logs, one JSON object a line on standard error. Every text passes the redaction.
import { type Logger, pino } from 'pino';
import { describeConcern } from './concern.js';
import { Failure } from './failure.js';
import { redact, redactDeep } from './redact.js';

/** The process's logger. A class, so that Nest can hand it out. */
export abstract class Log {}
export interface Log extends Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> {}

/** A logger for the process of this name. */
export function createLog(process: string, level: string): Log {
  return pino(
    {
      level,
      base: { process },
      // Which operations it is about, and of which trace it is.
      mixin: describeConcern,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are described below, and not once more by pino.
      serializers: { err: (described: unknown) => described },
      hooks: {
        // Whatever is logged comes through here, and nothing but plain redacted values leaves.
        logMethod(inputs, method) {
          method.apply(this, inputs.map(describe) as typeof inputs);
        },
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

function describe(input: unknown): unknown {
  if (input instanceof Error) return { err: describeError(input) };
  if (input === null || typeof input !== 'object' || !('err' in input)) return redactDeep(input);
  const { err, ...more } = input;
  return { ...(redactDeep(more) as object), err: describeError(err) };
}

/** Causes that are told; a chain of them may lead back to its beginning. */
const CAUSES_MAX = 8;

function describeError(error: unknown, causesMax = CAUSES_MAX): unknown {
  if (!(error instanceof Error)) return redactDeep(error);
  const about = error instanceof Failure ? error.toWire() : { stack: redact(error.stack ?? '') };
  const hasCause = error.cause !== undefined && causesMax > 0;
  return {
    ...about,
    message: redact(error.message),
    ...(hasCause ? { cause: describeError(error.cause, causesMax - 1) } : {}),
  };
}
