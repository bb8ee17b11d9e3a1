// Entities: save, get, list, diff.
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { answer, type Entity } from '../client/client.js';
import { coloured, patchOf, type Side } from './patch.js';
import { exitCodes, plain, styledAside, table } from './printer.js';
import { type Session, withSession } from './session.js';
import { UsageError } from './usage-error.js';

interface SaveOptions {
  connector?: string;
  branch?: string;
  newBranchFrom?: string;
  path?: string;
  message?: string;
  inline?: boolean;
  pullRequest?: boolean;
  title?: string;
  ifMatch?: string;
  create?: boolean;
  wait?: string;
}

const PAGE = '200';

export function addEntityCommands(program: Command): void {
  addSave(program);
  addGet(program);
  addList(program);
  addDiff(program);
}

function addSave(program: Command): void {
  program
    .command('save')
    .argument('<kind>', 'such as pipeline')
    .argument('<id>', 'the entity’s name')
    .argument('[file]', 'the YAML document; standard input without it')
    .summary('save a document: a commit, or a pull request')
    .description(
      'Saves a document. It is in Git once the command ends with 0; with 7 it was accepted and is on its way.',
    )
    .option('--connector <connector>', 'the repository, for an entity that is new')
    .option('--branch <branch>', 'for an entity that is new; default: the one that the entity is on')
    .option('--new-branch-from <branch>', 'begin the branch here')
    .option('--path <path>', 'of the file; default: what the kind says')
    .option('--message <message>', 'of the commit')
    .option('--inline', 'keep it in Sallyport alone, without Git')
    .option('--pull-request', 'open a pull request for the branch')
    .option('--title <title>', 'of the pull request')
    .option('--if-match <blob>', 'only where the entity is still this blob')
    .option('--create', 'only where there is no such entity')
    .option('--wait <seconds>', 'for how long to wait for Git')
    .addHelpText(
      'after',
      `
Examples:
  sallyport save pipeline build build.yaml --connector github --branch main
  sallyport save pipeline build build.yaml --new-branch-from main --branch faster --pull-request
`,
    )
    .action(withSession(save));
}

function addGet(program: Command): void {
  program
    .command('get')
    .argument('<kind>')
    .argument('<id>')
    .summary('print an entity’s document, byte for byte')
    .description('Prints the document. What is to say about it (invalid, behind Git) goes to standard error.')
    .option('--branch <branch>')
    .option('--freshness <freshness>', 'cached, verify or reload')
    .addHelpText('after', '\nExample:\n  sallyport get pipeline build > build.yaml\n')
    .action(withSession(get));
}

function addList(program: Command): void {
  program
    .command('list')
    .argument('[kind]')
    .summary('list entities')
    .description('Lists the entities of the scope, all of them.')
    .option('--branch <branch>')
    .addHelpText('after', '\nExample:\n  sallyport list pipeline --branch main\n')
    .action(withSession(list));
}

function addDiff(program: Command): void {
  program
    .command('diff')
    .argument('<kind>')
    .argument('<id>')
    .argument('[file]', 'a document to hold against the entity; - for standard input')
    .summary('what differs between two branches, or a file and the entity')
    .description(
      'Shows what differs. Ends with 0 where nothing does, and with 1 where something does, as diff does.',
    )
    .option('--from <branch>', 'a branch or commit')
    .option('--to <branch>', 'a branch or commit')
    .option('--branch <branch>', 'of the entity that a file is held against')
    .addHelpText(
      'after',
      `
Examples:
  sallyport diff pipeline build build.yaml
  sallyport diff pipeline build --from main --to faster
`,
    )
    .action(withSession(diff));
}

