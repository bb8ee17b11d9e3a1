// What somebody outside notices is on record before he does: no audit, no action there either.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLines } from '../../src/trail/verify.js';
import { type Answer, eventually, type Json } from '../support/api.js';
import { CountingLine } from '../support/counting-line.js';
import { sql } from '../support/database.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { HostServer } from '../support/host-servers/host-server.js';
import { Receiver } from '../support/receiver.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { documentedPolicy, roleId, secretId } from '../support/secret-servers/vault-subject.js';
import { Stack } from '../support/stack.js';
import { WatchedHost } from '../support/watched-host.js';

const SCOPE = 'accounts/demo';
const TOKEN = 'fedcba98765432100123456789abcdef01234567';

let stack: Stack;
let git: CountingLine;
let host: HostServer;
let vault: VaultServer;
let receiver: Receiver;
let open: WatchedHost;

beforeAll(async () => {
  [vault, receiver, open] = [await VaultServer.start(), await Receiver.open(), await WatchedHost.start()];
  host = await HostServer.start(giteaDialect(TOKEN));
  const referred = 'path "secret/data/team/*" { capabilities = ["read"] }';
  vault.tokens.writePolicy('work', [documentedPolicy('secret'), referred].join('\n'));
  vault.kv.put('team/git', { password: 'opened' });
  vault.allowAppRole(roleId, secretId);
  stack = await Stack.start('embedded', {
    settings: {
      SALLYPORT_PUBLIC_URL: 'https://sallyport.example',
      // What is seen of the manager is what was asked for.
      SALLYPORT_POLL_FAST_SECONDS: '3600',
      SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP: 'true',
      SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE: 'true',
    },
  });
  git = await CountingLine.open(stack.host.url);
  const credential = { username: stack.accounts.manager.username, secret: 'git-direct' };
  await put('connectors/counted', { url: `${git.url}/demo.git`, connectivity: 'manager', credential });
  await put('connectors/counted/tracking', {});
  await eventually(async () => {
    const { followed } = await stack.api.ok('GET', `${SCOPE}/connectors/counted/tracking`);
    return followed.length > 0 && followed.every(({ head, synced }: Json) => head === synced);
  }, 'the repository to be looked at by itself');
  await put('connectors/open', { url: open.url, connectivity: 'manager' });
  await put('secrets/host-token', { manager: 'builtin', value: TOKEN });
  await put('connectors/hosted', {
    url: `${host.origin}/forge/acme/app.git`,
    connectivity: 'manager',
    provider: 'gitea',
    credential: { username: 'ada', secret: 'host-token' },
  });
  await put('connectors/hosted/webhook', {});
  await put('secrets/vault-secret-id', { manager: 'builtin', value: secretId });
  await put('secret-managers/kv', {
    settings: { kind: 'vault-kv', address: vault.address, auth: { method: 'approle', roleId } },
    credential: 'vault-secret-id',
  });
  await put('secrets/stored', { manager: 'kv', reference: { path: 'team/git', field: 'password' } });
  await put('subscriptions/told', { url: `${receiver.url}/told`, types: ['connector.deleted'] });
});
afterAll(async () => {
  await stack?.stop();
  await git?.close();
  await host.stop();
  await vault.close();
  await receiver.close();
  await open.close();
});

const put = (below: string, body: object): Promise<Json> => stack.api.ok('PUT', `${SCOPE}/${below}`, body);
const post = (below: string): Promise<Answer> => stack.api.request('POST', `${SCOPE}/${below}`, {});
const rename = (from: string, to: string): Promise<unknown> =>
  sql(stack.databaseUrl, `alter function ${from}(text, text[]) rename to ${to}`);
const entriesOf = async (action: string): Promise<Json[]> =>
  (await stack.api.ok('GET', `${SCOPE}/audit?limit=1000&action=${action}`)).entries;

/** Of the delegate’s own file, which it writes before it opens anything. */
const openedByDelegate = (): number =>
  fs.readFileSync(path.join(stack.home, 'delegate', 'audit.log'), 'utf8').split('\n').length;

