// What a process has in its memory: its heap as V8 writes it down, and every byte that it may write to.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './api.js';

const WRITER = fileURLToPath(new URL('./heap-snapshot.mjs', import.meta.url));
const PIECE_BYTES = 4 * 1024 * 1024;
const PAGE_BYTES = 4_096;
/** Of `pagemap`, little-endian: bits 63 and 62 of each entry. */
const ENTRY_BYTES = 8;
const PRESENT_OR_SWAPPED = 0xc0;

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
  const pages = fs.openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const { from, to } of writableRegions(pid))
      for (let at = from; at < to; at += PIECE_BYTES) {
        const [begin, end] = [Math.max(from, at - overlapBytes), Math.min(at + PIECE_BYTES, to)];
        if (!isUsed(pages, begin, end)) continue;
        const piece = Buffer.alloc(end - begin);
        yield piece.subarray(0, readIfMapped(memory, piece, begin));
      }
  } finally {
    fs.closeSync(memory);
    fs.closeSync(pages);
  }
}

/** Whether one of the pages is in memory or swapped out; V8 keeps far more room than it uses. */
function isUsed(pages: number, begin: number, end: number): boolean {
  const [first, last] = [Math.floor(begin / PAGE_BYTES), Math.ceil(end / PAGE_BYTES)];
  const entries = Buffer.alloc((last - first) * ENTRY_BYTES);
  const read = readIfMapped(pages, entries, first * ENTRY_BYTES);
  for (let at = ENTRY_BYTES - 1; at < read; at += ENTRY_BYTES)
    if (((entries[at] ?? 0) & PRESENT_OR_SWAPPED) !== 0) return true;
  return false;
}

/** Those of the texts that are there. */
export function foundIn(pieces: Iterable<Buffer>, texts: string[]): string[] {
  const found = new Set<string>();
  for (const piece of pieces)
    for (const text of texts) if (!found.has(text) && piece.includes(text)) found.add(text);
  return texts.filter((text) => found.has(text));
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