async function save(
  { api, printer }: Session,
  kind: string,
  id: string,
  file: string | undefined,
  options: SaveOptions,
): Promise<number> {
  const { connector, branch, newBranchFrom, path, message, ifMatch, wait } = options;
  const git = {
    ...given({ connector, branch, newBranchFrom, path, message }),
    ...(options.pullRequest === true ? { pullRequest: given({ title: options.title }) } : {}),
  };
  const saved = await answer(
    api.PUT('/entities/{kind}/{id}', {
      params: {
        path: { kind, id },
        header: given({
          'If-Match': ifMatch === undefined ? undefined : `"${ifMatch}"`,
          'If-None-Match': options.create === true ? '*' : undefined,
          Prefer: wait === undefined ? undefined : `wait=${wait}`,
        }),
      },
      body: {
        yaml: await readDocument(file),
        ...(options.inline === true ? { store: 'inline' as const } : {}),
        ...(Object.keys(git).length === 0 ? {} : { git }),
      },
    }),
  );
  if ('state' in saved) {
    printer.show(saved, () => `Accepted as operation ${saved.id}: ${plain(saved.waitsFor ?? 'on its way')}`);
    printer.note(`${styledAside('dim', 'watch it:')} sallyport operations ${saved.id} --watch`);
    return exitCodes.pending;
  }
  printer.show(saved, () => `Saved ${kind} ${id}${placeOf(saved)}`);
  return exitCodes.done;
}

async function get(
  { api, printer }: Session,
  kind: string,
  id: string,
  { branch, freshness }: { branch?: string; freshness?: string },
): Promise<undefined> {
  const query = given({ branch, freshness }) as { branch?: string; freshness?: 'cached' };
  const entity = await answer(api.GET('/entities/{kind}/{id}', { params: { path: { kind, id }, query } }));
  printer.show(entity, () => entity.yaml);
  if (entity.invalid !== null)
    printer.note(`${styledAside('yellow', 'invalid:')} ${plain(entity.invalid.detail)}`);
  const { state } = entity.freshness ?? {};
  if (state !== undefined && state !== 'current' && state !== 'unknown')
    printer.note(`${styledAside('yellow', 'freshness:')} ${state}`);
}

async function list(
  { api, printer }: Session,
  kind: string | undefined,
  { branch }: { branch?: string },
): Promise<undefined> {
  const entities: Entity[] = [];
  let cursor: string | null | undefined;
  do {
    const query = given({ kind, branch, limit: PAGE, cursor: cursor ?? undefined });
    const page = await answer(api.GET('/entities', { params: { query } }));
    entities.push(...page.entities);
    cursor = page.nextCursor;
  } while (cursor !== null);
  printer.show(entities, () =>
    entities.length === 0
      ? 'No entities here. Save one: sallyport save KIND ID FILE'
      : table(
          ['KIND', 'ID', 'STATE', 'CONNECTOR', 'BRANCH', 'PATH'],
          entities.map(({ kind: its, id, invalid, git, store }) => [
            its,
            id,
            invalid === null ? 'valid' : 'invalid',
            git?.connector ?? store,
            git?.branch ?? '',
            git?.path ?? '',
          ]),
        ),
  );
}

async function diff(
  { api, printer }: Session,
  kind: string,
  id: string,
  file: string | undefined,
  { from, to, branch }: { from?: string; to?: string; branch?: string },
): Promise<number> {
  const path = { kind, id };
  let sides: Side[];
  if (file !== undefined) {
    const entity = await answer(
      api.GET('/entities/{kind}/{id}', { params: { path, query: given({ branch }) } }),
    );
    sides = [
      { name: `${kind}/${id}`, yaml: entity.yaml },
      { name: file, yaml: await readDocument(file) },
    ];
  } else if (from !== undefined && to !== undefined) {
    const compared = await answer(
      api.GET('/entities/{kind}/{id}/compare', { params: { path, query: { from, to } } }),
    );
    sides = [compared.from, compared.to].map((side, at) => ({
      name: `${at === 0 ? from : to}:${side.path}`,
      yaml: side.yaml ?? '',
    }));
  } else throw new UsageError('diff needs a file, or --from and --to', 'sallyport diff KIND ID FILE');
  const patch = patchOf(...(sides as [Side, Side]));
  const isSame = patch === '';
  printer.show({ same: isSame, patch }, () => coloured(patch));
  return isSame ? exitCodes.done : exitCodes.failed;
}

/** @throws UsageError */
async function readDocument(file: string | undefined): Promise<string> {
  if (file === undefined || file === '-') return text(process.stdin);
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`, 'Name a file, or pipe it in');
  }
}

const placeOf = ({ git }: Entity): string =>
  git === null
    ? ', in Sallyport alone'
    : `: ${plain(git.path)} on ${plain(git.branch)}, commit ${git.commitId.slice(0, 10)}`;

/** Without what was not given. */
function given<T extends Record<string, string | undefined>>(all: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
