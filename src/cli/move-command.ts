// Move: what bringing entities elsewhere would do, and doing it.
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { ApiError } from '../client/api-error.js';
import { answer } from '../client/client.js';
import type { components, paths } from '../client/routes.js';
import { exitCodes, plain, styled, styledAside, table } from './printer.js';
import { barOf, Progress } from './progress.js';
import { type Session, withSession } from './session.js';
import { UsageError } from './usage-error.js';

type Body = NonNullable<paths['/moves']['post']['requestBody']>['content']['application/json'];
type Move = components['schemas']['Move'];
type Report = components['schemas']['MoveReport'];
type Planned = components['schemas']['PlannedMove'];
type Item = components['schemas']['MoveItem'];
type Place = components['schemas']['MovePlace'];

interface MoveOptions {
  connector?: string;
  branch?: string;
  newBranchFrom?: string;
  path?: string;
  pathTemplate?: string;
  inline?: boolean;
  fromConnector?: string;
  fromBranch?: string;
  fromFolder?: string;
  fromKind?: string;
  fromInline?: boolean;
  forgetOtherBranches?: boolean;
  keepFiles?: boolean;
  skipBlocked?: boolean;
  message?: string;
  apply?: boolean;
}

const LOOK_MS = 500;
const PAGE = '200';
const OVER = ['done', 'failed'];

export function addMoveCommand(program: Command): void {
  program
    .command('move')
    .argument('[entities...]', 'as kind/id; without any, those that --from-… describes')
    .summary('bring entities to another path, branch or repository, into Git or out of it')
    .description(
      'Reports of each entity where it would go and what stands in its way; with --apply it goes there, by one commit for each repository and branch, and the command ends once they are in Git. The report ends with 1 where anything stands in the way, unless that is passed over.',
    )
    .option('--connector <connector>', 'the repository they go to')
    .option('--branch <branch>', 'the branch they go to')
    .option('--new-branch-from <branch>', 'begin the branch here')
    .option('--path <path>', 'of the file, for one entity')
    .option('--path-template <template>', "such as 'deploy/{id}.yaml'; default: the kind’s")
    .option('--inline', 'to Sallyport alone, out of Git')
    .option('--from-connector <connector>', 'those of this repository')
    .option('--from-branch <branch>', 'which copies; default: of the branch where each was first saved')
    .option('--from-folder <folder>', 'those below it')
    .option('--from-kind <kind>', 'those of this kind')
    .option('--from-inline', 'those in Sallyport alone')
    .option('--forget-other-branches', 'of what goes out of Git and is on other branches, too')
    .option('--keep-files', 'leave the files that they come from')
    .option('--skip-blocked', 'move what can be moved, also where something else cannot')
    .option('--message <message>', 'of the commits')
    .option('--apply', 'do it')
    .addHelpText(
      'after',
      `
Examples:
  sallyport move pipeline/build --connector platform --branch main
  sallyport move --from-folder old --connector github --branch main --path-template 'new/{id}.yaml' --apply
  sallyport move pipeline/build --inline --apply
`,
    )
    .action(withSession(move));
}

async function move(session: Session, entities: string[], options: MoveOptions): Promise<number> {
  const body = bodyOf(entities, options);
  if (options.apply === true) return apply(session, body);
  const { api, printer } = session;
  const report = (await answer(api.POST('/moves', { body: { ...body, dryRun: true } }))) as Report;
  printer.show(report, () => [plannedTable(report.entities), '', sumOf(report.counts)].join('\n'));
  if (report.counts.move > 0) printer.note(styledAside('dim', 'Nothing was changed; with --apply it is'));
  const isStopped = report.counts.blocked > 0 && options.skipBlocked !== true;
  return isStopped ? exitCodes.failed : exitCodes.done;
}

async function apply(session: Session, body: Body): Promise<number> {
  const { api, printer } = session;
  const header = { Prefer: 'wait=0' };
  const begun = await answer(api.POST('/moves', { params: { header }, body })).catch((error: unknown) => {
    if (error instanceof ApiError && !printer.isJson && error.problem.blocked !== undefined)
      printer.note(plannedTable(error.problem.blocked as unknown as Planned[], styledAside));
    throw error;
  });
  const ended = await follow(session, begun as Move);
  const items = await itemsOf(session, ended);
  printer.show({ ...ended, entities: items }, () => [itemTable(items), '', sumOf(ended.counts)].join('\n'));
  return ended.state === 'done' && ended.counts.failed === 0 ? exitCodes.done : exitCodes.failed;
}

