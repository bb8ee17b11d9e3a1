// Putting a secret from the command line: sealed there, for whoever it is meant for and nobody else.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let tokenFile = '';
beforeAll(async () => {
  stack = await Stack.start('embedded');
  tokenFile = path.join(stack.home, 'token');
  fs.writeFileSync(tokenFile, `${stack.token}\n`);
});
afterAll(() => stack.stop());

const run = (input: string | Buffer, more: Record<string, string> = {}) => {
  const named = {
    url: stack.manager?.url ?? '',
    'token-file': tokenFile,
    scope: 'accounts/demo',
    id: 'typed',
    manager: 'keyring',
    ...more,
  };
  const args = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]);
  return runCommand('src/secret.js', ['put', ...args], { env: {}, input });
};
const fingerprint = async (): Promise<string> =>
  (await stack.api.ok('GET', 'accounts/demo/secret-managers/keyring/sealing-key')).fingerprint;
const save = async (secret: string) => {
  const { username } = stack.accounts.delegate;
  await stack.api.ok('PUT', 'accounts/demo/connectors/typed', {
    url: stack.repositoryUrl,
    connectivity: 'delegate',
    credential: { username, secret },
  });
  return stack.api.save('typed', 'name: typed\n', { connector: 'typed', branch: 'main' });
};

describe('secret put', () => {
  it('seals what it reads, says to whom, and prints the version', async () => {
    const { code, stdout, stderr } = await run(`${stack.accounts.delegate.password}\n`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Sealed to group local, ${await fingerprint()}\n` });
    const { version } = await stack.api.ok('GET', 'accounts/demo/secrets/typed');
    expect(JSON.parse(stdout)).toEqual({ state: 'kept', version });
    const saved = await save('typed');
    expect(saved.status, saved.text).toBe(201);
  });

  it('seals to the pinned group alone', async () => {
    const pinned = await fingerprint();
    expect((await run('value', { id: 'pinned', fingerprint: pinned })).code).toBe(0);
    const other = `SHA256:${'A'.repeat(43)}`;
    const { code, stderr } = await run('value', { id: 'unpinned', fingerprint: other });
    expect(code).toBe(1);
    expect(stderr).toContain('is not the pinned one');
    expect((await stack.api.request('GET', 'accounts/demo/secrets/unpinned')).status).toBe(404);
  });

  it('names the very secret manager, whichever is nearer under the same name', async () => {
    const [org, project] = ['accounts/demo/orgs/o', 'accounts/demo/orgs/o/projects/p'];
    for (const scope of [org, project]) await stack.api.ok('PUT', scope, {});
    for (const scope of ['accounts/demo', org, project])
      await stack.api.ok('PUT', `${scope}/secret-managers/same`, { settings: { kind: 'keyring' } });
    for (const managerScope of ['accounts/demo', org, project]) {
      const named = { scope: project, manager: 'same', 'manager-scope': managerScope };
      const { code, stderr } = await run('value', named);
      expect(code, stderr).toBe(0);
      const kept = await stack.api.ok('GET', `${project}/secrets/typed`);
      expect(kept).toMatchObject({ manager: 'same', managerScope });
    }
  });

  it('sends what the builtin secret manager is to keep as it is', async () => {
    const { code, stderr } = await run('value', { id: 'plain', manager: 'builtin' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await stack.api.ok('GET', 'accounts/demo/secrets/plain')).toMatchObject({ manager: 'builtin' });
  });

  it('takes a file with any bytes', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 10]);
    for (const manager of ['builtin', 'keyring']) {
      const { code, stderr } = await run(bytes, { id: `file-${manager}`, manager, kind: 'file' });
      expect(code, stderr).toBe(0);
      expect(await stack.api.ok('GET', `accounts/demo/secrets/file-${manager}`)).toMatchObject({
        kind: 'file',
      });
    }
  });

  it.each([
    ['nothing', '', {}, 'does not have 1 to'],
    ['more than 64 KiB', 'x'.repeat(65_537), {}, 'does not have 1 to'],
    ['a manager there is not', 'x', { manager: 'none' }, '404 NOT_FOUND'],
    ['a scope there is not', 'x', { scope: 'accounts/other' }, '403'],
  ])('refuses %s, and shows nothing of it', async (_, input, more, why) => {
    const { code, stdout, stderr } = await run(input, more);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(why);
  });

  it.each([
    [{ scope: 'demo' }],
    [{ id: '../x' }],
    [{ kind: 'password' }],
    [{ url: 'http://user:pw@host' }],
    [{ value: 'never-on-the-command-line' }],
    [{ 'manager-scope': 'accounts/other' }],
    [{ 'manager-scope': 'accounts/dem' }],
    [{ 'manager-scope': 'accounts/demo/orgs/o' }],
  ])('explains itself to %j', async (more) => {
    const { code, stdout, stderr } = await run('x', more as Record<string, string>);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: npm run -s secret');
  });
});
