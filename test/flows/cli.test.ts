// `sallyport` as people and scripts use it: through pipes, through a terminal, against a real manager.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { runCommand } from '../support/processes.js';
import { fileAt, git, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { Terminal } from '../support/terminal.js';

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

const terminal = (args: string[], more: Record<string, string> = {}, columns = 80): Terminal =>
  new Terminal([process.execPath, 'dist/src/sallyport.js', ...args], { env: { ...env, ...more }, columns });
/** What it shows, with what coloured it. */
const onTerminal = async (args: string[], more: Record<string, string> = {}): Promise<string> =>
  (await terminal(args, more).end()).shown;

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

  it('are read, listed and held against a file on the branch that is named, and on no other', async () => {
    for (const [branch, yaml] of Object.entries({ main: 'name: one\n', 'cli-branch': 'name: two\n' })) {
      const on = ['--branch', branch];
      expect((await run(['get', 'pipeline', 'branched', ...on])).stdout).toBe(yaml);
      expect((await run(['diff', 'pipeline', 'branched', '-', ...on], 'name: two\n')).code).toBe(
        yaml === 'name: two\n' ? 0 : 1,
      );
      const listed = JSON.parse((await run(['list', 'pipeline', ...on, '--json'])).stdout);
      expect(new Set(listed.map((one: { git: { branch: string } }) => one.git.branch))).toEqual(
        new Set([branch]),
      );
    }
    expect((await run(['get', 'pipeline', 'branched', '--branch', 'nowhere'])).code).toBe(6);
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
    process.kill(delegate?.pid as number, 'SIGCONT');
    const { code, stdout } = await watched;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'succeeded' });
  });

  it('are shown step by step, with who had the answer', async () => {
    const { stdout } = await save('stepped', 'name: stepped\n', ['--json']);
    const shown = await run(['operations', JSON.parse(stdout).operationId]);
    expect(shown.code, shown.stderr).toBe(0);
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const later = String.raw`${time}, \d+ ms later`;
    expect(shown.stdout).toMatch(
      new RegExp(
        `^accepted +${time}\ntaken +${later}\nplanned +${later}\npushed +${later}, by the manager\nconfirmed +${later}$`,
        'm',
      ),
    );
  });

  it('are cancelled while they wait, and not once they are in Git', async () => {
    await stack.api.ok('PUT', 'accounts/demo/connectors/away', {
      url: 'http://127.0.0.1:9/none.git',
      connectivity: 'manager',
    });
    const place = ['--connector', 'away', '--branch', 'main', '--wait', '0', '--json'];
    const { id } = JSON.parse((await run(['save', 'pipeline', 'away', ...place], 'name: away\n')).stdout);
    for (let times = 0; times < 2; times++) {
      const cancelled = await run(['operations', 'cancel', id]);
      expect(cancelled.code, cancelled.stderr).toBe(0);
      expect(cancelled.stdout).toMatch(/^state +cancelled$/m);
      expect(cancelled.stdout).toMatch(/^problem +OPERATION_CANCELLED: /m);
    }
    expect((await run(['operations', id])).code).toBe(1);
    const listed = await run(['operations', '--state', 'cancelled', '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id, entity: 'away' }]);
    const { operationId } = JSON.parse((await save('in-git', 'name: in\n', ['--json'])).stdout);
    const refused = await run(['operations', 'cancel', operationId]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/^OPERATION_ENDED: .+\nhint: .+\n$/);
    expect((await run(['operations', 'cancel'])).code).toBe(2);
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

describe('history', () => {
  it('lists who changed an entity, newest first, aligned for people and whole for machines', async () => {
    await save('told', 'name: one\n', ['--message', 'Begin']);
    await pushForeign(stack.foreignUrl, { 'pipelines/told.yaml': 'name: two\n' });
    const ids = git(stack.repository, 'log', '--format=%H', 'main', '--', 'pipelines/told.yaml')
      .trim()
      .split('\n');
    const { code, stdout, stderr } = await run(['history', 'pipeline', 'told']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head = '', two = '', one = ''] = stdout.split('\n');
    expect(head).toMatch(/^COMMIT +DATE +WHAT +AUTHOR +MESSAGE +PULL REQUEST +OPERATION$/);
    expect(two).toMatch(
      new RegExp(`^${ids[0]?.slice(0, 10)} +\\S+Z +changed +Somebody Else +A change by somebody else$`),
    );
    expect(one).toMatch(new RegExp(`^${ids[1]?.slice(0, 10)} +\\S+Z +added +.+ +Begin +[0-9a-f-]{36}$`));
    const json = JSON.parse((await run(['history', 'pipeline', 'told', '--json'])).stdout);
    expect(json).toMatchObject({ path: 'pipelines/told.yaml', branch: 'main', nextCursor: null });
    expect(json.commits.map(({ commitId }: { commitId: string }) => commitId)).toEqual(ids);
  });

  it('shows what each commit changed', async () => {
    const { code, stdout } = await run(['history', 'pipeline', 'told', '--patch', '--branch', 'main']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]{40} changed\nauthor {5}Somebody Else <else@example.org>, /);
    expect(stdout).toContain('-name: one\n+name: two\n');
    expect(stdout).toMatch(/^--- nothing\n\+\+\+ [0-9a-f]{10}\n@@ .+ @@\n\+name: one$/m);
    const json = await run(['history', 'pipeline', 'told', '--patch', '--limit', '1', '--json']);
    expect(JSON.parse(json.stdout).commits).toMatchObject([{ patch: expect.stringContaining('+name: two') }]);
  });

  it('says that there may be more, and what is wrong', async () => {
    const some = await run(['history', 'pipeline', 'told', '--limit', '1']);
    expect(some.stderr).toMatch(/^There may be more before [0-9a-f]{10}: raise --limit\n$/);
    expect((await run(['history', 'pipeline', 'nobody'])).code).toBe(6);
    expect((await run(['history', 'pipeline', 'told', '--limit', 'all'])).code).toBe(2);
    await run(['save', 'pipeline', 'unwritten', '--inline'], 'name: kept\n');
    const inline = await run(['history', 'pipeline', 'unwritten']);
    expect(inline).toMatchObject({ code: 5, stderr: expect.stringMatching(/^ENTITY_INLINE: .+\nhint: /) });
  });
});

describe('on a terminal', () => {
  it('colours what it shows, and does not where it is asked not to', async () => {
    await save('coloured', 'name: coloured\n');
    expect(await onTerminal(['list', 'pipeline'])).toContain('\u001b[1mKIND');
    expect(await onTerminal(['list', 'pipeline'], { NO_COLOR: '1' })).not.toContain('\u001b');
  });

  it('colours the terminal alone, and not what goes elsewhere', async () => {
    const file = path.join(stack.home, 'elsewhere');
    const redirected = async (stream: string, args: string[]) => {
      const line = `exec "$0" dist/src/sallyport.js "$@" ${stream} '${file}'`;
      const { code, shown } = await new Terminal(['sh', '-c', line, process.execPath, ...args], {
        env,
      }).end();
      return { code, shown, kept: fs.readFileSync(file, 'utf8') };
    };
    const listed = await redirected('>', ['profiles']);
    expect(listed).toMatchObject({ code: 0, kept: expect.stringMatching(/^ +PROFILE +SERVER/) });
    expect(listed.kept).not.toContain('\u001b');
    const refused = await redirected('>', ['get', 'pipeline', 'nowhere']);
    expect(refused).toMatchObject({ kept: '', shown: expect.stringContaining('\u001b[31mNOT_FOUND') });
    const apart = await redirected('2>', ['get', 'pipeline', 'nowhere']);
    expect(apart).toMatchObject({ code: 6, shown: '', kept: expect.stringMatching(/^NOT_FOUND: /) });
    expect(apart.kept).not.toContain('\u001b');
  });

  it('shows nothing that the terminal would obey, whoever wrote it', async () => {
    await pushForeign(stack.foreignUrl, { 'pipelines/coloured.yaml': 'name: "x" # \u001b[2J\u202e\n' });
    const shown = await onTerminal(['history', 'pipeline', 'coloured', '--patch'], { NO_COLOR: '1' });
    expect(shown).toContain('# ·[2J·');
    // What it draws itself is how far it is.
    expect(shown.replaceAll('\r\u001b[K', '')).not.toContain('\u001b');
  });

  it('asks for the token without showing it, and ends with 130 where Ctrl-C is pressed instead', async () => {
    const args = ['login', '--server', server(), '--scope', 'accounts/demo', '--profile', 'typed'];
    const typing = terminal(args);
    await typing.until(/Token: /);
    typing.type(`${stack.token}\r`);
    const { code, shown } = await typing.end();
    expect(code, shown).toBe(0);
    expect(shown).not.toContain(stack.token);
    const leaving = terminal(args);
    await leaving.until(/Token: /);
    leaving.type('\u0003');
    expect((await leaving.end()).code).toBe(130);
    expect((await run(['login', ...args.slice(1, 5), '--profile', 'default'], stack.token)).code).toBe(0);
  });

  it('watches until Ctrl-C, which is no failure', async () => {
    const watching = terminal(['operations', '--watch']);
    await watching.until(/Ctrl-C ends it/);
    await eventually(async () => {
      await save('seen', `name: seen ${Date.now()}\n`);
      return /operation\.succeeded/.test(watching.shown);
    }, 'the operation on the terminal');
    watching.type('\u0003');
    expect(await watching.end()).toMatchObject({ code: 0 });
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
