// Secrets: put, sealed here where the manager must not see them, and brought to other keys and other managers.
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import type { components, paths } from '../client/routes.js';
import { exitCodes, plain, styled, table } from './printer.js';
import { barOf, Progress } from './progress.js';
import { isWithin, putSecret } from './put-secret.js';
import { type Session, withSession } from './session.js';
import { UsageError } from './usage-error.js';

type SecretOperation = components['schemas']['SecretOperationDetails'];

interface PutOptions {
  manager: string;
  managerScope?: string;
  kind: string;
  fingerprint?: string;
  suite?: string;
  file?: string;
}

interface ChangeOptions {
  manager?: string;
  secret?: string;
  reencrypt?: boolean;
  onlyIfAbsent?: boolean;
  revealToManager?: boolean;
}

const kinds = ['text', 'file', 'ssh-key'] as const;
const suites = ['x25519', 'p256'] as const;
const LOOK_MS = 500;

export function addSecretCommands(program: Command): void {
  const secrets = program.command('secrets').summary('secrets: put, rotate, migrate');
  secrets
    .command('put')
    .argument('<id>', 'the secret’s name')
    .summary('put a value, sealed here where the manager must not see it')
    .description(
      'Puts the value that is read from standard input or a file, never from the command line. For every secret manager but the builtin one it is sealed here, to the delegate group that keeps it.',
    )
    .option('--manager <manager>', 'the secret manager', 'builtin')
    .option('--manager-scope <scope>', 'where the secret manager is; default: the secret’s scope')
    .option('--kind <kind>', kinds.join(', '), 'text')
    .option('--fingerprint <fingerprint>', 'of the group, SHA256:…; nobody else is sealed to')
    .option('--suite <suite>', `seal by ${suites.join(' or ')}; default: X25519 where it can be`)
    .option('--file <file>', 'with the value; default: standard input')
    .addHelpText(
      'after',
      `
Examples:
  sallyport secrets put git-token < token
  sallyport secrets put git-token --manager vault --fingerprint SHA256:… < token
`,
    )
    .action(withSession(put));
  secrets
    .command('rotate')
    .summary('wrap secrets by the newest key, or encrypt them anew')
    .description(
      'Wraps what a secret manager keeps, or one secret, by its newest key; with --reencrypt the values are encrypted anew. Goes on where it is interrupted, and shows how far it is.',
    )
    .option('--manager <manager>', 'all that it keeps in the scope and within')
    .option('--secret <id>', 'this one alone')
    .option('--reencrypt', 'new data keys and new ciphertext, too')
    .addHelpText('after', '\nExample:\n  sallyport secrets rotate --manager vault\n')
    .action(withSession(rotate));
  secrets
    .command('migrate')
    .argument('<to>', 'the secret manager that keeps them afterwards')
    .summary('bring secrets to another secret manager')
    .description(
      'Brings what a secret manager keeps, or one secret, to another one, and shows how far it is.',
    )
    .option('--manager <manager>', 'all that it keeps in the scope and within')
    .option('--secret <id>', 'this one alone')
    .option('--only-if-absent', 'replace nothing that a store has at the path')
    .option('--reveal-to-manager', 'needed into builtin: the manager sees the values from then on')
    .addHelpText('after', '\nExample:\n  sallyport secrets migrate vault --manager keyring\n')
    .action(withSession(migrate));
}

