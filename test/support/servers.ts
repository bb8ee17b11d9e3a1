// Real servers for tests, from the PATH or from Debian's packages. What is missing and cannot be installed is an error.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Where a server stands: in the tests' own network, or in one that was made for it. */
export interface Network {
  /** What comes before the command line of whatever runs there. */
  enter: readonly string[];
  /** Of servers there. */
  address: string;
  /** `open`, or the code of why it is not. */
  connect: (port: number, address: string) => Promise<string>;
}

/** The tests' own, within this machine. */
export const loopback: Network = {
  enter: [],
  address: '127.0.0.1',
  connect: (port, address) =>
    new Promise((resolve) => {
      const socket = net.connect(port, address);
      socket.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => resolve(code));
      socket.once('connect', () => resolve('open')).once('connect', () => socket.destroy());
    }),
};

/** Program and arguments that run a command line in that network. */
export function within({ enter }: Network, program: string, args: string[]): [string, string[]] {
  const [first = program, ...rest] = [...enter, program, ...args];
  return [first, rest];
}

export interface Server {
  url: string;
  stop: () => Promise<void>;
}

/** The program's path; installs the Debian package that holds it when this is root. */
export function findProgram(name: string, debianPackage: string, folders: () => string[] = () => []): string {
  const found = lookFor(name, folders());
  if (found !== undefined) return found;
  if (!isRoot || !fs.existsSync('/usr/bin/apt-get'))
    throw new Error(`The tests need ${name}: install it (on Debian: apt-get install ${debianPackage})`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args: string[]) =>
    execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  apt('-qq', 'update');
  apt('-qq', '-y', '--no-install-recommends', 'install', debianPackage);
  // The package may have brought the very folder.
  const installed = lookFor(name, folders());
  if (installed === undefined) throw new Error(`Package ${debianPackage} holds no ${name}`);
  return installed;
}

function lookFor(name: string, folders: string[]): string | undefined {
  const path_ = (process.env.PATH ?? '').split(':');
  return [...folders, ...path_].map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

/** Folders of Debian's PostgreSQL programs, newest first. */
function postgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!fs.existsSync(root)) return [];
  const versions = fs.readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => path.join(root, version, 'bin'));
}

/** Where ports may be chosen: beside those that the system gives away by itself, so that nobody has it by the time it is listened on. */
function portsToChoose(): [first: number, count: number] {
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  const given = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '32768 60999';
  const [first = 0, last = 0] = given.trim().split(/\s+/).map(Number);
  const [below, above] = [first - PORT_MIN, PORT_MAX - last];
  if (Math.max(below, above) < PORTS_MIN) return [first, last - first + 1];
  return below > above ? [PORT_MIN, below] : [last + 1, above];
}

/** Above those that browsers and fetch refuse to dial. */
const PORT_MIN = 11_000;
const PORT_MAX = 65_535;
const PORTS_MIN = 1_000;

