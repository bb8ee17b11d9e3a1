// `sallyport` for those who run it: delegates, imports, webhooks.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { runCommand } from '../support/processes.js';
import { fileAt, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { Terminal } from '../support/terminal.js';
import { TlsFront } from '../support/tls-front.js';
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

describe('move', () => {
  const save = async (id: string, more: object = {}) => {
    const git = { connector: 'direct', branch: 'main', path: `old/${id}.yaml`, ...more };
    expect((await stack.api.save(id, `name: ${id}\n`, git)).status).toBe(201);
  };
  const to = ['--connector', 'direct', '--branch', 'main'];

  it('reports where entities would go, and changes nothing before it is told to', async () => {
    await save('walker');
    const args = ['move', 'pipeline/walker', ...to, '--path', 'new/walker.yaml'];
    const reported = await run(...args);
    expect(reported.code, reported.stderr).toBe(0);
    expect(reported.stdout).toMatch(
      /^move +pipeline +walker +direct main:old\/walker\.yaml +direct main:new\/walker\.yaml$/m,
    );
    expect(reported.stdout).toMatch(/^1 move$/m);
    expect(reported.stderr).toContain('with --apply it is');
    expect(fileAt(stack.repository, 'new/walker.yaml')).toBeNull();
    const applied = await run(...args, '--message', 'Move it', '--apply', '--json');
    expect(applied.code, applied.stderr).toBe(0);
    expect(JSON.parse(applied.stdout)).toMatchObject({ state: 'done', entities: [{ state: 'done' }] });
    expect(fileAt(stack.repository, 'new/walker.yaml')).toBe('name: walker\n');
    expect(fileAt(stack.repository, 'old/walker.yaml')).toBeNull();
  });

  it('takes what is described, all of it, or what can be moved', async () => {
    for (const id of ['first', 'second']) await save(id);
    await save('third', { path: 'taken/second.yaml' });
    const from = ['--from-connector', 'direct', '--from-branch', 'main', '--from-folder', 'old'];
    const args = ['move', ...from, '--from-kind', 'pipeline', ...to, '--path-template', 'taken/{id}.yaml'];
    const reported = await run(...args);
    expect(reported.code).toBe(1);
    expect(reported.stdout).toMatch(/^blocked +pipeline +second +.+ENTITY_PLACE_TAKEN: /m);
    const refused = await run(...args, '--apply');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/^blocked +pipeline +second[^]+^MOVE_REFUSED: /m);
    expect((await run(...args, '--skip-blocked')).code).toBe(0);
    const applied = await run(...args, '--skip-blocked', '--keep-files', '--apply');
    expect(applied.code, applied.stderr).toBe(0);
    expect(applied.stdout).toMatch(/^done +pipeline +first /m);
    expect(fileAt(stack.repository, 'old/first.yaml')).toBe('name: first\n');
  });

  it('goes out of Git and into it', async () => {
    await save('leaver');
    const out = await run('move', 'pipeline/leaver', '--inline', '--forget-other-branches', '--apply');
    expect(out.code, out.stderr).toBe(0);
    expect(out.stdout).toMatch(/^done +pipeline +leaver +direct main:old\/leaver\.yaml +inline$/m);
    const back = ['move', '--from-inline', '--from-kind', 'pipeline', '--connector', 'direct'];
    const branch = ['--branch', 'cli/moved', '--new-branch-from', 'main'];
    expect(await run(...back, ...branch, '--apply')).toMatchObject({ code: 0 });
    expect(fileAt(stack.repository, 'pipelines/leaver.yaml', 'cli/moved')).toBe('name: leaver\n');
  });

  it.each([
    [['move', '--inline'], 'It is not said what to move'],
    [['move', 'pipeline/x'], 'It is not said where to'],
    [['move', 'pipeline/x', '--inline', '--branch', 'main'], 'It is not said where to'],
    [['move', 'pipeline', '--inline'], 'pipeline names no entity'],
  ])('%j ends with 2', async (args, told) => {
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(told) });
  });
});

