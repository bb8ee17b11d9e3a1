import { expect, it } from 'vitest';
import { Failure } from '../../../src/kernel/failure.js';
import { readIfShort } from '../../../src/sync/part-judge.js';

it('files that are too long, or too long together, are there, and the others are told apart', async () => {
  const sizes: Record<string, number> = { a: 1, long: 9, b: 2, c: 2, d: 2 };
  const read = async (_: string, paths: string[]) => {
    const bytes = paths.reduce((sum, path) => sum + (sizes[path] ?? 0), 0);
    if (bytes > 3) throw new Failure('GIT_LIMIT_EXCEEDED', { host: 'h', limit: 'bytes', max: 3 });
    return paths.map((path) => (path in sizes ? { id: path, content: new Uint8Array() } : null));
  };
  const paths = ['a', 'gone', 'long', 'b', 'c', 'away', 'd'];
  const found = await readIfShort({ read } as never, 'c'.repeat(40), paths);
  expect(paths.filter((_, at) => found[at] === null)).toEqual(['gone', 'away']);
  const refused = readIfShort(
    { read: () => Promise.reject(new Failure('GIT_UNREACHABLE', { host: 'h', reason: 'r' })) } as never,
    'c'.repeat(40),
    paths,
  );
  await expect(refused).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
});
