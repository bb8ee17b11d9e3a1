// Canaries are planted as the credentials of both connectivities, work is done and fails with them, and then every place
// where they could have been left is searched. Each search is first shown to find what is planted for it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Answer } from '../support/api.js';
import { LeakSearch, ProcessWatch, writings } from '../support/leaks.js';
import { pushForeign } from '../support/repository.js';
import { type GitAccount, Stack, sampledBackends } from '../support/stack.js';

const canary = (): string => `canary ${randomBytes(9).toString('base64')} "ü%`;

describe.each(sampledBackends)('on the %s servers', (backend) => {
  let stack: Stack;
  let accounts: Record<'manager' | 'delegate', GitAccount>;
  let search: LeakSearch;
  const answers: Answer[] = [];

  async function ask(
    method: string,
    route: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const answer = await stack.api.request(method, `accounts/demo/${route}`, body, headers);
    answers.push(answer);
    return answer;
  }

  beforeAll(async () => {
    stack = await Stack.start(backend, { passwords: { manager: canary(), delegate: canary() } });
    accounts = stack.accounts;
    search = new LeakSearch(
      Object.values({ m: accounts.manager, d: accounts.delegate }).map((one) => one.password),
    );
  });
  afterAll(() => stack.stop());

  const wrong = canary();

  /** Everything that is done with a secret: written, read about, used, used in vain, replaced, refused. */
  async function useSecrets(): Promise<void> {
    for (const connector of ['direct', 'delegated']) {
      const into = { connector, branch: 'main' };
      const saved = await ask('PUT', `entities/pipeline/${connector}`, {
        yaml: `name: ${connector}\n`,
        git: into,
      });
      expect(saved.status, saved.text).toBe(201);
      await pushForeign(stack.foreignUrl, { [`pipelines/${connector}.yaml`]: 'name: foreign\n' });
      const conflict = await ask('PUT', `entities/pipeline/${connector}`, {
        yaml: 'name: mine\n',
        git: into,
      });
      expect(conflict.status).toBe(409);
      expect((await ask('POST', `connectors/${connector}/check`)).body.ok).toBe(true);
      await ask('GET', `connectors/${connector}`);
      await ask('GET', `secrets/git-${connector}`);
    }
    // A credential that the host refuses, through both: the value is then in the middle of a failure.
    await ask('PUT', 'secrets/git-direct', { manager: 'builtin', value: wrong });
    await ask('PUT', 'secrets/git-delegated', await stack.sealForDelegate('git-delegated', wrong));
    for (const connector of ['direct', 'delegated']) {
      const git = { connector, branch: 'main' };
      const refused = await ask('PUT', `entities/pipeline/refused-${connector}`, { yaml: 'name: x\n', git });
      expect(refused.body.code).toBe('GIT_AUTH_REJECTED');
    }
    // Requests that are refused with the value in them.
    for (const body of [
      { manager: 'keyring', value: wrong },
      { manager: 'builtin', value: `${wrong}\n` },
      { manager: 'builtin', value: wrong, more: wrong },
      { manager: wrong, value: wrong },
    ])
      expect((await ask('PUT', 'secrets/refused', body)).status).toBeGreaterThanOrEqual(400);
    const url = `https://user:${encodeURIComponent(wrong)}@git.example/x`;
    expect((await ask('PUT', 'connectors/refused', { url, connectivity: 'manager' })).status).toBe(422);
  }

  it('leaves no plaintext in table, queue, log, answer, argument, environment or file', async () => {
    const everything = new LeakSearch([accounts.manager.password, accounts.delegate.password, wrong]);
    const watch = new ProcessWatch(everything);
    await useSecrets();
    await stack.delegates[0]?.kill('SIGTERM');
    await stack.startDelegate(undefined, { SALLYPORT_DELEGATE_GIT_ENGINE: 'native' });
    const good = await stack.sealForDelegate('git-delegated', accounts.delegate.password);
    await ask('PUT', 'secrets/git-delegated', good);
    const native = await ask('PUT', 'entities/pipeline/native', {
      yaml: 'name: native\n',
      git: { connector: 'delegated', branch: 'main' },
    });
    expect(native.status, native.text).toBe(201);
    expect(watch.stop()).toEqual([]);
    expect([...watch.seen].join('\n')).toMatch(/\bpush\b|\bgit\b/);
    expect(answers.filter(({ text }) => everything.holds(text)).map(({ text }) => text)).toEqual([]);
    expect(everything.holds(stack.logs())).toBe(false);
    expect(await everything.tables(stack.databaseUrl)).toEqual([]);
    expect(everything.files(stack.home)).toEqual([]);
    expect(everything.files(stack.redis?.directory ?? '/nonexistent')).toEqual([]);
  });

  it('writes to the log only what passes the redaction, and the log is not empty', () => {
    expect(stack.logs()).toMatch(/GIT_AUTH_REJECTED/);
    expect(stack.logs()).toContain('takes tasks');
  });

  it('leaves none in the database’s own files, its log of writes included', () => {
    const folder = inject(backend === 'embedded' ? 'embeddedPostgresFolder' : 'realPostgresFolder');
    expect(fs.readdirSync(path.join(folder, 'pg_wal'))).not.toEqual([]);
    expect(search.files(folder)).toEqual([]);
  });

  describe('each search finds what is planted for it', () => {
    it.each(writings)('written as %s', (_, write) => {
      const value = accounts.manager.password;
      expect(search.holds(`x${write(value)}y`)).toBe(true);
    });

    it('in a table, as text and as bytes', async () => {
      const client = new pg.Client({ connectionString: stack.databaseUrl });
      await client.connect();
      await client.query('create table planted (a text, b bytea)');
      await client.query('insert into planted values ($1, null)', [accounts.delegate.password]);
      expect(await search.tables(stack.databaseUrl)).toEqual(['public.planted']);
      await client.query('delete from planted');
      await client.query('insert into planted values (null, $1)', [Buffer.from(accounts.delegate.password)]);
      expect(await search.tables(stack.databaseUrl)).toEqual(['public.planted']);
      await client.query('drop table planted');
      await client.end();
    });

    it('in a file', () => {
      const file = path.join(stack.home, 'planted');
      fs.writeFileSync(file, `before ${accounts.manager.password} after`);
      expect(search.files(stack.home)).toEqual([file]);
      fs.rmSync(file);
    });

    it('in arguments and environments', async () => {
      const watch = new ProcessWatch(search);
      const child = spawn('sleep', ['2'], { env: { PLANTED: accounts.manager.password } });
      const other = spawn('sh', ['-c', 'sleep 2', accounts.delegate.password]);
      await delay(500);
      child.kill();
      other.kill();
      expect(
        watch
          .stop()
          .map((leak) => leak.split(' ')[0])
          .toSorted((a, b) => String(a).localeCompare(String(b))),
      ).toEqual(['cmdline', 'environ']);
    });
  });
});
