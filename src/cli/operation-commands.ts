// Operations: what was accepted and what became of it, as it happens with --watch.
import type { Command } from 'commander';
import { answer, type Operation } from '../client/client.js';
import { readEvents } from '../client/event-stream.js';
import { exitCodes, plain, styled, table } from './printer.js';
import { endInterrupted, type Session, withSession } from './session.js';

const colours = {
  pending: 'yellow',
  succeeded: 'green',
  conflict: 'magenta',
  failed: 'red',
  cancelled: 'yellow',
} as const;

interface OperationOptions {
  state?: string;
  limit: string;
  watch?: boolean;
}

export function addOperationCommands(program: Command): void {
  const commands = program
    .command('operations')
    .argument('[id]', 'one operation')
    .summary('what was accepted and what became of it')
    .description(
      'Lists operations, newest first, or shows one. With --watch: one until it has ended, or all that happens in the scope until it is interrupted.',
    )
    .option('--state <state>', 'pending, succeeded, conflict, failed or cancelled')
    .option('--limit <number>', 'of the list', '50')
    .option('--watch', 'go on as things happen')
    .addHelpText(
      'after',
      `
Examples:
  sallyport operations --state failed
  sallyport operations 0199… --watch
`,
    )
    .action(withSession(operations));
  commands
    .command('cancel')
    .argument('<id>', 'the operation')
    .summary('take back what waits')
    .description(
      'Cancels an operation that waits in its lane; its content is kept. Ends with 5 where it is on its way to Git already, or has ended.',
    )
    .addHelpText('after', '\nExample:\n  sallyport operations cancel 0199…\n')
    .action(withSession(cancel));
}

async function operations(
  session: Session,
  id: string | undefined,
  options: OperationOptions,
): Promise<number | undefined> {
  if (id !== undefined) return options.watch === true ? watchOne(session, id) : showOne(session, id);
  return options.watch === true ? watchAll(session) : list(session, options);
}

async function list({ api, printer }: Session, { state, limit }: OperationOptions): Promise<undefined> {
  const query = { limit, ...(state === undefined ? {} : { state: state as Operation['state'] }) };
  const page = await answer(api.GET('/operations', { params: { query } }));
  printer.show(page.operations, () =>
    page.operations.length === 0
      ? 'No operations here'
      : table(
          ['ID', 'STATE', 'ACTION', 'ENTITY', 'CONNECTOR', 'BRANCH', 'CREATED'],
          page.operations.map((one) => [
            one.id,
            one.state,
            one.action,
            `${one.kind ?? ''} ${one.entity ?? ''}`.trim(),
            one.git?.connector ?? one.store,
            one.git?.branch ?? '',
            one.createdAt,
          ]),
        ),
  );
}

async function showOne(session: Session, id: string): Promise<number> {
  const operation = await read(session, id);
  session.printer.show(operation, () => tell(operation));
  return exitCodeOf(operation);
}

async function watchOne(session: Session, id: string): Promise<number> {
  const { printer } = session;
  const first = await read(session, id);
  if (first.state === 'pending') printer.note(`${id}: ${plain(first.waitsFor ?? 'pending')}`);
  const operation = first.state === 'pending' ? await ended(session, id) : first;
  printer.show(operation, () => tell(operation));
  return exitCodeOf(operation);
}

/** It is looked at once more after the log’s end is known: whatever ends it later is told there. */
async function ended(session: Session, id: string): Promise<Operation> {
  const { nextCursor: after } = await answer(
    session.api.GET('/events', { params: { query: { limit: '1' } } }),
  );
  const now = await read(session, id);
  if (now.state !== 'pending') return now;
  for await (const { subject } of readEvents({ ...session.profile, after, types: 'operation.*' }))
    if (subject === `operations/${id}`) break;
  return read(session, id);
}

async function watchAll({ printer, profile }: Session): Promise<undefined> {
  const over = new AbortController();
  process.off('SIGINT', endInterrupted);
  process.once('SIGINT', () => over.abort());
  printer.note('Waiting for what happens; Ctrl-C ends it');
  const events = readEvents({ ...profile, types: 'operation.*', signal: over.signal });
  for await (const event of events)
    process.stdout.write(
      printer.isJson
        ? `${JSON.stringify(event)}\n`
        : `${event.time}  ${event.type.replace('sallyport.', '')}  ${plain(event.subject)}\n`,
    );
}

async function cancel({ api, printer }: Session, id: string): Promise<undefined> {
  const operation = await answer(api.POST('/operations/{id}/cancel', { params: { path: { id } } }));
  printer.show(operation, () => tell(operation));
}

const read = ({ api }: Session, id: string): Promise<Operation> =>
  answer(api.GET('/operations/{id}', { params: { path: { id } } }));

function tell(operation: Operation): string {
  const { id, state, action, kind, entity, git, waitsFor, problem } = operation;
  const rows = [
    ['operation', id],
    ['state', styled(colours[state], state)],
    ['action', [action, kind, entity].filter((word) => word !== null).join(' ')],
    ['repository', git === null ? '' : [git.connector, git.branch, git.path].filter(Boolean).join(', ')],
    ['commit', git?.commitId ?? ''],
    ...timesOf(operation),
    ['waits for', waitsFor ?? ''],
    ['problem', problem === null ? '' : `${problem.code}: ${problem.detail}`],
    ['hint', problem?.hint ?? ''],
  ].filter(([, value]) => value !== '');
  return rows.map(([name = '', value = '']) => `${name.padEnd(11)} ${value}`).join('\n');
}

/** Each step that it has taken: when, and how long after the one before. */
function timesOf(operation: Operation): [string, string][] {
  const { createdAt, takenAt, plannedAt, pushedAt, finishedAt, state } = operation;
  const steps: [string, string | null, (string | undefined)?][] = [
    ['accepted', createdAt],
    ['taken', takenAt],
    ['planned', plannedAt],
    ['pushed', pushedAt, pusherOf(operation)],
    [state === 'succeeded' ? 'confirmed' : 'ended', finishedAt],
  ];
  let before: string | undefined;
  return steps.flatMap(([name, at, by]): [string, string][] => {
    if (at === null) return [];
    const after =
      before === undefined ? undefined : `${Math.max(0, Date.parse(at) - Date.parse(before))} ms later`;
    before = at;
    return [[name, [at, after, by].filter((part) => part !== undefined).join(', ')]];
  });
}

function pusherOf({ pushedBy }: Operation): string | undefined {
  if (pushedBy === null) return undefined;
  const { delegate } = pushedBy;
  return delegate === null
    ? 'by the manager'
    : plain(`by delegate ${delegate.name} of group ${delegate.group}`);
}

function exitCodeOf({ state }: Operation): number {
  if (state === 'succeeded') return exitCodes.done;
  if (state === 'pending') return exitCodes.pending;
  return state === 'conflict' ? exitCodes.conflict : exitCodes.failed;
}
