// Which managers are known: login, and the profiles that it makes.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { answer, connect } from '../client/client.js';
import { styled, table } from './printer.js';
import { checkedScope, checkedServer, profilesFile, readProfiles, writeProfile } from './profiles.js';
import { type CommonOptions, endInterrupted, told } from './session.js';
import { UsageError } from './usage-error.js';

export function addSessionCommands(program: Command): void {
  program
    .command('login')
    .summary('keep a manager’s address and a token for it')
    .description(
      'Keeps the address of a manager, a token for it and a scope as a profile, once the manager has taken the token. The token is read from standard input, or asked for on a terminal; it is never an argument.',
    )
    .addHelpText(
      'after',
      `
Examples:
  sallyport login --server https://sallyport.example --scope accounts/demo
  sallyport login --server http://127.0.0.1:3000 --scope accounts/demo < .sallyport/admin-token
`,
    )
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      return told(options, async (printer) => {
        const name = options.profile ?? 'default';
        if (options.server === undefined || options.scope === undefined)
          throw new UsageError(
            'login needs --server and --scope',
            'sallyport login --server https://sallyport.example --scope accounts/demo',
          );
        const profile = {
          server: checkedServer(options.server),
          scope: checkedScope(options.scope),
          token: await readToken(),
        };
        const { displayName } = await answer(connect({ ...profile, patienceMs: 0 }).GET(''));
        writeProfile(name, profile);
        const { server, scope } = profile;
        printer.show(
          { profile: name, server, scope, displayName },
          () => `Logged in to ${server} as profile ${styled('bold', name)}, kept in ${profilesFile()}`,
        );
        return undefined;
      });
    });

  program
    .command('profiles')
    .summary('list the managers that are known')
    .description('Lists the profiles that login made. No token is shown.')
    .addHelpText('after', '\nExample:\n  sallyport profiles\n')
    .action((_options: unknown, command: Command) =>
      told(command.optsWithGlobals<CommonOptions>(), async (printer) => {
        const { current, profiles } = readProfiles();
        const rows = Object.entries(profiles).map(([name, { server, scope }]) => ({
          name,
          server,
          scope,
          isCurrent: name === current,
        }));
        printer.show(rows, () =>
          table(
            ['', 'PROFILE', 'SERVER', 'SCOPE'],
            rows.map(({ name, server, scope, isCurrent }) => [isCurrent ? '*' : '', name, server, scope]),
          ),
        );
        return undefined;
      }),
    );
}

/** @throws UsageError for none */
async function readToken(): Promise<string> {
  const token = (process.stdin.isTTY ? await askForToken() : await text(process.stdin)).trim();
  if (token !== '') return token;
  throw new UsageError('No token was given', 'Pipe it in, or type it when asked');
}

/** Nothing that is typed is shown. */
async function askForToken(): Promise<string> {
  process.stderr.write('Token: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({ input: process.stdin, output: silent, terminal: true });
  // While it reads a line, Ctrl-C is a key like any other.
  line.once('SIGINT', endInterrupted);
  try {
    return await line.question('');
  } finally {
    line.close();
    process.stderr.write('\n');
  }
}
