// A compressed answer, inflated as it comes. What goes in is counted, what comes out is counted, and both are set in relation:
// no honest answer of a Git host grows a hundredfold.
import { pipeline, type Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ANSWER_LIMIT, refuseExcess } from './host-answer.js';

const GROWTH_MAX = 100;
/** Below this, growth harms nobody. */
const GROWTH_FREE_BYTES = 1024 * 1024;

/**
 * The bytes inside the gzip stream, of which `max` may go in and come out. Ends with GIT_LIMIT_EXCEEDED for more, and for a
 * stream that is made to grow; with an error of zlib (`Z_…`) for a broken one. Who destroys it closes the connection behind it.
 */
export function gunzip(host: string, answer: Readable, max: number): Readable {
  let bytesIn = 0;
  let bytesOut = 0;
  const incoming = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytesIn += chunk.length;
      // What inflates to nothing goes on for ever.
      if (bytesIn > max) done(refuseExcess(host, ANSWER_LIMIT, max));
      else done(null, chunk);
    },
  });
  const outgoing = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytesOut += chunk.length;
      if (bytesOut > max) done(refuseExcess(host, ANSWER_LIMIT, max));
      else if (bytesOut > GROWTH_FREE_BYTES && bytesOut > GROWTH_MAX * bytesIn)
        done(refuseExcess(host, 'growth of a compressed answer', GROWTH_MAX));
      else done(null, chunk);
    },
  });
  pipeline(answer, incoming, createGunzip(), outgoing, () => undefined);
  return outgoing;
}
