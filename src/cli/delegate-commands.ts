// Delegates: a token for a new one, who is there, who carries what and why nobody else.
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import { exitCodes, plain, styledAside, table } from './printer.js';
import { type Session, withSession } from './session.js';

export function addDelegateCommands(program: Command): void {
  const delegates = program.command('delegates').summary('delegates, and who carries what');
  delegates
    .command('enrol')
    .argument('<group>', 'the delegate group')
    .summary('make a token by which a delegate joins a group')
    .description(
      'Makes a token and prints what to run where the delegate is to be. The token is shown this once.',
    )
    .option('--uses <number>', 'how many delegates may join by it', '1')
    .addHelpText('after', '\nExample:\n  sallyport delegates enrol datacentre\n')
    .action(withSession(enrol));
  delegates
    .command('list')
    .summary('list delegates')
    .description('Lists the delegates of the scope and of those around it.')
    .addHelpText('after', '\nExample:\n  sallyport delegates list\n')
    .action(withSession(list));
  delegates
    .command('drain')
    .argument('<id>', 'as the list shows it')
    .summary('let a delegate finish what it is at, and give it nothing more')
    .description('Lets a delegate finish what it is at, and gives it nothing more.')
    .addHelpText('after', '\nExample:\n  sallyport delegates drain 0199…\n')
    .action(withSession(drain));
  delegates
    .command('explain')
    .argument('<connector>')
    .summary('say who would carry a connector’s tasks, and why nobody else')
    .description(
      'Says who would carry the tasks of a connector now, and of all others why not. Ends with 1 where nobody would.',
    )
    .addHelpText('after', '\nExample:\n  sallyport delegates explain github\n')
    .action(withSession(explain));
}

async function enrol(
  { api, printer, profile }: Session,
  group: string,
  { uses }: { uses: string },
): Promise<undefined> {
  const made = await answer(api.POST('/delegate-tokens', { body: { group, uses: Number(uses) } }));
  printer.show(made, () =>
    [
      `printf %s ${made.token} | npm run -s delegate -- enrol --manager ${profile.server} --token -`,
      'npm run delegate',
    ].join('\n'),
  );
  printer.note(styledAside('dim', `The token is good until ${made.expiresAt}, for ${made.usesLeft}`));
}

async function list({ api, printer }: Session): Promise<undefined> {
  const { delegates } = await answer(api.GET('/delegates'));
  printer.show(delegates, () =>
    delegates.length === 0
      ? 'No delegates here. Make a token for one: sallyport delegates enrol GROUP'
      : table(
          ['NAME', 'GROUP', 'STATE', 'ALIVE', 'TASKS', 'VERSION', 'LAST SEEN', 'ID'],
          delegates.map((one) => [
            one.name,
            one.group,
            one.state,
            one.alive ? 'yes' : 'no',
            `${one.running}/${one.tasksMax}`,
            one.version,
            one.lastSeenAt ?? 'never',
            one.id,
          ]),
        ),
  );
}

async function drain({ api, printer }: Session, id: string): Promise<undefined> {
  const delegate = await answer(api.POST('/delegates/{id}/drain', { params: { path: { id } } }));
  printer.show(
    delegate,
    () => `${plain(delegate.name)} is ${delegate.state}, with ${delegate.running} tasks left`,
  );
}

async function explain({ api, printer }: Session, connector: string): Promise<number> {
  const found = await answer(api.POST('/explain', { body: { connector } }));
  const candidates = [{ id: 'manager', name: 'manager', group: '', ...found.manager }, ...found.delegates];
  printer.show(found, () =>
    table(
      ['', 'WHO', 'GROUP', 'WHY'],
      candidates.map(({ id, name, group, eligible, reasons }) => [
        markOf(id === found.carriedBy, eligible),
        name,
        group,
        reasons.map(({ code, detail }) => `${code}: ${detail}`).join('; '),
      ]),
    ),
  );
  return found.carriedBy === null ? exitCodes.failed : exitCodes.done;
}

function markOf(isChosen: boolean, isEligible: boolean): string {
  if (isChosen) return 'chosen';
  return isEligible ? 'could' : 'no';
}
