// What others do to follow a repository, in a process of its own: simple-git, a clone, and the same rules for every document.
import fs from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { simpleGit } from 'simple-git';
import { parseDocument } from '../src/entities/document-rules.js';
import { assertFits } from '../src/entities/json-schema.js';
import { blobIdOf } from '../src/git/blob-id.js';
import { manifestSchema } from './yaml-repository.js';

/** `clone`: a shallow one, of everything; `pull`: into a clone of before, of what changed. */
export interface CloneCall {
  do: 'clone' | 'pull';
  url: string;
  /** Of the clone; where it is one that is kept for later, it stays. */
  folder: string;
  /** Rows are written there, of the form that the product’s have. */
  databaseUrl?: string | undefined;
}

export interface CloneReply {
  ms: number;
  files: number;
  error?: string;
}

const kind = { id: 'manifest', schema: manifestSchema, revision: 'bench' };
const ROWS_AT_ONCE = 200;

process.on('message', (call: CloneCall) => {
  void answer(call).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));

async function answer(call: CloneCall): Promise<CloneReply> {
  try {
    const begin = performance.now();
    const names = await (call.do === 'clone' ? clone(call) : pull(call));
    const files = await readAndJudge(call.folder, names);
    if (call.databaseUrl !== undefined) await writeRows(call.databaseUrl, call.url, files);
    return { ms: performance.now() - begin, files: files.length };
  } catch (error) {
    return { ms: 0, files: 0, error: String(error) };
  }
}

async function clone({ url, folder }: CloneCall): Promise<string[]> {
  await simpleGit().clone(url, folder, ['--depth=1', '--branch', 'main']);
  const entries = await fs.readdir(path.join(folder, 'catalog'), { recursive: true });
  return entries.map((name) => path.join('catalog', name));
}

async function pull({ folder }: CloneCall): Promise<string[]> {
  const git = simpleGit(folder);
  const before = (await git.revparse('HEAD')).trim();
  await git.pull('origin', 'main', ['--ff-only']);
  return (await git.diff(['--name-only', '-z', before, 'HEAD'])).split('\0');
}

interface Row {
  path: string;
  yaml: Buffer;
  blobId: string;
}

/** @throws the first refusal; none is expected */
async function readAndJudge(folder: string, names: string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of names.filter((one) => one.endsWith('.yaml'))) {
    const yaml = await fs.readFile(path.join(folder, name));
    assertFits(parseDocument(yaml), kind);
    rows.push({ path: name, yaml, blobId: blobIdOf(yaml) });
  }
  return rows;
}

async function writeRows(databaseUrl: string, repository: string, rows: Row[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    'create table if not exists bench_clone (repository text, path text, blob_id text, yaml bytea, primary key (repository, path))',
  );
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const part = rows.slice(at, at + ROWS_AT_ONCE);
    await client.query(
      `insert into bench_clone select $1, * from unnest($2::text[], $3::text[], $4::bytea[])
       on conflict (repository, path) do update set blob_id = excluded.blob_id, yaml = excluded.yaml`,
      [repository, part.map((row) => row.path), part.map((row) => row.blobId), part.map((row) => row.yaml)],
    );
  }
  await client.end();
}
