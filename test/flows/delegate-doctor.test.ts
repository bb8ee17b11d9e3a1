// `delegate doctor`, well and ill: every check finds the fault that was made for it, and says what to do.
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQueueBackend } from '../../src/queue/backend.js';
import { lookAtDefault } from '../../workers/commands/checks/queue.js';
import { eventually } from '../support/api.js';
import { makeCertificates } from '../support/certificates.js';
import { runCommand } from '../support/processes.js';
import { freePort } from '../support/servers.js';
import { type Backend, Stack } from '../support/stack.js';

interface Finding {
  name: string;
  status: 'ok' | 'note' | 'wrong' | 'skipped';
  found: string;
  mend?: string;
}

let stack: Stack;
const folderOf = (one: Stack): string => path.join(one.home, 'delegate');
const start = async (backend: Backend): Promise<void> => {
  stack = await Stack.start(backend, { redis: { users: true } });
};

async function examine(settings: Record<string, string> = {}): Promise<{ code: number; checks: Finding[] }> {
  const env = { ...stack.delegateEnvironment(), ...settings };
  const { code, stdout, stderr } = await runCommand('workers/delegate.js', ['doctor', '--json'], { env });
  expect(stderr).toBe('');
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
  expect(ok).toBe(code === 0);
  return { code, checks };
}

/** What one check finds. */
async function finding(
  name: string,
  settings: Record<string, string> = {},
): Promise<Finding & { code: number }> {
  const { code, checks } = await examine(settings);
  const found = checks.filter((one) => one.name === name);
  expect(found, JSON.stringify(checks)).toHaveLength(1);
  return { ...(found[0] as Finding), code };
}

/** With another policy file. */
async function withPolicy(text: string): Promise<Record<string, string>> {
  const file = path.join(stack.home, 'policy-of-doctor.yaml');
  await fs.promises.writeFile(file, text);
  return { SALLYPORT_DELEGATE_POLICY_FILE: file };
}

/** While the delegate's enrolment says something else. */
async function withEnrolment<T>(
  change: (enrolment: Record<string, never>) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const file = path.join(folderOf(stack), 'delegate.json');
  const before = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, JSON.stringify(change(JSON.parse(before))));
  try {
    return await work();
  } finally {
    fs.writeFileSync(file, before);
  }
}

