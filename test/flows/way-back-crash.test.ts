// kill -9 on the way back from Git: what a manager was at is gone on with by the next one, from where it was, and told of once.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { expectCopied } from '../support/copies.js';
import { sql } from '../support/database.js';
import type { RunningProcess } from '../support/processes.js';
import { pushForeign } from '../support/repository.js';
import { Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';
import { push, ROOT, type Sent, webhooksOf } from '../support/webhook-sender.js';

const connector = `${ROOT}/connectors/direct`;
const tracking = `${connector}/tracking`;
const imports = `${connector}/imports`;

let stack: Stack;
beforeAll(async () => {
  const settings = { SALLYPORT_POLL_FAST_SECONDS: '3600', SALLYPORT_POLL_SECONDS: '3600' };
  stack = await Stack.start('embedded', { delegates: 0, settings });
  await stack.api.ok('PUT', tracking, { files: [{ pattern: 'kills/**/{id}.yaml', kind: 'pipeline' }] });
});
afterAll(() => stack.stop());

const { deliver, processed } = webhooksOf(() => stack);
const query = (text: string, values: unknown[] = []): Promise<Json[]> => sql(stack.databaseUrl, text, values);
const pushFiles = (files: Record<string, string | null>): Promise<string> =>
  pushForeign(stack.foreignUrl, files);
const look = (): Promise<Json> => stack.api.ok('POST', `${tracking}/poll`);
/** The request of a client whose manager may be killed meanwhile. */
const unanswered = (asked: Promise<unknown>): Promise<unknown> => asked.catch(() => undefined);

/** A manager that was killed would keep the next one waiting for up to half a minute. */
async function endClaims(at: string): Promise<void> {
  for (const table of ['tracking', 'webhook_delivery', 'import'])
    await query(`update ${table} set claimed_until = ${at}`);
}

/** Kills the manager, and starts the one that takes what it was at, once it is ready. */
async function succeed(crashAt?: string): Promise<RunningProcess> {
  await stack.manager?.kill();
  await query('update lane set lease_expires_at = now()');
  await endClaims(`now() + interval '1 hour'`);
  const next = await stack.startManager(crashAt);
  await endClaims('now()');
  return next;
}

/** The next manager goes on, or begins what is asked of it, until it kills itself at this step. */
async function killAt(point: string, begin?: () => Promise<unknown>): Promise<void> {
  const victim = await succeed(point);
  await begin?.();
  expect(await victim.ended(), point).toBe('SIGKILL');
}

const settled = (commit: string): Promise<Json> =>
  eventually(async () => {
    const [main] = (await stack.api.ok('GET', tracking)).followed;
    return main?.state === 'current' && main.synced === commit;
  }, `main to be at ${commit}`);

/** By entity, the events about it in their order. */
async function told(prefix: string): Promise<Record<string, string>> {
  const rows = await query(
    `select subject, string_agg(type, ' ' order by sequence) as types from event where subject like $1 group by subject`,
    [`entities/pipeline/${prefix}%`],
  );
  return Object.fromEntries(rows.map(({ subject, types }) => [subject.split('/').at(-1), types]));
}

/** Nothing is kept between the end of a step and the next one: the ends are the same as the beginnings. */
const points = [
  ...sampled(
    [
      ['refresh.aim:before', 'as before'],
      ['refresh.aim:after', 'aimed'],
      ['refresh.compare:before', 'aimed'],
      ['refresh.compare:after', 'aimed'],
      ['refresh.apply:before', 'aimed'],
    ],
    2,
  ),
  ['refresh.apply:after', 'on the way'],
  // One part more is enough: nothing was done again.
  ['refresh.apply:after', 'there'],
] as [point: string, where: string][];

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(3, '0')}`);

it('a refresh goes on where it was at whatever step its manager is killed, and tells of each entity once', async () => {
  const at = (folder: string, id: string): string => `kills/${folder}/r_${id}.yaml`;
  const before = await pushFiles({
    [at('m', 'changed')]: 'name: one\n',
    [at('m', 'gone')]: 'name: gone\n',
    [at('a', 'down')]: 'name: down\n',
    [at('z', 'up')]: 'name: up\n',
  });
  await look();
  await settled(before);
  // More than one part, and two entities that go from a file of one part to a file of another.
  const created = numbered('new', 520);
  const after = await pushFiles({
    ...Object.fromEntries(created.map((id) => [at('m', id), `name: ${id}\n`])),
    [at('m', 'changed')]: 'name: two\n',
    [at('m', 'gone')]: null,
    [at('a', 'down')]: null,
    [at('z', 'down')]: 'name: down\n',
    [at('z', 'up')]: null,
    [at('a', 'up')]: 'name: up\n',
  });
  const stand = async (): Promise<string> => {
    const [row] = await query(`select synced, target, applied_to from tracked_branch where branch = 'main'`);
    if (row.target === null) return row.synced === after ? 'there' : 'as before';
    expect([row.synced, row.target]).toEqual([before, after]);
    return row.applied_to === null ? 'aimed' : 'on the way';
  };
  for (const [point, where] of points) {
    await killAt(point, () => unanswered(look()));
    expect(await stand(), point).toBe(where);
  }
  await succeed();
  await look();
  await settled(after);
  expect(await expectCopied(stack, 'kills')).toBe(created.length + 3);
  expect(await told('r\\_')).toEqual({
    ...Object.fromEntries(created.map((id) => [`r_${id}`, 'entity.created'])),
    r_changed: 'entity.created entity.changed',
    r_gone: 'entity.created entity.deleted',
    r_down: 'entity.created entity.moved',
    r_up: 'entity.created entity.moved',
  });
}, 300_000);

it('a delivery that is stored leads to the copy, whoever is killed before it was answered, or at it', async () => {
  const { path, toPaste } = await stack.api.ok('PUT', `${connector}/webhook`, {});
  const send = (): Promise<Sent> =>
    deliver({ path, secret: toPaste.secret.value }, push(), { id: 'delivered-once' });
  const deliveries = (): Promise<Json[]> => query('select state, attempts from webhook_delivery');
  const commit = await pushFiles({ 'kills/hook/delivered.yaml': 'name: delivered\n' });
  let answer: unknown;
  await killAt('webhook.store:after', async () => {
    answer = await unanswered(send());
  });
  expect([answer, await deliveries()]).toEqual([undefined, [{ state: 'waiting', attempts: 0 }]]);
  await killAt('webhook.process:before');
  expect(await deliveries()).toEqual([{ state: 'waiting', attempts: 1 }]);
  await killAt('webhook.process:after');
  expect(await deliveries()).toEqual([{ state: 'done', attempts: 2 }]);
  await succeed();
  await settled(commit);
  await expectCopied(stack, 'kills');
  expect(await told('delivered')).toEqual({ delivered: 'entity.created' });
  // Its host, which was never answered, sends it again.
  expect((await send()).status).toBe(202);
  expect(await processed('direct')).toMatchObject([
    { deliveryId: 'delivered-once', state: 'done', duplicates: 1, outcome: { kind: 'acted' } },
  ]);
}, 300_000);

it('an import ends whatever its managers are killed at, and does each of its files once', async () => {
  const names = numbered('taken', 450);
  const commit = await pushFiles(
    Object.fromEntries(names.map((id) => [`taken/${id}.yaml`, `name: ${id}\n`])),
  );
  const body = {
    branch: 'main',
    folder: 'taken',
    patterns: [{ pattern: 'taken/{id}.yaml', kind: 'pipeline' }],
    dryRun: true,
  };
  const stand = async (): Promise<Json> =>
    (await query('select id, state, commit_id as commit, applied_to as got_to from import'))[0];
  const copies = async (): Promise<Json> =>
    (await query(`select count(*)::int as n from entity where path like 'taken/%'`))[0]?.n;
  const isAt = async (state: string): Promise<Json> => {
    const { id } = await stand();
    return eventually(async () => {
      const found = await stack.api.ok('GET', `${imports}/${id}`);
      return found.state === state && found;
    }, `the import to be ${state}`);
  };
  const firstPart = `taken/${names[199]}.yaml`;
  await killAt('import.list:before', () => unanswered(stack.api.ok('POST', imports, body)));
  expect(await stand()).toMatchObject({ state: 'reporting', commit: null, got_to: null });
  await killAt('import.list:after');
  expect(await stand()).toMatchObject({ state: 'reporting', commit, got_to: null });
  await killAt('import.judge:after:2');
  expect(await stand()).toMatchObject({ state: 'reporting', got_to: firstPart });
  await killAt('import.apply:after', async () => {
    const { id, counts, progress } = await isAt('reported');
    expect([counts.create, progress.total, await copies()]).toEqual([names.length, names.length, 0]);
    await unanswered(stack.api.ok('POST', `${imports}/${id}/apply`));
  });
  expect([await stand(), await copies()]).toMatchObject([{ state: 'applying', got_to: firstPart }, 200]);
  await succeed();
  expect((await isAt('done')).counts.create).toBe(names.length);
  expect(await expectCopied(stack, 'taken')).toBe(names.length);
  expect(await told('taken')).toEqual(Object.fromEntries(names.map((id) => [id, 'entity.created'])));
}, 300_000);
