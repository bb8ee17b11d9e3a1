// History: the commits that changed an entity, and what each of them changed.
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import type { components } from '../client/routes.js';
import { coloured, patchOf } from './patch.js';
import { plain, styled, styledAside, table } from './printer.js';
import { Progress } from './progress.js';
import { type Session, withSession } from './session.js';
import { UsageError } from './usage-error.js';

type History = components['schemas']['EntityHistory'];
type Commit = components['schemas']['EntityCommit'];
type Shown = Commit & { patch?: string };

interface HistoryOptions {
  branch?: string;
  limit: string;
  patch?: boolean;
}

const LIMIT = '20';
const PAGE_MAX = 200;
const colours = { added: 'green', changed: 'yellow', removed: 'red' } as const;

export function addHistoryCommand(program: Command): void {
  program
    .command('history')
    .argument('<kind>')
    .argument('<id>')
    .summary('list the commits that changed an entity')
    .description(
      'Lists the commits that changed an entity’s file, newest first, as Git has them: whose they are, and by which operation and pull request they were made, where Sallyport made them.',
    )
    .option('--branch <branch>', 'default: the one that the entity is on')
    .option('--limit <number>', 'of the list', LIMIT)
    .option('--patch', 'show what each of them changed')
    .addHelpText(
      'after',
      `
Examples:
  sallyport history pipeline build
  sallyport history pipeline build --patch --limit 3
`,
    )
    .action(withSession(history));
}

async function history(
  session: Session,
  kind: string,
  id: string,
  { branch, limit, patch }: HistoryOptions,
): Promise<undefined> {
  const { printer } = session;
  if (!/^[1-9]\d{0,5}$/.test(limit))
    throw new UsageError(`${limit} is no number of commits`, `Name one, such as --limit ${LIMIT}`);
  const { commits, ...found } = await collect(session, { kind, id, branch, limit: Number(limit) });
  const shown = patch === true ? await withPatches(session, { kind, id }, commits) : commits;
  printer.show({ ...found, commits: shown }, () => {
    if (shown.length === 0) return `No commit of ${found.branch} changed ${found.path}`;
    return patch === true ? shown.map(tell).join('\n') : tableOf(shown);
  });
  if (found.nextCursor !== null)
    printer.note(
      styledAside('dim', `There may be more before ${found.searchedTo.slice(0, 10)}: raise --limit`),
    );
}

/** Page by page: on a long history some are empty. */
async function collect(
  { api, printer }: Session,
  { kind, id, branch, limit }: { kind: string; id: string; branch: string | undefined; limit: number },
): Promise<History> {
  const path = { kind, id };
  const progress = new Progress(printer);
  const commits: Commit[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = {
      limit: String(Math.min(limit - commits.length, PAGE_MAX)),
      ...(branch === undefined ? {} : { branch }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await answer(api.GET('/entities/{kind}/{id}/history', { params: { path, query } }));
    commits.push(...page.commits);
    if (page.nextCursor === null || commits.length >= limit) {
      progress.end();
      return { ...page, commits };
    }
    cursor = page.nextCursor;
    progress.show(`${commits.length} of ${limit}, looked as far as ${page.searchedTo.slice(0, 10)}`);
  }
}

/** Two neighbours share a version, which is read once. */
async function withPatches(
  { api, printer }: Session,
  path: { kind: string; id: string },
  commits: Commit[],
): Promise<Shown[]> {
  const progress = new Progress(printer);
  const known = new Map<string, string>();
  const read = async (commit: string | null, blob: string | null): Promise<string> => {
    if (commit === null || blob === null) return '';
    const found = known.get(blob);
    if (found !== undefined) return found;
    const { yaml } = await answer(api.GET('/entities/{kind}/{id}', { params: { path, query: { commit } } }));
    known.set(blob, yaml);
    return yaml;
  };
  const shown: Shown[] = [];
  for (const one of commits) {
    progress.show(`${shown.length} of ${commits.length} compared`);
    const before = await read(one.parentId, one.previousBlobId);
    const after = await read(one.commitId, one.blobId);
    const [old, young] = [one.previousBlobId, one.blobId].map((blob) => blob?.slice(0, 10) ?? 'nothing');
    const patch = patchOf({ name: old as string, yaml: before }, { name: young as string, yaml: after });
    shown.push({ ...one, patch });
  }
  progress.end();
  return shown;
}

const tableOf = (commits: Commit[]): string =>
  table(
    ['COMMIT', 'DATE', 'WHAT', 'AUTHOR', 'MESSAGE', 'PULL REQUEST', 'OPERATION'],
    commits.map((one) => [
      one.commitId.slice(0, 10),
      one.committedAt.replace(/\.000Z$/, 'Z'),
      one.merge ? `${one.what} by a merge` : one.what,
      one.author.name,
      firstLineOf(one.message),
      one.pullRequest === null ? '' : `${nameOf(one.pullRequest)} ${one.pullRequest.state}`,
      one.operationId ?? '',
    ]),
  );

function tell(one: Shown): string {
  const rows: [string, string | null][] = [
    ['author', `${one.author.name} <${one.author.email}>, ${one.authoredAt}`],
    ['committer', one.committer && `${one.committer.name} <${one.committer.email}>, ${one.committedAt}`],
    ['operation', one.operationId],
    [
      'pull',
      one.pullRequest &&
        `${nameOf(one.pullRequest)} ${one.pullRequest.state} ${one.pullRequest.webUrl ?? ''}`,
    ],
  ];
  const told = rows.flatMap(([name, value]) => (value === null ? [] : `${name.padEnd(10)} ${plain(value)}`));
  const words = one.message
    .trimEnd()
    .split('\n')
    .map((line) => `    ${plain(line)}`.trimEnd());
  return [
    `${styled('bold', one.commitId)} ${styled(colours[one.what], one.what)}`,
    ...told,
    '',
    ...words,
    '',
    coloured(one.patch ?? ''),
  ].join('\n');
}

const nameOf = ({ number, id }: NonNullable<Commit['pullRequest']>): string =>
  number === null ? id : `#${number}`;

const FIRST_LINE_CHARS = 60;
const firstLineOf = (message: string): string => {
  const [line = ''] = message.split('\n');
  return line.length > FIRST_LINE_CHARS ? `${line.slice(0, FIRST_LINE_CHARS - 1)}…` : line;
};
