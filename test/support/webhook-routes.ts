// Asks every route of webhooks in one scope, with every kind of answer.
import { randomUUID } from 'node:crypto';
import { type Api, eventually } from './api.js';
import { giteaDialect } from './host-servers/gitea.js';
import { HostServer } from './host-servers/host-server.js';
import type { Stack } from './stack.js';
import { webhooksOf } from './webhook-sender.js';

const TOKEN = '0123456789abcdef0123456789abcdef01234567';

/** What was answered with another status than it should be. The stack knows its public address. */
export async function askOfWebhooks(api: Api, stack: Stack, scope: string): Promise<string[]> {
  const host = await HostServer.start(giteaDialect(TOKEN));
  try {
    return await askWith(host, { api, stack, scope });
  } finally {
    await host.stop();
  }
}

async function askWith(
  host: HostServer,
  { api, stack, scope }: { api: Api; stack: Stack; scope: string },
): Promise<string[]> {
  const hook = `${scope}/connectors/hooked/webhook`;
  await api.ok('PUT', `${scope}/secrets/host-token`, { manager: 'builtin', value: TOKEN });
  await api.ok('PUT', `${scope}/connectors/hooked`, {
    url: `${host.origin}/forge/acme/app.git`,
    connectivity: 'manager',
    provider: 'gitea',
    credential: { username: 'ada', secret: 'host-token' },
  });
  await api.ok('PUT', `${scope}/secrets/proof`, { manager: 'builtin', value: 'proof-value' });
  await api.ok('PUT', hook, {});
  const { path } = await api.ok('PUT', hook, { secrets: ['proof'] });
  await webhooksOf(() => stack).deliver({ path, secret: 'proof-value' });
  const { deliveries } = await api.ok('GET', `${hook}/deliveries?limit=1`);
  const delivery = `${hook}/deliveries/${deliveries[0].id}`;
  await eventually(async () => (await api.ok('GET', delivery)).state === 'done', 'it to be processed');
  const script: [number, string, string, unknown?][] = [
    [200, 'GET', hook],
    [200, 'POST', `${hook}/register`],
    [404, 'POST', `${scope}/connectors/none/webhook/register`],
    [404, 'GET', `${scope}/connectors/none/webhook`],
    [404, 'PUT', `${scope}/connectors/none/webhook`, {}],
    [400, 'PUT', hook, { secrets: [] }],
    [404, 'GET', `${scope}/connectors/none/webhook/deliveries`],
    [400, 'GET', `${hook}/deliveries?limit=0`],
    [404, 'GET', `${hook}/deliveries/${randomUUID()}`],
    [400, 'GET', `${hook}/deliveries/one`],
    [200, 'POST', `${delivery}/replay`],
    [404, 'POST', `${hook}/deliveries/${randomUUID()}/replay`],
    [409, 'DELETE', `${scope}/secrets/proof`],
    [409, 'DELETE', `${scope}/connectors/hooked`],
    [204, 'DELETE', hook],
    [404, 'DELETE', hook],
    [204, 'DELETE', `${scope}/connectors/hooked`],
    [204, 'DELETE', `${scope}/secrets/proof`],
    [204, 'DELETE', `${scope}/secrets/host-token`],
  ];
  const faults: string[] = [];
  for (const [status, method, address, body] of script) {
    const answer = await api.request(method, address, body);
    if (answer.status !== status) faults.push(`${method} ${address}: ${answer.status} ${answer.text}`);
  }
  return faults;
}
