// The page that lists every command, made of what the commands say of themselves.
import type { Argument, Command, Option } from 'commander';

const PREFACE = `# The command line

Made of the commands themselves by \`npm run generate\`. From a clone: \`npm run -s sallyport -- list\`. The program speaks to the API of
a manager and to nothing else; what it needs to know comes from the command line, then the environment, then the profile that
\`sallyport login\` made.

| variable | what |
|---|---|
| \`SALLYPORT_SERVER\`, \`SALLYPORT_TOKEN\`, \`SALLYPORT_SCOPE\` | what a profile says. A token of a profile is sent to that profile’s server alone |
| \`SALLYPORT_PROFILE\` | the profile, in place of the one that logged in last |
| \`SALLYPORT_CONFIG\` | where profiles are kept; default \`$XDG_CONFIG_HOME/sallyport/profiles.json\` or \`~/.config/sallyport/profiles.json\`, which its owner alone may read |
| \`NO_COLOR\` | nothing is coloured; nothing is either where the output is no terminal |

Results go to standard output, what is to say beside them to standard error. With \`--json\` a result is JSON, and a failure is
\`{"code", "message", "hint", "operationId"}\` on standard error. While nobody answers, or the manager asks to come back later, a request
is sent again for half a minute, with an idempotency key where it needs one.

| exit code | what |
|---|---|
| 0 | done |
| 1 | refused or failed; \`diff\`: something differs |
| 2 | the command is not right |
| 3 | nobody answers, or somebody other than a manager |
| 4 | the token is not taken, or may not do this |
| 5 | a conflict: something else is there by now |
| 6 | no such thing |
| 7 | accepted, and not in Git yet |
| 130 | interrupted (Ctrl-C); \`operations --watch\` ends with 0 then |
`;

export function describeProgram(program: Command): string {
  const shared = [
    '## For every command',
    '',
    ...program.options.filter(({ long }) => long !== '--version').map(line),
  ];
  return [PREFACE, shared.join('\n'), ...leavesOf(program).map(describe)].join('\n').concat('\n');
}

/** The commands that do something, in the order of their names. One with others below it does something where it takes arguments. */
function leavesOf(command: Command): Command[] {
  const below = command.commands.flatMap((one) => leavesOf(one));
  const own = below.length === 0 || command.registeredArguments.length > 0 ? [command] : [];
  return [...own, ...below].toSorted((one, other) => fullName(one).localeCompare(fullName(other), 'en'));
}

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;

function describe(command: Command): string {
  const usage = [fullName(command), ...command.registeredArguments.map(usageOf)].join(' ');
  const words = command.registeredArguments.filter(({ description }) => description !== '');
  const entries = [
    ...words.map((one) => `- \`${usageOf(one)}\`: ${one.description}`),
    ...command.options.map(line),
  ];
  return [
    '',
    `## \`${usage}\``,
    '',
    command.description(),
    ...(entries.length === 0 ? [] : ['', ...entries]),
  ].join('\n');
}

function usageOf(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

const line = ({ flags, description, defaultValue }: Option): string =>
  `- \`${flags}\`${description === '' ? '' : `: ${description}`}${defaultValue === undefined ? '' : `; default ${String(defaultValue)}`}`;
