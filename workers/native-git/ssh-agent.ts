// An agent of ssh for one operation. The key goes into it through standard input and stays in its memory: it is in no
// argument, environment or file. The agent ends by itself at the operation's deadline, even when this process does not live.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { childEnvironment } from '../../src/config/process.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import { PasswordPipe } from './password-pipe.js';
import { endGroup } from './run-git.js';
import type { Scripts } from './scripts.js';

const OPENSSH_HEAD = '-----BEGIN OPENSSH PRIVATE KEY-----';
/** What begins the body of an OpenSSH key; the cipher's name follows. */
const OPENSSH_MAGIC = 'openssh-key-v1\0';

export class SshAgent {
  /** Closed to others; holds the socket, and goes when the agent ends. */
  readonly folder: string;
  readonly socket: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(
    folder: string,
    process: ChildProcess,
    private readonly scripts: Scripts,
  ) {
    this.folder = folder;
    this.socket = path.join(folder, 'agent');
    this.#process = process;
    this.#ended = new Promise((resolve) => process.once('close', () => resolve()));
  }

  /** @throws Failure GIT_ENGINE_FAILED where the system has none. */
  static async start(scripts: Scripts, secondsMax: number): Promise<SshAgent> {
    const folder = await fs.promises.mkdtemp(path.join(shortFolder(), 'sallyport-ssh-'));
    const child = spawn('/bin/sh', [scripts.agent], {
      env: surroundings(scripts.home, {
        SALLYPORT_AGENT_FOLDER: folder,
        SALLYPORT_SECONDS_MAX: String(secondsMax),
      }),
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: folder,
    });
    const agent = new SshAgent(folder, child, scripts);
    // It names its socket once it listens.
    const listens = await new Promise<boolean>((resolve) => {
      child.stdout?.once('data', () => resolve(true));
      child.once('error', () => resolve(false)).once('close', () => resolve(false));
    });
    child.stdout?.resume();
    if (listens) return agent;
    fs.rmSync(folder, { recursive: true, force: true });
    throw new Failure('GIT_ENGINE_FAILED', { command: 'ssh-agent', reason: 'it does not start' });
  }

  /** Takes the key in. @throws Failure SECRET_UNREADABLE when it is no private key, or has another passphrase. */
  async add(secret: Secret, secondsMax: number, passphrase?: Secret): Promise<void> {
    const isLocked = secret.use(hasPassphrase);
    if (isLocked && passphrase === undefined)
      throw refuse('it is a private key with a passphrase, and the connector names none');
    const pipe = isLocked ? await PasswordPipe.open(this.folder) : undefined;
    try {
      if (passphrase !== undefined) pipe?.offer(passphrase);
      const code = await this.#add(secret, secondsMax, pipe);
      if (code !== 0)
        throw refuse(
          isLocked ? 'its passphrase is another one' : 'it is not a private key that ssh can read',
        );
    } finally {
      pipe?.close();
    }
  }

  async #add(secret: Secret, secondsMax: number, pipe: PasswordPipe | undefined): Promise<number | null> {
    const child = spawn('ssh-add', ['-q', '-'], {
      env: surroundings(path.dirname(this.folder), {
        SSH_AUTH_SOCK: this.socket,
        SSH_ASKPASS_REQUIRE: pipe === undefined ? 'never' : 'force',
        ...(pipe === undefined
          ? {}
          : { SSH_ASKPASS: this.scripts.passphrase, SALLYPORT_PASSWORD_PIPE: pipe.file }),
      }),
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: this.folder,
      // Away from a terminal, which it would ask for a passphrase.
      detached: true,
      timeout: Math.ceil(secondsMax * 1_000),
      killSignal: 'SIGKILL',
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null)).once('close', (code) => resolve(code));
    });
    const key = secret.use(normalize);
    // A program that ends without reading is told by its exit code.
    child.stdin.on('error', () => undefined).end(key);
    const code = await ended;
    key.fill(0);
    return code;
  }

  async close(): Promise<void> {
    // The whole group at once: its leader may miss a polite signal while it is only just starting.
    if (this.#process.exitCode === null && this.#process.signalCode === null) endGroup(this.#process.pid);
    await this.#ended;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where a socket's path is short enough, and plain enough for ssh's options. */
function shortFolder(): string {
  const folder = os.tmpdir();
  return /^[\w./-]{1,60}$/.test(folder) ? folder : '/tmp';
}

function surroundings(home: string, more: Record<string, string>): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment({});
  return { PATH, HOME: home, LC_ALL: 'C', ...more };
}

/** The key with plain line ends and one at its end, as ssh wants it. */
function normalize(bytes: Buffer): Buffer {
  const key = Buffer.alloc(bytes.length + 1);
  let length = 0;
  for (const byte of bytes) if (byte !== 13) key[length++] = byte;
  key[length] = 10;
  return key.subarray(0, length + 1);
}

function hasPassphrase(bytes: Buffer): boolean {
  // PEM says so in its head: `BEGIN ENCRYPTED PRIVATE KEY`, or `Proc-Type: 4,ENCRYPTED`.
  const begins = bytes.indexOf(OPENSSH_HEAD);
  if (begins < 0) return bytes.includes('ENCRYPTED');
  const body = bytes.subarray(begins + OPENSSH_HEAD.length).subarray(0, 64);
  const head = Buffer.from(body.toString('latin1'), 'base64');
  if (!head.toString('latin1').startsWith(OPENSSH_MAGIC)) return false;
  const at = OPENSSH_MAGIC.length;
  const cipher = head.toString('latin1', at + 4, at + 4 + 4);
  return cipher !== 'none';
}

function refuse(reason: string): Failure {
  return new Failure('SECRET_UNREADABLE', { secret: 'of the connector', reason }) as Failure;
}
