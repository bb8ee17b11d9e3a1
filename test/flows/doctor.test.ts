// `npm run -s doctor`, well and ill: every check passes on servers as they should be, and finds the fault that was made for it on one that
// is not.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { eventually } from '../support/api.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { sql } from '../support/database.js';
import { examine, finding, findings, type Settings, SoundPostgres } from '../support/doctor.js';
import { LeakSearch } from '../support/leaks.js';
import { runCommand, startManager } from '../support/processes.js';
import { type RunningRedis, startRedis } from '../support/servers.js';
import { createDatabase, Stack } from '../support/stack.js';

describe('a manager as it should be', () => {
  let certificates: Certificates;
  let database: SoundPostgres;
  let redis: RunningRedis;
  let settings: Settings = {};
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-doctor-'));
  beforeAll(async () => {
    certificates = makeCertificates();
    database = await SoundPostgres.start(certificates);
    redis = await startRedis(undefined, { users: true, tls: certificates });
    settings = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      SALLYPORT_REDIS_ADMIN_URL: redis.adminUrl,
      SALLYPORT_REDIS_CA_FILE: certificates.authorityFile,
      SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: certificates.client.certificateFile,
      SALLYPORT_REDIS_CLIENT_KEY_FILE: certificates.client.keyFile,
      SALLYPORT_DATA_DIR: home,
      SALLYPORT_PUBLIC_URL: 'https://sallyport.example',
      SALLYPORT_TRUSTED_PROXIES: '10.0.0.0/8',
      NODE_ENV: 'production',
    };
    fs.chmodSync(home, 0o700);
    // A manager makes the key file, and the deployment that needs its key.
    const manager = await startManager({ env: { ...settings, SALLYPORT_PORT: '0' } });
    await manager.kill('SIGTERM');
  });
  afterAll(async () => {
    await redis?.stop();
    await database?.stop();
    certificates?.remove();
    fs.rmSync(home, { recursive: true, force: true });
  });

  it('is found in good health, one line for each check', async () => {
    const { code, stdout, stderr } = await runCommand('src/doctor.js', [], { env: settings });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => /^(\w+) +([^:]+): ./.exec(line) ?? []);
    expect(lines.filter(([, status]) => status !== 'ok').map(([, , name]) => name)).toEqual([
      // Debian mends Redis under an old number, which does not say where it listens; and no manager runs.
      'Redis version',
      'Redis addresses',
      'managers',
    ]);
    expect(lines.map(([, , name]) => name)).toEqual([
      'Node',
      'data folder',
      'master key file',
      'master keys',
      'disk space',
      'database',
      ...['version', 'user', 'passwords', 'encryption', 'durability'].map((name) => `database ${name}`),
      ...['roles', 'records', 'statements', 'transactions', 'schema'].map((name) => `database ${name}`),
      'queue',
      ...['version', 'user', 'encryption', 'addresses', 'strangers', 'eviction'].map(
        (name) => `Redis ${name}`,
      ),
      ...['memory', 'file of writes', 'disk', 'commands', 'keys', 'replicas'].map((name) => `Redis ${name}`),
      'migrations',
      'managers',
      'clock',
      'clock',
      'public URL',
      'trusted proxies',
    ]);
  });

  it('is told with no secret, in words and in JSON', async () => {
    const texts = await Promise.all(
      [[], ['--json']].map((args) => runCommand('src/doctor.js', args, { env: settings })),
    );
    const keys = [
      ...fs.readFileSync(path.join(home, 'master-key.json'), 'utf8').matchAll(/"key":"([^"]+)"/g),
    ];
    const passwords = [redis.url, redis.adminUrl].map((url) => new URL(url).password);
    const search = new LeakSearch([...keys.map(([, key = '']) => key), ...passwords, 'worker-password']);
    expect(keys.length).toBe(1);
    expect(texts.filter(({ stdout, stderr }) => search.holds(stdout + stderr))).toEqual([]);
  });

  it('does not take what it does not know', async () => {
    const { code, stderr } = await runCommand('src/doctor.js', ['--all'], { env: settings });
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'Usage: doctor [--json]\n' });
  });

  it('says so where the key file is anybody’s, and where it is another one', async () => {
    const file = path.join(home, 'master-key.json');
    fs.chmodSync(file, 0o644);
    expect(await finding(settings, 'master key file')).toMatchObject({
      status: 'wrong',
      mend: expect.stringContaining('chmod 600'),
    });
    fs.chmodSync(file, 0o600);
    const kept = fs.readFileSync(file);
    const text = kept.toString();
    const id = /"id": ?"([^"]+)"/.exec(text)?.[1] ?? '';
    fs.rmSync(file);
    expect(await finding(settings, 'master key file')).toMatchObject({
      status: 'wrong',
      found: `there is no ${file}`,
    });
    const other = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-other-'));
    openKeyFile(path.join(other, 'master-key.json'), { createIfMissing: true });
    const elsewhere = { ...settings, SALLYPORT_MASTER_KEY_FILE: path.join(other, 'master-key.json') };
    expect(await finding(elsewhere, 'master keys')).toMatchObject({
      status: 'wrong',
      found: expect.stringContaining(`lacks ${id}`),
    });
    fs.writeFileSync(file, kept, { mode: 0o600 });
    fs.rmSync(other, { recursive: true });
  });

  it('says so where the folder is open to others, or is none', async () => {
    fs.chmodSync(home, 0o777);
    expect(await finding(settings, 'data folder')).toMatchObject({ status: 'wrong' });
    fs.chmodSync(home, 0o755);
    expect(await finding(settings, 'data folder')).toMatchObject({ status: 'note' });
    fs.chmodSync(home, 0o700);
    const nowhere = { ...settings, SALLYPORT_DATA_DIR: path.join(home, 'nowhere') };
    expect(await finding(nowhere, 'data folder')).toMatchObject({ status: 'wrong' });
  });

  it('says so where there is no room', async () => {
    const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', disk]);
    try {
      expect(await finding({ ...settings, SALLYPORT_DATA_DIR: disk }, 'disk space')).toMatchObject({
        status: 'wrong',
      });
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it.each<[string, string, string]>([
    ['database user', 'alter role worker superuser', 'alter role worker nosuperuser'],
    [
      'database durability',
      'alter role worker set synchronous_commit = off',
      'alter role worker reset synchronous_commit',
    ],
    ['database roles', 'alter table kind owner to worker', 'alter table kind owner to sallyport'],
    [
      'database records',
      'grant update on secret_audit to worker',
      'revoke update on secret_audit from worker',
    ],
    [
      'database schema',
      'grant create on schema public to public',
      'revoke create on schema public from public',
    ],
    [
      'migrations',
      `update kysely_migration set name = '9999-' || name where name like '0030%'`,
      `update kysely_migration set name = substr(name, 6) where name like '9999-%'`,
    ],
  ])('says so of %s', async (name, spoil, mend) => {
    await sql(database.admin, spoil);
    try {
      expect(await finding(settings, name)).toMatchObject({ status: 'wrong', mend: expect.any(String) });
    } finally {
      await sql(database.admin, mend);
    }
    expect(await finding(settings, name)).toMatchObject({ status: 'ok' });
  });

  it('says so where the connection is not encrypted, or loses what managers set', async () => {
    const plain = database.url.replace(/\?.*$/, '');
    expect(await finding({ ...settings, DATABASE_URL: plain }, 'database encryption')).toMatchObject({
      status: 'wrong',
    });
    const without = `${database.url}&options=-c%20statement_timeout%3D0`;
    const [statements, transactions] = await findings(
      { ...settings, DATABASE_URL: without },
      'database statements',
      'database transactions',
    );
    expect([statements?.status, transactions?.status]).toEqual(['wrong', 'wrong']);
  });

  it('says so where database and queue do not answer, and does not look at them', async () => {
    const away = {
      ...settings,
      DATABASE_URL: 'postgres://worker:worker-password@127.0.0.1:9/kept',
      REDIS_URL: 'rediss://sallyport-manager:x@127.0.0.1:9',
    };
    const { code, checks } = await examine(away);
    expect(code).toBe(1);
    const statusOf = (name: string) => checks.find((one) => one.name === name)?.status;
    expect(['database', 'queue'].map(statusOf)).toEqual(['wrong', 'wrong']);
    expect(['database roles', 'Redis user', 'migrations', 'master keys', 'managers'].map(statusOf)).toEqual(
      Array.from({ length: 5 }, () => 'skipped'),
    );
    const refused = {
      ...settings,
      DATABASE_URL: database.url.replace('worker-password', 'guessed-password'),
    };
    const words = await finding(refused, 'database');
    expect(words).toMatchObject({
      status: 'wrong',
      found: expect.stringContaining('password authentication failed'),
    });
    expect(JSON.stringify(words)).not.toContain('guessed-password');
  });

  it('says so of a public URL without TLS, and of a proxy that nobody trusts', async () => {
    const spoilt: Settings = { ...settings, SALLYPORT_PUBLIC_URL: 'http://sallyport.example' };
    delete spoilt.SALLYPORT_TRUSTED_PROXIES;
    const [url, proxies] = await findings(spoilt, 'public URL', 'trusted proxies');
    expect([url?.status, proxies?.status]).toEqual(['wrong', 'wrong']);
  });
});

describe('a Redis as it comes', () => {
  let redis: RunningRedis;
  let client: Redis;
  let settings: Settings = {};
  let drop: () => Promise<void> = async () => undefined;
  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    const database = await createDatabase(inject('realPostgres'));
    ({ drop } = database);
    settings = { DATABASE_URL: database.url, REDIS_URL: redis.url };
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
    await drop();
  });

  it('is found to be everybody’s, unencrypted and without bounds', async () => {
    const found = await findings(
      settings,
      ...['user', 'encryption', 'strangers', 'memory', 'commands', 'keys'].map((name) => `Redis ${name}`),
    );
    expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'wrong'));
    expect(found[4]?.found).toContain('CONFIG, DEBUG, FLUSHALL, KEYS, SHUTDOWN, MODULE');
    // Nothing of it was run.
    expect(await client.ping()).toBe('PONG');
  });

  it.each<[string, string, string, string]>([
    ['eviction', 'maxmemory-policy', 'allkeys-lru', 'noeviction'],
    ['file of writes', 'appendonly', 'no', 'yes'],
    ['memory', 'maxmemory', '0', '100mb'],
  ])('is wrong by its %s, where %s is %s', async (name, setting, spoilt, sound) => {
    await client.config('SET', setting, sound);
    expect(await finding(settings, `Redis ${name}`)).toMatchObject({ status: 'ok' });
    await client.config('SET', setting, spoilt);
    expect(await finding(settings, `Redis ${name}`)).toMatchObject({
      status: 'wrong',
      mend: expect.any(String),
    });
    await client.config('SET', setting, sound);
  });

  it('is noted where replicas may fall behind', async () => {
    const replica = await startRedis();
    const other = new Redis(replica.url);
    try {
      const { port, hostname } = new URL(redis.url);
      await other.replicaof(hostname, Number(port));
      await eventually(
        async () => /connected_slaves:1/.test(await client.info('replication')),
        'the replica',
      );
      expect(await finding(settings, 'Redis replicas')).toMatchObject({ status: 'note' });
      await client.config('SET', 'min-replicas-to-write', '1');
      expect(await finding(settings, 'Redis replicas')).toMatchObject({ status: 'ok' });
    } finally {
      await client.config('SET', 'min-replicas-to-write', '0');
      other.disconnect();
      await replica.stop();
    }
  });
});

