import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/storage/embedded-postgres.js';

const isRoot = process.getuid?.() === 0;
let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-embedded-'));
});
afterEach(() => {
  const pointer = path.join(home, 'state', 'postgres', 'location');
  if (fs.existsSync(pointer))
    fs.rmSync(fs.readFileSync(pointer, 'utf8').trim(), { recursive: true, force: true });
  fs.rmSync(home, { recursive: true, force: true });
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}

describe('the embedded PostgreSQL', () => {
  it.each([
    ['open to others', 0o755],
    ['closed to others, as the home of root is', 0o700],
  ])('starts in a folder below one that is %s, and finds its rows again', async (_, mode) => {
    fs.chmodSync(home, mode);
    const folder = path.join(home, 'state', 'postgres');
    const first = await startEmbeddedPostgres(folder);
    await query(first.url, 'create table kept (a int)');
    await query(first.url, 'insert into kept values (42)');
    await first.stop();
    const second = await startEmbeddedPostgres(folder);
    expect(await query(second.url, 'select a from kept')).toEqual([{ a: 42 }]);
    await second.stop();
  });

  it('does not begin anew by itself where its files were taken away', async () => {
    fs.chmodSync(home, 0o700);
    const folder = path.join(home, 'postgres');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'location'), '/var/lib/sallyport/postgres-gone\n');
    const outcome = await startEmbeddedPostgres(folder).then(
      async ({ stop }) => {
        await stop();
        return 'started where it was told to';
      },
      (error: Error) => error.message,
    );
    // Only root needs the other place.
    expect(outcome).toMatch(isRoot ? /names .*postgres-gone, which is gone/ : 'started where it was told to');
    fs.rmSync(folder, { recursive: true });
  });

  it('refuses a folder that another server is using', async () => {
    fs.chmodSync(home, 0o755);
    const server = await startEmbeddedPostgres(path.join(home, 'postgres'));
    await expect(startEmbeddedPostgres(path.join(home, 'postgres'))).rejects.toThrow(
      'is in use by another process',
    );
    await server.stop();
  });

  it('refuses files of another major version before it touches them', async () => {
    fs.chmodSync(home, 0o755);
    const folder = path.join(home, 'postgres');
    await (await startEmbeddedPostgres(folder)).stop();
    fs.writeFileSync(path.join(folder, 'pgdata', 'PG_VERSION'), '9\n');
    await expect(startEmbeddedPostgres(folder)).rejects.toThrow(
      /was made by PostgreSQL 9; the binaries are \d+/,
    );
  });
});
