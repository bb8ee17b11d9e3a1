// From a push to the copy by a webhook alone: the clock looks once an hour, and nobody but a delegate can open the credential.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../architecture/pages.js';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { git, head, pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { ROOT, webhooksOf } from '../support/webhook-sender.js';

const CONNECTOR = `${ROOT}/connectors/delegated`;

let stack: Stack;
let hook: { path: string; secret: string };
beforeAll(async () => {
  const hourly = { SALLYPORT_POLL_SECONDS: '3600', SALLYPORT_POLL_FAST_SECONDS: '3600' };
  stack = await Stack.start('embedded', { settings: hourly });
  const { path: door, toPaste } = await stack.api.ok('PUT', `${CONNECTOR}/webhook`, {});
  hook = { path: door, secret: toPaste.secret.value };
  await stack.api.ok('PUT', `${CONNECTOR}/tracking`, { branches: ['main'] });
  await eventually(
    async () => (await stack.api.ok('GET', `${CONNECTOR}/tracking`)).followed[0]?.state === 'current',
    'the branch to be followed',
  );
});
afterAll(() => stack.stop());

const { deliver, deliveriesOf, processed } = webhooksOf(() => stack);

const push = (id: string, yaml: string): Promise<string> =>
  pushForeign(stack.foreignUrl, { [`pipelines/${id}.yaml`]: yaml });
const copyOf = async (id: string): Promise<Json> =>
  (await stack.api.request('GET', `${ROOT}/entities/pipeline/${id}?branch=main`)).body;
/** The copy once it holds this text. */
const shows = (id: string, yaml: string): Promise<Json> =>
  eventually(
    async () => {
      const copy = await copyOf(id);
      return copy.yaml === yaml && copy;
    },
    `${id} to be ${JSON.stringify(yaml)}`,
  );

/** What of the tracking a wish for a look changes, and a look. */
const looks = (): Promise<Json[]> =>
  sql(stack.databaseUrl, `select wakes, claims, hinted_at, polled_at, due_at from tracking`);
/** Until the repository was looked at after all that was told of it, with what followed from that. */
const looked = (): Promise<unknown> =>
  eventually(async () => {
    const over = `coalesce(polled_at > hinted_at, true) and claimed_until is null and due_at > now() + interval '1 minute'`;
    return (await sql(stack.databaseUrl, `select 1 from tracking where ${over}`)).length > 0;
  }, 'the repository to be looked at');

/** The delivery that said so, once it is processed. */
async function told(changes: unknown): Promise<Json> {
  const id = randomUUID();
  expect((await deliver(hook, JSON.stringify({ event: 'push', changes }), { id })).status).toBe(202);
  return eventually(async () => {
    const found = (await deliveriesOf('delegated')).find(({ deliveryId }) => deliveryId === id);
    return found?.state === 'done' && found;
  }, 'the delivery to be processed');
}
const moved = (before: string | null, after: string | null, ref = 'refs/heads/main') => [
  { ref, before, after },
];

it('a push from a clone, which the repository’s own hook tells of, is brought by a delegate', async () => {
  const secretFile = path.join(stack.home, 'webhook-secret');
  fs.writeFileSync(secretFile, `${hook.secret}\n`, { mode: 0o600 });
  git(stack.repository, 'config', 'sallyport.url', `${stack.api.url}${hook.path}`);
  git(stack.repository, 'config', 'sallyport.secretFile', secretFile);
  git(stack.repository, 'config', 'sallyport.repository', stack.repositoryUrl);
  const hooks = path.join(stack.repository, 'hooks');
  fs.mkdirSync(hooks, { recursive: true });
  fs.copyFileSync(path.join(root, 'deploy/webhooks/post-receive'), path.join(hooks, 'post-receive'));
  fs.chmodSync(path.join(hooks, 'post-receive'), 0o755);
  try {
    const commitId = await push('pushed', 'name: pushed\n');
    expect((await shows('pushed', 'name: pushed\n')).git).toMatchObject({ connector: 'delegated', commitId });
  } finally {
    fs.rmSync(hooks, { recursive: true });
  }
  expect(await processed('delegated')).toMatchObject([
    { event: 'refs/heads/main', outcome: { kind: 'acted', details: ['The repository is looked at'] } },
  ]);
});

describe('a delivery', () => {
  it('of tags alone is noted, and nothing is looked at', async () => {
    await looked();
    const before = await looks();
    const tags = ['v1', 'main'].flatMap((name) => moved(null, head(stack.repository), `refs/tags/${name}`));
    expect(await told(tags)).toMatchObject({ outcome: { kind: 'noted', details: [] } });
    expect(await looks()).toEqual(before);
  });

  it('of a tag and a branch is acted on', async () => {
    await push('beside', 'name: beside a tag\n');
    const changes = [...moved(null, null, 'refs/tags/v2'), ...moved(null, head(stack.repository))];
    expect(await told(changes)).toMatchObject({ outcome: { kind: 'acted' } });
    await shows('beside', 'name: beside a tag\n');
  });

  it('that does not say what moved has the copy become what is in Git', async () => {
    const commitId = await push('unsaid', 'name: unsaid\n');
    expect(await told('unknown')).toMatchObject({ outcome: { kind: 'acted' } });
    expect((await shows('unsaid', 'name: unsaid\n')).git).toMatchObject({ connector: 'delegated', commitId });
  });

  it('that comes after a later one leaves the copy at the head of the branch', async () => {
    const base = head(stack.repository);
    const first = await push('ordered', 'name: first\n');
    const last = await push('ordered', 'name: last\n');
    for (const changes of [moved(first, last), moved(base, first)]) {
      expect(await told(changes)).toMatchObject({ outcome: { kind: 'acted' } });
      await looked();
      const { yaml, git: place } = await copyOf('ordered');
      expect([yaml, place.commitId]).toEqual(['name: last\n', last]);
    }
  });

  it('of a tag that is called like the branch moves no copy, nor does the tag', async () => {
    const older = await push('named', 'name: of the tag\n');
    const newer = await push('named', 'name: of the branch\n');
    git(stack.repository, 'update-ref', 'refs/tags/main', older);
    try {
      const before = await looks();
      expect(await told(moved(null, older, 'refs/tags/main'))).toMatchObject({ outcome: { kind: 'noted' } });
      expect(await looks()).toEqual(before);
      await told('unknown');
      await looked();
      const { yaml, git: place } = await copyOf('named');
      expect([yaml, place.commitId]).toEqual(['name: of the branch\n', newer]);
    } finally {
      git(stack.repository, 'update-ref', '-d', 'refs/tags/main');
    }
  });
});
