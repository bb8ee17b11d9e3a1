// Asks every route of pull requests in one scope, with every kind of answer.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRepository } from '../../src/playground/git-host.js';
import type { Api } from './api.js';
import { giteaDialect } from './host-servers/gitea.js';
import { HostServer } from './host-servers/host-server.js';
import { RepositoryState } from './host-servers/repository-state.js';
import type { Stack } from './stack.js';

const TOKEN = '0123456789abcdef0123456789abcdef01234567';

/** Folder of the repository that the fakes of hosts are about. */
export function acmeRepository(stack: Stack): string {
  const root = path.join(stack.home, 'repositories');
  const folder = path.join(root, 'acme', 'app.git');
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(path.join(root, 'acme'));
  return createRepository(root, 'acme/app', { files: { 'README.md': 'app\n' } }).folder;
}

/** What was answered with another status than it should be. */
export async function askOfPulls(api: Api, stack: Stack, scope: string): Promise<string[]> {
  const host = await HostServer.start(giteaDialect(TOKEN));
  host.state = new RepositoryState(acmeRepository(stack));
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
  const entity = `${scope}/entities/pipeline/pulled`;
  const branch = `pulls-of-${scope.split('/').length}`;
  const git = { connector: 'pulled', branch, newBranchFrom: 'main', pullRequest: {} };
  const faults: string[] = [];
  const ask = async (status: number, ...request: Parameters<Api['request']>) => {
    const answer = await api.request(...request);
    if (answer.status !== status) faults.push(`${request[0]} ${request[1]}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  // The Git host of the stack takes any password of its own, and the API its token alone: the repository needs the former.
  await api.ok('PUT', `${scope}/secrets/pulls`, { manager: 'builtin', value: stack.accounts.guest.password });
  await api.ok('PUT', `${scope}/connectors/pulled`, {
    url: `${stack.host.url}/acme/app.git`,
    connectivity: 'manager',
    provider: 'gitea',
    apiUrl: host.url,
    credential: { username: 'guest', secret: 'pulls' },
  });
  const saved = await ask(201, 'PUT', entity, { yaml: 'name: one\n', git });
  const pull = `${scope}/pull-requests/${saved.pullRequest?.id}`;
  if (saved.pullRequest?.state !== 'failed') faults.push('a stranger opened a request');
  await ask(422, 'PUT', entity, { yaml: 'name: two\n', git: { branch, pullRequest: { into: branch } } });
  await ask(200, 'GET', `${scope}/operations/${saved.operationId}`);
  await ask(200, 'GET', `${scope}/connectors/pulled/pull-requests?limit=1&state=failed`);
  await ask(400, 'GET', `${scope}/connectors/pulled/pull-requests?state=lost`);
  await ask(404, 'GET', `${scope}/connectors/none/pull-requests`);
  await ask(200, 'GET', pull);
  await ask(404, 'GET', `${scope}/pull-requests/${randomUUID()}`);
  await ask(202, 'POST', `${pull}/retry`);
  await ask(404, 'POST', `${scope}/pull-requests/${randomUUID()}/retry`);
  await ask(200, 'POST', `${pull}/close`);
  await ask(404, 'POST', `${scope}/pull-requests/${randomUUID()}/close`);
  await ask(200, 'DELETE', `${entity}?branch=${branch}`);
  await ask(204, 'DELETE', `${scope}/connectors/pulled`);
  await ask(404, 'GET', pull);
  await ask(204, 'DELETE', `${scope}/secrets/pulls`);
  return faults;
}
