// `npm start`: an embedded database and queue, the manager, one delegate, and a Git host to play with, in one command.
import '../config/process.js';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, readConfig } from '../config/config.js';
import { Failure } from '../kernel/failure.js';
import { awaitListening } from '../kernel/listening.js';
import { startEmbeddedPostgres } from '../storage/embedded-postgres.js';
import { createRepository, startGitHost } from './git-host.js';
import { tellOfPushes } from './post-receive.js';
import { startProcess, type WatchedProcess } from './processes.js';
import { enrolDelegate, type GitAccount, seed } from './seed.js';

const entryOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

type Stop = () => Promise<void>;
/** What runs, last started first: the order in which it is stopped. */
const running: Stop[] = [];
let ending: Promise<void> | undefined;

async function start(config: Config): Promise<void> {
  const data = config.SALLYPORT_DATA_DIR;
  fs.mkdirSync(data, { recursive: true });
  const databaseUrl = config.DATABASE_URL ?? (await startDatabase(data));
  const accounts = gitAccounts(data);
  const host = await startPlaygroundHost(config, Object.values(accounts));
  const manager = await startManagerProcess(config, databaseUrl);
  const token = fs.readFileSync(path.join(data, 'admin-token'), 'utf8').trim();
  const delegate = { entry: entryOf('../../workers/delegate.js'), dataDir: path.join(data, 'delegate') };
  if (!fs.existsSync(path.join(delegate.dataDir, 'delegate.json')))
    await enrolDelegate({ manager, token, delegate });
  await startDelegateProcess(config, databaseUrl);
  const seeded = path.join(data, 'seeded');
  const repository = `${host.url}/demo.git`;
  if (!fs.existsSync(seeded)) {
    await seed({ manager, token, repository, accounts, delegate });
    fs.writeFileSync(seeded, `${new Date().toISOString()}\n`);
  }
  const folder = path.join(data, 'playground');
  await tellOfPushes({ manager, token, repository }, path.join(folder, 'repositories', 'demo.git'), folder);
  const { username, password } = accounts.you;
  const yours = `${repository.replace('://', `://${username}:${password}@`)}\n`;
  fs.writeFileSync(path.join(data, 'repository-url'), yours, { mode: 0o600 });
  if (ending === undefined) greet(config, manager);
}

async function startDatabase(data: string): Promise<string> {
  const postgres = await startEmbeddedPostgres(path.join(data, 'postgres'));
  keep(postgres.stop);
  fs.writeFileSync(path.join(data, 'database-url'), `${postgres.url}\n`, { mode: 0o600 });
  return postgres.url;
}

async function startPlaygroundHost(config: Config, accounts: GitAccount[]): Promise<{ url: string }> {
  const root = path.join(config.SALLYPORT_DATA_DIR, 'playground', 'repositories');
  fs.mkdirSync(root, { recursive: true });
  if (!fs.existsSync(path.join(root, 'demo.git')))
    createRepository(root, 'demo', { files: { 'README.md': README } });
  const port = config.SALLYPORT_PLAYGROUND_PORT;
  const host = await awaitListening(startGitHost({ root, port, accounts }), {
    what: 'The playground’s Git host',
    address: `127.0.0.1:${port}`,
    setting: 'SALLYPORT_PLAYGROUND_PORT',
  });
  keep(() => host.close());
  return host;
}

const README = `# Demo

Sallyport keeps the entities of account \`demo\` here. Change a file and push: the API shows it. A save that builds on what stood
there before is a conflict.
`;

async function startManagerProcess(config: Config, databaseUrl: string): Promise<string> {
  const manager = await startWatched('manager', config, '../main.js', {
    DATABASE_URL: databaseUrl,
    SALLYPORT_ACCOUNT: 'demo',
    SALLYPORT_DATA_DIR: config.SALLYPORT_DATA_DIR,
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
    SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP: 'true',
    SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE: 'true',
  });
  return manager.url as string;
}

/** The delegate learned of the queue when it enrolled; it knows the database only where the queue lives in it. */
async function startDelegateProcess(config: Config, databaseUrl: string): Promise<void> {
  await startWatched('delegate', config, '../../workers/delegate.js', {
    DATABASE_URL: config.REDIS_URL === undefined ? databaseUrl : '',
    REDIS_URL: '',
    SALLYPORT_DATA_DIR: path.join(config.SALLYPORT_DATA_DIR, 'delegate'),
    SALLYPORT_GIT_ALLOW_HTTP: 'true',
    SALLYPORT_GIT_ALLOW_PRIVATE: 'true',
  });
}

async function startWatched(
  name: string,
  config: Config,
  entry: string,
  settings: Record<string, string>,
): Promise<WatchedProcess> {
  const child = await startProcess({
    name,
    entry: entryOf(entry),
    settings,
    logFile: path.join(config.SALLYPORT_DATA_DIR, 'logs', `${name}.log`),
    onRestart: (how) => say(`The ${name} ended (${how}) and is started again.`),
  });
  keep(child.drain);
  return child;
}

/** The host's own list of passwords: one account for each road, and one for you. */
function gitAccounts(data: string): { manager: GitAccount; delegate: GitAccount; you: GitAccount } {
  const file = path.join(data, 'playground', 'accounts.json');
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8'));
  const account = (username: string): GitAccount => ({
    username,
    password: randomBytes(18).toString('base64url'),
  });
  const accounts = { manager: account('manager'), delegate: account('delegate'), you: account('you') };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(accounts), { mode: 0o600 });
  return accounts;
}

function greet(config: Config, manager: string): void {
  const [tokenFile, repositoryFile] = ['admin-token', 'repository-url'].map((name) =>
    nearestName(path.join(config.SALLYPORT_DATA_DIR, name)),
  );
  say(`
Sallyport is ready: ${manager}
Admin token:        ${tokenFile}
The page:           open ${manager}/ in a browser, and sign in with the token
What is in Git:     git clone $(cat ${repositoryFile})
Change a file:      push it from that clone, and the API shows it
Save an entity:     curl -X PUT '${manager}/api/v1/accounts/demo/entities/pipeline/hello?connector=direct&branch=main' \\
                      -H "Authorization: Bearer $(cat ${tokenFile})" -H 'Content-Type: application/yaml' \\
                      --data-binary 'name: hello'
Through a delegate: the same with connector=delegated
API (with a token): ${manager}/api/v1/openapi.json
Stop:               Ctrl-C`);
}

/** Relative below the working directory, absolute anywhere else. */
function nearestName(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

/** Remembers how to stop what was started; when we are ending already, stops it at once. */
function keep(stop: Stop): void {
  if (ending === undefined) running.unshift(stop);
  else void stop();
}

async function end(code: number): Promise<void> {
  ending ??= (async () => {
    for (const stop of running)
      await stop().catch((error: Error) => process.stderr.write(`${error.message}\n`));
    process.exit(code);
  })();
  return ending;
}

process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));
try {
  await start(readConfig());
} catch (error) {
  if (ending === undefined) {
    const hint = error instanceof Failure ? `\n${error.hint}` : '';
    process.stderr.write(`${(error as Error).message}${hint}\n`);
    await end(1);
  }
}
