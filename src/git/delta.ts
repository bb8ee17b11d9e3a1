// Deltas of packs: copy a range of the base, or insert the bytes given. Broken ones are answered with `null`.
import type { Breath } from './breath.js';

/** Size of the object a delta makes, in bytes; `null` when the delta is broken. */
export function deltaSize(delta: Buffer): number | null {
  const base = readSize(delta, 0);
  return base === null ? null : (readSize(delta, base.next)?.size ?? null);
}

/** Commands between two looks at the clock. */
const STRIDE = 1_024;
/** A copy that takes time itself. */
const LONG_COPY_BYTES = 1024 * 1024;

/** The object this delta makes of its base; `null` when they do not fit. Takes memory for no more than the delta's size says. */
export async function applyDelta(base: Buffer, delta: Buffer, breath: Breath): Promise<Buffer | null> {
  const from = readSize(delta, 0);
  const to = from === null ? null : readSize(delta, from.next);
  if (from === null || to === null || from.size !== base.length) return null;
  const result = Buffer.allocUnsafeSlow(to.size);
  let filled = 0;
  for (let at = to.next, commands = 1; at < delta.length; commands++) {
    const { source, start, length, next } = readPiece(base, delta, at);
    if (length === 0 || start + length > source.length || filled + length > to.size) return null;
    source.copy(result, filled, start, start + length);
    filled += length;
    at = next;
    const isLong = length > LONG_COPY_BYTES || commands % STRIDE === 0;
    if (isLong && breath.isDue) await breath.take();
  }
  return filled === to.size ? result : null;
}

interface Piece {
  source: Buffer;
  start: number;
  length: number;
  /** Where the next command of the delta stands. */
  next: number;
}

/** Where the next bytes of the result come from: a range of the base, or the bytes that follow in the delta. */
function readPiece(base: Buffer, delta: Buffer, at: number): Piece {
  const command = delta[at] ?? 0;
  if (command & 128) return { source: base, ...readCopy(delta, at + 1, command) };
  return { source: delta, start: at + 1, length: command, next: at + 1 + command };
}

/** Seven bits a byte, lowest first. */
function readSize(delta: Buffer, at: number): { size: number; next: number } | null {
  let size = 0;
  for (let factor = 1, next = at; factor < 2 ** 45; factor *= 128) {
    const byte = delta[next++];
    if (byte === undefined) return null;
    size += (byte & 127) * factor;
    if (!(byte & 128)) return { size, next };
  }
  return null;
}

/** The low seven bits of the command say which bytes of start (4) and length (3) are there; a length of 0 means 64 KiB. */
function readCopy(delta: Buffer, at: number, command: number): Omit<Piece, 'source'> {
  let next = at;
  const read = (bit: number) => (command & bit ? (delta[next++] ?? Number.NaN) : 0);
  const start = read(1) + read(2) * 2 ** 8 + read(4) * 2 ** 16 + read(8) * 2 ** 24;
  const length = read(16) + read(32) * 2 ** 8 + read(64) * 2 ** 16;
  if (Number.isNaN(start) || Number.isNaN(length)) return { start: 0, length: 0, next };
  return { start, length: length === 0 ? 65_536 : length, next };
}
