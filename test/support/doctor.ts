// The manager's doctor as a user runs it, and a PostgreSQL as it wants one.
import { expect } from 'vitest';
import { grantApplicationRole } from '../../src/storage/application-role.js';
import { Storage } from '../../src/storage/database.js';
import { eventually } from './api.js';
import type { Certificates } from './certificates.js';
import { sql } from './database.js';
import { runCommand } from './processes.js';
import { startPostgres } from './servers.js';

export interface Finding {
  name: string;
  status: 'ok' | 'note' | 'wrong' | 'skipped';
  found: string;
  mend?: string;
}
export type Settings = Record<string, string>;

export async function examine(settings: Settings): Promise<{ code: number; checks: Finding[] }> {
  const { code, stdout, stderr } = await runCommand('src/doctor.js', ['--json'], { env: settings });
  expect(stderr).toBe('');
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
  expect(ok).toBe(code === 0);
  return { code, checks };
}

/** What these checks find, in their order. */
export async function findings(settings: Settings, ...names: string[]): Promise<Finding[]> {
  const { checks } = await examine(settings);
  return names.map((name) => {
    const found = checks.filter((one) => one.name === name);
    expect(found, `${name} of ${JSON.stringify(checks)}`).toHaveLength(1);
    return found[0] as Finding;
  });
}

export async function finding(settings: Settings, name: string): Promise<Finding> {
  return (await findings(settings, name))[0] as Finding;
}

/** A server of PostgreSQL with TLS, durable, whose tables are of one role and whose rows are another one's. */
export class SoundPostgres {
  readonly #stop: () => Promise<void>;

  private constructor(
    readonly admin: string,
    readonly url: string,
    stop: () => Promise<void>,
  ) {
    this.#stop = stop;
  }

  static async start(certificates: Certificates): Promise<SoundPostgres> {
    const server = await startPostgres({ sound: certificates.server });
    const owner = server.url.replace('/postgres', '/kept');
    await eventually(() => sql(server.url, 'select 1').catch(() => undefined), 'the server to have started');
    await sql(server.url, 'create database kept');
    const storage = new Storage(owner);
    await storage.migrate();
    await sql(server.url, `create role worker login password 'worker-password'`);
    await grantApplicationRole(storage.db, 'worker');
    await storage.close();
    const at = new URL(owner);
    at.username = 'worker';
    at.password = 'worker-password';
    at.search = `?sslmode=verify-full&sslrootcert=${certificates.authorityFile}`;
    return new SoundPostgres(owner, at.href.replace('127.0.0.1', 'localhost'), server.stop);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
