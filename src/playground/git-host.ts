// A real Git host on loopback: smart HTTP in front of bare repositories, answered by git's own http-backend.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createHash, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { childEnvironment } from '../config/process.js';

/** How long requests in flight may take to finish when the host closes. */
const DRAIN_MS_MAX = 5_000;
const KEEP_ALIVE_MS = 60_000;
/** Between the polite end of a backend and the hard one. */
const KILL_AFTER_MS = 2_000;
const CGI_HEADER_BYTES_MAX = 16_384;

export interface GitHostOptions {
  /** Folder of bare repositories, each `<name>.git`. */
  root: string;
  /** 0 takes a free one. */
  port: number;
  /** Who may read and write everything. None: everyone may. */
  accounts: { username: string; password: string }[];
  host?: '127.0.0.1';
}

export interface GitHost {
  /** `http://127.0.0.1:<port>`; repositories are at `<url>/<name>.git`. */
  url: string;
  port: number;
  /** Refuses new requests, lets those in flight finish (up to 5 s), and resolves when no child process is left. */
  close(): Promise<void>;
}

/** Serves the repositories below `root` over smart HTTP with basic authentication, on loopback only. */
export async function startGitHost(options: GitHostOptions): Promise<GitHost> {
  const root = fs.realpathSync(options.root);
  const backend = path.join(
    execFileSync('git', ['--exec-path'], quiet()).toString().trim(),
    'git-http-backend',
  );
  const accounts = options.accounts.map(({ username, password }) => ({
    username,
    digest: digest(`${username}:${password}`),
  }));
  const running = new Set<Promise<void>>();
  const server = http.createServer((request, response) => {
    const user = authenticate(accounts, request.headers.authorization);
    if (user === null) return refuse(response, 401, 'Authentication is required');
    const env = describeRequest(request, root, user);
    if (env === null) return refuse(response, 400, 'The address is not valid');
    const done = runBackend(backend, env, request, response).finally(() => running.delete(done));
    running.add(done);
  });
  // A push may take long; the limit is the client's patience.
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, close: () => drain(server, running) };
}

export interface NewRepository {
  /** Files of the first commit on `main`; without any, the repository stays empty. */
  files?: Record<string, string | Uint8Array>;
  /** Message of the first commit. */
  message?: string;
  /** Unix seconds of the first commit. */
  timestamp?: number;
  /** Further settings of the repository, such as `http.receivepack`. */
  config?: Record<string, string>;
}

/**
 * Makes the bare repository `<root>/<name>.git` as a host would: pushes by those who may, partial fetches, no forcing.
 * The same files, message and timestamp give the same commit. Answers its folder and its first commit.
 */
export function createRepository(
  root: string,
  name: string,
  options: NewRepository = {},
): { folder: string; head: string | null } {
  const folder = path.join(root, `${name}.git`);
  git(['init', '--quiet', '--bare', '--template=', '--initial-branch=main', '--object-format=sha1', folder]);
  const settings = {
    'http.receivepack': 'true',
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    'receive.denyNonFastForwards': 'true',
    ...options.config,
  };
  configureRepository(folder, settings);
  if (options.files === undefined) return { folder, head: null };
  const stream = describeFirstCommit(
    options.files,
    options.message ?? 'First files\n',
    options.timestamp ?? 0,
  );
  git(['-C', folder, 'fast-import', '--quiet'], stream);
  return { folder, head: git(['-C', folder, 'rev-parse', '--verify', 'refs/heads/main']).toString().trim() };
}

export function configureRepository(folder: string, settings: Record<string, string>): void {
  for (const [key, value] of Object.entries(settings)) git(['-C', folder, 'config', key, value]);
}

/** Environment of a git that sees no settings of this machine and trusts the folder it is given. */
function cleanEnvironment(more: Record<string, string> = {}): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = childEnvironment({});
  return {
    PATH,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    // The folder may belong to another user than the one who serves it.
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    ...more,
  };
}

function quiet(): { env: Record<string, string>; stdio: 'pipe' } {
  return { env: cleanEnvironment(), stdio: 'pipe' };
}

function git(args: string[], input?: Uint8Array): Buffer {
  return execFileSync('git', args, { ...quiet(), ...(input === undefined ? {} : { input }) });
}