/** Action, what asks for it, and how much whom it reaches has seen. The first two open no secret here, which is on record by itself. */
const acts: [action: string, path: string, seen: () => number, told: object][] = [
  ['connector.check', 'connectors/open/check', () => open.requests, { ok: false }],
  ['secret.refresh', 'secrets/git-delegated/refresh', openedByDelegate, { ok: true }],
  ['connector.check', 'connectors/counted/check', () => git.requests.length, { ok: true }],
  ['drift.repair', 'connectors/counted/drift/repair', () => git.requests.length, { branches: ['main'] }],
  ['webhook.register', 'connectors/hosted/webhook/register', () => host.requests.length, {}],
  ['secret.refresh', 'secrets/stored/refresh', () => vault.seen.length, { ok: true }],
  ['secret-manager.check', 'secret-managers/kv/check', () => vault.seen.length, { ok: true }],
  ['subscription.test', 'subscriptions/told/test', () => receiver.deliveries.length, { status: 204 }],
];

describe.each(acts)('%s: %s', (action, address, seen, told) => {
  const target = address.replace(/(\/drift)?\/\w+$/, '');
  const entries = async () => (await entriesOf(action)).filter((one) => one.target === target);

  it('reaches nobody while no entry can be written, and does once one can', async () => {
    const before = seen();
    await rename('audit_append', 'audit_away');
    const refused = await post(address);
    await rename('audit_away', 'audit_append');
    expect(refused, refused.text).toMatchObject({ status: 503, body: { code: 'AUDIT_UNWRITABLE' } });
    expect(seen()).toBe(before);
    expect(await entries()).toEqual([]);

    const done = await post(address);
    expect(done.status, done.text).toBe(200);
    expect(seen()).toBeGreaterThan(before);
    const [after, begun, ...more] = await entries();
    expect(more).toEqual([]);
    const actor = { kind: 'token', name: 'admin' };
    const attempt = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(begun).toMatchObject({ actor, outcome: 'begun', code: null, data: { attempt } });
    expect(after).toMatchObject({ actor, outcome: 'done', data: { ...told, attempt: begun.data.attempt } });
  });
});

it('of a rename, nobody at the new place hears, and neither does the audit where the name is the same', async () => {
  const [before, address] = [git.requests.length, `${SCOPE}/connectors/counted/rename`];
  const there = { url: `${git.url.replace('127.0.0.1', 'localhost')}/demo.git` };
  await rename('audit_append', 'audit_away');
  const refused = await stack.api.request('POST', address, there);
  await rename('audit_away', 'audit_append');
  expect(refused.body.code, refused.text).toBe('AUDIT_UNWRITABLE');
  expect(git.requests.length).toBe(before);
  await stack.api.ok('POST', address, there);
  await stack.api.ok('POST', address, there);
  const entries = await entriesOf('connector.rename');
  expect(entries).toMatchObject([{ outcome: 'done', data: { to: there.url } }, { outcome: 'begun' }]);
  expect(entries[0].data.attempt).toBe(entries[1].data.attempt);
});

describe('of a webhook that is deleted', () => {
  const address = `${SCOPE}/connectors/hosted/webhook`;
  const last = async () => (await entriesOf('webhook.delete')).slice(0, 2);
  const putAgain = async (): Promise<void> => {
    await put('connectors/hosted/webhook', {});
    expect((await post('connectors/hosted/webhook/register')).status).toBe(200);
  };

  it('its host hears nothing either, and the entry says that it has it no more once it does', async () => {
    const before = host.requests.length;
    await rename('audit_append', 'audit_away');
    const refused = await stack.api.request('DELETE', address);
    await rename('audit_away', 'audit_append');
    expect(refused.body.code).toBe('AUDIT_UNWRITABLE');
    expect(host.requests.length).toBe(before);
    await stack.api.ok('DELETE', address);
    expect(host.requests.length).toBeGreaterThan(before);
    expect(await last()).toMatchObject([
      { outcome: 'done', data: { atHost: 'removed' } },
      { outcome: 'begun' },
    ]);
  });

  it('and stays at its host, the entry says so, and why', async () => {
    await putAgain();
    host.instead = ({ method }) =>
      method === 'DELETE' ? { status: 403, json: { message: 'no' } } : undefined;
    await stack.api.ok('DELETE', address);
    host.instead = undefined;
    expect(host.state.hooks).toHaveLength(1);
    const told = { atHost: 'left', code: expect.stringMatching(/^HOST_API_/) };
    expect(await last()).toMatchObject([{ outcome: 'done', code: null, data: told }, { outcome: 'begun' }]);
  });

  it('and that somebody had taken away there, the entry says that as well', async () => {
    await putAgain();
    host.state.hooks.length = 0;
    await stack.api.ok('DELETE', address);
    expect(await last()).toMatchObject([
      { outcome: 'done', data: { atHost: 'absent' } },
      { outcome: 'begun' },
    ]);
  });
});

