// The surroundings of an engine that speaks SSH: Debian's sshd as this user, with keys of its own, in front of git-shell.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { NewRepository } from '../../src/playground/git-host.js';
import { eventually } from './api.js';
import { ReferenceRepository } from './git-reference.js';
import type { Line, TestRemote, TestRepository, World } from './git-world.js';
import { RepositoryPatterns } from './repository-patterns.js';
import { findProgram, freePort } from './servers.js';
import { TcpLine } from './tcp-line.js';

/** What stands between a connection and git-shell: a repository may be read only, and a push may lose its line. */
const COMMAND = (root: string): string => `#!/bin/sh
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
eval "set -- $SSH_ORIGINAL_COMMAND"
if [ "$1" = git-receive-pack ]; then
  if [ "$(git config --file "$2/config" http.receivepack)" = false ]; then
    echo "FATAL: W any \${2#${root}/} ada DENIED by fallthru" >&2
    echo "(or you mis-spelled the reponame)" >&2
    exit 1
  fi
  if [ -e "${root}/line/fate" ]; then
    export SALLYPORT_FATE="$(cat "${root}/line/fate")"
    rm "${root}/line/fate"
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0="${root}/line"
  fi
fi
exec git-shell -c "$SSH_ORIGINAL_COMMAND"
`;

/** Tells the test that the moment has come, and waits until the line is cut. */
const cutIf = (root: string, condition: string): string => `#!/bin/sh
${condition} || exit 0
echo cut >"${root}/line/told"
read -r _ <"${root}/line/answered"
`;

export class SshWorld implements World {
  readonly refusal = {};
  readonly wrongPassword: string;
  readonly #patterns = new RepositoryPatterns();
  #count = 0;

  private constructor(
    readonly root: string,
    readonly host: { url: string; port: number },
    readonly key: string,
    readonly hostKey: string,
    private readonly server: ChildProcess,
  ) {
    this.wrongPassword = makeKey(root, 'stranger').key;
  }

  /** `settings` are further lines of sshd_config. */
  static async open(settings: string[] = []): Promise<SshWorld> {
    const program = findProgram('sshd', 'openssh-server', () => ['/usr/sbin']);
    findProgram('ssh-agent', 'openssh-client');
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-sshd-'));
    const own = makeKey(root, 'ada');
    const { public: hostKey } = makeKey(root, 'host');
    const port = await freePort();
    write(root, 'command', COMMAND(root));
    authorize(root, own.public);
    write(root, 'sshd_config', [...describeServer(root, port), ...settings, ''].join('\n'));
    // Where it puts itself away as root, whatever it is told.
    if (process.getuid?.() === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const log = fs.openSync(path.join(root, 'sshd.log'), 'a');
    const server = spawn(program, ['-D', '-e', '-f', path.join(root, 'sshd_config')], {
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    const read = (): string => fs.readFileSync(path.join(root, 'sshd.log'), 'utf8');
    await eventually(async () => {
      if (server.exitCode !== null) throw new Error(`sshd ended: ${read()}`);
      return read().includes('Server listening');
    }, 'sshd to listen');
    return new SshWorld(root, { url: `ssh://127.0.0.1:${port}`, port }, own.key, hostKey, server);
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.server.once('exit', resolve));
    if (this.server.exitCode === null && this.server.kill('SIGTERM')) await gone;
    this.#patterns.close();
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  create(options: NewRepository = {}): TestRepository {
    const name = `repository-${this.#count++}`;
    const folder = this.#patterns.create(this.root, name, options);
    return { remote: this.remote(`/${name}.git`), reference: new ReferenceRepository(folder) };
  }

  remote(address: string, base: string = this.host.url): TestRemote {
    const port = new URL(base).port;
    return {
      url: `${base}${this.root}${address}`,
      username: os.userInfo().username,
      password: this.key,
      knownHosts: this.knownHosts(port),
    };
  }

  /** The host key under the name that a port of loopback has. */
  knownHosts(port: number | string = this.host.port, hostKey = this.hostKey): string {
    return `[127.0.0.1]:${port} ${hostKey}\n`;
  }

  /** Lets another key in. */
  authorize(line: string): void {
    authorize(this.root, line);
  }

  async closedUrl(): Promise<string> {
    return `ssh://127.0.0.1:${await freePort()}`;
  }

  openBadLine(): Promise<Line> {
    return BadSshLine.open(this);
  }
}

/** A TCP line to sshd. When to cut it, hooks of the push tell through a pipe, since nobody else can look inside. */
class BadSshLine implements Line {
  staysDead = false;
  #next: Line['next'] = 'whole';

  private constructor(
    readonly url: string,
    private readonly line: TcpLine,
    private readonly folder: string,
    private readonly told: fs.ReadStream,
  ) {
    told.on('data', () => void this.#cut());
  }

  static async open({ root, host }: SshWorld): Promise<BadSshLine> {
    const folder = path.join(root, 'line');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder);
    write(folder, 'pre-receive', `${cutIf(root, '[ "$SALLYPORT_FATE" = cut-request ]')}exit 1\n`);
    const isDone = '[ "$SALLYPORT_FATE" = cut-answer ] && [ "$1" = committed ]';
    write(folder, 'reference-transaction', cutIf(root, isDone));
    execFileSync('mkfifo', [path.join(folder, 'told'), path.join(folder, 'answered')]);
    // Open at both ends, so that it never ends.
    const told = fs.createReadStream(path.join(folder, 'told'), { flags: 'r+' });
    const line = await TcpLine.open(host.url);
    return new BadSshLine(`ssh://127.0.0.1:${line.port}`, line, folder, told);
  }

  set next(fate: Line['next']) {
    this.#next = fate;
    fs.writeFileSync(path.join(this.folder, 'fate'), fate);
  }

  get next(): Line['next'] {
    return this.#next;
  }

  mend(): Promise<void> {
    return this.line.mend();
  }

  async close(): Promise<void> {
    this.told.destroy();
    // Ends the read that a pipe without a writer leaves waiting.
    fs.writeFileSync(path.join(this.folder, 'told'), '\n', { flag: 'r+' });
    await this.line.cut().catch(() => undefined);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async #cut(): Promise<void> {
    await this.line.cut();
    if (!this.staysDead) await this.line.mend();
    await fs.promises.writeFile(path.join(this.folder, 'answered'), 'cut\n');
  }
}

/** A key pair, of Ed25519 unless told otherwise; the private part as ssh-keygen writes it. */
export function makeKey(folder: string, name: string, ...options: string[]): { key: string; public: string } {
  const file = path.join(folder, `key-${name}`);
  // What is named twice counts the last time.
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file, ...options]);
  return { key: fs.readFileSync(file, 'utf8'), public: fs.readFileSync(`${file}.pub`, 'utf8').trim() };
}

function authorize(root: string, line: string): void {
  fs.appendFileSync(path.join(root, 'authorized_keys'), `restrict,command="${root}/command" ${line}\n`);
}

function describeServer(root: string, port: number): string[] {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${root}/key-host`,
    `AuthorizedKeysFile ${root}/authorized_keys`,
    `PidFile ${root}/sshd.pid`,
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'AcceptEnv GIT_PROTOCOL',
    // Many connections at once, none of them from strangers.
    'MaxStartups 200',
    'LogLevel INFO',
  ];
}

function write(folder: string, name: string, text: string): void {
  fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
}