async function put({ profile, printer }: Session, id: string, options: PutOptions): Promise<undefined> {
  const { manager, managerScope = profile.scope, fingerprint } = options;
  const kind = oneOf(kinds, options.kind, 'kind of secret');
  const suite = options.suite === undefined ? undefined : oneOf(suites, options.suite, 'suite');
  if (!isWithin(profile.scope, managerScope))
    throw new UsageError(
      `${managerScope} is not around ${profile.scope}`,
      'A secret manager is in the scope of the secret, or further out',
    );
  const value = await readValue(options.file, kind);
  try {
    const { server: url, token, scope } = profile;
    const place = { url, token, scope, id, manager, managerScope };
    const done = await putSecret({ ...place, kind, value, fingerprint, suite });
    if (done.sealedTo !== null)
      printer.note(`Sealed to group ${plain(done.sealedTo.group)}, ${done.sealedTo.fingerprint}`);
    printer.show(done, () =>
      done.state === 'kept'
        ? `Kept as version ${done.version}`
        : `Sealed; a delegate has yet to take version ${done.version}`,
    );
  } finally {
    value.fill(0);
  }
}

/** @throws UsageError */
function oneOf<T extends string>(known: readonly T[], word: string, what: string): T {
  const found = known.find((one) => one === word);
  if (found !== undefined) return found;
  throw new UsageError(`${word} is no ${what}`, `It is one of ${known.join(', ')}`);
}

const rotate = (session: Session, options: ChangeOptions): Promise<number> =>
  change(session, { action: options.reencrypt === true ? 'reencrypt' : 'rewrap', ...whichOf(options) });

const migrate = (session: Session, to: string, options: ChangeOptions): Promise<number> =>
  change(session, {
    action: 'migrate',
    to,
    ...whichOf(options),
    ...(options.onlyIfAbsent === true ? { policy: 'only-if-absent' as const } : {}),
    ...(options.revealToManager === true ? { revealToManager: true } : {}),
  });

type Change = NonNullable<paths['/secret-operations']['post']['requestBody']>['content']['application/json'];

/** @throws UsageError */
function whichOf({ manager, secret }: ChangeOptions): { manager: string } | { secret: string } {
  if (secret !== undefined && manager === undefined) return { secret };
  if (manager !== undefined && secret === undefined) return { manager };
  throw new UsageError(
    'It is not said which secrets',
    'Name a secret manager with --manager, or one secret with --secret',
  );
}

/** Until it is over, with a bar on a terminal. */
async function change({ api, printer }: Session, body: Change): Promise<number> {
  const begun = await answer(api.POST('/secret-operations', { body }));
  const path = { id: begun.id };
  const progress = new Progress(printer);
  for (;;) {
    const now = await answer(api.GET('/secret-operations/{id}', { params: { path } }));
    progress.show(lineOf(now));
    if (now.state !== 'pending') {
      progress.end();
      printer.show(now, () => tell(now));
      return now.state === 'succeeded' ? exitCodes.done : exitCodes.failed;
    }
    await delay(LOOK_MS);
  }
}

const lineOf = ({ action, progress: { done, skipped, failed, total } }: SecretOperation): string =>
  `${action} ${barOf(done + skipped, total)}, ${failed} failed`;

function tell({ action, state, progress, troubles }: SecretOperation): string {
  const { total, done, skipped, failed } = progress;
  const sum = `${action}: ${state}, ${done} of ${total} done, ${skipped} skipped, ${failed} failed`;
  if (troubles.length === 0) return sum;
  const rows = troubles.map(({ scope, secret, problem }) => [scope, secret, problem.code, problem.detail]);
  return [
    table(['SCOPE', 'SECRET', 'CODE', 'WHY'], rows),
    '',
    styled(state === 'succeeded' ? 'green' : 'red', sum),
  ].join('\n');
}

/** Of a text the line end goes, since whoever writes one ends it so; a file and a key stay as they are. @throws UsageError */
async function readValue(file: string | undefined, kind: (typeof kinds)[number]): Promise<Buffer> {
  const value = await (file === undefined ? readInput() : readFile(file));
  if (value.length === 0)
    throw new UsageError('No value was given', 'Pipe it in, or name a file with --file');
  if (kind !== 'text' || value.at(-1) !== 0x0a) return value;
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1);
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function readFile(file: string): Promise<Buffer> {
  try {
    return await fs.promises.readFile(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`, 'Name a file, or pipe it in');
  }
}
