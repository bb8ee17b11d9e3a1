// `sallyport` as people and scripts use it: through pipes, through a terminal, against a real manager.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { runCommand } from '../support/processes.js';
import { fileAt } from '../support/repository.js';
import { Stack } from '../support/stack.js';

let stack: Stack;
let env: Record<string, string>;
beforeAll(async () => {
  stack = await Stack.start('embedded');
  env = { SALLYPORT_CONFIG: path.join(stack.home, 'cli', 'profiles.json') };
  const { code, stderr } = await login();
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => stack.stop());

const server = (): string => stack.manager?.url ?? '';
const run = (args: string[], input = '', more: Record<string, string> = {}) =>
  runCommand('src/sallyport.js', args, { env: { ...env, ...more }, input });
const login = (more: string[] = [], token = stack.token) =>
  run(['login', '--server', server(), '--scope', 'accounts/demo', ...more], `${token}\n`);
const save = (id: string, yaml: string, more: string[] = []) =>
  run(['save', 'pipeline', id, '--connector', 'direct', '--branch', 'main', ...more], yaml);

/** On a terminal of 80 columns; what it shows, with what coloured it. */
async function onTerminal(args: string[], more: Record<string, string> = {}): Promise<string> {
  const command = [process.execPath, 'dist/src/sallyport.js', ...args].map((word) => `'${word}'`).join(' ');
  const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env, ...more },
  });
  return stdout;
}

