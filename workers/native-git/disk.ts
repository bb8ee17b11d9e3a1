// The room that all repositories of the engine's folder may take. Those not used for the longest time go first, and never one
// that any process works on.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { FolderLock } from './folder-lock.js';

const { promises: files } = fs;

/** Bytes of each repository as last measured, by folder. */
const sizes = new Map<string, number>();
/** The last clearing of each root by this process: they follow one another. */
const clearings = new Map<string, Promise<void>>();

/** The lock that belongs to a repository's folder. */
export function lockOf(folder: string): string {
  return `${folder}.lock`;
}

/** What the disk has left for anybody. */
export async function freeBytes(root: string): Promise<number> {
  const { bavail, bsize } = await files.statfs(root);
  return bavail * bsize;
}

/** Measures a repository that was just used, and when it has grown makes all of them fit again. */
export async function keepWithin(folder: string, bytesMax: number): Promise<void> {
  const before = sizes.get(folder);
  const now = new Date();
  await files.utimes(folder, now, now).catch(() => undefined);
  const bytes = await measure(folder);
  sizes.set(folder, bytes);
  if (before !== bytes) await makeRoom(path.dirname(folder), bytesMax);
}

/** Removes repositories that nobody uses until the rest takes at most so many bytes. */
export async function makeRoom(root: string, bytesMax: number): Promise<void> {
  const before = clearings.get(root) ?? Promise.resolve();
  const clearing = before.catch(() => undefined).then(() => clear(root, bytesMax));
  clearings.set(root, clearing);
  await clearing;
}

async function clear(root: string, bytesMax: number): Promise<void> {
  const names = await files.readdir(root);
  // What a process that was killed had begun to remove.
  for (const name of names.filter((one) => one.startsWith('trash-'))) await remove(path.join(root, name));
  const folders = names.filter((name) => name.endsWith('.git')).map((name) => path.join(root, name));
  const repositories = await Promise.all(folders.map(describe));
  let total = repositories.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { folder, bytes } of repositories.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (total <= bytesMax) return;
    if (await evict(folder)) total -= bytes;
  }
}

async function describe(folder: string): Promise<{ folder: string; bytes: number; usedAt: number }> {
  const bytes = sizes.get(folder) ?? (await measure(folder));
  sizes.set(folder, bytes);
  const stat = await files.stat(folder).catch(() => null);
  return { folder, bytes: stat === null ? 0 : bytes, usedAt: stat?.mtimeMs ?? 0 };
}

/** Whether it could be removed: nobody was using it. */
async function evict(folder: string): Promise<boolean> {
  const lock = await FolderLock.take(lockOf(folder));
  if (lock === null) return false;
  try {
    // In one move, so that a kill leaves no half of a repository under its name.
    const trash = path.join(path.dirname(folder), `trash-${randomUUID()}`);
    await files.rename(folder, trash).catch(ignoreAbsence);
    await remove(trash);
    sizes.delete(folder);
    return true;
  } finally {
    await lock.release();
  }
}

async function remove(folder: string): Promise<void> {
  await files.rm(folder, { recursive: true, force: true });
}

async function measure(folder: string): Promise<number> {
  const entries = await files.readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = entries.filter((entry) => entry.isFile());
  const stats = await Promise.all(
    found.map((entry) => files.stat(path.join(entry.parentPath, entry.name)).catch(() => null)),
  );
  return stats.reduce((sum, stat) => sum + (stat === null ? 0 : stat.blocks * 512), 0);
}

function ignoreAbsence(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
