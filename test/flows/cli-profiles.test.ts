// Which manager a command speaks to, what it ends with where there is none, and that every command says how it is used.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let home: string;

beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 0 });
  home = path.join(stack.home, 'cli');
  await stack.api.ok('PUT', 'accounts/demo/orgs/shop', {});
  for (const [scope, id] of [
    ['accounts/demo', 'wide'],
    ['accounts/demo/orgs/shop', 'narrow'],
  ])
    await stack.api.ok('PUT', `${scope}/entities/pipeline/${id}`, { yaml: 'name: x\n', store: 'inline' });
});
afterAll(() => stack.stop());

const run = (args: string[], input = '', more: Record<string, string> = {}) =>
  runCommand('src/sallyport.js', args, { env: { XDG_CONFIG_HOME: home, ...more }, input });
const login = (profile: string, scope: string, server = stack.manager?.url ?? '') =>
  run(['login', '--profile', profile, '--server', server, '--scope', scope], `${stack.token}\n`);

describe('profiles', () => {
  const seenBy = async (args: string[], more: Record<string, string> = {}): Promise<string[]> => {
    const { code, stdout, stderr } = await run(['list', '--json', ...args], '', more);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout).map(({ id }: { id: string }) => id);
  };

  it('are kept where programs keep such things, and one is chosen by name or by the environment', async () => {
    expect(await login('account', 'accounts/demo')).toMatchObject({ code: 0 });
    expect(await login('shop', 'accounts/demo/orgs/shop')).toMatchObject({ code: 0 });
    const kept = path.join(home, 'sallyport', 'profiles.json');
    expect(fs.statSync(kept).mode & 0o777).toBe(0o600);
    // The one that logged in last, unless another is named; what is typed counts for more than what is set.
    expect(await seenBy([])).toEqual(['narrow']);
    expect(await seenBy(['--profile', 'account'])).toEqual(['wide']);
    expect(await seenBy([], { SALLYPORT_PROFILE: 'account' })).toEqual(['wide']);
    expect(await seenBy(['--profile', 'shop'], { SALLYPORT_PROFILE: 'account' })).toEqual(['narrow']);
  });

  it('that nobody made are said not to be there', async () => {
    const { code, stderr } = await run(['list', '--profile', 'none']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('none') });
  });
});

describe('where no manager answers', () => {
  it('a command ends with 3, and says what is there', async () => {
    const { code, stderr } = await login('git', 'accounts/demo', stack.host.url);
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/\nhint: .+\n$/);
    expect((await run(['profiles', '--json'])).stdout).not.toContain('"git"');
  });
});

describe('help', () => {
  const page = fs.readFileSync('docs/reference/cli.md', 'utf8');
  const commands = [...page.matchAll(/^## `sallyport ([a-z]+(?: [a-z]+)*)/gm)].map(([, words = '']) => words);

  it('is there for every command, with an example that begins with it', async () => {
    expect(commands.length).toBeGreaterThan(20);
    const without: string[] = [];
    for (const command of commands) {
      const { code, stdout } = await run([...command.split(' '), '--help']);
      const examples = stdout.split(/^Examples?:$/m)[1] ?? '';
      if (code !== 0 || !examples.includes(`sallyport ${command}`)) without.push(command);
    }
    expect(without).toEqual([]);
  });
});
