// The copy of a branch, held against the branch.
import { expect } from 'vitest';
import { blobIdOf } from '../../src/git/blob-id.js';
import { sql } from './database.js';
import { git } from './repository.js';
import type { Stack } from './stack.js';

/** Fails unless the copy of `main` has what Git has below this folder, byte for byte, and nothing else. How many files that is. */
export async function expectCopied(
  { databaseUrl, repository }: Pick<Stack, 'databaseUrl' | 'repository'>,
  folder: string,
): Promise<number> {
  const copies = await sql<{ path: string; yaml: Buffer }>(
    databaseUrl,
    `select path, yaml from entity where branch = 'main' and path like $1 order by path collate "C"`,
    [`${folder}/%`],
  );
  const listing = git(repository, 'ls-tree', '-r', '--format=%(path) %(objectname)', 'main', `${folder}/`);
  const files = listing.trim().split('\n');
  expect(copies.map(({ path, yaml }) => `${path} ${blobIdOf(yaml)}`)).toEqual(files);
  return files.length;
}
