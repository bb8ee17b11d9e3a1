// Import: what files that are committed already would become, and becoming it.
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import type { components } from '../client/routes.js';
import { exitCodes, plain, styledAside, table } from './printer.js';
import { barOf, Progress } from './progress.js';
import { type Session, withSession } from './session.js';
import { UsageError } from './usage-error.js';

type Import = components['schemas']['Import'];
type ImportItem = components['schemas']['ImportItem'];

interface ImportOptions {
  branch: string;
  folder?: string;
  pattern?: string[];
  apply?: boolean;
}

const LOOK_MS = 500;
const PAGE = '200';
const RUNNING = ['reporting', 'applying'];

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .argument('<connector>', 'whose repository it is')
    .summary('make entities of files that are committed already')
    .description(
      'Reports what each file of a branch would become, and why not; with --apply it becomes that. Nothing is written to Git, and applying it again changes nothing.',
    )
    .requiredOption('--branch <branch>')
    .option('--folder <folder>', 'only what is below it')
    .option('--pattern <pattern=kind...>', 'which files are of which kind; default: what the kinds say')
    .option('--apply', 'make them entities')
    .addHelpText(
      'after',
      `
Examples:
  sallyport import github --branch main --folder deploy
  sallyport import github --branch main --pattern 'deploy/{id}.yaml=pipeline' --apply
`,
    )
    .action(withSession(runImport));
}

async function runImport(session: Session, connector: string, options: ImportOptions): Promise<number> {
  const { api, printer } = session;
  const { branch, folder, pattern, apply = false } = options;
  const patterns = pattern?.map(readPattern);
  const begun = await answer(
    api.POST('/connectors/{connector}/imports', {
      params: { path: { connector } },
      body: {
        branch,
        dryRun: true,
        ...(folder === undefined ? {} : { folder }),
        ...(patterns === undefined ? {} : { patterns }),
      },
    }),
  );
  let found = await follow(session, begun);
  if (apply && found.state === 'reported') {
    const path = { connector, id: found.id };
    found = await follow(
      session,
      await answer(api.POST('/connectors/{connector}/imports/{id}/apply', { params: { path } })),
    );
  }
  const files = await filesOf(session, found);
  printer.show({ ...found, files }, () => tell(found, files));
  if (!apply && found.state === 'reported' && found.counts.create + found.counts.update > 0)
    printer.note(styledAside('dim', 'Nothing was changed; with --apply it is'));
  if (found.problem !== null)
    printer.note(`${styledAside('red', found.problem.code)}: ${plain(found.problem.detail)}`);
  return ['reported', 'done'].includes(found.state) ? exitCodes.done : exitCodes.failed;
}

/** Until it is over, with a bar on a terminal. */
async function follow({ api, printer }: Session, begun: Import): Promise<Import> {
  const path = { connector: begun.connector, id: begun.id };
  const progress = new Progress(printer);
  for (let found = begun; ; ) {
    const { done, total } = found.progress;
    progress.show(`${found.state.padEnd(9)} ${barOf(done, total)}`);
    if (!RUNNING.includes(found.state)) {
      progress.end();
      return found;
    }
    await delay(LOOK_MS);
    found = await answer(api.GET('/connectors/{connector}/imports/{id}', { params: { path } }));
  }
}

async function filesOf({ api }: Session, { connector, id }: Import): Promise<ImportItem[]> {
  const files: ImportItem[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const page: components['schemas']['ImportItemPage'] = await answer(
      api.GET('/connectors/{connector}/imports/{id}/files', { params: { path: { connector, id }, query } }),
    );
    files.push(...page.files);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return files;
}

function tell({ counts }: Import, files: ImportItem[]): string {
  const told = files.filter(({ outcome }) => outcome !== 'same');
  const sums = Object.entries(counts).filter(([, count]) => count > 0);
  return [
    ...(told.length === 0
      ? []
      : [
          table(
            ['OUTCOME', 'KIND', 'ID', 'PATH', 'WHY'],
            told.map(({ outcome, kind, entity, path, problem }) => [
              outcome ?? '',
              kind ?? '',
              entity ?? '',
              path,
              problem?.detail ?? '',
            ]),
          ),
          '',
        ]),
    sums.length === 0 ? 'No files' : sums.map(([outcome, count]) => `${count} ${outcome}`).join(', '),
  ].join('\n');
}

/** `deploy/{id}.yaml=pipeline`. @throws UsageError */
function readPattern(text: string): { pattern: string; kind: string } {
  const at = text.lastIndexOf('=');
  if (at > 0 && at < text.length - 1) return { pattern: text.slice(0, at), kind: text.slice(at + 1) };
  throw new UsageError(`${text} names no kind`, "A pattern is like 'deploy/{id}.yaml=pipeline'");
}
