// Packs and deltas by hand, also such as no git would write.
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** Seven bits a byte, lowest first. */
export function sizeOf(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** The command of a delta that copies from the base. */
export function copy(start: number, length: number): Buffer {
  const bytes = [
    start,
    start / 2 ** 8,
    start / 2 ** 16,
    start / 2 ** 24,
    length,
    length / 2 ** 8,
    length / 2 ** 16,
  ];
  const values = bytes.map((value) => Math.floor(value) % 256);
  const command = values.reduce((mask, value, bit) => (value === 0 ? mask : mask | (1 << bit)), 128);
  return Buffer.from([command, ...values.filter((value) => value !== 0)]);
}

/** The command of a delta that brings bytes of its own, at most 127. */
export function insert(bytes: string | Uint8Array): Buffer {
  const data = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from([data.length]), data]);
}

/** A delta of these commands. It says the size they make, unless it is to say another. */
export function deltaOf(baseBytes: number, commands: Buffer[], size = madeBy(commands)): Buffer {
  return Buffer.concat([sizeOf(baseBytes), sizeOf(size), ...commands]);
}

function madeBy(commands: Buffer[]): number {
  return commands.reduce((sum, command) => sum + lengthOf(command), 0);
}

function lengthOf(command: Buffer): number {
  const [first = 0, ...rest] = command;
  if (first < 128) return first;
  const starts = [1, 2, 4, 8].filter((bit) => first & bit).length;
  const lengths = rest.slice(starts);
  const length = [16, 32, 64].reduce(
    (sum, bit, index) => sum + (first & bit ? (lengths.shift() ?? 0) * 256 ** index : 0),
    0,
  );
  return length === 0 ? 65_536 : length;
}

export const types = { commit: 1, tree: 2, blob: 3, tag: 4, offsetDelta: 6, referenceDelta: 7 };

/** One entry of a pack; `size` is what it says, `base` stands before the compressed bytes. */
export interface Entry {
  type: number;
  content: Uint8Array;
  size?: number;
  base?: Buffer;
  /** Compressed bytes, where they are not those of the content. */
  stream?: Buffer;
}

export const blob = (content: string | Uint8Array): Entry => ({
  type: types.blob,
  content: Buffer.from(content as string),
});

/** A delta on the object of this id. */
export const onId = (id: string, delta: Buffer): Entry => ({
  type: types.referenceDelta,
  content: delta,
  base: Buffer.from(id, 'hex'),
});

/** A delta on the entry that begins so many bytes before. */
export function onOffset(distance: number, delta: Buffer): Entry {
  const bytes = [distance & 127];
  for (let rest = distance >> 7; rest > 0; rest >>= 7) bytes.unshift(128 | (--rest & 127));
  return { type: types.offsetDelta, content: delta, base: Buffer.from(bytes) };
}

export function encodeEntry({ type, content, size = content.length, base, stream }: Entry): Buffer {
  const header = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    header[header.length - 1] = (header.at(-1) ?? 0) | 128;
    header.push(rest % 128);
  }
  return Buffer.concat([Buffer.from(header), base ?? Buffer.alloc(0), stream ?? deflateSync(content)]);
}

/** A pack of these entries. It says as many as there are, unless it is to say another number. */
export function packOf(entries: Entry[], { count = entries.length, version = 2 } = {}): Buffer {
  const header = Buffer.from('PACK\0\0\0\0\0\0\0\0', 'latin1');
  header.writeUInt32BE(version, 4);
  header.writeUInt32BE(count, 8);
  return seal(Buffer.concat([header, ...entries.map(encodeEntry)]));
}

/** The bytes with the checksum that belongs to them. */
export const seal = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, createHash('sha1').update(bytes).digest()]);
