// What one delegate of a group sealed, every other one opens: there is one keyring, and nobody makes a second.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

const FOLDERS = ['one', 'two'];

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 0 });
  for (const folder of FOLDERS) await stack.enrolDelegate({ env: environmentOf(folder) });
});
afterAll(() => stack.stop());

const environmentOf = (folder: string): Record<string, string> => ({
  ...stack.delegateEnvironment(),
  SALLYPORT_DATA_DIR: `${stack.home}/${folder}`,
});
const start = (folder: string) =>
  stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/${folder}` });
const keyringOf = (folder: string): Json =>
  JSON.parse(fs.readFileSync(`${stack.home}/${folder}/keyring.json`, 'utf8'));
const put = (folder: string, id: string) =>
  runCommand('workers/delegate.js', ['secret', 'put', '--scope', 'accounts/demo', '--id', id], {
    env: environmentOf(folder),
    input: stack.accounts.delegate.password,
  });

/** Seals a secret there, and makes the connector that uses it, both under this name. */
async function connect(folder: string, id: string): Promise<void> {
  const { code, stdout, stderr } = await put(folder, id);
  expect([code, stderr]).toEqual([0, '']);
  await stack.api.ok('PUT', `accounts/demo/secrets/${id}`, JSON.parse(stdout));
  await stack.api.ok('PUT', `accounts/demo/connectors/${id}`, {
    url: stack.repositoryUrl,
    connectivity: 'delegate',
    credential: { username: stack.accounts.delegate.username, secret: id },
  });
}

/** What this delegate alone finds of the connector, once the manager has heard that it takes tasks. */
async function checkBy(folder: string, connector: string): Promise<Json> {
  const { delegates } = await stack.api.ok('GET', 'accounts/demo/delegates');
  for (const { id, name } of delegates)
    await stack.api.ok('POST', `accounts/demo/delegates/${id}/${name === folder ? 'enable' : 'disable'}`);
  await stack.untilCarried(connector, `${folder} to be there`);
  return stack.api.ok('POST', `accounts/demo/connectors/${connector}/check`);
}

describe('secret put', () => {
  it('is refused where a delegate has not been handed the keys yet, which makes no keyring', async () => {
    const { code, stdout, stderr } = await put('two', 'early');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^DELEGATE_KEYS_MISSING: .*has not been handed.*\n.*another one of the group runs/,
    );
    expect(fs.existsSync(`${stack.home}/two/keyring.json`)).toBe(false);
  });

  it('seals for both delegates on either one, before the other came and after', async () => {
    await connect('one', 'before');
    await start('one');
    await start('two');
    await connect('two', 'on-two');
    await connect('one', 'on-one');
    for (const connector of ['before', 'on-two', 'on-one'])
      for (const folder of FOLDERS)
        expect(await checkBy(folder, connector), `${connector} by ${folder}`).toMatchObject({ ok: true });
    expect(keyringOf('two')).toEqual(keyringOf('one'));
  });
});

describe('a keyring that is gone', () => {
  it('is handed over again, and not made anew', async () => {
    await stack.delegates.at(-1)?.kill('SIGTERM');
    fs.rmSync(`${stack.home}/two/keyring.json`);
    expect((await put('two', 'gone')).stderr).toMatch(/^DELEGATE_KEYS_MISSING: .*its keyring is gone/);
    await stack.api.ok('POST', `accounts/demo/delegates/${await idOf('one')}/enable`);
    await start('two');
    expect(keyringOf('two')).toEqual(keyringOf('one'));
    expect(await checkBy('two', 'on-two')).toMatchObject({ ok: true });
  });

  it('is missed by whoever holds the keys of the group alone, until it is made anew on purpose', async () => {
    for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
    fs.rmSync(`${stack.home}/one/keyring.json`);
    const command = (...args: string[]) =>
      runCommand('workers/delegate.js', args, { env: environmentOf('one') });
    const { stdout } = await command('doctor', '--json');
    expect(JSON.parse(stdout).checks.find(({ name }: Json) => name === 'keyring')).toMatchObject({
      status: 'wrong',
      mend: expect.stringContaining('keyring make'),
    });
    expect(await command('keyring', 'make')).toMatchObject({ code: 0 });
    const made = keyringOf('one');
    expect(made).not.toEqual(keyringOf('two'));
    await start('one');
    expect(await command('keyring', 'make')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^KEY_FILE_UNUSABLE: .*there already/),
    });
    expect(keyringOf('one')).toEqual(made);
  });

  const idOf = async (folder: string): Promise<string> => {
    const { delegates } = await stack.api.ok('GET', 'accounts/demo/delegates');
    return delegates.find(({ name }: Json) => name === folder).id;
  };
});
