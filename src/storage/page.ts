// A page of documents is bounded twice: in rows, as the caller asked, and in bytes, so that it fits into memory.

/** Bytes of documents in one page. The first row always comes, whatever its size. */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;

export interface Page<T> {
  rows: T[];
  /** Sequence number that the next page follows; null when this is the last one. */
  next: number | null;
}

/** Sequence numbers of the rows that go onto the page. `rows` holds one more than `limit` where there are more. */
export function fitPage(
  rows: { sequence: number; bytes: number }[],
  limit: number,
): { sequences: number[]; next: number | null } {
  let bytes = 0;
  const sequences: number[] = [];
  for (const row of rows.slice(0, limit)) {
    bytes += row.bytes;
    if (bytes > PAGE_BYTES_MAX && sequences.length > 0) break;
    sequences.push(row.sequence);
  }
  return { sequences, next: rows.length > sequences.length ? (sequences.at(-1) ?? null) : null };
}