describe('login', () => {
  it('keeps the token in a file of its owner alone, and shows it nowhere', async () => {
    const { stdout, stderr } = await login();
    expect(stdout).toContain(`Logged in to ${server()} as profile default`);
    expect(fs.statSync(env.SALLYPORT_CONFIG as string).mode & 0o777).toBe(0o600);
    const listed = await run(['profiles']);
    expect(listed.stdout).toMatch(/^\*\s+default\s+http:\/\/127\.0\.0\.1:\d+\s+accounts\/demo$/m);
    expect(stdout + stderr + listed.stdout + listed.stderr).not.toContain(stack.token);
  });

  it('keeps nothing that the manager does not take', async () => {
    const refused = await login(['--profile', 'wrong'], 'sp_wrong');
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toMatch(/^TOKEN_REJECTED: .+\nhint: .+\n$/);
    expect((await run(['list', '--profile', 'wrong'])).code).toBe(2);
  });

  it('sends a token to no other manager than the one it is for', async () => {
    const { code, stderr } = await run(['list', '--server', 'http://127.0.0.1:9']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('Log in:') });
  });

  it('is told by the environment as well', async () => {
    const { code, stdout } = await run(['list', '--json'], '', {
      SALLYPORT_CONFIG: path.join(stack.home, 'none.json'),
      SALLYPORT_SERVER: server(),
      SALLYPORT_TOKEN: stack.token,
      SALLYPORT_SCOPE: 'accounts/demo',
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toBeInstanceOf(Array);
  });
});

describe('entities', () => {
  it('are in Git once save says so, and come back byte for byte', async () => {
    const yaml = 'name: "built" # as it is\n';
    const saved = await save('built', yaml, ['--message', 'Build it']);
    expect(saved, saved.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(saved.stdout).toMatch(
      /^Saved pipeline built: pipelines\/built\.yaml on main, commit [0-9a-f]{10}\n$/,
    );
    expect(fileAt(stack.repository, 'pipelines/built.yaml')).toBe(yaml);
    expect(await run(['get', 'pipeline', 'built'])).toEqual({ code: 0, stdout: yaml, stderr: '' });
  });

  it('are saved from a file, and compared with one', async () => {
    const file = path.join(stack.home, 'compared.yaml');
    fs.writeFileSync(file, 'name: compared\n');
    expect(
      (await run(['save', 'pipeline', 'compared', file, '--connector', 'direct', '--branch', 'main'])).code,
    ).toBe(0);
    expect(await run(['diff', 'pipeline', 'compared', file])).toEqual({ code: 0, stdout: '', stderr: '' });
    fs.writeFileSync(file, 'name: other\n');
    const { code, stdout } = await run(['diff', 'pipeline', 'compared', file]);
    expect(code).toBe(1);
    expect(stdout).toContain('-name: compared\n+name: other\n');
  });

  it('are compared between branches', async () => {
    await save('branched', 'name: one\n');
    const more = ['--connector', 'direct', '--new-branch-from', 'main', '--branch', 'cli-branch'];
    expect((await run(['save', 'pipeline', 'branched', ...more], 'name: two\n')).code).toBe(0);
    const { code, stdout } = await run([
      'diff',
      'pipeline',
      'branched',
      '--from',
      'main',
      '--to',
      'cli-branch',
      '--json',
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      same: false,
      patch: expect.stringContaining('-name: one\n+name: two\n'),
    });
  });

  it('are listed, all of them, aligned for people and whole for machines', async () => {
    await save('listed', 'name: listed\n');
    const { stdout } = await run(['list', 'pipeline']);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    const row = rows.find((line) => line.includes('pipelines/listed.yaml')) ?? '';
    expect(row.indexOf('direct')).toBe(head.indexOf('CONNECTOR'));
    const { stdout: json } = await run(['list', 'pipeline', '--json']);
    expect(JSON.parse(json)).toHaveLength(rows.length);
    expect(stdout).not.toContain('\u001b');
  });

  it('are not overwritten where they are others than expected', async () => {
    await save('guarded', 'name: one\n');
    const { code, stderr } = await save('guarded', 'name: two\n', ['--if-match', '0'.repeat(40)]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^[A-Z_]+: /);
    expect((await save('guarded', 'name: two\n', ['--create'])).code).toBe(5);
    expect(fileAt(stack.repository, 'pipelines/guarded.yaml')).toBe('name: one\n');
  });

  it('go to a path of their own, or stay out of Git', async () => {
    expect((await save('placed', 'name: placed\n', ['--path', 'elsewhere/placed.yaml'])).code).toBe(0);
    expect(fileAt(stack.repository, 'elsewhere/placed.yaml')).toBe('name: placed\n');
    const kept = await run(['save', 'pipeline', 'kept', '--inline'], 'name: kept\n');
    expect(kept).toMatchObject({ code: 0, stdout: 'Saved pipeline kept, in Sallyport alone\n' });
  });

  it('open a pull request where the host has any, and say so where it has none', async () => {
    const more = ['--new-branch-from', 'main', '--branch', 'asked', '--pull-request', '--title', 'Asked'];
    const { code, stderr } = await run(
      ['save', 'pipeline', 'asked', '--connector', 'direct', ...more],
      'name: a\n',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^PULL_REQUESTS_UNSUPPORTED: .+\nhint: /);
  });

  it('are held against Git when they are read, where that is wanted', async () => {
    await save('fresh', 'name: fresh\n');
    const { stdout } = await run(['get', 'pipeline', 'fresh', '--freshness', 'verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ yaml: 'name: fresh\n', freshness: { state: 'current' } });
  });

  it('that are not there, or are no YAML, end with a code of their own, also for machines', async () => {
    expect((await run(['get', 'pipeline', 'nowhere'])).code).toBe(6);
    const { code, stdout, stderr } = await save('broken', 'a: [', ['--json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ code: 'YAML_REFUSED', hint: expect.any(String) });
  });
});

describe('operations', () => {
  it('are watched until they end', async () => {
    const [delegate] = stack.delegates;
    process.kill(delegate?.pid as number, 'SIGSTOP');
    const accepted = await run(
      [
        'save',
        'pipeline',
        'watched',
        '--connector',
        'delegated',
        '--branch',
        'main',
        '--wait',
        '0',
        '--json',
      ],
      'name: watched\n',
    );
    expect(accepted.code).toBe(7);
    const { id } = JSON.parse(accepted.stdout);
    expect((await run(['operations', id])).code).toBe(7);
    const watched = run(['operations', id, '--watch', '--json']);
    const streams = 'select 1 from pg_stat_activity where false';
    void streams;
    process.kill(delegate?.pid as number, 'SIGCONT');
    const { code, stdout } = await watched;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'succeeded' });
  });

  it('are listed by state', async () => {
    await save('counted', 'name: counted\n');
    const { stdout } = await run(['operations', '--state', 'succeeded', '--limit', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ state: 'succeeded', entity: 'counted' }]);
  });
});

describe('connectors check', () => {
  it('tells each stage, and fails with the first that does not hold', async () => {
    const good = await run(['connectors', 'check', 'direct']);
    expect(good.code, good.stderr).toBe(0);
    expect(good.stdout).toMatch(
      /^✓ reach +\d+ ms\n✓ authenticate +\d+ ms\n✓ read +\d+ ms\n✓ write +\d+ ms\n$/,
    );
    await stack.api.ok('PUT', 'accounts/demo/connectors/closed', {
      url: 'http://127.0.0.1:9/none.git',
      connectivity: 'manager',
    });
    const bad = await run(['connectors', 'check', 'closed']);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^✗ reach +\d+ ms\n {2}[A-Z_]+ /);
  });
});

describe('on a terminal', () => {
  it('colours what it shows, and does not where it is asked not to', async () => {
    await save('coloured', 'name: coloured\n');
    expect(await onTerminal(['list', 'pipeline'])).toContain('\u001b[1mKIND');
    expect(await onTerminal(['list', 'pipeline'], { NO_COLOR: '1' })).not.toContain('\u001b');
  });
});

describe('help', () => {
  it('says how every command is used, with an example, and ends with 0', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
    const { code, stdout } = await run(['save', '--help']);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Examples:\n  sallyport save'),
    });
  });
});

describe('what is typed wrong', () => {
  it.each([
    [['lisst'], 'Did you mean list?'],
    [['list', '--brunch', 'main'], 'Did you mean --branch?'],
    [['get', 'pipeline'], "missing required argument 'id'"],
    [['diff', 'pipeline', 'built'], 'diff needs a file, or --from and --to'],
    [['list', '--scope', 'demo'], 'demo is no scope'],
    [['save', 'pipeline', 'built', '/nowhere.yaml'], '/nowhere.yaml cannot be read'],
  ])('%s ends with 2 and says what would be right', async (args, told) => {
    const { code, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(told) });
  });
});

describe('a manager that is away', () => {
  it('is waited for', async () => {
    const port = new URL(server()).port;
    await stack.manager?.kill();
    const listed = run(['list', '--json']);
    await stack.startManager(undefined, { SALLYPORT_PORT: port });
    const { code, stdout } = await listed;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).length).toBeGreaterThan(0);
    await eventually(async () => (await stack.api.request('GET', 'health')).status === 200, 'the manager');
  });
});
