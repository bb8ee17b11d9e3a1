// A bound on what is read of an answer of AWS: the SDK collects whatever comes.
import { pipeline, type Readable, Transform } from 'node:stream';

/** Longer than the longest answer that means anything. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** What of a client's middleware is used here. */
interface Stack {
  add(
    middleware: unknown,
    options: { step: 'deserialize'; priority: 'low'; name: string; override: true },
  ): void;
}

/** A plug-in for any client of the SDK. */
export const boundAnswers = {
  // The SDK plugs it into the same client again with every role that is taken on.
  applyToStack: (stack: Stack): void =>
    stack.add(bound, { step: 'deserialize', priority: 'low', name: 'boundAnswers', override: true }),
};

type Handler = (args: unknown) => Promise<{ response: unknown }>;

const bound =
  (next: Handler): Handler =>
  async (args) => {
    const output = await next(args);
    const response = output.response as { body?: Readable };
    if (response.body !== undefined) response.body = pipeline(response.body, limit(), () => undefined);
    return output;
  };

function limit(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.byteLength;
      if (bytes > ANSWER_BYTES_MAX) done(new Error('too long'));
      else done(null, chunk);
    },
  });
}
