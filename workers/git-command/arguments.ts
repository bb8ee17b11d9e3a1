// The command line as a value. What cannot be one is refused here, before anything is opened or sent.
import { parseArgs } from 'node:util';
import type { Person } from '../../src/git/git.js';
import { isSshUrl, parseSshUrl } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import { branchProblem } from '../../src/policy/branches.js';
import { CommitMessage, PersonEmail, PersonName, Username } from '../../src/policy/text.js';

const texts = [
  'branch',
  'path',
  'file',
  'message',
  'author',
  'user',
  'password-file',
  'key-file',
  'known-hosts',
] as const;
const flags = ['native', 'delete'] as const;

type Text = (typeof texts)[number];
type Flag = (typeof flags)[number];
type Values = { [K in Text]?: string | undefined } & { [K in Flag]?: boolean | undefined };

const REMOTE: (Text | Flag)[] = ['native', 'user', 'password-file', 'key-file', 'known-hosts'];
const REMOTE_USAGE =
  '[--native] [--user USER --password-file FILE|-] or for SSH --key-file FILE|- --known-hosts FILE [--user USER]';

/** What each command takes besides its one argument, and how that is said. */
const commands = {
  head: { options: [...REMOTE, 'branch'], usage: '[--branch B]' },
  heads: { options: REMOTE, usage: '' },
  list: { options: [...REMOTE, 'branch', 'path'], usage: '[--branch B] [--path FOLDER]' },
  read: { options: [...REMOTE, 'branch', 'path'], usage: '--path P [--branch B]' },
  commit: {
    options: [...REMOTE, 'branch', 'path', 'file', 'delete', 'message', 'author'],
    usage: '--path P (--file F | --delete) [--branch B] [--message M] [--author "Name <mail>"]',
  },
  check: { options: REMOTE, usage: '' },
  pack: { options: [], usage: '' },
} satisfies Record<string, { options: (Text | Flag)[]; usage: string }>;

type CommandName = keyof typeof commands;

export interface SecretFile {
  option: '--password-file' | '--key-file';
  /** May be `-`, standard input. */
  file: string;
}

interface Access {
  url: string;
  isNative: boolean;
  /** Absent: anonymous. The secret is a password, or for SSH a private key. */
  login: { user: string; secret: SecretFile } | undefined;
  /** File of host keys; there is one for SSH, and only then. */
  knownHosts: string | undefined;
}

/** Without a branch, the default one is meant. */
export type RemoteWork =
  | { name: 'heads' | 'check' }
  | { name: 'head'; branch: string | undefined }
  | { name: 'list'; branch: string | undefined; prefix: string }
  | { name: 'read'; branch: string | undefined; path: string }
  | CommitWork;

export interface CommitWork {
  name: 'commit';
  branch: string | undefined;
  path: string;
  /** Where the content is; `null` deletes. */
  file: string | null;
  message: string;
  author: Person | undefined;
}

export type RemoteCommand = Access & RemoteWork;
export type Command = RemoteCommand | { name: 'pack'; file: string };

/** @throws Failure COMMAND_INVALID, with the usage of the command that was meant */
export function parseCommand(args: string[]): Command {
  const [name = '', ...rest] = args;
  if (!isCommand(name))
    throw refuse(undefined, name === '' ? 'A command is missing' : 'There is no command of this name');
  const { values, target } = parseOptions(name, rest);
  if (name === 'pack') return { name, file: target };
  const access = isSshUrl(target)
    ? parseSshAccess(name, target, values)
    : parseHttpAccess(name, target, values);
  return { ...parseWork(name, values), ...access };
}

/** The refusal of a command line. */
export function refuse(name: CommandName | undefined, problem: string): Failure {
  return new Failure('COMMAND_INVALID', { problem, usage: describeUsage(name) }) as Failure;
}

/** What completes "--file …" for a file that could not be read. */
export function explainFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `cannot be read: ${code}`;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

function describeUsage(name: CommandName | undefined): string {
  if (name === undefined) return `npm run -s git -- ${Object.keys(commands).join('|')} URL|FILE [options]`;
  if (name === 'pack') return 'npm run -s git -- pack FILE';
  return ['npm run -s git --', name, 'URL', commands[name].usage, REMOTE_USAGE].filter(Boolean).join(' ');
}