it('what had begun and failed is on record as that, with its code, and counted no second time', async () => {
  const answer = await stack.api.request('POST', `${SCOPE}/connectors/counted/drift/repair`, {
    branch: 'nobody-follows-it',
  });
  expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  const entries = await entriesOf('drift.repair');
  expect(entries.slice(0, 2)).toMatchObject([
    { outcome: 'failed', code: 'NOT_FOUND', target: 'connectors/counted' },
    { outcome: 'begun', code: null },
  ]);
  expect(entries[0].data.attempt).toBe(entries[1].data.attempt);
  expect(entries.filter(({ outcome }) => outcome === 'refused')).toEqual([]);
});

it('what never began is counted as an attempt, and nothing begins', async () => {
  for (const none of ['connectors/none/check', 'connectors/none/drift/repair', 'secrets/none/refresh'])
    expect((await post(none)).status).toBe(404);
  const { entries } = await stack.api.ok('GET', `${SCOPE}/audit?limit=1000&outcome=refused`);
  const attempts = entries.filter(({ target }: Json) => /^(connectors|secrets)\/none/.test(target));
  expect(attempts.map(({ action }: Json) => action).toSorted()).toEqual([
    'connector.check',
    'drift.repair',
    'secret.refresh',
  ]);
});

describe('what was done and cannot be put on record at once', () => {
  /** Once the receiver is reached, no entry can be written any more. */
  const ask = (): Promise<Answer> => {
    receiver.will('/told', (response) => {
      void rename('audit_append', 'audit_away').then(() => response.writeHead(204).end());
    });
    return post('subscriptions/told/test');
  };
  const done = { status: 200, body: { status: 204 } };

  it('is answered as what it is, and on record as soon as it can be', async () => {
    const asked = ask();
    const tried = eventually(
      async () => stack.logs().includes('what came of an act is not on record yet'),
      'the entry to be tried',
    );
    await Promise.race([asked, tried]);
    await rename('audit_away', 'audit_append');
    expect(await asked).toMatchObject(done);
    const [after, begun] = await entriesOf('subscription.test');
    expect([after.outcome, begun.outcome]).toEqual(['done', 'begun']);
    expect(after.data).toEqual({ status: 204, attempt: begun.data.attempt });
  });

  it('is answered as what it is and stays as begun where it cannot for long', async () => {
    const answered = await ask();
    await rename('audit_away', 'audit_append');
    expect(answered, answered.text).toMatchObject(done);
    expect(await entriesOf('subscription.test')).toMatchObject([
      { outcome: 'begun' },
      { outcome: 'done' },
      {},
      {},
      {},
    ]);
    expect(stack.logs()).toContain('what came of an act is not on record"');
  });
});

it('what its manager was killed at stays as begun, for whoever asks what may have been done', async () => {
  const before = receiver.deliveries.length;
  receiver.will('/told', () => undefined);
  const asked = post('subscriptions/told/test').catch(() => undefined);
  await eventually(async () => receiver.deliveries.length > before, 'the receiver to be asked');
  await stack.manager?.kill('SIGKILL');
  expect(await asked).toBeUndefined();
  await stack.startManager();
  const [last, earlier] = await entriesOf('subscription.test');
  expect(last).toMatchObject({ outcome: 'begun', actor: { kind: 'token', name: 'admin' } });
  expect(earlier.data.attempt).not.toBe(last.data.attempt);
});

it('the trail that says so is whole', async () => {
  const { text } = await stack.api.request('GET', `${SCOPE}/audit/export`);
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.some((line) => line.includes('\\"outcome\\":\\"begun\\"'))).toBe(true);
  expect(await verifyLines(lines, { account: SCOPE })).toMatchObject({ findings: [] });
});
