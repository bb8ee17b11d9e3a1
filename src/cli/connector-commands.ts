// Connectors: the staged check.
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import { exitCodes, plain, styled } from './printer.js';
import { type Session, withSession } from './session.js';

export function addConnectorCommands(program: Command): void {
  program
    .command('connectors')
    .summary('connectors and what they reach')
    .command('check')
    .argument('<id>', 'the connector')
    .summary('try a connector stage by stage')
    .description(
      'Reaches the host, authenticates, reads and writes as a save would, and changes nothing. Ends with 1 where a stage fails.',
    )
    .addHelpText('after', '\nExample:\n  sallyport connectors check github\n')
    .action(withSession(check));
}

async function check({ api, printer }: Session, id: string): Promise<number> {
  const found = await answer(api.POST('/connectors/{id}/check', { params: { path: { id } } }));
  printer.show(found, () =>
    found.stages
      .map(({ stage, ok, ms, code, detail, hint }) => {
        const head = `${ok ? styled('green', '✓') : styled('red', '✗')} ${stage.padEnd(12)} ${ms.toFixed(0)} ms`;
        const told = [`${code ?? ''} ${detail ?? ''}`.trim(), hint ?? ''].filter((line) => line !== '');
        return [head, ...told.map((line) => `  ${plain(line)}`)].join('\n');
      })
      .join('\n'),
  );
  return found.ok ? exitCodes.done : exitCodes.failed;
}
