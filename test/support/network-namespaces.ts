// Networks of a test's own: namespaces of the kernel without a name. Each goes with the last process in it, and nothing of the
// machine's network is touched. Who is not root is root among his own processes, where the kernel lets him.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { endProcess, findProgram, loopback, type Network, within } from './servers.js';

const isRoot = process.getuid?.() === 0;
const firstUser = isRoot ? [] : ['--user', '--map-root-user'];
const sameUser = isRoot ? [] : ['--user', '--preserve-credentials'];
const ip = (): string => findProgram('ip', 'iproute2', () => ['/usr/sbin', '/sbin']);

/** Why this machine gives nobody a network of his own; undefined where it does. */
export const lackOfNetworks: string | undefined = findLack();

function findLack(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux alone';
  const trial = [...firstUser, '--net', ip(), 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other'];
  try {
    execFileSync('unshare', trial, { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    return (stderr?.toString() || message).trim().replaceAll('\n', '; ');
  }
}

/** Says whether a port is open, as seen from where it runs. */
const CONNECT = `
const [port, address] = process.argv.slice(1);
const socket = require('node:net').connect(port, address);
const tell = (answer) => { console.log(answer); process.exit(); };
socket.on('connect', () => tell('open')).on('error', ({ code }) => tell(code)).setTimeout(5000, () => tell('silence'));
`;

export class OwnNetwork implements Network {
  readonly enter: readonly string[];
  /** Lines from here to others. */
  #lines = 0;

  private constructor(
    readonly address: string,
    private readonly holder: ChildProcess,
  ) {
    this.enter = ['nsenter', ...sameUser, '--net', '--target', String(holder.pid), '--'];
  }

  /** @param beside another one of the same test, to which it may then be joined */
  static async open(address: string, beside?: OwnNetwork): Promise<OwnNetwork> {
    const user = beside === undefined ? firstUser : [];
    // It ends with its input, and so with the test's process, however that one ends.
    const args = [...user, '--net', 'sh', '-c', 'echo; exec cat'];
    const command = within(beside ?? loopback, 'unshare', args);
    const holder = spawn(...command, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const made = new OwnNetwork(address, holder);
    made.#ip('link', 'set', 'lo', 'up');
    made.#ip('address', 'add', `${address}/32`, 'dev', 'lo');
    return made;
  }

  /** Lays a line to the other one, whose address it learns. The other one learns nothing but the end of the line. */
  joinTo(other: OwnNetwork): { ownEnd: string } {
    const number = ++other.#lines;
    const [theirs, own] = [`10.90.${number}.1`, `10.90.${number}.2`];
    const pair = [`line-${number}`, 'type', 'veth', 'peer', 'name', 'line'];
    other.#ip('link', 'add', ...pair, 'netns', String(this.holder.pid));
    other.#ip('address', 'add', `${theirs}/30`, 'dev', `line-${number}`);
    this.#ip('address', 'add', `${own}/30`, 'dev', 'line');
    other.#ip('link', 'set', `line-${number}`, 'up');
    this.#ip('link', 'set', 'line', 'up');
    this.learn(other.address, theirs);
    return { ownEnd: own };
  }

  /** From now on the address is reached by that end of a line. */
  learn(address: string, by: string): void {
    this.#ip('route', 'add', address, 'via', by);
  }

  async connect(port: number, address: string): Promise<string> {
    return (await this.run(process.execPath, '-e', CONNECT, String(port), address)).trim();
  }

  /** What the command prints that is run here. */
  async run(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(...within(this, program, args), { encoding: 'utf8' });
    return stdout;
  }

  async close(): Promise<void> {
    await endProcess(this.holder, 'SIGKILL');
  }

  #ip(...args: string[]): void {
    execFileSync(...within(this, ip(), args), { stdio: 'pipe' });
  }
}
