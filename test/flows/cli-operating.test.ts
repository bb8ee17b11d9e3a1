// `sallyport` for those who run it: delegates, imports, webhooks.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/processes.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { push, webhooksOf } from '../support/webhook-sender.js';

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

const run = (...args: string[]) => runCommand('src/sallyport.js', args, { env });

describe('import', () => {
  const files = {
    'adopted/one.yaml': 'name: one\n',
    'adopted/two.yaml': 'name: 2\n',
    'other/three.yaml': 'name: x\n',
  };
  const args = [
    'import',
    'direct',
    '--branch',
    'main',
    '--folder',
    'adopted',
    '--pattern',
    'adopted/{id}.yaml=pipeline',
  ];

  it('reports what files would become and changes nothing, then makes them that, then finds them the same', async () => {
    await pushForeign(stack.foreignUrl, files);
    const reported = await run(...args);
    expect(reported.code, reported.stderr).toBe(0);
    expect(reported.stdout).toMatch(/^create +pipeline +one +adopted\/one\.yaml$/m);
    expect(reported.stdout).toMatch(/^invalid +pipeline +two +adopted\/two\.yaml +\S/m);
    expect(reported.stdout).toMatch(/^1 create, 1 invalid$/m);
    expect(reported.stderr).toContain('with --apply it is');
    expect((await run('get', 'pipeline', 'one')).code).toBe(6);
    const applied = await run(...args, '--apply', '--json');
    expect(applied.code, applied.stderr).toBe(0);
    expect(JSON.parse(applied.stdout)).toMatchObject({ state: 'done', counts: { create: 1, invalid: 1 } });
    expect(await run('get', 'pipeline', 'one')).toMatchObject({ code: 0, stdout: 'name: one\n' });
    expect((await run(...args)).stdout).toMatch(/^1 same, 1 invalid$/m);
  });

  it('ends with what stands in its way', async () => {
    const gone = await run('import', 'direct', '--branch', 'nowhere');
    expect(gone.code).not.toBe(0);
    expect(gone.stderr).toMatch(/^[A-Z_]+: /m);
    const odd = await run('import', 'direct', '--branch', 'main', '--pattern', 'deploy');
    expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining('names no kind') });
  });
});

describe('delegates', () => {
  it('are listed, with what they are at', async () => {
    const { code, stdout } = await run('delegates', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^delegate +local +enabled +yes +0\/\d+ /m);
  });

  it('are explained: who carries, and why nobody else', async () => {
    const carried = await run('delegates', 'explain', 'delegated');
    expect(carried.code, carried.stderr).toBe(0);
    expect(carried.stdout).toMatch(/^chosen +delegate +local/m);
    expect(carried.stdout).toMatch(/^no +manager +secret: it cannot open/m);
  });

  it('join by a token that is made for them, with the command to copy', async () => {
    const { code, stdout } = await run('delegates', 'enrol', 'local', '--uses', '2');
    expect(code).toBe(0);
    const [, token = ''] =
      /^printf %s (\S+) \| npm run -s delegate -- enrol --manager http:\S+ --token -$/m.exec(stdout) ?? [];
    const { tokens } = await stack.api.ok('GET', 'accounts/demo/delegate-tokens');
    expect(tokens).toContainEqual(expect.objectContaining({ group: 'local', usesLeft: 2 }));
    expect(token).toMatch(/^spd_/);
  });

  it('are drained, after which nobody carries', async () => {
    const [{ id }] = JSON.parse((await run('delegates', 'list', '--json')).stdout);
    const drained = await run('delegates', 'drain', id);
    expect(drained).toMatchObject({ code: 0, stdout: expect.stringContaining('is draining') });
    const explained = await run('delegates', 'explain', 'delegated');
    expect(explained.code).toBe(1);
    expect((await run('delegates', 'drain', 'nobody')).code).not.toBe(0);
  });
});

describe('webhooks', () => {
  it('show what was delivered and what became of it, and take it again', async () => {
    const { make, deliver } = webhooksOf(() => stack);
    const made = await make('hooked');
    expect((await deliver(made, push())).status).toBe(202);
    const [delivery] = JSON.parse((await run('webhooks', 'list', 'hooked', '--limit', '1', '--json')).stdout);
    expect(delivery).toMatchObject({ verified: true, provider: 'generic' });
    expect((await run('webhooks', 'list', 'hooked')).stdout).toContain(delivery.id);
    expect(await run('webhooks', 'replay', 'hooked', delivery.id)).toMatchObject({ code: 0 });
    expect((await run('webhooks', 'replay', 'hooked', '00000000-0000-4000-8000-000000000000')).code).toBe(6);
  });
});
