// Doctor: whether this machine can work with its manager, and if not, why.
import type { Command } from 'commander';
import { version } from '../config/version.js';
import { type Finding, findingsOf } from './doctor.js';
import { exitCodes, plain, styled } from './printer.js';
import { type CommonOptions, told } from './session.js';

const marks = {
  good: ['green', '✓'],
  doubtful: ['yellow', '!'],
  bad: ['red', '✗'],
} as const;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .summary('find out whether this machine can work with its manager')
    .description(
      'Looks at the profile, the way to the manager, its certificate, its clock, its version, the token, and what the manager says of its own health. Changes nothing, shows no token, and ends with 1 where anything is bad.',
    )
    .addHelpText('after', '\nExample:\n  sallyport doctor --profile work\n')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      return told(options, async (printer) => {
        const findings = await findingsOf(options, version);
        printer.show(findings, () => findings.map(tell).join('\n'));
        return findings.some(({ state }) => state === 'bad') ? exitCodes.failed : exitCodes.done;
      });
    });
}

function tell({ name, state, found, hint }: Finding): string {
  const [colour, mark] = marks[state];
  const line = `${styled(colour, mark)} ${name.padEnd(12)} ${plain(found)}`;
  return hint === '' ? line : `${line}\n  ${styled('dim', 'hint:')} ${plain(hint)}`;
}