/** Until it is over, with a bar on a terminal. */
async function follow({ api, printer }: Session, begun: Move): Promise<Move> {
  const progress = new Progress(printer);
  for (let now = begun; ; ) {
    progress.show(`${now.state.padEnd(8)} ${barOf(...shareOf(now))}`);
    if (OVER.includes(now.state)) {
      progress.end();
      return now;
    }
    await delay(LOOK_MS);
    now = await answer(api.GET('/moves/{id}', { params: { path: { id: begun.id } } }));
  }
}

/** Those that are where they are to be, of all. */
function shareOf({ counts }: Move): [number, number] {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [total - counts.adding - counts.removing, total];
}

async function itemsOf({ api }: Session, { id }: Move): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page: components['schemas']['MoveItemPage'] = await answer(
      api.GET('/moves/{id}/entities', { params: { path: { id }, query } }),
    );
    items.push(...page.entities);
    cursor = page.nextCursor;
  }
  return items;
}

function bodyOf(entities: string[], options: MoveOptions): Body {
  const from = fromOf(options);
  const { message } = options;
  if (entities.length === 0 && Object.keys(from).length === 0)
    throw new UsageError(
      'It is not said what to move',
      'Name entities as kind/id, or describe them with --from-…',
    );
  return {
    ...(entities.length === 0 ? {} : { entities: entities.map(readEntity) }),
    ...(Object.keys(from).length === 0 ? {} : { from }),
    to: toOf(options),
    otherBranches: options.forgetOtherBranches === true ? 'forget' : 'refuse',
    keepFiles: options.keepFiles === true,
    skipBlocked: options.skipBlocked === true,
    dryRun: false,
    ...(message === undefined ? {} : { message }),
  };
}

function fromOf({ fromConnector, fromBranch, fromFolder, fromKind, fromInline }: MoveOptions) {
  return {
    ...(fromConnector === undefined ? {} : { connector: fromConnector }),
    ...(fromBranch === undefined ? {} : { branch: fromBranch }),
    ...(fromFolder === undefined ? {} : { folder: fromFolder }),
    ...(fromKind === undefined ? {} : { kind: fromKind }),
    ...(fromInline === true ? { store: 'inline' as const } : {}),
  };
}

/** @throws UsageError */
function toOf({ inline, connector, branch, newBranchFrom, path, pathTemplate }: MoveOptions): Body['to'] {
  const more = {
    ...(newBranchFrom === undefined ? {} : { newBranchFrom }),
    ...(path === undefined ? {} : { path }),
    ...(pathTemplate === undefined ? {} : { pathTemplate }),
  };
  const isNowhere = connector === undefined && branch === undefined && Object.keys(more).length === 0;
  if (inline === true && isNowhere) return { store: 'inline' };
  if (inline !== true && connector !== undefined && branch !== undefined)
    return { store: 'git', connector, branch, ...more };
  throw new UsageError(
    'It is not said where to',
    'Name --connector and --branch, or --inline and nothing of Git',
  );
}

/** 'pipeline/build'. @throws UsageError */
function readEntity(text: string): { kind: string; id: string } {
  const [kind = '', id = '', ...rest] = text.split('/');
  if (kind !== '' && id !== '' && rest.length === 0) return { kind, id };
  throw new UsageError(`${text} names no entity`, 'An entity is named as kind/id, such as pipeline/build');
}

const plannedTable = (planned: Planned[], style = styled): string =>
  table(
    ['OUTCOME', 'KIND', 'ID', 'FROM', 'TO', 'WHY'],
    planned.map(({ outcome, kind, entity, from, to, problem }) => [
      outcome,
      kind,
      entity,
      placeOf(from),
      placeOf(to),
      whyOf(problem),
    ]),
    style,
  );

const itemTable = (items: Item[]): string =>
  table(
    ['STATE', 'KIND', 'ID', 'FROM', 'TO', 'WHY'],
    items.map(({ state, kind, entity, from, to, problem }) => [
      state,
      kind,
      entity,
      placeOf(from),
      placeOf(to),
      whyOf(problem),
    ]),
  );

function placeOf(place: Place | null): string {
  if (place === null) return '';
  return place.store === 'inline' ? 'inline' : `${place.connector} ${place.branch}:${place.path}`;
}

const whyOf = (problem: Planned['problem']): string =>
  problem === null ? '' : `${problem.code}: ${plain(problem.detail)}`;

const sumOf = (counts: Record<string, number>): string => {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.length === 0 ? 'No entities' : told.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
};
