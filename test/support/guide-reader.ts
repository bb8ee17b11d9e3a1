// Whoever follows a guide: a shell, more terminals where the page asks for them, and a folder that holds what a clone does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './api.js';
import { commandOf, isShown, readPage, root, type Step } from './guide-pages.js';
import { findProgram } from './servers.js';

const STEP_MS_MAX = 150_000;
const END_MS_MAX = 60_000;
/** Of a clone, what belongs to whoever works in it. */
const own = new Set(['.git', '.sallyport', 'test-artefacts']);

/** Says of every command how it ended, and goes on after those that failed, as a terminal does. */
const LOOP = `trap 'code=$?; [ "$failed" != 0 ] || failed=$code' ERR
while IFS= read -r block <&3; do failed=0; . "$block" < /dev/null > "$block.out" 2>&1; echo "$failed" >&4; done
`;

export class Reader {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-guide-'));
  /** The reader's own. */
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-guide-home-'));
  /** What was typed, and what came of it. */
  readonly #notes = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-guide-notes-'));
  readonly #env: Record<string, string>;
  readonly #shell: ChildProcess;
  readonly #gone: Promise<string>;
  readonly #terminals: ChildProcess[] = [];
  #count = 0;

  /** @param settings what the guide has defaults for: ports and places of servers */
  constructor(settings: Record<string, string> = {}) {
    // PostgreSQL does not run as root, and has to get to its files.
    fs.chmodSync(this.folder, 0o755);
    for (const name of fs.readdirSync(root))
      if (!own.has(name)) fs.symlinkSync(path.join(root, name), path.join(this.folder, name));
    for (const program of ['bash', 'git', 'curl', 'openssl']) findProgram(program, program);
    this.#env = {
      // What runs the tests has put programs of the project before the reader’s own.
      PATH: `${process.env.PATH?.split(':')
        .filter((folder) => !folder.includes('node_modules'))
        .join(':')}:/usr/sbin`,
      HOME: this.home,
      NO_COLOR: '1',
      // Whoever uses git has told it who they are.
      ...Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap((who) => [
          [`GIT_${who}_NAME`, 'Ann'],
          [`GIT_${who}_EMAIL`, 'ann@example.com'],
        ]),
      ),
      // Of npm, the commands alone: what would build before them is built.
      npm_config_ignore_scripts: 'true',
      npm_config_update_notifier: 'false',
      ...(process.env.NODE_COMPILE_CACHE === undefined
        ? {}
        : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
      ...settings,
    };
    this.#shell = this.#start(['-c', LOOP], ['ignore', 'inherit', 'inherit', 'pipe', 'pipe']);
    this.#gone = once(this.#shell, 'exit').then(() => 'the end of the shell');
  }

  #start(args: string[], stdio: ('ignore' | 'inherit' | 'pipe' | number)[]): ChildProcess {
    return spawn('bash', ['--norc', '--noprofile', ...args], {
      cwd: this.folder,
      env: this.#env,
      stdio,
      detached: true,
    });
  }

  /** @throws Error that shows what the reader sees, where that is not what the page says */
  async follow(steps: Step[]): Promise<void> {
    for (const step of steps) {
      if (step.marker.until !== undefined) await this.#runOn(step, step.marker.until);
      else if (step.marker.again === true)
        await eventually(
          async () => (await this.#differs(step)) === undefined,
          `what ${step.at} shows`,
          STEP_MS_MAX,
        );
      else {
        const difference = await this.#differs(step);
        if (difference !== undefined) throw new Error(difference);
      }
    }
  }

  /** The file of a command, as the shell reads it; of a program, the command that puts it where the shell is. */
  #note(step: Step): string {
    const block = path.join(this.#notes, `${++this.#count}`);
    if (step.language === 'sh') fs.writeFileSync(block, commandOf(step));
    else {
      const name = /^\/\/ ([\w-]+\.ts)\n/.exec(step.text)?.[1];
      if (name === undefined) throw new Error(`${step.at}: the first line of a program names its file`);
      fs.writeFileSync(`${block}.ts`, step.text);
      fs.writeFileSync(block, `cat '${block}.ts' > ${name}\n`);
    }
    return block;
  }

  async #differs(step: Step): Promise<string | undefined> {
    const block = this.#note(step);
    const [, , , orders, ends] = this.#shell.stdio as unknown as [
      null,
      null,
      null,
      NodeJS.WritableStream,
      Readable,
    ];
    orders.write(`${block}\n`);
    const ended = await Promise.race([
      once(ends, 'data').then(([code]) => String(code).trim()),
      this.#gone,
      delay(STEP_MS_MAX, 'no end', { ref: false }),
    ]);
    const output = fs.readFileSync(`${block}.out`, 'utf8');
    if (ended !== String(step.marker.endsWith))
      return `${step.at}: ended with ${ended}, not ${step.marker.endsWith}\n${step.text}\nprinted\n${output}`;
    return differenceOf(step, output);
  }

  /** In another terminal, which begins where the first one did and knows nothing of it. */
  async #runOn(step: Step, until: string): Promise<void> {
    const block = this.#note(step);
    const out = fs.openSync(`${block}.out`, 'w');
    const terminal = this.#start([block], ['ignore', out, out]);
    fs.closeSync(out);
    this.#terminals.push(terminal);
    const output = (): string => fs.readFileSync(`${block}.out`, 'utf8');
    const isThere = async (): Promise<boolean> =>
      terminal.exitCode !== null ||
      (output().includes(until) && (step.shows === undefined || isShown(step.shows, output())));
    await eventually(isThere, '', STEP_MS_MAX).catch(() => {
      throw new Error(`${step.at}: shows something else, or no “${until}”\n${output()}`);
    });
    if (terminal.exitCode !== null)
      throw new Error(`${step.at}: ended with ${terminal.exitCode}\n${output()}`);
  }

  /** Ctrl-C in each terminal, the last one first; then the first one is closed. @throws Error where something stays */
  async leave(): Promise<void> {
    const stayed: string[] = [];
    for (const { pid, spawnargs } of this.#terminals.reverse())
      if (!(await endGroup(pid as number, 'SIGINT'))) stayed.push(spawnargs.join(' '));
    if (!(await endGroup(this.#shell.pid as number, 'SIGTERM'))) stayed.push('the shell');
    for (const folder of [this.folder, this.home, this.#notes])
      fs.rmSync(folder, { recursive: true, force: true });
    if (stayed.length > 0) throw new Error(`did not end by itself: ${stayed.join('; ')}`);
  }
}

function differenceOf({ at, text, shows }: Step, output: string): string | undefined {
  if (shows === undefined ? output.trim() === '' : isShown(shows, output)) return undefined;
  return `${at}: shows something else\n${text}\nprinted\n${output}\nnot\n${shows?.text ?? 'nothing'}`;
}

const signal = (group: number, name: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
};

/** Whether all that runs in a terminal ended when it was told to. */
async function endGroup(group: number, by: NodeJS.Signals): Promise<boolean> {
  signal(group, by);
  const ended = await eventually(async () => !signal(group, 0), 'its end', END_MS_MAX).catch(() => false);
  return ended || !signal(group, 'SIGKILL');
}

/** Of docs/guides, in this order. @throws Error where one does something else than it says */
export async function assertGuide(reader: Reader, ...pages: string[]): Promise<void> {
  for (const page of pages) await reader.follow(readPage(`docs/guides/${page}.md`));
}
