// Structured logs, one JSON object a line on standard error. Every text passes the redaction.
import { type Logger, pino } from 'pino';
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
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (object) => redactDeep(object) as Record<string, unknown>,
      },
      serializers: { err: describeError },
      hooks: {
        logMethod(inputs, method) {
          method.apply(
            this,
            inputs.map((input) => (typeof input === 'string' ? redact(input) : input)) as typeof inputs,
          );
        },
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

function describeError(error: unknown): unknown {
  if (error instanceof Failure)
    return {
      ...error.toWire(),
      message: error.message,
      cause: error.cause === undefined ? undefined : describeError(error.cause),
    };
  if (error instanceof Error) return { message: redact(error.message), stack: redact(error.stack ?? '') };
  return redact(String(error));
}