describe('on Redis', () => {
  beforeAll(() => start('real'));
  afterAll(() => stack.stop());

  it('finds a delegate that runs in good health, one line for each check', async () => {
    const env = stack.delegateEnvironment();
    const { code, stdout, stderr } = await runCommand('workers/delegate.js', ['doctor'], { env });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => /^(ok|note) +([^:]+): ./.exec(line)?.[2]);
    expect(names).toEqual([
      'data folder',
      'key files',
      'enrolment',
      'group keys',
      'keyring',
      'policy file',
      'system git',
      'disk space',
      'manager',
      'clock',
      'contract',
      'queue',
      'queue access',
      'default user',
      'Git hosts',
      'secret managers',
    ]);
  });

  it('prints no secret', async () => {
    const env = stack.delegateEnvironment();
    const texts = await Promise.all(
      [['doctor'], ['doctor', '--json']].map((args) => runCommand('workers/delegate.js', args, { env })),
    );
    const secrets = ['identity.json', 'group.json', 'keyring.json', 'delegate.json'].flatMap((name) => {
      const text = fs.readFileSync(path.join(folderOf(stack), name), 'utf8');
      return [...text.matchAll(/"(?:identity|privateKey|key|password)":"([^"]+)"/g)].map(
        ([, value = '']) => value,
      );
    });
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    for (const { stdout } of texts) for (const secret of secrets) expect(stdout).not.toContain(secret);
  });

  it('changes nothing', async () => {
    const read = (): string[] =>
      fs
        .readdirSync(folderOf(stack), { recursive: true })
        .map(String)
        .filter((name) => name !== 'begun-tasks');
    const before = read();
    await examine();
    expect(read()).toEqual(before);
  });

  it('explains itself to arguments it does not know', async () => {
    const env = stack.delegateEnvironment();
    const { code, stderr } = await runCommand('workers/delegate.js', ['doctor', '--mend'], { env });
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'Usage: doctor [--json]\n' });
  });

  it('looks no further where nobody has enrolled', async () => {
    const nowhere = { SALLYPORT_DATA_DIR: path.join(stack.home, 'nowhere') };
    const { code, checks } = await examine(nowhere);
    expect(code).toBe(1);
    const by = (status: string) => checks.filter((one) => one.status === status).map(({ name }) => name);
    expect(by('wrong')).toEqual(['data folder', 'enrolment']);
    expect(by('skipped')).toEqual(['group keys', 'manager', 'queue']);
    expect(fs.existsSync(nowhere.SALLYPORT_DATA_DIR)).toBe(false);
  });

  it('finds a key file that others may read', async () => {
    const file = path.join(folderOf(stack), 'identity.json');
    fs.chmodSync(file, 0o640);
    const { status, found, mend, code } = await finding('key files');
    fs.chmodSync(file, 0o600);
    expect({ status, code }).toEqual({ status: 'wrong', code: 1 });
    expect(found).toContain('identity.json');
    expect(mend).toContain('chmod 600');
  });

  it('finds a folder that others may write to', async () => {
    fs.chmodSync(folderOf(stack), 0o777);
    const writable = await finding('data folder');
    fs.chmodSync(folderOf(stack), 0o755);
    const readable = await finding('data folder');
    fs.chmodSync(folderOf(stack), 0o700);
    expect(writable).toMatchObject({ status: 'wrong', mend: expect.stringContaining('chmod 700') });
    expect(readable).toMatchObject({ status: 'note', code: 0 });
  });

  it('finds a policy file that is not valid', async () => {
    const settings = await withPolicy('git: { allow: "everything" }\n');
    const { checks } = await examine(settings);
    const by = (name: string) => checks.find((one) => one.name === name);
    expect(by('policy file')).toMatchObject({ status: 'wrong', found: expect.stringContaining('git.allow') });
    expect(by('Git hosts')).toMatchObject({ status: 'skipped' });
  });

  it('says that the keys of the group are not here yet', async () => {
    const env = { ...stack.delegateEnvironment(), SALLYPORT_DATA_DIR: path.join(stack.home, 'second') };
    await stack.enrolDelegate({ env });
    expect(await finding('group keys', env)).toMatchObject({ status: 'note', code: 0 });
  });

  it('finds a manager that is not there, and one that is something else', async () => {
    const port = await freePort();
    await withEnrolment(
      (enrolment) => ({ ...enrolment, managerUrl: `http://127.0.0.1:${port}` }),
      async () => {
        const { checks, code } = await examine();
        expect(code).toBe(1);
        expect(checks.find(({ name }) => name === 'manager')).toMatchObject({
          status: 'wrong',
          found: expect.stringContaining('ECONNREFUSED'),
        });
      },
    );
    await withEnrolment(
      (enrolment) => ({ ...enrolment, managerUrl: stack.host.url }),
      async () => expect((await finding('manager')).found).toContain('not as a manager does'),
    );
  });

  it('finds a clock that is off, and a contract that is too old', async () => {
    const manager = http.createServer((_, response) => {
      response.setHeader('date', new Date(Date.now() - 600_000).toUTCString());
      response.end(JSON.stringify({ up: true, contract: 1, contractOldest: 1 }));
    });
    await new Promise<void>((resolve) => manager.listen(0, '127.0.0.1', resolve));
    const { port } = manager.address() as AddressInfo;
    const { checks } = await withEnrolment(
      (enrolment) => ({ ...enrolment, managerUrl: `http://127.0.0.1:${port}` }),
      () => examine(),
    );
    manager.close();
    const by = (name: string) => checks.find((one) => one.name === name);
    expect(by('manager')).toMatchObject({ status: 'ok' });
    expect(by('clock')).toMatchObject({
      status: 'wrong',
      found: expect.stringMatching(/^(?:599|60[0-3]) s ahead/),
    });
    expect(by('contract')).toMatchObject({ status: 'wrong', mend: 'Upgrade the manager' });
  });

  describe('each Git host', () => {
    it('is found where it answers without TLS, if that is allowed', async () => {
      const { host } = new URL(stack.host.url);
      const settings = await withPolicy(
        `git: { allow: ["${host}/demo", "${host}/other", "*.example/**"] }\n`,
      );
      expect(await finding(`Git host ${host}`, settings)).toMatchObject({ status: 'ok', code: 0 });
    });

    it('is wrong where nobody listens, where its name is none, and where its address is shut', async () => {
      const port = await freePort();
      const settings = await withPolicy(`git: { allow: ["127.0.0.1:${port}/**", "nowhere.invalid"] }\n`);
      const { checks, code } = await examine(settings);
      expect(code).toBe(1);
      expect(checks.filter(({ name }) => name.startsWith('Git host '))).toEqual([
        expect.objectContaining({ status: 'wrong', found: expect.stringContaining('ECONNREFUSED') }),
        expect.objectContaining({ status: 'wrong', mend: expect.stringContaining('name server') }),
      ]);
      const shut = await finding(`Git host 127.0.0.1:${port}`, {
        ...settings,
        SALLYPORT_GIT_ALLOW_PRIVATE: 'false',
      });
      expect(shut.mend).toContain('SALLYPORT_GIT_ALLOWED_RANGES');
    });
  });

  it('tries each secret manager that the policy names by its address, by the proxy where there is one', async () => {
    const shut = `http://127.0.0.1:${await freePort()}`;
    const rule = (address: string) => `{ kind: vault-kv, addresses: ["${address}"] }`;
    const settings = await withPolicy(
      `secrets: { allow: [${rule(stack.host.url)}, ${rule(shut)}, ${rule('https://vaults/**')}] }\n`,
    );
    const found = async (more: Record<string, string> = {}) =>
      (await examine({ ...settings, ...more })).checks
        .filter(({ name }) => name.startsWith('secret manager'))
        .map(({ name, status }) => [name, status]);
    expect(await found()).toEqual([
      [`secret manager ${stack.host.url}`, 'ok'],
      [`secret manager ${shut}`, 'wrong'],
    ]);
    const proxied = await found({ SALLYPORT_GIT_PROXY_URL: shut });
    expect(proxied.map(([, status]) => status)).toEqual(['wrong', 'wrong']);
  });

  describe('the queue', () => {
    const userOf = (): { username: string; url: string } =>
      JSON.parse(fs.readFileSync(path.join(folderOf(stack), 'delegate.json'), 'utf8')).queue;
    const admin = async (...command: [string, ...string[]]): Promise<void> => {
      const redis = new Redis(stack.redis?.adminUrl ?? '');
      await redis.call(...command);
      redis.disconnect();
    };

    it('is wrong where nobody listens', async () => {
      const port = await freePort();
      const { checks } = await withEnrolment(
        (enrolment: { queue?: object }) => ({
          ...enrolment,
          queue: { ...enrolment.queue, url: `redis://127.0.0.1:${port}` },
        }),
        () => examine(),
      );
      expect(checks.filter(({ name }) => name.startsWith('queue'))).toEqual([
        expect.objectContaining({ status: 'wrong', found: expect.stringContaining('ECONNREFUSED') }),
        expect.objectContaining({ status: 'skipped' }),
      ]);
    });

    it('is wrong where the user may see the queues of others', async () => {
      await admin('ACL', 'SETUSER', userOf().username, 'allkeys');
      const found = await finding('queue access');
      expect(found).toMatchObject({ status: 'wrong', code: 1 });
      expect(found.found).toContain('other groups');
    });

    it('is wrong where the user may not see its own', async () => {
      await admin('ACL', 'SETUSER', userOf().username, 'resetkeys');
      expect(await finding('queue access')).toMatchObject({
        status: 'wrong',
        found: expect.stringContaining('its own queue is shut'),
      });
    });

    it('is wrong where Redis obeys anybody, which the manager says at its start', async () => {
      const words = 'the default user of Redis is open';
      const said = (): boolean => stack.manager?.output().includes(words) === true;
      expect(await finding('default user')).toMatchObject({ status: 'ok' });
      expect(said()).toBe(false);
      await admin('ACL', 'SETUSER', 'default', 'on', 'nopass');
      expect(await finding('default user')).toMatchObject({
        status: 'wrong',
        code: 1,
        mend: expect.stringContaining('ACL SETUSER default off'),
      });
      await stack.manager?.kill('SIGTERM');
      await stack.startManager();
      await eventually(async () => said(), 'the manager to say so');
      await admin('ACL', 'SETUSER', 'default', 'off');
    });

    it('is not known where Redis refuses a further connection, or is gone by then', async () => {
      const full = net.createServer((socket) =>
        socket.resume().end('-ERR max number of clients reached\r\n'),
      );
      await new Promise<void>((resolve) => full.listen(0, '127.0.0.1', resolve));
      const { port } = full.address() as AddressInfo;
      const look = async () =>
        lookAtDefault(
          await openQueueBackend({ redisUrl: `redis://127.0.0.1:${port}`, databaseUrl: undefined }),
        );
      try {
        expect(await look()).toMatchObject({
          status: 'note',
          found: expect.stringMatching(/max number of clients/),
        });
      } finally {
        await new Promise((resolve) => full.close(resolve));
      }
      expect(await look()).toMatchObject({ status: 'note', found: expect.stringMatching(/ECONNREFUSED/) });
    });

    it('is wrong where the user has another password, or is gone', async () => {
      await withEnrolment(
        (enrolment: { queue?: object }) => ({
          ...enrolment,
          queue: { ...enrolment.queue, password: 'another-password' },
        }),
        async () => {
          const found = await finding('queue');
          expect(found).toMatchObject({ status: 'wrong', mend: expect.stringContaining('enrol it again') });
          expect(found.found).toContain('WRONGPASS');
          expect(JSON.stringify(found)).not.toContain('another-password');
        },
      );
    });
  });
});

