// Where the next page of a history begins, as text that whoever reads it hands back. It names commits, and the repository and path
// that they are of: with another entity it means nothing.
import { createHash } from 'node:crypto';
import type { HistoryPlace, Path } from '../git/git.js';

export interface HistoryCursor {
  /** What it is a cursor of. */
  of: string;
  place: HistoryPlace;
}

const OF_BYTES = 8;
const COUNT_BYTES = 2;
const ID_BYTES = 20;
const PENDING_MAX = 256;
const SEEN_MAX = 64;

/** 16 hexadecimal digits. */
export const historyOf = (repository: string, path: Path): string =>
  createHash('sha256')
    .update(JSON.stringify([repository, path]))
    .digest('hex')
    .slice(0, 2 * OF_BYTES);

export function toHistoryCursor({ of, place: { pending, seen } }: HistoryCursor): string {
  const count = Buffer.alloc(COUNT_BYTES);
  count.writeUInt16BE(pending.length);
  const ids = [...pending, ...seen].map((id) => Buffer.from(id, 'hex'));
  return Buffer.concat([Buffer.from(of, 'hex'), count, ...ids]).toString('base64url');
}

/** Undefined for what is no cursor. */
export function readHistoryCursor(text: string): HistoryCursor | undefined {
  const bytes = Buffer.from(text, 'base64url');
  const begin = OF_BYTES + COUNT_BYTES;
  const ids: string[] = [];
  for (let at = begin; at + ID_BYTES <= bytes.length; at += ID_BYTES)
    ids.push(bytes.toString('hex', at, at + ID_BYTES));
  const count = bytes.length < begin ? 0 : bytes.readUInt16BE(OF_BYTES);
  const place = { pending: ids.slice(0, count), seen: ids.slice(count) };
  const cursor = { of: bytes.toString('hex', 0, OF_BYTES), place };
  const isWhole =
    count >= 1 && count <= PENDING_MAX && place.pending.length === count && place.seen.length <= SEEN_MAX;
  return isWhole && toHistoryCursor(cursor) === text ? cursor : undefined;
}
