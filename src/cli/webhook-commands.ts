// Webhooks: what the Git host sent, what became of it, and once more.
import type { Command } from 'commander';
import { answer } from '../client/client.js';
import { table } from './printer.js';
import { type Session, withSession } from './session.js';

export function addWebhookCommands(program: Command): void {
  const webhooks = program.command('webhooks').summary('what Git hosts sent');
  webhooks
    .command('list')
    .argument('<connector>')
    .summary('list deliveries, newest first')
    .description(
      'Lists what the Git host sent to a connector’s webhook, newest first, and what became of it.',
    )
    .option('--limit <number>', 'of the list', '50')
    .addHelpText('after', '\nExample:\n  sallyport webhooks list github\n')
    .action(withSession(list));
  webhooks
    .command('replay')
    .argument('<connector>')
    .argument('<delivery>', 'its id, as the list shows it')
    .summary('take a delivery as if it came now')
    .description('Takes a delivery as if it came now.')
    .addHelpText('after', '\nExample:\n  sallyport webhooks replay github 0199…\n')
    .action(withSession(replay));
}

async function list({ api, printer }: Session, id: string, { limit }: { limit: string }): Promise<undefined> {
  const { deliveries } = await answer(
    api.GET('/connectors/{id}/webhook/deliveries', { params: { path: { id }, query: { limit } } }),
  );
  printer.show(deliveries, () =>
    deliveries.length === 0
      ? 'Nothing was delivered'
      : table(
          ['RECEIVED', 'STATE', 'EVENT', 'WHAT BECAME OF IT', 'ID'],
          deliveries.map((one) => [
            one.receivedAt,
            one.verified ? one.state : 'refused',
            one.event ?? '',
            one.why ?? [one.outcome?.kind ?? '', ...(one.outcome?.details ?? [])].join(' '),
            one.id,
          ]),
        ),
  );
}

async function replay({ api, printer }: Session, id: string, delivery: string): Promise<undefined> {
  const replayed = await answer(
    api.POST('/connectors/{id}/webhook/deliveries/{delivery}/replay', { params: { path: { id, delivery } } }),
  );
  printer.show(replayed, () => `Delivery ${replayed.id} is taken again`);
}
