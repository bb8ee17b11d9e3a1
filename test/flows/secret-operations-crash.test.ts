// kill -9 at every step of a rewrap, a reencryption and a migration, in the manager and in the delegate: the
// operation ends all the same, every secret opens, none has two heads, and a store has no value twice.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import type { Stack } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';

type Process = 'manager' | 'delegate';
type Case = [
  action: 'rewrap' | 'reencrypt' | 'migrate',
  from: string,
  to: string,
  process: Process,
  step: string,
];

const cases: Case[] = [
  ['rewrap', 'transit', '', 'manager', 'secret-operation.accept'],
  ['rewrap', 'transit', '', 'manager', 'secret-operation.renew'],
  ['rewrap', 'transit', '', 'manager', 'secret-operation.settle'],
  ['rewrap', 'transit', '', 'delegate', 'delegate.renew-secret'],
  ['reencrypt', 'transit', '', 'manager', 'secret-operation.settle'],
  ['migrate', 'builtin', 'kv', 'manager', 'secret-operation.begin'],
  ['migrate', 'builtin', 'kv', 'manager', 'secret-operation.settle'],
  ['migrate', 'builtin', 'kv', 'delegate', 'delegate.keep-secret'],
  ['migrate', 'transit', 'kv', 'delegate', 'delegate.reseal-secret'],
  ['migrate', 'transit', 'builtin', 'delegate', 'delegate.reveal-secret'],
];
const SECRETS = 3;

/** What is after one step is before the next one; of a delegate’s the worst is that its answer is lost. */
function momentsOf(process: Process, at: string): string[] {
  if (process === 'delegate') return ['after'];
  return at.endsWith('settle') ? ['before', 'after'] : ['before'];
}

const world = new VaultedStack();
const { put, connect, seal } = world;
let stack: Stack;
let count = 0;
beforeAll(async () => {
  ({ stack } = await world.start());
  fs.writeFileSync(`${stack.home}/delegate/policy.yaml`, 'release: { toManager: true }\n');
  await replace('delegate');
});
afterAll(() => world.stop());

describe.each(sampled(cases, 4))(
  '%s, from %s to %j: the %s killed at %s',
  (action, from, to, process, at) => {
    it.each(momentsOf(process, at))('%s it', async (moment) => {
      const scope = `${SCOPE}/orgs/c${count++}`;
      await stack.api.ok('PUT', scope, {});
      const names = await furnish(scope, from);
      const before = await versionsIn(scope);
      const victim = await replace(process, `${at}:${moment}`);
      const wish = { action, manager: from, ...(to === '' ? {} : { to, revealToManager: true }) };
      const begun = stack.api.request('POST', `${scope}/secret-operations`, wish).catch(() => undefined);
      expect(await victim.ended()).toBe('SIGKILL');
      await begun;
      await replace(process);
      const operation = await ended(scope, wish);
      expect(operation).toMatchObject({
        state: 'succeeded',
        troubles: [],
        progress: { total: SECRETS, failed: 0 },
      });
      const after = await versionsIn(scope);
      expect(after.filter(({ head }) => head).length).toBe(SECRETS);
      expect(after.filter(({ head, superseded_at }) => head === (superseded_at !== null))).toEqual([]);
      const isInPlace = action === 'rewrap';
      expect(after.length).toBe(isInPlace ? before.length : 2 * before.length);
      for (const name of names) {
        const check = await stack.api.ok('POST', `${scope}/connectors/${name}/check`);
        expect(check).toMatchObject({ ok: true });
      }
      for (const { stored } of after.filter((one) => one.stored.path !== undefined))
        expect(stored.storeVersion).toBe('1');
    });
  },
);

/** Secrets of this manager, each used by a connector. */
async function furnish(scope: string, manager: string): Promise<string[]> {
  const { password } = stack.accounts.delegate;
  const names = Array.from({ length: SECRETS }, (_, index) => `s${index}`);
  for (const name of names) {
    const body =
      manager === 'builtin' ? { manager, value: password } : await seal(name, password, manager, scope);
    await put(`secrets/${name}`, body, scope);
    await connect(name, name, {}, scope);
  }
  return names;
}

const versionsIn = (scope: string): Promise<Json[]> =>
  sql(
    stack.databaseUrl,
    `select v.stored, v.superseded_at, s.version = v.id as head
     from secret_version v join secret s on s.scope = v.scope and s.id = v.secret_id where v.scope = $1`,
    [scope],
  );

/** What was not accepted before the kill is asked for again, as a client would. */
async function ended(scope: string, wish: object): Promise<Json> {
  const { secretOperations } = await stack.api.ok('GET', `${scope}/secret-operations`);
  const { id } = secretOperations[0] ?? (await stack.api.ok('POST', `${scope}/secret-operations`, wish));
  return eventually(async () => {
    const found = await stack.api.ok('GET', `${scope}/secret-operations/${id}`);
    return found.state !== 'pending' && found;
  }, 'the operation to end');
}

/** The process again, this time perhaps one that kills itself at a step; back once the manager has heard of the delegate. */
async function replace(process: Process, crashAt?: string) {
  const before = process === 'manager' ? stack.manager : stack.delegates.pop();
  await before?.kill(process === 'manager' ? 'SIGKILL' : 'SIGTERM');
  const started =
    process === 'manager' ? await stack.startManager(crashAt) : await stack.startDelegate(crashAt);
  await eventually(
    async () => (await stack.api.ok('POST', `${SCOPE}/secret-managers/transit/check`)).ok === true,
    'the delegate to be asked',
  );
  return started;
}
