// Completion in the shells themselves: what is there after TAB.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/processes.js';
import { findProgram } from '../support/servers.js';
import { Terminal } from '../support/terminal.js';

let home: string;
const scriptOf = (shell: string): string => path.join(home, `completion.${shell}`);

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await runCommand('src/sallyport.js', ['completion', shell], { env: {} });
    if (code !== 0) throw new Error(stderr);
    fs.writeFileSync(scriptOf(shell), stdout);
  }
  fs.writeFileSync(path.join(home, 'build.yaml'), '');
});
afterAll(() => fs.rmSync(home, { recursive: true, force: true }));

/** What may be meant by the last word. */
const cases: [typed: string[], offered: string[]][] = [
  [['sec'], ['secrets']],
  [
    ['secrets', ''],
    ['put', 'rotate', 'migrate'],
  ],
  [
    ['secrets', 'put', '--man'],
    ['--manager', '--manager-scope'],
  ],
  [['--profile', 'secrets', 'hi'], ['history']],
  [['--scope', 'accounts/demo', 'delegates', 'dr'], ['drain']],
  [['history', 'pipeline', 'build', '--pa'], ['--patch']],
  [['history', '--no-such'], []],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['save', 'pipeline', 'secrets', '--connect'], ['--connector']],
];

describe('bash', () => {
  const complete = (words: string[]): string[] => {
    const program = `source "$1"; shift
      COMP_WORDS=(sallyport "$@") COMP_CWORD=$#; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync('bash', ['--norc', '-c', program, 'bash', scriptOf('bash'), ...words]);
    return output.toString().split('\n').filter(Boolean);
  };

  it.each(cases)('after %j offers %j', (typed, offered) => {
    expect(complete(typed).toSorted()).toEqual(offered.toSorted());
  });

  it('completes on a terminal, commands, options and files', async () => {
    const bash = new Terminal(['bash', '--norc', '--noprofile', '-i'], { env: { HOME: home, PS1: '> ' } });
    bash.type(`cd ${home}; source ${scriptOf('bash')}; echo rea''dy\r`);
    await bash.until(/^ready/m);
    bash.type('echo; sallyport hist\t');
    await bash.until(/sallyport history /);
    bash.type('pipeline build --pat\t');
    await bash.until(/build --patch /);
    bash.type('\u0015sallyport save pipeline build bui\t');
    await bash.until(/build build\.yaml /);
    bash.type('\u0015exit\r');
    expect(await bash.end()).toMatchObject({ code: 0 });
  });
});

describe('zsh', () => {
  beforeAll(() => void findProgram('zsh', 'zsh'));

  it('completes on a terminal, commands, options and files', async () => {
    const zsh = new Terminal(['zsh', '-f', '-i'], { env: { HOME: home, ZDOTDIR: home } });
    zsh.type(`cd ${home}; autoload -Uz compinit; compinit -u -D; source ${scriptOf('zsh')}; echo rea''dy\r`);
    await zsh.until(/^ready/m);
    zsh.type('sallyport hist\t');
    await zsh.until(/sallyport history/);
    zsh.type('pipeline build --pat\t');
    await zsh.until(/build --patch/);
    zsh.type('\u0015sallyport --profile secrets delegates dra\t');
    await zsh.until(/delegates drain/);
    zsh.type('\u0015exit\r');
    await zsh.gone;
    expect(zsh.shown).not.toMatch(/command not found|parse error/);
  });

  it('is sound as an autoloaded function', () => {
    const check = `fpath=(${home} $fpath); autoload -Uz compinit; compinit -u -D; print -r -- $_comps[sallyport]`;
    fs.copyFileSync(scriptOf('zsh'), path.join(home, '_sallyport'));
    const env = { PATH: process.env.PATH, HOME: home };
    expect(execFileSync('zsh', ['-f', '-c', check], { env }).toString()).toBe('_sallyport\n');
  });
});

describe('fish', () => {
  beforeAll(() => void findProgram('fish', 'fish'));

  it.each(cases)('after %j offers %j', (typed, offered) => {
    const line = ['sallyport', ...typed].join(' ');
    const env = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
    const program = `source ${scriptOf('fish')}; complete -C '${line}'`;
    const output = execFileSync('fish', ['--no-config', '-c', program], { env, cwd: os.tmpdir() }).toString();
    const found = output.split('\n').filter(Boolean);
    expect(found.map((one) => one.split('\t')[0] as string).toSorted()).toEqual(offered.toSorted());
  });
});

it('another shell is refused', async () => {
  const { code, stderr } = await runCommand('src/sallyport.js', ['completion', 'tcsh'], { env: {} });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') });
});
