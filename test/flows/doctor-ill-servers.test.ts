// The manager's doctor at servers that are ill by themselves: of another time, or with a disk that is full.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/api.js';
import { examine, finding, type Settings } from '../support/doctor.js';
import { findProgram, type RunningRedis, startRedis } from '../support/servers.js';
import { createDatabase } from '../support/stack.js';

let settings: Settings = {};
let redis: RunningRedis;
let drop: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  redis = await startRedis();
  const database = await createDatabase(inject('realPostgres'));
  ({ drop } = database);
  settings = { DATABASE_URL: database.url, REDIS_URL: redis.url };
});
afterAll(async () => {
  await redis?.stop();
  await drop();
});

describe.runIf(process.platform === 'linux')('a clock', () => {
  /** As a machine has it whose time is another one’s: the doctor’s, and so that of both servers as it sees them. */
  const ahead = (seconds: number): Settings => {
    const program = findProgram('faketime', 'faketime');
    const [library] = execFileSync(program, ['-f', '+0', 'printenv', 'LD_PRELOAD'])
      .toString()
      .trim()
      .split(':');
    return { LD_PRELOAD: library ?? '', FAKETIME: `+${seconds}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  };
  const clocks = async (more: Settings) =>
    (await examine({ ...settings, ...more })).checks.filter(({ name }) => name === 'clock');

  it('is well where it is the servers’', async () => {
    const found = await clocks({});
    expect(found.map(({ status }) => status)).toEqual(['ok', 'ok']);
  });

  it.each<[number, 'note' | 'wrong']>([
    [3, 'note'],
    [90, 'wrong'],
  ])('that is %d s ahead of database and Redis is found: %s', async (seconds, status) => {
    const found = await clocks(ahead(seconds));
    expect(found.map((one) => one.status)).toEqual([status, status]);
    expect(found.map((one) => one.found)).toEqual([
      expect.stringMatching(new RegExp(`^that of the database differs by -${seconds}\\.\\d s$`)),
      expect.stringMatching(new RegExp(`^that of Redis differs by -${seconds}\\.\\d s$`)),
    ]);
    expect(found.every(({ mend }) => mend?.includes('NTP'))).toBe(true);
  });
});

describe.runIf(process.getuid?.() === 0)('a Redis whose disk is full', () => {
  const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-disk-'));
  let full: RunningRedis | undefined;
  let client: Redis;
  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    const home = path.join(disk, 'redis');
    fs.mkdirSync(home);
    full = await startRedis(home);
    client = new Redis(full.url);
    // One that has promised to lose nothing ends itself rather than say that it cannot write.
    await client.config('SET', 'appendfsync', 'everysec');
  });
  afterAll(async () => {
    client?.disconnect();
    await full?.stop();
    execFileSync('umount', [disk]);
    fs.rmdirSync(disk);
  });

  it('is well as long as there is room, then says what of it failed, and is well again', async () => {
    const there = { ...settings, REDIS_URL: full?.url ?? '' };
    expect(await finding(there, 'Redis disk')).toMatchObject({ status: 'ok' });
    const ballast = path.join(disk, 'ballast');
    fill(ballast);
    await client.set('kept', 'x'.repeat(10_000));
    await eventually(
      async () => /aof_last_write_status:err/.test(await client.info('persistence')),
      'the write to fail',
    );
    await client.bgsave();
    await eventually(
      async () => /rdb_last_bgsave_status:err/.test(await client.info('persistence')),
      'the snapshot to fail',
    );
    const found = await finding(there, 'Redis disk');
    expect(found).toMatchObject({ status: 'wrong', mend: expect.any(String) });
    expect(found.found).toContain('the last write to its file failed');
    expect(found.found).toContain('the last snapshot failed');
    fs.rmSync(ballast);
    await eventually(async () => {
      await client.bgsave().catch(() => undefined);
      const said = await client.info('persistence');
      return /aof_last_write_status:ok/.test(said) && /rdb_last_bgsave_status:ok/.test(said);
    }, 'Redis to write again');
    expect(await finding(there, 'Redis disk')).toMatchObject({ status: 'ok' });
  });
});

/** To the last byte that there is. */
function fill(file: string): void {
  const handle = fs.openSync(file, 'w');
  try {
    for (let size = 65_536; size > 0; size = Math.floor(size / 2)) writeUntilFull(handle, size);
  } finally {
    fs.closeSync(handle);
  }
}

function writeUntilFull(handle: number, size: number): void {
  try {
    for (;;) fs.writeSync(handle, Buffer.alloc(size));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
