import { describe, expect, it } from 'vitest';
import type { FileChangeWithContent } from '../../../src/sync/branch-changes.js';
import { ReadAhead } from '../../../src/sync/read-ahead.js';

const change = (n: number, more: Partial<FileChangeWithContent> = {}): FileChangeWithContent => ({
  path: `f${n}.yaml`,
  to: { id: `b${n}`, mode: '100644' },
  ...more,
});
const changes = (from: number, count: number): FileChangeWithContent[] =>
  Array.from({ length: count }, (_, n) => change(from + n));

/** A host whose files are so long, which notes what it is asked for. */
function makeHost(bytes: number) {
  const asked: string[][] = [];
  return {
    asked,
    read: async (at: string, paths: string[]) => {
      expect(at).toBe('target');
      asked.push(paths);
      return paths.map((path) => ({
        id: path.replace(/^f(\d+).*$/, 'b$1'),
        content: Buffer.alloc(bytes, path),
      }));
    },
  };
}

const nothing = async () => new Set<string>();
/** Has all that was begun end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The way as a refresh goes it, 200 at a time: how many of each part were there. */
async function walk(ahead: ReadAhead, all: FileChangeWithContent[]): Promise<number[]> {
  const found: number[] = [];
  for (let at = 0; at < all.length; at += 200) {
    found.push((await ahead.take(all.slice(at, at + 200), () => all.slice(at + 200))).size);
    await settle();
  }
  return found;
}

describe('reading ahead', () => {
  it('has everything but the first part there in time, with more in a request where files are short', async () => {
    const host = makeHost(100);
    const found = await walk(new ReadAhead(host, 'target', nothing), changes(0, 6_000));
    expect(found).toEqual([0, ...Array<number>(29).fill(200)]);
    expect(host.asked.map((paths) => paths.length)).toEqual([200, 2_000, 2_000, 1_600]);
    expect(new Set(host.asked.flat()).size).toBe(5_800);
  });

  it('reads no more than a part at a time where files are long', async () => {
    const host = makeHost(100_000);
    await walk(new ReadAhead(host, 'target', nothing), changes(0, 1_000));
    expect(host.asked.map((paths) => paths.length)).toEqual([200, 200, 200, 200]);
  });

  it('asks for nothing that came along, is known, is gone or is no plain file', async () => {
    const host = makeHost(100);
    const all = [
      ...changes(0, 200),
      change(200, { content: Buffer.from('along') }),
      change(201),
      change(202, { to: null }),
      change(203, { to: { id: 'b203', mode: '120000' } }),
      change(204),
    ];
    const ahead = new ReadAhead(
      host,
      'target',
      async (blobs) => new Set(blobs.filter((id) => id === 'b201')),
    );
    await ahead.take(all.slice(0, 200), () => all.slice(200));
    const found = await ahead.take(all.slice(200), () => []);
    expect(host.asked).toEqual([['f204.yaml']]);
    expect([...found.keys()]).toEqual(['b200', 'b204']);
    expect(String(found.get('b200'))).toBe('along');
  });

  it('asks for nothing at all where everything came along', async () => {
    const host = makeHost(100);
    const all = changes(0, 600).map((one) => ({ ...one, content: Buffer.from('along') }));
    expect(await walk(new ReadAhead(host, 'target', nothing), all)).toEqual([200, 200, 200]);
    expect(host.asked).toEqual([]);
  });

  it('waits for what is on its way', async () => {
    let arrive: (() => void) | undefined;
    const host = {
      read: async (_: string, paths: string[]) => {
        await new Promise<void>((resolve) => {
          arrive = resolve;
        });
        return paths.map((path) => ({ id: path.replace(/^f(\d+).*$/, 'b$1'), content: Buffer.alloc(1) }));
      },
    };
    const ahead = new ReadAhead(host, 'target', nothing);
    await ahead.take(changes(0, 200), () => changes(200, 10));
    await settle();
    const taken = ahead.take(changes(200, 10), () => []);
    arrive?.();
    expect((await taken).size).toBe(10);
  });

  it.each([
    ['the host', { read: () => Promise.reject(new Error('gone')) }, nothing],
    ['the database', makeHost(1), () => Promise.reject(new Error('gone'))],
  ])('lets whoever needs a file find out that %s fails', async (_, host, known) => {
    const ahead = new ReadAhead(host, 'target', known);
    expect(await walk(ahead, changes(0, 600))).toEqual([0, 0, 0]);
  });

  it('finds no file where a host has none', async () => {
    const ahead = new ReadAhead({ read: async (_, paths) => paths.map(() => null) }, 'target', nothing);
    expect(await walk(ahead, changes(0, 600))).toEqual([0, 0, 0]);
  });
});