function parseOptions(name: CommandName, args: string[]): { values: Values; target: string } {
  const isAllowed = (option: Text | Flag): boolean => (commands[name].options as string[]).includes(option);
  const options = Object.fromEntries([
    ...texts.filter(isAllowed).map((option) => [option, { type: 'string' as const }]),
    ...flags.filter(isAllowed).map((option) => [option, { type: 'boolean' as const }]),
  ]);
  const { values, positionals } = parseStrictly(name, () =>
    parseArgs({ args, options, allowPositionals: true }),
  );
  const [target = '', ...more] = positionals;
  if (target === '') throw refuse(name, name === 'pack' ? 'A file is missing' : 'A URL is missing');
  // Not repeated: it may be a password that lost its place.
  if (more.length > 0) throw refuse(name, `Arguments beyond the first: ${more.length}`);
  return { values: values as Values, target };
}

function parseStrictly<T>(name: CommandName, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // Node's first sentence names the option, and never its value.
    throw refuse(name, (error as Error).message.split(/\. |\n/)[0] ?? '');
  }
}

function parseHttpAccess(name: CommandName, url: string, values: Values): Access {
  const { user, 'password-file': file, native } = values;
  if (values['key-file'] !== undefined || values['known-hosts'] !== undefined)
    throw refuse(name, '--key-file and --known-hosts are for SSH alone');
  const access = { url, isNative: native === true, knownHosts: undefined };
  if (user === undefined && file === undefined) return { ...access, login: undefined };
  if (user === undefined || file === undefined)
    throw refuse(name, '--user and --password-file belong together');
  requireFit(name, '--user', Username.safeParse(user).error?.issues[0]?.message);
  return { ...access, login: { user, secret: { option: '--password-file', file } } };
}

/** Only the system git speaks SSH, so that it is chosen by the address. */
function parseSshAccess(name: CommandName, url: string, values: Values): Access {
  const { 'key-file': file, 'known-hosts': knownHosts } = values;
  if (values['password-file'] !== undefined)
    throw refuse(name, 'SSH takes a --key-file and no --password-file');
  if (file === undefined || knownHosts === undefined)
    throw refuse(name, 'SSH needs --key-file and --known-hosts');
  const user = values.user ?? parseSshUrl(url).user;
  if (user === null) throw refuse(name, 'Neither the URL nor --user says who logs in');
  requireFit(name, '--user', Username.safeParse(user).error?.issues[0]?.message);
  return { url, isNative: true, login: { user, secret: { option: '--key-file', file } }, knownHosts };
}

function parseWork(name: RemoteWork['name'], values: Values): RemoteWork {
  const { branch, path } = values;
  if (branch !== undefined) requireFit(name, '--branch', branchProblem(branch));
  if (name === 'heads' || name === 'check') return { name };
  if (name === 'head') return { name, branch };
  if (name === 'list') return { name, branch, prefix: (path ?? '').replace(/\/$/, '') };
  if (path === undefined) throw refuse(name, '--path is missing');
  requireFit(name, '--path', path === '' ? 'is empty' : undefined);
  return name === 'read' ? { name, branch, path } : parseCommit(path, values);
}

function parseCommit(path: string, values: Values): CommitWork {
  const { branch, file, message } = values;
  if ((file === undefined) === (values.delete !== true))
    throw refuse('commit', 'One of --file and --delete is needed, and not both');
  const text = message ?? `${file === undefined ? 'Delete' : 'Write'} ${path}`;
  requireFit('commit', '--message', CommitMessage.safeParse(text).error?.issues[0]?.message);
  return {
    name: 'commit',
    branch,
    path,
    file: file ?? null,
    message: text.endsWith('\n') ? text : `${text}\n`,
    author: values.author === undefined ? undefined : parsePerson(values.author),
  };
}

/** 'Ada Lovelace <ada@example.org>' → name and address */
function parsePerson(text: string): Person {
  const [, name, email] = /^([^<>]+) <([^<>]+)>$/.exec(text) ?? [];
  if (name === undefined || email === undefined)
    throw refuse('commit', '--author is not of the form "Name <mail>"');
  requireFit('commit', '--author', PersonName.safeParse(name).error?.issues[0]?.message);
  requireFit('commit', '--author', PersonEmail.safeParse(email).error?.issues[0]?.message);
  return { name, email };
}

function requireFit(name: CommandName, option: string, problem: string | undefined): void {
  if (problem !== undefined) throw refuse(name, `${option} ${problem}`);
}
