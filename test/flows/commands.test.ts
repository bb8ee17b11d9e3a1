// The commands beside `npm start`: sealing a secret on the delegate's side, making a token, and starts that cannot be.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { runCommand, startDelegate, startManager } from '../support/processes.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start('embedded');
});
afterAll(() => stack.stop());

describe('delegate secret put', () => {
  const put = (args: string[], input: string | Buffer, env: Record<string, string> = {}) =>
    runCommand('workers/delegate.js', ['secret', 'put', ...args], {
      env: { ...stack.delegateEnvironment(), ...env },
      input,
    });
  const usual = ['--scope', 'accounts/demo', '--id', 'token'];

  it('prints one line of JSON that the API takes, and nothing else', async () => {
    const { code, stdout, stderr } = await put(usual, 'a-token\n');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.endsWith('}\n')).toBe(true);
    const body = JSON.parse(stdout);
    expect(body).toEqual({
      manager: 'keyring',
      envelope: expect.objectContaining({ format: 'sallyport-1' }),
    });
    expect(await stack.api.ok('PUT', 'accounts/demo/secrets/token', body)).toMatchObject({
      manager: 'keyring',
    });
  });

  it('seals the same value to other bytes every time', async () => {
    const [one, two] = await Promise.all([put(usual, 'same'), put(usual, 'same')]);
    expect(one.stdout).not.toBe(two.stdout);
  });

  it.each([
    ['with a line end', 'guest-password\n'],
    ['with a line end of Windows', 'guest-password\r\n'],
    ['without a line end', 'guest-password'],
  ])('takes a value %s', async (_, input) => {
    const secret = JSON.parse((await put(['--scope', 'accounts/demo', '--id', 'ends'], input)).stdout);
    await stack.api.ok('PUT', 'accounts/demo/secrets/ends', secret);
    expect(secret.envelope.payload.ciphertext).toHaveLength(Math.ceil(('guest-password'.length * 4) / 3));
  });

  it.each([
    ['nothing', '', 'is empty'],
    ['a line end alone', '\n', 'is empty'],
    ['two lines', 'one\ntwo\n', 'holds a line end'],
    ['a NUL', 'one\0two', 'holds a line end or a NUL'],
    ['more than 64 KiB', 'x'.repeat(65_537), 'is longer than 65536 bytes'],
  ])('refuses %s', async (_, input, why) => {
    const { code, stdout, stderr } = await put(usual, input);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(why);
  });

  it.each([
    [['--id', 'token']],
    [['--scope', 'accounts/demo']],
    [['--scope', 'demo', '--id', 'token']],
    [['--scope', 'accounts/demo/orgs', '--id', 'token']],
    [['--scope', 'accounts/demo', '--id', '../token']],
    [[...usual, '--value', 'never-on-the-command-line']],
  ])('explains itself to %j', async (args) => {
    const { code, stdout, stderr } = await put(args, 'value');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: secret put --scope');
  });

  it('makes no keyring where no delegate has enrolled, and takes a copy of one when told for which deployment', async () => {
    const copy = path.join(stack.home, 'copy');
    const { deployment } = await stack.api.ok('GET', 'health');
    const named = [...usual, '--deployment', deployment];
    const fresh = { SALLYPORT_DATA_DIR: copy };
    const refused = await put(named, 'value', fresh);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^DELEGATE_NOT_ENROLLED: .*no keyring/);
    expect(fs.existsSync(copy)).toBe(false);
    fs.mkdirSync(copy);
    fs.copyFileSync(path.join(stack.home, 'delegate/keyring.json'), path.join(copy, 'keyring.json'));
    expect((await put(usual, 'value', fresh)).stderr).toContain('--deployment');
    expect(await put(named, 'value', fresh)).toMatchObject({ code: 0 });
  });

  it('refuses a key file that others may read', async () => {
    const folder = path.join(stack.home, 'loose');
    fs.cpSync(path.join(stack.home, 'delegate'), folder, { recursive: true });
    fs.chmodSync(path.join(folder, 'keyring.json'), 0o644);
    const { code, stderr } = await put(usual, 'value', { SALLYPORT_DATA_DIR: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/KEY_FILE_UNUSABLE: .*its mode is 644, not 600/);
  });
});

describe('delegate, with anything else', () => {
  it.each([[['secret']], [['secret', 'get']], [['dance']]])('explains itself to %j', async (args) => {
    const { code, stderr } = await runCommand('workers/delegate.js', args, { env: {} });
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: npm run -s delegate');
  });
});

describe('token', () => {
  const token = (args: string[], env: Record<string, string> = { DATABASE_URL: stack.databaseUrl }) =>
    runCommand('src/token.js', args, { env });

  it('makes the account and a token that reaches it, and nothing else', async () => {
    const { code, stdout } = await token(['--account', 'acme']);
    expect(code).toBe(0);
    const api = new Api(stack.manager?.url ?? '', stdout.trim());
    expect(await api.ok('GET', 'accounts/acme')).toMatchObject({ scope: 'accounts/acme' });
    expect((await api.request('GET', 'accounts/demo')).body.code).toBe('ACCESS_DENIED');
  });

  it.each([
    [[]],
    [['--account', '../x']],
    [['--account', 'a', '--days', '0']],
    [['--account', 'a', '--days', 'x']],
    [['--account', 'a', '--name', '']],
    [['--account', 'a', '--name', 'n'.repeat(129)]],
    [['--account', 'a', '--name', 'a\u001bb']],
  ])('explains itself to %j', async (args) => {
    const { code, stdout, stderr } = await token(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Usage: npm run -s token');
  });

  it('says what is missing without a database', async () => {
    const { code, stderr } = await token(['--account', 'a'], {
      SALLYPORT_DATA_DIR: path.join(stack.home, 'none'),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('DATABASE_URL is not set');
  });
});

describe('a start that cannot be', () => {
  it('reports all problems of the configuration together', async () => {
    const env = {
      SALLYPORT_PORT: 'x',
      SALLYPORT_LOG_LEVEL: 'loud',
      SALLYPORT_PROT: '7070',
      NODE_ENV: 'production',
    };
    await expect(startManager({ env })).rejects.toThrow(
      /CONFIGURATION_INVALID: .* 4 problem\(s\):\n- SALLYPORT_PROT .*\n- SALLYPORT_PORT .*\n- SALLYPORT_LOG_LEVEL .*\n- REDIS_URL /,
    );
  });

  it('refuses a master key that is not the one the secrets were made with', async () => {
    const env = { ...stack.managerEnvironment(), SALLYPORT_DATA_DIR: path.join(stack.home, 'another') };
    await expect(startManager({ env })).rejects.toThrow(
      /KEY_FILE_UNUSABLE: .*it lacks key .*Restore the file/s,
    );
  });

  it('refuses a manager without a database', async () => {
    await expect(startManager({ env: { SALLYPORT_DATA_DIR: stack.home } })).rejects.toThrow(
      /DATABASE_URL is required/,
    );
  });

  it('refuses a delegate that has not enrolled', async () => {
    await expect(startDelegate({ env: { SALLYPORT_DATA_DIR: stack.home } })).rejects.toThrow(
      /DELEGATE_NOT_ENROLLED.*delegate -- enrol/s,
    );
  });
});