describe('a Git host over TLS', () => {
  const certificates = makeCertificates();
  beforeAll(() => start('embedded'));
  afterAll(async () => {
    certificates.remove();
    await stack.stop();
  });

  it('is believed with its authority, and not without', async () => {
    const { createServer } = await import('node:https');
    const { certificateFile, keyFile } = certificates.server;
    const host = createServer({ cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const name = `127.0.0.1:${(host.address() as AddressInfo).port}`;
    const settings = await withPolicy(`git: { allow: ["${name}/**"] }\n`);
    const doubted = await finding(`Git host ${name}`, settings);
    const trusted = { ...settings, SALLYPORT_GIT_CA_FILE: certificates.authorityFile };
    const believed = await finding(`Git host ${name}`, trusted);
    host.close();
    expect(doubted).toMatchObject({
      status: 'wrong',
      mend: expect.stringContaining('SALLYPORT_GIT_CA_FILE'),
    });
    expect(believed).toMatchObject({ status: 'ok', found: 'answers over TLS', code: 0 });
  });

  it('comes after a queue that is in PostgreSQL', async () => {
    expect(await finding('queue')).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('PostgreSQL'),
    });
    const lost = await finding('queue', { DATABASE_URL: `postgresql://127.0.0.1:${await freePort()}/none` });
    expect(lost).toMatchObject({ status: 'wrong', code: 1 });
  });
});