describe('a PostgreSQL for tests', () => {
  it('is found unfit: a superuser, no proof, no TLS, nothing on disk, no tables', async () => {
    const { url, drop } = await createDatabase(inject('realPostgres'), { from: 'template1' });
    const found = await findings(
      { DATABASE_URL: url },
      ...['user', 'encryption', 'durability'].map((name) => `database ${name}`),
      'migrations',
    );
    expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'wrong'));
    await drop();
  });

  it('is found unfit where it trusts whoever comes', async () => {
    const { url, drop } = await createDatabase(inject('embeddedPostgres'));
    expect(await finding({ DATABASE_URL: url }, 'database passwords')).toMatchObject({
      status: 'wrong',
      found: expect.stringContaining('trust'),
    });
    expect(await finding({ DATABASE_URL: url }, 'queue')).toMatchObject({ status: 'note' });
    await drop();
  });

  it('is found to lack what this version brings', async () => {
    const { url, drop } = await createDatabase(inject('realPostgres'));
    await sql(url, `delete from kysely_migration where name like '0030%'`);
    expect(await finding({ DATABASE_URL: url }, 'migrations')).toMatchObject({
      status: 'wrong',
      found: expect.stringContaining('0030'),
    });
    await drop();
  });
});

describe('managers that run', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('real', { delegates: 0 });
  });
  afterAll(() => stack.stop());

  it('are of this version, unless one is not', async () => {
    const env = stack.managerEnvironment();
    expect(await finding(env, 'managers')).toMatchObject({ status: 'ok' });
    const old = new pg.Client({
      connectionString: stack.databaseUrl,
      application_name: 'sallyport-manager/0.0.9',
    });
    await old.connect();
    expect(await finding(env, 'managers')).toMatchObject({
      status: 'note',
      found: expect.stringContaining('0.0.9'),
    });
    await old.end();
  });
});
