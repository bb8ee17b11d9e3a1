// What a process has in its memory: its heap as V8 writes it down, and every byte that it may write to.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './api.js';

const WRITER = fileURLToPath(new URL('./heap-snapshot.mjs', import.meta.url));
const PIECE_BYTES = 16 * 1024 * 1024;

/** Settings with which a process writes snapshots into this folder when it is asked to. */
export const snapshotsInto = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=${WRITER}`,
  HEAP_SNAPSHOTS: folder,
});

/** Asks for a snapshot of the heap, after a collection of garbage; the file, once it is whole. */
export async function takeHeapSnapshot(pid: number, folder: string): Promise<string> {
  const of = (): string[] =>
    fs.readdirSync(folder).filter((name) => /^(\d+)-\d+\.heapsnapshot$/.exec(name)?.[1] === String(pid));
  const before = of();
  process.kill(pid, 'SIGUSR2');
  const [fresh] = await eventually(
    async () => {
      const found = of().filter((name) => !before.includes(name));
      return found.length > 0 && found;
    },
    `process ${pid} to write its heap`,
    120_000,
  );
  return path.join(folder, fresh as string);
}

/**
 * All that a process may write to, in pieces, each with the end of the one before: what a snapshot of the heap does not have, such
 * as the bytes of buffers and what has been let go of and not been overwritten.
 */
export function* memoryOf(pid: number, overlapBytes: number): Generator<Buffer> {
  const memory = fs.openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const { from, to } of writableRegions(pid))
      for (let at = from; at < to; at += PIECE_BYTES) {
        const begin = Math.max(from, at - overlapBytes);
        const piece = Buffer.alloc(Math.min(at + PIECE_BYTES, to) - begin);
        yield piece.subarray(0, readIfMapped(memory, piece, begin));
      }
  } finally {
    fs.closeSync(memory);
  }
}

function writableRegions(pid: number): { from: number; to: number }[] {
  const lines = fs.readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm);
  return [...lines].map(([, from = '', to = '']) => ({
    from: Number.parseInt(from, 16),
    to: Number.parseInt(to, 16),
  }));
}

/** A region may be given back while it is looked at. */
function readIfMapped(memory: number, piece: Buffer, at: number): number {
  try {
    return fs.readSync(memory, piece, 0, piece.byteLength, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}
