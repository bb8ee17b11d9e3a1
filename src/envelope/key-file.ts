// Key files: the keys that wrap every other key. Readable by their owner alone, made whole or not at all.
import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';

const FORMAT = 'sallyport-keys-1';
const KEY_BYTES = 32;

export const KeyFile = z.strictObject({
  format: z.literal(FORMAT),
  keys: z
    .array(
      z.strictObject({
        id: z.string(),
        created: z.string(),
        /** A staged key wraps nothing yet. */
        state: z.enum(['active', 'staged', 'decrypt-only']),
        key: z.string(),
      }),
    )
    .min(1),
});
export type KeyFile = z.infer<typeof KeyFile>;
export type FiledKey = KeyFile['keys'][number];

export interface WrappingKey {
  id: string;
  key: KeyObject;
}

/** Where a wrapper has its keys from. */
export interface WrappingKeys {
  /** What new secrets are sealed with. */
  current(): Promise<WrappingKey>;
  find(id: string): KeyObject | undefined | Promise<KeyObject | undefined>;
}

/** The keys of a file. New secrets are sealed with the active one. */
export class KeyRing implements WrappingKeys {
  #active: WrappingKey;
  #keys: Map<string, KeyObject>;

  constructor(active: WrappingKey, keys: Map<string, KeyObject>) {
    this.#active = active;
    this.#keys = keys;
  }

  get active(): WrappingKey {
    return this.#active;
  }

  async current(): Promise<WrappingKey> {
    return this.#active;
  }

  /** Takes the keys of another ring in the place of its own, for all who use it. */
  become(other: KeyRing): void {
    this.#active = other.#active;
    this.#keys = other.#keys;
  }

  find(id: string): KeyObject | undefined {
    return this.#keys.get(id);
  }

  get ids(): string[] {
    return [...this.#keys.keys()];
  }
}

/**
 * Opens a key file; where it is missing and may be, makes one with a fresh key. Two processes that make it at once end up
 * with the same one.
 * @throws KEY_FILE_UNUSABLE
 */
export function openKeyFile(file: string, { createIfMissing }: { createIfMissing: boolean }): KeyRing {
  if (!exists(file)) {
    if (!createIfMissing) throw unusable(file, 'it does not exist');
    create(file);
  }
  return toRing(file, read(file));
}

/** The file's keys, to be sealed to somebody else of the same side. @throws KEY_FILE_UNUSABLE */
export function readKeyFile(file: string): KeyFile {
  const content = read(file);
  toRing(file, content);
  return content;
}

/**
 * Takes over the keys of another file, the active one too: what is sealed from now on opens on both sides. Keys that only this
 * file has stay, to open with.
 * @throws KEY_FILE_UNUSABLE
 */
export function adoptKeys(file: string, { keys }: KeyFile): void {
  const own = exists(file) ? read(file).keys : [];
  const kept = own
    .filter(({ id }) => keys.every((key) => key.id !== id))
    .map((key) => ({ ...key, state: 'decrypt-only' as const }));
  const content: KeyFile = { format: FORMAT, keys: [...keys, ...kept] };
  toRing(file, content);
  write(file, content, { replace: true });
}

/** Adds a fresh key that nothing is sealed with until it is activated; its id. @throws KEY_FILE_UNUSABLE */
export function addKey(file: string): string {
  const entry = makeKey('decrypt-only');
  replaceKeys(file, [...read(file).keys, entry]);
  return entry.id;
}

/** Makes this key the active one; the one before only opens from then on. @throws KEY_FILE_UNUSABLE */
export function activateKey(file: string, id: string): void {
  const { keys } = read(file);
  if (keys.some((key) => key.id === id && key.state === 'active')) return;
  replaceKeys(
    file,
    keys.map((key) => ({ ...key, state: key.id === id ? 'active' : 'decrypt-only' })),
  );
}

/** A fresh key, for a file that has none like it. */
export function makeKey(state: FiledKey['state']): FiledKey {
  const key = randomBytes(KEY_BYTES);
  const entry = { id: idOf(key), created: new Date().toISOString(), state, key: key.toString('base64url') };
  key.fill(0);
  return entry;
}

/** Replaces the keys of a file that is there, as a whole; no reader meets half of it. @throws KEY_FILE_UNUSABLE */
export function replaceKeys(file: string, keys: FiledKey[]): void {
  const content: KeyFile = { format: FORMAT, keys };
  toRing(file, content);
  write(file, content, { replace: true });
}

const unusable = (file: string, reason: string): Failure =>
  new Failure('KEY_FILE_UNUSABLE', { file, reason }) as Failure;

function exists(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    throw unusable(file, `it cannot be looked at: ${(cause as Error).message}`);
  }
}

function create(file: string): void {
  write(file, { format: FORMAT, keys: [makeKey('active')] }, { replace: false });
}

function write(file: string, content: KeyFile, { replace }: { replace: boolean }): void {
  const fresh = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const handle = fs.openSync(fresh, 'wx', 0o600);
    fs.writeSync(handle, `${JSON.stringify(content)}\n`);
    fs.fsyncSync(handle);
    fs.closeSync(handle);
    if (replace) fs.renameSync(fresh, file);
    // A link fails where the file exists: whoever comes second uses the first one's.
    else fs.linkSync(fresh, file);
    syncFolder(path.dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw unusable(file, `it cannot be made: ${(cause as Error).message}`);
  } finally {
    fs.rmSync(fresh, { force: true });
  }
}

/** A file that was renamed is there after a loss of power only when its folder has been written too. */
function syncFolder(folder: string): void {
  const handle = fs.openSync(folder, 'r');
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

function read(file: string): KeyFile {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) throw unusable(file, 'it does not exist');
  if (!stat.isFile()) throw unusable(file, 'it is not a regular file');
  if ((stat.mode & 0o077) !== 0)
    throw unusable(file, `its mode is ${(stat.mode & 0o777).toString(8)}, not 600`);
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    throw unusable(file, 'it belongs to another user');
  let content: unknown;
  try {
    content = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    throw unusable(file, 'it is not JSON');
  }
  const parsed = KeyFile.safeParse(content);
  if (!parsed.success) throw unusable(file, `it is not a ${FORMAT} file`);
  return parsed.data;
}

function toRing(file: string, { keys }: KeyFile): KeyRing {
  const ring = new Map<string, KeyObject>();
  for (const { id, key } of keys) {
    const bytes = Buffer.from(key, 'base64url');
    if (bytes.byteLength !== KEY_BYTES) throw unusable(file, `key ${id} does not have ${KEY_BYTES} bytes`);
    if (idOf(bytes) !== id) throw unusable(file, `key ${id} is not the key of that id`);
    ring.set(id, createSecretKey(bytes));
    bytes.fill(0);
  }
  const active = keys.filter(({ state }) => state === 'active');
  const key = ring.get(active[0]?.id ?? '');
  if (active.length !== 1 || key === undefined)
    throw unusable(file, 'it does not have exactly one active key');
  if (keys.filter(({ state }) => state === 'staged').length > 1)
    throw unusable(file, 'it has more than one staged key');
  return new KeyRing({ id: (active[0] as { id: string }).id, key }, ring);
}

/** The id says which key it is, so that a wrong file is noticed. */
const idOf = (key: Uint8Array): string =>
  createHash('sha256').update('sallyport key id').update(key).digest('base64url').slice(0, 16);
