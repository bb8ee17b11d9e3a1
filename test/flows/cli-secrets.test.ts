// `sallyport secrets`: values that never are arguments, and never the manager's where they are not meant for it.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from '../support/database.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let env: Record<string, string>;
beforeAll(async () => {
  stack = await Stack.start('embedded');
  env = {
    SALLYPORT_CONFIG: path.join(stack.home, 'none.json'),
    SALLYPORT_SERVER: stack.manager?.url ?? '',
    SALLYPORT_TOKEN: stack.token,
    SALLYPORT_SCOPE: 'accounts/demo',
  };
});
afterAll(() => stack.stop());

const run = (args: string[], input: string | Buffer = '') =>
  runCommand('src/sallyport.js', ['secrets', ...args], { env, input });

/** Whether a save by this secret reaches the Git host. */
async function opens(secret: string, road: 'manager' | 'delegate'): Promise<number> {
  const { username } = stack.accounts[road];
  await stack.api.ok('PUT', `accounts/demo/connectors/by_${secret}`, {
    url: stack.repositoryUrl,
    connectivity: road,
    credential: { username, secret },
  });
  const saved = await stack.api.save(secret, 'name: kept\n', { connector: `by_${secret}`, branch: 'main' });
  return saved.status;
}

describe('put', () => {
  it('keeps what the builtin secret manager is given, from standard input or a file', async () => {
    const password = stack.accounts.manager.password;
    const kept = await run(['put', 'typed'], `${password}\n`);
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.stdout).toMatch(/^Kept as version \S+\n$/);
    expect(await opens('typed', 'manager')).toBe(201);
    const file = path.join(stack.home, 'value');
    fs.writeFileSync(file, password);
    expect((await run(['put', 'filed', '--kind', 'text', '--file', file])).code).toBe(0);
    expect(await opens('filed', 'manager')).toBe(201);
  });

  it('seals to the pinned group what the manager must not see, and tells it nothing', async () => {
    const { fingerprint } = await stack.api.ok('GET', 'accounts/demo/secret-managers/keyring/sealing-key');
    const { delegates } = await stack.api.ok('GET', 'accounts/demo/delegates');
    expect(delegates).toMatchObject([{ groupFingerprint: fingerprint }]);
    const password = stack.accounts.delegate.password;
    const args = ['put', 'sealed', '--manager', 'keyring', '--manager-scope', 'accounts/demo'];
    const { code, stderr } = await run([...args, '--fingerprint', fingerprint], password);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Sealed to group local, ${fingerprint}\n` });
    expect(await opens('sealed', 'delegate')).toBe(201);
    const rows = await sql(
      stack.databaseUrl,
      `select 1 from secret_version where stored::text like '%' || $1 || '%'`,
      [password],
    );
    expect(rows).toEqual([]);
    const other = await run([...args, '--fingerprint', `SHA256:${'A'.repeat(43)}`], password);
    expect(other).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/identity is not the pinned one\nhint: Ask whoever runs a delegate/),
    });
    expect(stack.logs() + other.stderr).not.toContain(password);
  });

  it('seals by the suite that is named', async () => {
    for (const suite of ['x25519', 'p256'])
      expect(await run(['put', `by_${suite}`, '--manager', 'keyring', '--suite', suite], 'x')).toMatchObject({
        code: 0,
      });
  });

  it('names the very secret manager, whichever is nearer under the same name', async () => {
    const [org, project] = ['accounts/demo/orgs/o', 'accounts/demo/orgs/o/projects/p'];
    for (const scope of [org, project]) await stack.api.ok('PUT', scope, {});
    for (const scope of ['accounts/demo', org, project])
      await stack.api.ok('PUT', `${scope}/secret-managers/same`, { settings: { kind: 'keyring' } });
    for (const managerScope of ['accounts/demo', org, project]) {
      const named = ['--scope', project, '--manager', 'same', '--manager-scope', managerScope];
      const { code, stderr } = await run(['put', 'near', ...named], 'value');
      expect(code, stderr).toBe(0);
      const kept = await stack.api.ok('GET', `${project}/secrets/near`);
      expect(kept).toMatchObject({ manager: 'same', managerScope });
    }
  });

  it('takes a file with any bytes', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 10]);
    for (const manager of ['builtin', 'keyring']) {
      const args = ['put', `file_${manager}`, '--manager', manager, '--kind', 'file'];
      const { code, stderr } = await run(args, bytes);
      expect(code, stderr).toBe(0);
      const kept = await stack.api.ok('GET', `accounts/demo/secrets/file_${manager}`);
      expect(kept).toMatchObject({ kind: 'file' });
    }
  });

  it.each([
    ['more than 64 KiB', 'x'.repeat(65_537), 'keyring', 1, 'does not have 1 to'],
    ['what goes to a manager there is not', 'never-shown', 'none', 6, 'NOT_FOUND: '],
  ])('refuses %s, and shows nothing of it', async (_, input, manager, code, why) => {
    const refused = await run(['put', 'refused', '--manager', manager], input);
    expect(refused).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(why) });
    expect(refused.stderr).not.toContain(input);
  });

  it.each([
    [['put', 'odd', '--suite', 'rsa'], 'x', 'rsa is no suite'],
    [['put', 'none'], '', 'No value was given'],
    [['put', 'odd', '--kind', 'odd'], 'x', 'odd is no kind of secret'],
    [['put', 'far', '--manager-scope', 'accounts/other'], 'x', 'is not around accounts/demo'],
    [['put', 'lost', '--file', '/nowhere'], '', '/nowhere cannot be read'],
    [['rotate'], '', 'It is not said which secrets'],
  ])('%s with %j ends with 2', async (args, input, told) => {
    const { code, stderr } = await run(args, input);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(told) });
  });
});

describe('rotate and migrate', () => {
  it('tell how far they are, and the secrets still open', async () => {
    await run(['put', 'turned'], stack.accounts.manager.password);
    const wrapped = await run(['rotate', '--manager', 'builtin']);
    expect(wrapped.code, wrapped.stderr).toBe(0);
    expect(wrapped.stdout).toMatch(/^rewrap: succeeded, \d+ of \d+ done, \d+ skipped, 0 failed$/m);
    const anew = await run(['rotate', '--secret', 'turned', '--reencrypt', '--json']);
    expect(JSON.parse(anew.stdout)).toMatchObject({ action: 'reencrypt', state: 'succeeded' });
    expect(await opens('turned', 'manager')).toBe(201);
  });

  it('bring a secret to another manager, and to the builtin one only where that is meant', async () => {
    await run(['put', 'leaving'], stack.accounts.delegate.password);
    const args = ['migrate', 'keyring', '--secret', 'leaving'];
    expect((await run([...args, '--only-if-absent'])).stderr).toContain('is for a store');
    const moved = await run(args);
    expect(moved.code, moved.stderr + moved.stdout).toBe(0);
    expect(await opens('leaving', 'delegate')).toBe(201);
    await stack.api.ok('PUT', 'accounts/demo/secret-managers/other', { settings: { kind: 'keyring' } });
    const all = await run(['migrate', 'other', '--manager', 'keyring', '--json']);
    expect(all.code, all.stderr).toBe(0);
    expect(JSON.parse(all.stdout)).toMatchObject({ action: 'migrate', state: 'succeeded' });
    const kept = await stack.api.ok('GET', 'accounts/demo/secrets/leaving');
    expect(kept).toMatchObject({ manager: 'other' });
    const nowhere = await run(['migrate', 'other', '--manager', 'nowhere']);
    expect(nowhere).toMatchObject({ code: 6, stdout: '' });
    const back = await run(['migrate', 'builtin', '--secret', 'leaving']);
    expect(back.code).not.toBe(0);
    expect(back.stderr).toMatch(/^[A-Z_]+: .+\nhint: /);
    const meant = await run(['migrate', 'builtin', '--secret', 'leaving', '--reveal-to-manager']);
    expect(`${meant.code} ${meant.stdout}${meant.stderr}`).not.toContain(stack.accounts.delegate.password);
  });
});
