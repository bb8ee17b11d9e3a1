// The command line: one program, a command for each thing that people do, all of it through the public API.
import { Command } from 'commander';
import { addAuditCommands } from './audit-commands.js';
import { addCompletionCommand } from './completion-command.js';
import { addConnectorCommands } from './connector-commands.js';
import { addDelegateCommands } from './delegate-commands.js';
import { addDoctorCommand } from './doctor-command.js';
import { addEntityCommands } from './entity-commands.js';
import { addHistoryCommand } from './history-command.js';
import { addImportCommand } from './import-command.js';
import { addMoveCommand } from './move-command.js';
import { addOperationCommands } from './operation-commands.js';
import { exitCodes } from './printer.js';
import { addSecretCommands } from './secret-commands.js';
import { addSessionCommands } from './session-commands.js';
import { addWebhookCommands } from './webhook-commands.js';

export function buildProgram(version: string): Command {
  const program = new Command('sallyport')
    .description('Keeps the YAML of your entities in Git, both ways.')
    .version(version)
    .option('--profile <name>', 'whom to ask, as login called it')
    .option('--server <url>', 'the manager’s address')
    .option('--scope <scope>', 'accounts/A, accounts/A/orgs/O or accounts/A/orgs/O/projects/P')
    .option('--json', 'answer for machines')
    .showHelpAfterError('Add --help for what there is')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: true, showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nEnvironment: SALLYPORT_SERVER, SALLYPORT_TOKEN, SALLYPORT_SCOPE, SALLYPORT_PROFILE, SALLYPORT_CONFIG, NO_COLOR',
    );
  // A word that nobody knows ends with 2, and help that was asked for with 0.
  program.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.usage);
  });
  addSessionCommands(program);
  addEntityCommands(program);
  addHistoryCommand(program);
  addMoveCommand(program);
  addOperationCommands(program);
  addAuditCommands(program);
  addConnectorCommands(program);
  addDelegateCommands(program);
  addImportCommand(program);
  addSecretCommands(program);
  addWebhookCommands(program);
  addDoctorCommand(program);
  addCompletionCommand(program);
  return program;
}
