// Completion: what a shell needs to know of the commands, made of the commands themselves.
import { Argument, type Command } from 'commander';
import { bashCompletion, fishCompletion, zshCompletion } from './completion.js';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(Object.keys(shells)))
    .summary('print what completes commands and options in a shell')
    .description(
      'Prints what makes a shell (bash, zsh or fish) complete commands and options when TAB is pressed.',
    )
    .addHelpText(
      'after',
      `
Examples:
  source <(sallyport completion bash)                                    # in ~/.bashrc
  sallyport completion zsh > "\${fpath[1]}/_sallyport"
  sallyport completion fish > ~/.config/fish/completions/sallyport.fish
`,
    )
    .action((shell: keyof typeof shells) => {
      process.stdout.write(shells[shell](program));
    });
}