/** One that nobody listens on, also when what had it is started again. */
export async function freePort(): Promise<number> {
  const [first, count] = portsToChoose();
  for (;;) {
    const port = first + randomInt(count);
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) =>
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

const shipped = (file: string): string =>
  fileURLToPath(new URL(`../../deploy/redis/${file}`, import.meta.url));

export interface RedisOptions {
  /** The shipped configuration and users: the manager and the admin alone, each with a password of its own. */
  users?: boolean;
  /** Speaks TLS alone, and asks for a certificate of the authority. */
  tls?: { authorityFile: string; server: { certificateFile: string; keyFile: string } };
  network?: Network;
}

export interface RunningRedis extends Server {
  /** As whoever may do everything that the manager may: `url` is the manager's, where there are users. */
  url: string;
  /** As the admin of the users, where there are users. */
  adminUrl: string;
  /** Without anybody's user name and password. */
  endpoint: string;
  directory: string;
  /** Where its users are kept. */
  usersFile: string;
  kill: () => Promise<void>;
}

/** What a Redis on the same directory is started with again. */
interface Kept {
  port: number;
  users: { manager: string; admin: string } | null;
  tls: string[] | null;
}

/**
 * A Redis of its own, with every write on disk so that a restart loses nothing.
 * @param directory of an earlier one, which comes back on its port with its data, users and certificates
 */
export async function startRedis(directory?: string, options: RedisOptions = {}): Promise<RunningRedis> {
  const program = findProgram('redis-server', 'redis-server');
  const home = directory ?? fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-redis-'));
  const kept = await prepare(home, options);
  const { network = loopback } = options;
  const { port, users, tls } = kept;
  const usersFile = path.join(home, 'users.acl');
  const ports =
    tls === null ? ['--port', `${port}`, '--tls-port', '0'] : ['--port', '0', '--tls-port', `${port}`];
  const child = spawn(
    ...within(network, program, [
      ...(users === null ? [] : [configurationFor(home), '--aclfile', usersFile, '--logfile', '']),
      ...ports,
      ...(tls ?? []),
      ...['--bind', network.address, '--dir', home, '--save', '', '--daemonize', 'no'],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ]),
    { stdio: 'ignore' },
  );
  await reachable(port, child, 'redis-server', network);
  const endpoint = `${tls === null ? 'redis' : 'rediss'}://${network.address}:${port}`;
  const as = (user: 'manager' | 'admin'): string =>
    users === null ? endpoint : endpoint.replace('://', `://sallyport-${user}:${users[user]}@`);
  return {
    url: as('manager'),
    adminUrl: as('admin'),
    endpoint,
    directory: home,
    usersFile,
    stop: async () => {
      await endProcess(child, 'SIGTERM');
      fs.rmSync(home, { recursive: true, force: true });
    },
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

async function prepare(home: string, { users, tls }: RedisOptions): Promise<Kept> {
  const file = path.join(home, 'kept.json');
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')) as Kept;
  const passwords = { manager: newPassword(), admin: newPassword() };
  if (users === true) writeUsers(home, passwords);
  const kept: Kept = {
    port: await freePort(),
    users: users === true ? passwords : null,
    tls: tls === undefined ? null : tlsFlags(tls),
  };
  fs.writeFileSync(file, JSON.stringify(kept), { mode: 0o600 });
  return kept;
}

/** The shipped configuration with this folder: into its own, only the user of a service may go. */
function configurationFor(home: string): string {
  const file = path.join(home, 'redis.conf');
  const text = fs.readFileSync(shipped('redis.conf'), 'utf8');
  fs.writeFileSync(file, text.replace(/^dir .*$/m, `dir ${home}`));
  return file;
}

/** The shipped users with these passwords, and nobody else. */
function writeUsers(home: string, passwords: { manager: string; admin: string }): void {
  const hashed = fs
    .readFileSync(shipped('users.acl'), 'utf8')
    .replace('HASH_OF_THE_MANAGERS_PASSWORD', hash(passwords.manager))
    .replace('HASH_OF_THE_ADMINS_PASSWORD', hash(passwords.admin));
  fs.writeFileSync(path.join(home, 'users.acl'), hashed, { mode: 0o600 });
}

/** Takes away every user that was made since the first start, as a Redis without a file for its users would. */
export function forgetUsers({ directory }: Pick<RunningRedis, 'directory'>): void {
  const { users } = JSON.parse(fs.readFileSync(path.join(directory, 'kept.json'), 'utf8')) as Kept;
  if (users !== null) writeUsers(directory, users);
}

function tlsFlags({ authorityFile, server }: NonNullable<RedisOptions['tls']>): string[] {
  const files = ['--tls-cert-file', server.certificateFile, '--tls-key-file', server.keyFile];
  return [...files, '--tls-ca-cert-file', authorityFile, '--tls-auth-clients', 'yes'];
}

const newPassword = (): string => randomBytes(24).toString('base64url');
const hash = (password: string): string => createHash('sha256').update(password).digest('hex');

/**
 * A PostgreSQL of the distribution, over TCP and with a password, as a production one would be.
 * @param sound with this certificate, and with all that it writes on its disk
 */
export async function startPostgres({
  sound,
}: {
  sound?: { certificateFile: string; keyFile: string };
} = {}): Promise<Server & { folder: string }> {
  const initdb = findProgram('initdb', 'postgresql', postgresFolders);
  const bin =
    postgresFolders().find((folder) => fs.existsSync(path.join(folder, 'initdb'))) ?? path.dirname(initdb);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-pg-'));
  if (isRoot) fs.chownSync(home, NOBODY, NOBODY);
  const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const password = path.join(home, 'password');
  fs.writeFileSync(password, 'test-password');
  if (isRoot) fs.chownSync(password, NOBODY, NOBODY);
  const data = path.join(home, 'data');
  const flags = ['-U', 'sallyport', '-A', 'scram-sha-256', '-E', 'UTF8', '--pwfile', password];
  execFileSync(path.join(bin, 'initdb'), ['-D', data, ...flags], { ...as, cwd: home, stdio: 'pipe' });
  const port = await freePort();
  // It outlives every process that a test kills, and is thrown away with the machine: nothing has to reach the disk.
  const unsynced = ['-c', 'fsync=off', '-c', 'full_page_writes=off'];
  const kept = sound === undefined ? unsynced : encrypted(data, sound);
  const settings = ['-h', '127.0.0.1', '-p', String(port), '-k', home, '-c', 'max_connections=300'];
  const child = spawn(path.join(bin, 'postgres'), ['-D', data, ...settings, ...kept], {
    ...as,
    cwd: home,
    stdio: 'ignore',
  });
  await reachable(port, child, 'postgres');
  return {
    url: `postgres://sallyport:test-password@127.0.0.1:${port}/postgres`,
    folder: data,
    stop: async () => {
      await endProcess(child, 'SIGINT');
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The server wants its key to be its own. */
function encrypted(data: string, files: { certificateFile: string; keyFile: string }): string[] {
  const [certificate, key] = [files.certificateFile, files.keyFile].map((file, at) => {
    const copy = path.join(data, at === 0 ? 'server.crt' : 'server.key');
    fs.copyFileSync(file, copy);
    fs.chmodSync(copy, 0o600);
    if (isRoot) fs.chownSync(copy, NOBODY, NOBODY);
    return copy;
  });
  return ['-c', 'ssl=on', '-c', `ssl_cert_file=${certificate}`, '-c', `ssl_key_file=${key}`];
}

export async function reachable(
  port: number,
  child: ChildProcess,
  name: string,
  network = loopback,
): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(20)) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if ((await network.connect(port, network.address)) === 'open') return;
  }
  throw new Error(`${name} does not answer on port ${port}`);
}

export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
