// Writes packs of whole objects.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, deflateSync } from 'node:zlib';
import type { GitObject, ObjectType } from './objects.js';

const TYPE_NUMBERS: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 };
/** Larger objects are deflated on another thread. */
const DEFLATE_HERE_MAX = 64 * 1024;
/** Objects between two turns of the event loop. */
const SLICE_OBJECTS = 100;

const deflateAside = promisify((input: Buffer, done: (error: Error | null, result: Buffer) => void) =>
  deflate(input, done),
);

/** A pack of these objects, version 2, checksum included. An empty one is legal. */
export async function writePack(objects: readonly GitObject[]): Promise<Buffer> {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects.length, 8);
  const parts: Buffer[] = [header];
  for (const [index, { type, content }] of objects.entries()) {
    if (index % SLICE_OBJECTS === SLICE_OBJECTS - 1) await new Promise((resolve) => setImmediate(resolve));
    parts.push(encodeEntryHeader(type, content.length));
    parts.push(content.length > DEFLATE_HERE_MAX ? await deflateAside(content) : deflateSync(content));
  }
  const pack = Buffer.concat(parts);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

function encodeEntryHeader(type: ObjectType, size: number): Buffer {
  const bytes = [(TYPE_NUMBERS[type] << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}
