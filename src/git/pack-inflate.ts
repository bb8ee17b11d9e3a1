// Inflates the objects of a pack out of the window of an answer. Nothing but the stream itself says where it ends, and it must
// give exactly the bytes it promised; large ones are inflated piece by piece on another thread, and what is dropped is never whole.
import { promisify } from 'node:util';
import { createInflate, type Inflate, inflateSync } from 'node:zlib';
import type { ByteWindow } from './byte-window.js';

/** Why an object could not be inflated; fit to print. */
export class BrokenStream extends Error {}

/** Larger objects are inflated on another thread. */
const INFLATE_HERE_MAX = 256 * 1024;
/** What is waited for before the first try: most objects are smaller. */
const FIRST_TRY_BYTES = 16 * 1024;
/** More than any encoder takes for an object that is inflated here. */
const INPUT_BYTES_MAX = 8 * INFLATE_HERE_MAX;
const PIECE_BYTES = 256 * 1024;

interface Taken {
  /** Bytes of the window that belonged to the stream. */
  consumed: (bytes: number) => void;
  /** Whether the content is wanted, or only that it can be inflated. */
  keep: boolean;
}

/**
 * Inflates the stream at the beginning of the window, which must give exactly `size` bytes; `null` where it is not kept.
 * @throws BrokenStream
 */
export async function inflateObject(window: ByteWindow, size: number, taken: Taken): Promise<Buffer | null> {
  const content =
    size > INFLATE_HERE_MAX
      ? await inflatePieces(window, size, taken)
      : await inflateHere(window, size, taken.consumed);
  return taken.keep ? content : null;
}

async function inflateHere(
  window: ByteWindow,
  size: number,
  consumed: (bytes: number) => void,
): Promise<Buffer> {
  // One byte above the size is allowed, so that too much shows.
  const options = {
    info: true,
    maxOutputLength: size + 1,
    chunkSize: Math.max(64, Math.min(size + 1, 65_536)),
  };
  // Deflate never grows by more than this; an odd encoder gets more when it needs it.
  for (let need = Math.min(size + (size >> 9) + 64, FIRST_TRY_BYTES); ; need = 2 * need) {
    const available = await window.fill(need);
    const result = tryInflate(window.peek(available), options);
    if (result !== null) {
      if (result.buffer.length !== size) throw new BrokenStream('an object has another size than it says');
      consumed(result.engine.bytesWritten);
      return result.buffer;
    }
    if (available < need) throw new BrokenStream('the pack ends inside an object');
    if (available > INPUT_BYTES_MAX) throw new BrokenStream('an object does not end');
    need = Math.max(need, available);
  }
}

type Inflated = { buffer: Buffer; engine: { bytesWritten: number } };

/** `null` when the stream goes on behind the input. */
function tryInflate(input: Buffer, options: object): Inflated | null {
  try {
    return inflateSync(input, options) as unknown as Inflated;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return null;
    throw describe(error);
  }
}

async function inflatePieces(window: ByteWindow, size: number, taken: Taken): Promise<Buffer | null> {
  const engine = createInflate({ chunkSize: PIECE_BYTES });
  const content = taken.keep ? Buffer.allocUnsafeSlow(size) : null;
  let filled = 0;
  // Whoever waits for a write hears of an error; one that comes when nobody does is told by the bytes.
  engine.on('error', () => undefined);
  engine.on('data', (piece: Buffer) => {
    content?.set(piece.subarray(0, Math.max(0, size - filled)), filled);
    filled += piece.length;
    if (filled > size) engine.destroy(new BrokenStream('an object is larger than it says'));
  });
  try {
    while (await feed(engine, window, taken.consumed));
  } catch (error) {
    throw describe(error);
  } finally {
    engine.destroy();
  }
  if (filled !== size) throw new BrokenStream('an object has another size than it says');
  return content;
}

/** Gives the engine the next piece. Answers whether it may want another: what it leaves over is not of its stream. */
async function feed(
  engine: Inflate,
  window: ByteWindow,
  consumed: (bytes: number) => void,
): Promise<boolean> {
  const available = await window.fill(1);
  if (available === 0) throw new BrokenStream('the pack ends inside an object');
  const input = window.peek(Math.min(available, PIECE_BYTES));
  const before = engine.bytesWritten;
  await write(engine, input);
  const used = engine.bytesWritten - before;
  consumed(used);
  return used === input.length;
}

const write = promisify((engine: Inflate, input: Buffer, done: (error?: Error | null) => void) => {
  let isOver = false;
  const finish = (error?: Error | null): void => {
    if (isOver) return;
    isOver = true;
    for (const event of ['error', 'end']) engine.off(event, finish);
    // A write that was answered may have found the error all the same.
    done(error ?? engine.errored);
  };
  engine.once('error', finish);
  engine.once('end', finish);
  engine.write(input, finish);
});

function describe(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_BUFFER_TOO_LARGE') return new BrokenStream('an object is larger than it says');
  return code?.startsWith('Z_') === true ? new BrokenStream('an object cannot be inflated') : error;
}
