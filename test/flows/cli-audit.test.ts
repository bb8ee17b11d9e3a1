// `sallyport audit`: who did what, as a list, as lines, and whether anything was done to it.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from '../support/database.js';
import { runCommand } from '../support/processes.js';
import { Stack } from '../support/stack.js';

const ACCOUNT = 'accounts/demo';

let stack: Stack;
let env: Record<string, string>;
let file: string;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  env = {
    SALLYPORT_CONFIG: path.join(stack.home, 'cli', 'profiles.json'),
    SALLYPORT_SERVER: stack.manager?.url ?? '',
    SALLYPORT_TOKEN: stack.token,
    SALLYPORT_SCOPE: `${ACCOUNT}/orgs/o`,
  };
  await stack.api.ok('PUT', `${ACCOUNT}/orgs/o`, {});
  await stack.api.ok('PUT', `${ACCOUNT}/orgs/o/secrets/s`, { manager: 'builtin', value: 'x' });
  await stack.api.request('DELETE', `${ACCOUNT}/orgs/o/secrets/none`);
  file = path.join(stack.home, 'audit.jsonl');
  fs.writeFileSync(file, (await run('audit', 'export')).stdout);
});
afterAll(() => stack.stop());

const run = (...args: string[]) => runCommand('src/sallyport.js', args, { env });
const lines = (): string[] => fs.readFileSync(file, 'utf8').trimEnd().split('\n');
const written = (name: string, text: string[]): string => {
  const other = path.join(stack.home, name);
  fs.writeFileSync(other, text.map((line) => `${line}\n`).join(''));
  return other;
};

describe('audit list', () => {
  it('tells who did what where, and how it ended', async () => {
    const { code, stdout, stderr } = await run('audit', 'list', '--limit', '10');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^AT +WHO +ACTION +WHERE +OUTCOME +POSITION$/m);
    expect(stdout).toMatch(/Z +admin +secret\.put +accounts\/demo\/orgs\/o\/secrets\/s +done +\d+$/m);
    expect(stdout).toMatch(/secret\.delete +\S+\/secrets\/none +refused: NOT_FOUND +\d+$/m);
  });

  it('is narrowed down', async () => {
    const args = ['--actor', 'admin', '--action', 'secret.*', '--target', 'secrets/s', '--outcome', 'done'];
    const { stdout } = await run('audit', 'list', ...args, '--since', '2020-01-01T00:00:00Z', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ action: 'secret.put', actor: { name: 'admin' } }]);
    expect((await run('audit', 'list', '--until', '2020-01-01T00:00:00Z')).stdout).toBe(
      'Nothing is on record\n',
    );
    expect(await run('audit', 'list', '--outcome', 'fine')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is no outcome'),
    });
  });
});

describe('audit export', () => {
  it('has every entry of the account, and goes on after one', async () => {
    const all = lines();
    expect(all.map((line) => JSON.parse(line).position)).toEqual(all.map((_, at) => at + 1));
    const { stdout } = await run('audit', 'export', '--after', '3');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .slice(0, all.length - 3),
    ).toEqual(all.slice(3));
    expect(await run('audit', 'export', '--after', '99999')).toMatchObject({ code: 1 });
  });
});

describe('audit verify', () => {
  it('finds nothing wrong with what nobody touched, from the manager, a file and a pipe', async () => {
    const all = lines();
    const asked = await run('audit', 'verify');
    expect(asked.code, asked.stderr).toBe(0);
    expect(asked.stdout).toMatch(/^Nothing is wrong with \d+ entries of accounts\/demo: \d+:[0-9a-f]{64}$/m);
    expect((await run('audit', 'verify', file)).stdout).toContain(`with ${all.length} entries`);
    const piped = await runCommand('src/sallyport.js', ['audit', 'verify', '-', '--json'], {
      env: { SALLYPORT_CONFIG: '/nowhere' },
      input: fs.readFileSync(file),
    });
    expect(JSON.parse(piped.stdout)).toMatchObject({
      account: ACCOUNT,
      entries: all.length,
      count: 0,
      findings: [],
    });
  });

  it('takes the end that somebody saw, and the beginning of a part', async () => {
    const all = lines();
    const headOf = (line = ''): string => {
      const { position, hash } = JSON.parse(line);
      return `${position}:${hash}`;
    };
    expect((await run('audit', 'verify', file, '--head', headOf(all.at(-1)))).code).toBe(0);
    const part = written('part.jsonl', all.slice(2));
    expect((await run('audit', 'verify', part)).code).toBe(1);
    expect((await run('audit', 'verify', part, '--after', headOf(all[1]))).code).toBe(0);
    const short = await run(
      'audit',
      'verify',
      written('short.jsonl', all.slice(0, -1)),
      '--head',
      headOf(all.at(-1)),
    );
    expect(short.code).toBe(1);
    expect(short.stdout).toMatch(/^\d+ +truncated +the trail ends at \d+, and was seen to go on to \d+$/m);
    expect(short.stdout).toContain('1 thing is wrong with the audit of accounts/demo');
  });

  it.each([
    ['a head that is none', ['audit', 'verify', 'x', '--head', '1:2'], 'is no head'],
    ['a file that is not there', ['audit', 'verify', '/nowhere'], 'cannot be read'],
    [
      'a part of what the manager has',
      ['audit', 'verify', '--after', `1:${'0'.repeat(64)}`],
      'has the whole trail',
    ],
  ])('refuses %s', async (_, args, words) => {
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });

  it('names what was edited, left out and put elsewhere', async () => {
    const all = lines();
    const edited = all.with(1, (all[1] as string).replace(/"entry":".*?at/, '"entry":"{\\"At'));
    expect(edited[1]).not.toBe(all[1]);
    expect((await run('audit', 'verify', written('edited.jsonl', edited))).stdout).toMatch(/^2 +2 +edited /m);
    expect((await run('audit', 'verify', written('less.jsonl', all.toSpliced(1, 1)))).stdout).toMatch(
      /^3 +2 +missing +entry 2 is missing$/m,
    );
    const moved = [all[0], all[2], all[1], ...all.slice(3)] as string[];
    expect((await run('audit', 'verify', written('moved.jsonl', moved))).stdout).toMatch(
      /^2 +3 +misplaced /m,
    );
  });

  it('remembers the end it saw, and misses it when the manager has it no more', async () => {
    const { stdout } = await run('audit', 'verify');
    const [, position] = /: (\d+):/.exec(stdout) ?? [];
    await stack.api.ok('PUT', `${ACCOUNT}/orgs/o/secrets/s`, { manager: 'builtin', value: 'y' });
    expect((await run('audit', 'verify')).code).toBe(0);
    for (const statement of [
      'alter table audit_entry disable trigger all',
      'alter table audit_head disable trigger all',
      `delete from audit_entry where account = '${ACCOUNT}' and position > ${position}`,
      `update audit_head set (position, hash) = (select position, hash from audit_entry
         where account = '${ACCOUNT}' order by position desc limit 1) where account = '${ACCOUNT}'`,
    ])
      await sql(stack.databaseUrl, statement);
    const cut = await run('audit', 'verify');
    expect(cut.code).toBe(1);
    expect(cut.stdout).toMatch(/ truncated +the trail ends at \d+, and was seen to go on to \d+$/m);
    expect(cut.stderr).toMatch(/The end that was seen last is \d+:[0-9a-f]{64}/);
    const again = await run('audit', 'verify');
    expect(again.code).toBe(1);
    expect(fs.statSync(path.join(stack.home, 'cli', 'known-audit-heads.json')).mode & 0o777).toBe(0o600);
  });
});