/** The first commit as a stream for `git fast-import`. */
function describeFirstCommit(
  files: Record<string, string | Uint8Array>,
  message: string,
  timestamp: number,
): Buffer {
  const data = (content: string | Uint8Array): Buffer => {
    const bytes = Buffer.from(content);
    return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
  };
  const committer = `committer Playground <playground@sallyport.invalid> ${timestamp} +0000\n`;
  return Buffer.concat([
    Buffer.from(`commit refs/heads/main\n${committer}`),
    data(message),
    ...Object.entries(files).flatMap(([file, content]) => [
      Buffer.from(`M 100644 inline ${JSON.stringify(file)}\n`),
      data(content),
    ]),
  ]);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The user name behind the header, '' where nobody needs one, `null` when refused. Compares with every account. */
function authenticate(accounts: { username: string; digest: Buffer }[], header = ''): string | null {
  if (accounts.length === 0) return '';
  const given = digest(Buffer.from(/^basic (.*)$/i.exec(header)?.[1] ?? '', 'base64').toString('utf8'));
  let user: string | null = null;
  for (const account of accounts) if (timingSafeEqual(given, account.digest)) user = account.username;
  return user;
}

function refuse(response: http.ServerResponse, status: number, reason: string): void {
  const challenge =
    status === 401 ? { 'WWW-Authenticate': 'Basic realm="Sallyport playground", charset="UTF-8"' } : {};
  // The body is not read: the connection cannot serve another request.
  response
    .writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close', ...challenge })
    .end(`${reason}\n`);
}

/** The request as CGI (RFC 3875) wants it; `null` when the address cannot be decoded. */
function describeRequest(
  request: http.IncomingMessage,
  root: string,
  user: string,
): Record<string, string> | null {
  const [address = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  let decoded: string;
  try {
    decoded = decodeURIComponent(address);
  } catch {
    return null;
  }
  if (!decoded.startsWith('/') || decoded.includes('\0') || query.includes('\0')) return null;
  const header = (name: string): string => String(request.headers[name] ?? '');
  const optional = {
    CONTENT_LENGTH: header('content-length'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
    REMOTE_USER: user,
  };
  return cleanEnvironment({
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decoded,
    QUERY_STRING: query,
    CONTENT_TYPE: header('content-type'),
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== '')),
  });
}

/** Runs http-backend for one request; resolves when it is gone. It dies with the client's connection. */
async function runBackend(
  backend: string,
  env: Record<string, string>,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const child = spawn(backend, [], { env, cwd: '/', detached: true });
  let isGone = false;
  const gone = new Promise<void>((resolve) =>
    child.on('close', () => resolve()).on('error', () => resolve()),
  ).then(() => {
    isGone = true;
  });
  // The whole group: http-backend starts upload-pack, which starts pack-objects and may outlive it.
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (!isGone && child.pid !== undefined) endGroup(child.pid, signal);
  };
  const kill = (): void => {
    signalGroup('SIGTERM');
    setTimeout(() => {
      signalGroup('SIGKILL');
      // Whoever left the group may still hold the pipes; nobody waits for the rest of what they say.
      child.stdout.destroy();
      child.stderr.destroy();
    }, KILL_AFTER_MS).unref();
  };
  response.on('close', () => {
    if (!response.writableFinished || !request.complete) kill();
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  child.stderr.resume();
  forwardAnswer(child, response, kill);
  await gone;
  // An answer may be complete before the request was read: what is left of it must not block the connection.
  request.unpipe(child.stdin).resume();
  if (!response.headersSent) refuse(response, 502, 'git http-backend gave no answer');
}

function endGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Parses the CGI header (`Status: 403 Forbidden`, absent: 200) and streams the rest. */
function forwardAnswer(
  child: ChildProcessWithoutNullStreams,
  response: http.ServerResponse,
  kill: () => void,
): void {
  let head = Buffer.alloc(0);
  const collect = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > CGI_HEADER_BYTES_MAX) return kill();
    if (end < 0) return;
    child.stdout.off('data', collect);
    const fields = head.subarray(0, end).toString('latin1').split('\r\n');
    const headers = fields.map((field) => field.split(/:\s*(.*)/s).slice(0, 2) as [string, string]);
    const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1] ?? '200';
    for (const [name, value] of headers) if (name.toLowerCase() !== 'status') response.setHeader(name, value);
    response.writeHead(Number.parseInt(status, 10)).write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', collect);
}

async function drain(server: http.Server, running: Set<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const patience = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX);
  while (running.size > 0) {
    await Promise.all(running);
    server.closeIdleConnections();
  }
  // An answer that is still being written keeps its connection; then the idle ones go.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  await closed;
  clearInterval(sweep);
  clearTimeout(patience);
}