describe('long work', () => {
  const terminal = (columns: number, ...args: string[]) =>
    new Terminal([process.execPath, 'dist/src/sallyport.js', ...args], { env, columns });
  const args = ['import', 'delegated', '--branch', 'main', '--folder', 'old'];

  it('has a bar on a terminal, which is no wider than that', async () => {
    let wide = '';
    for (const columns of [100, 24]) {
      const { code, shown } = await terminal(columns, ...args).end();
      expect(code, shown).toBe(0);
      const lines = [...shown.matchAll(/\r\u001b\[K([^\r]*)/g)].map(
        ([, line = '']) => Array.from(line).length,
      );
      expect(lines.length).toBeGreaterThan(0);
      expect(Math.max(...lines)).toBeLessThan(columns);
      if (columns === 100) wide = shown;
    }
    expect(wide).toContain('█');
    expect((await run(...args)).stderr).not.toContain('\r');
  });

  it('goes on without whoever presses Ctrl-C, who is told so by 130', async () => {
    const [delegate] = stack.delegates;
    process.kill(delegate?.pid as number, 'SIGSTOP');
    try {
      const waiting = terminal(80, ...args);
      await waiting.until(/reporting/);
      waiting.type('\u0003');
      expect((await waiting.end()).code).toBe(130);
    } finally {
      process.kill(delegate?.pid as number, 'SIGCONT');
    }
  });
});

describe('doctor', () => {
  const named = (stdout: string): Record<string, string> =>
    Object.fromEntries(
      JSON.parse(stdout).map(({ name, state }: { name: string; state: string }) => [name, state]),
    );

  it('finds everything good, and says of each thing how it is', async () => {
    const { code, stdout } = await run('doctor');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^✓ profile +accounts\/demo at http:\/\/127\.0\.0\.1:\d+$/m);
    expect(stdout).toMatch(/^✓ tls +none, and the manager is on this machine$/m);
    expect(stdout).toMatch(/^✓ manager +answers, in \d+ ms$/m);
    expect(stdout).toMatch(/^✓ clock +[01] s from the manager’s$/m);
    expect(stdout).toMatch(/^✓ versions +client 0\.\d+\.\d+, manager 0\.\d+\.\d+, contract \d+ to \d+ with/m);
    expect(stdout).toMatch(/^[✓!] token +is taken/m);
    expect(stdout).toMatch(/^✓ database +PostgreSQL answers$/m);
    expect(stdout).toMatch(/^✓ delegates +\d+ of \d+ alive$/m);
    expect(stdout).not.toContain(stack.token);
  });

  it('says what is wrong with the token, and shows nothing of it', async () => {
    const { code, stdout } = await runCommand('src/sallyport.js', ['doctor'], {
      env: { ...env, SALLYPORT_TOKEN: 'sp_wrong' },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ token +TOKEN_REJECTED: .+\n {2}hint: /m);
    expect(stdout).not.toContain('sp_wrong');
  });

  it('says what stands on the way', async () => {
    const none = await run('doctor', '--server', 'http://127.0.0.1:9', '--json');
    expect(none.code).toBe(1);
    expect(named(none.stdout)).toEqual({ profile: 'good', tls: 'good', manager: 'bad' });
    const other = await run('doctor', '--server', stack.host.url);
    expect(other.stdout).toMatch(/^✗ manager +127\.0\.0\.1:\d+ answered \d+, and not as Sallyport does$/m);
    const lost = await runCommand('src/sallyport.js', ['doctor'], {
      env: { SALLYPORT_CONFIG: env.SALLYPORT_CONFIG as string },
    });
    expect(lost).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^✗ profile +It is not known which/),
    });
  });

  it('believes the certificates that it is told to believe, and says of others why not', async () => {
    const certificates = makeCertificates();
    const front = await TlsFront.open(stack.manager?.url ?? '', { pair: certificates.server, http2: false });
    try {
      const args = ['doctor', '--server', front.url];
      const strange = await run(...args, '--json');
      expect(named(strange.stdout)).toMatchObject({ tls: 'bad', manager: 'bad' });
      const known = await runCommand('src/sallyport.js', args, {
        env: { ...env, NODE_EXTRA_CA_CERTS: certificates.authorityFile },
      });
      expect(known.code, known.stdout).toBe(0);
      expect(known.stdout).toMatch(/^[✓!] tls +TLSv1\.[23], certificate good until \d{4}-\d\d-\d\d$/m);
    } finally {
      await front.close();
      certificates.remove();
    }
  });

  it('says that others can read the tokens', async () => {
    const file = path.join(stack.home, 'open.json');
    fs.writeFileSync(file, '{"current":"default","profiles":{}}', { mode: 0o644 });
    const { code, stdout } = await runCommand('src/sallyport.js', ['doctor'], {
      env: { ...env, SALLYPORT_CONFIG: file },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ tokens +.+open\.json is readable by others \(644\)$/m);
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
