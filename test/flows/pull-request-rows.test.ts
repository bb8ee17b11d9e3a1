// What is read of pull requests to show them.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PullRequestsRepository } from '../../src/pulls/pull-requests.repository.js';
import { Storage } from '../../src/storage/database.js';
import { sql } from '../support/database.js';
import { Stack } from '../support/stack.js';

const demo = 'accounts/demo';
const id = '00000000-0000-4000-8000-000000000001';

let stack: Stack;
let storage: Storage;

beforeAll(async () => {
  stack = await Stack.start('embedded', { delegates: 0 });
  storage = new Storage(stack.databaseUrl);
  const saved = await stack.api.save('shown', 'name: shown\n', { connector: 'direct', branch: 'main' });
  await sql(
    stack.databaseUrl,
    `insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, title, body, reviewers, draft, operation_id)
     values ('${id}', '${demo}', '${demo}', 'direct', '${stack.repositoryUrl}', 'topic', 'Title', repeat('long ', 10000), '{}', false, '${saved.body.operationId}')`,
  );
});
afterAll(async () => {
  await storage.close();
  await stack.stop();
});

it('is not the body that was wished for, which nobody is shown', async () => {
  const requests = new PullRequestsRepository(storage);
  const { rows } = await requests.list({ scope: demo, id: 'direct' }, { limit: 10 });
  const read = [...rows, await requests.get(demo, id), ...(await requests.load([id])).values()];
  expect(read).toHaveLength(3);
  for (const row of read) {
    expect(row).toMatchObject({ id, title: 'Title' });
    expect(row).not.toHaveProperty('body');
  }
  const { pullRequests } = await stack.api.ok('GET', `${demo}/connectors/direct/pull-requests`);
  expect(pullRequests).toMatchObject([{ id, title: 'Title', state: 'wanted', branch: 'topic' }]);
});
