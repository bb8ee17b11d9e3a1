// The audit: who did what, all of it as lines, and whether anything was done to it.
import fs from 'node:fs';
import readline from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { answer, connect } from '../client/client.js';
import { type Head, readHead, writeHead } from '../trail/link.js';
import type { Verdict } from '../trail/verifier.js';
import { verifyLines } from '../trail/verify.js';
import { knownHead, rememberHead } from './known-heads.js';
import { exitCodes, type Printer, plain, styled, table } from './printer.js';
import { chosen, type Profile } from './profiles.js';
import { type CommonOptions, type Session, told, withSession } from './session.js';
import { UsageError } from './usage-error.js';

interface ListOptions {
  actor?: string;
  action?: string;
  target?: string;
  outcome?: string;
  since?: string;
  until?: string;
  limit: string;
}

interface VerifyOptions extends CommonOptions {
  head?: string;
  after?: string;
}

const outcomes = ['done', 'refused', 'denied', 'begun', 'failed'] as const;

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').summary('who did what: list, export, verify');
  audit
    .command('list')
    .summary('list who did what, newest first')
    .description('Lists what was done in the scope and within, and what was refused, newest first.')
    .option('--actor <actor>', 'id or name')
    .option('--action <action>', 'connector.put, or connector.* for all that begin so')
    .option('--target <target>', 'entities/pipeline/build, or entities/* for all that begin so')
    .option('--outcome <outcome>', outcomes.join(', '))
    .option('--since <time>', '2026-11-27T08:00:00Z')
    .option('--until <time>', 'before this moment')
    .option('--limit <number>', 'of the list', '50')
    .addHelpText(
      'after',
      "\nExample:\n  sallyport audit list --action 'secret.*' --since 2026-11-27T00:00:00Z\n",
    )
    .action(withSession(list));
  audit
    .command('export')
    .summary('write the whole trail to standard output')
    .description(
      'Writes the trail of the account to standard output: a line of JSON for each entry, in their order.',
    )
    .option('--after <position>', 'go on after the entry that was exported last', '0')
    .addHelpText('after', '\nExample:\n  sallyport audit export > audit.jsonl\n')
    .action(withSession(exportTrail));
  audit
    .command('verify')
    .argument('[file]', 'an export, or - for standard input; default: the manager is asked')
    .summary('find out whether anything was done to the audit')
    .description(
      'Checks that no entry was changed, left out, put elsewhere or taken from another trail, and that the trail still has the end that was seen last. Ends with 1 where something is wrong, and names it. Of a file, the end has to be named.',
    )
    .option('--head <head>', 'POSITION:HASH that was seen before; the trail has to have it')
    .option('--after <head>', 'POSITION:HASH of the entry before the first line of the file')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport audit verify\n  sallyport audit verify audit.jsonl --head 412:9f86d081…\n',
    )
    .action(verify);
}

async function list({ api, printer }: Session, options: ListOptions): Promise<undefined> {
  const { outcome: wanted, ...filter } = options;
  const outcome = outcomes.find((one) => one === wanted);
  if (wanted !== undefined && outcome === undefined)
    throw new UsageError(`${wanted} is no outcome`, `It is one of ${outcomes.join(', ')}`);
  const query = { ...filter, ...(outcome === undefined ? {} : { outcome }) };
  const { entries } = await answer(api.GET('/audit', { params: { query } }));
  printer.show(entries, () =>
    entries.length === 0
      ? 'Nothing is on record'
      : table(
          ['AT', 'WHO', 'ACTION', 'WHERE', 'OUTCOME', 'POSITION'],
          entries.map(({ at, actor, action, scope, target, outcome: end, code, position }) => [
            at,
            actor.name,
            action,
            target === '' ? scope : `${scope}/${target}`,
            code === null ? end : `${end}: ${code}`,
            String(position),
          ]),
        ),
  );
}

async function exportTrail({ profile }: Session, { after }: { after: string }): Promise<undefined> {
  await pipeline(await openExport(profile, after), process.stdout, { end: false });
}

/** Of the whole account, wherever in it the profile is. */
async function openExport(profile: Profile, after: string): Promise<Readable> {
  const api = connect({ ...profile, scope: accountOf(profile) });
  const stream = await answer(api.GET('/audit/export', { params: { query: { after } }, parseAs: 'stream' }));
  return Readable.fromWeb(stream as never);
}

const accountOf = ({ scope }: Profile): string => scope.split('/').slice(0, 2).join('/');

async function verify(file: string | undefined, _options: VerifyOptions, command: Command): Promise<void> {
  const options = command.optsWithGlobals<VerifyOptions>();
  await told(options, (printer) =>
    file === undefined ? verifyManager(printer, options) : verifyFile(printer, file, options),
  );
}

async function verifyFile(printer: Printer, file: string, { head, after }: VerifyOptions): Promise<number> {
  const witnesses = head === undefined ? [] : [headIn(head)];
  const begin = after === undefined ? {} : { after: headIn(after) };
  const input = file === '-' ? process.stdin : await openFile(file);
  const verdict = await verifyLines(readline.createInterface({ input, crlfDelay: Infinity }), {
    ...begin,
    witnesses,
  });
  return tell(printer, verdict);
}

async function verifyManager(printer: Printer, options: VerifyOptions): Promise<number> {
  if (options.after !== undefined)
    throw new UsageError('A manager has the whole trail', 'Leave --after out, or name a file');
  const profile = chosen(options);
  const account = accountOf(profile);
  const seen = knownHead(profile.server, account);
  const witnesses = [
    ...(seen === undefined ? [] : [seen]),
    ...(options.head === undefined ? [] : [headIn(options.head)]),
  ];
  const input = await openExport(profile, '0');
  const verdict = await verifyLines(readline.createInterface({ input, crlfDelay: Infinity }), {
    account,
    witnesses,
  });
  if (verdict.count === 0) rememberHead(profile.server, account, verdict.head);
  else if (seen !== undefined) printer.note(`The end that was seen last is ${writeHead(seen)}`);
  return tell(printer, verdict);
}

function tell(printer: Printer, verdict: Verdict): number {
  const { account, entries, head, findings, count } = verdict;
  const whose = plain(account ?? 'nobody');
  printer.show({ ...verdict, head: writeHead(head) }, () => {
    if (count === 0)
      return styled('green', `Nothing is wrong with ${entries} entries of ${whose}: ${writeHead(head)}`);
    const rows = findings.map(({ position, line, kind, problem }) => [
      position === null ? '' : String(position),
      line === null ? '' : String(line),
      kind,
      problem,
    ]);
    const more = count > findings.length ? [`and ${count - findings.length} more`] : [];
    const sum = styled(
      'red',
      `${count} ${count === 1 ? 'thing is' : 'things are'} wrong with the audit of ${whose}`,
    );
    return [table(['POSITION', 'LINE', 'WHAT', 'WHY'], rows), ...more, '', sum].join('\n');
  });
  return count === 0 ? exitCodes.done : exitCodes.failed;
}

/** @throws UsageError */
function headIn(text: string): Head {
  const head = readHead(text);
  if (head !== undefined) return head;
  throw new UsageError(`${text} is no head`, 'It is POSITION:HASH, as audit verify tells it');
}

/** @throws UsageError */
async function openFile(file: string): Promise<Readable> {
  try {
    return (await fs.promises.open(file)).createReadStream();
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read: ${(error as Error).message}`,
      'Name an export, or pipe it in',
    );
  }
}
