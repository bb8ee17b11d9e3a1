// Every opening of a secret, on either side, is on record before the secret is used: who, which version, what for.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { runCommand } from '../support/processes.js';
import type { VaultServer } from '../support/secret-servers/vault.js';
import type { Stack } from '../support/stack.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';
import { WatchedHost } from '../support/watched-host.js';

/** The admin token, told from others of its name by its id. */
const ADMIN = expect.stringMatching(/^admin \([0-9a-f]{8}\)$/);

const world = new VaultedStack();
const { put, connect, save, seal } = world;
let stack: Stack;
let vault: VaultServer;
let host: WatchedHost;
let delegate: string;

beforeAll(async () => {
  ({ stack, vault } = await world.start());
  host = await WatchedHost.start();
  const { password } = stack.accounts.delegate;
  vault.kv.put('team/git', { password });
  await put('secrets/referred', {
    manager: 'kv',
    reference: { path: 'team/git', field: 'password', version: '1' },
  });
  await connect('by-kv', 'referred');
  await put('secrets/git-transit', await seal('git-transit', password, 'transit'));
  await connect('by-transit', 'git-transit');
  for (const [id, connectivity, secret] of [
    ['watched-direct', 'manager', 'git-direct'],
    ['watched-delegated', 'delegate', 'git-delegated'],
  ]) {
    const credential = { username: 'ada', secret };
    await put(`connectors/${id}`, { url: host.url, connectivity, credential });
  }
  const { delegates } = await stack.api.ok('GET', `${SCOPE}/delegates`);
  delegate = delegates[0].id;
});
afterAll(async () => {
  await world.stop();
  await host.close();
});

const audit = (path: string, scope = SCOPE): Promise<Json> => stack.api.ok('GET', `${scope}/${path}`);
/** As a user with a token of this name. */
const makeApi = async (name: string): Promise<Api> => {
  const args = ['--account', 'demo', '--name', name];
  const { stdout } = await runCommand('src/token.js', args, { env: { DATABASE_URL: stack.databaseUrl } });
  return new Api(stack.manager?.url ?? '', stdout.trim());
};
/** The newest first. */
const recordsOf = async (secret: string): Promise<Json[]> => (await audit(`secrets/${secret}/audit`)).records;
const secretOf = (id: string): Promise<Json> => stack.api.ok('GET', `${SCOPE}/secrets/${id}`);
const check = (connector: string): Promise<Json> =>
  stack.api.ok('POST', `${SCOPE}/connectors/${connector}/check`);
const recordFile = (): string => `${stack.home}/delegate/audit.log`;
/** Without the first line of the file. */
const fileRecords = (): Json[] =>
  fs
    .readFileSync(recordFile(), 'utf8')
    .split('\n')
    .filter(Boolean)
    .slice(1)
    .map((line) => JSON.parse(line));
const count = async (): Promise<number> =>
  (await sql<{ n: number }>(stack.databaseUrl, 'select count(*)::int as n from secret_audit'))[0]?.n ?? 0;

describe('a record', () => {
  it('of a save by the manager says who asked, which version of which key, and for which operation', async () => {
    const { body, status } = await save('direct');
    expect(status).toBe(201);
    const { version } = await secretOf('git-direct');
    const [record] = await recordsOf('git-direct');
    expect(record).toMatchObject({
      openedBy: 'manager',
      outcome: 'opened',
      code: null,
      scope: SCOPE,
      secret: 'git-direct',
      version,
      keyId: expect.stringMatching(/./),
      manager: null,
      purpose: 'save',
      subject: `${SCOPE}/connectors/direct`,
      operations: [body.operationId],
      actors: [ADMIN],
      lentTo: null,
    });
  });

  it('of a save by a delegate is the delegate’s own, and says the same', async () => {
    const { body, status } = await save('delegated');
    expect(status).toBe(201);
    const { version } = await secretOf('git-delegated');
    const { records, behind } = await audit('secrets/git-delegated/audit');
    expect(behind).toEqual([]);
    expect(records[0]).toMatchObject({
      openedBy: delegate,
      outcome: 'opened',
      version,
      keyId: expect.stringMatching(/./),
      purpose: 'save',
      subject: `${SCOPE}/connectors/delegated`,
      operations: [body.operationId],
      actors: [ADMIN],
    });
    expect(fileRecords().at(-1)).toMatchObject({ id: records[0].id, task: records[0].task });
  });

  it.each([
    ['referred', 'by-kv', 'kv', { keyId: null, storeVersion: '1' }],
    ['git-transit', 'by-transit', 'transit', { keyId: expect.stringMatching(/./), storeVersion: null }],
  ])(
    'of a secret outside names its manager, whose credential was lent: %s',
    async (id, connector, manager, key) => {
      const { body } = await save(connector);
      const about = { purpose: 'save', operations: [body.operationId], actors: [ADMIN] };
      expect((await recordsOf(id))[0]).toMatchObject({
        openedBy: delegate,
        managerScope: SCOPE,
        manager,
        ...key,
        ...about,
      });
      expect((await recordsOf('vault-secret-id'))[0]).toMatchObject({
        openedBy: 'manager',
        lentTo: `${SCOPE}/secret-managers/${manager}`,
        subject: `${SCOPE}/connectors/${connector}`,
        ...about,
      });
    },
  );

  it('of a builtin secret that a delegate uses says that it was lent', async () => {
    await put('connectors/lent', {
      url: stack.repositoryUrl,
      connectivity: 'delegate',
      credential: { username: stack.accounts.manager.username, secret: 'git-direct' },
    });
    expect((await save('lent')).status).toBe(201);
    expect((await recordsOf('git-direct'))[0]).toMatchObject({
      openedBy: 'manager',
      lentTo: 'delegate',
      subject: `${SCOPE}/connectors/lent`,
    });
  });

  it('is there of a sealed value that a delegate took', async () => {
    expect((await recordsOf('git-transit')).at(-1)).toMatchObject({
      openedBy: delegate,
      outcome: 'opened',
      purpose: 'secret-value',
      subject: `${SCOPE}/secrets/git-transit`,
      manager: 'transit',
      actors: [ADMIN],
    });
  });

  it('tells apart two tokens of one name, which finds both', async () => {
    const apis = await Promise.all([makeApi('twin'), makeApi('twin')]);
    for (const api of apis) await api.ok('POST', `${SCOPE}/connectors/direct/check`);
    const { records } = await audit('secret-audit?actor=twin');
    const actors = records.map((one: Json) => one.actors[0]);
    expect(new Set(actors).size).toBe(2);
    for (const actor of actors) {
      expect(actor).toMatch(/^twin \([0-9a-f]{8}\)$/);
      const query = `secret-audit?actor=${encodeURIComponent(actor)}`;
      expect((await audit(query)).records).toHaveLength(1);
    }
  });

  it('names a token whose name is longer than a task carries, and the delegate takes its tasks', async () => {
    const api = await makeApi('long');
    await sql(stack.databaseUrl, `update token set name = repeat('l', 300) where name = 'long'`);
    expect(await api.ok('POST', `${SCOPE}/connectors/delegated/check`)).toMatchObject({ ok: true });
    const actors = [expect.stringMatching(/^l{128} \([0-9a-f]{8}\)$/)];
    expect((await recordsOf('git-delegated'))[0]).toMatchObject({ purpose: 'connector-check', actors });
  });

  it('is there of checks', async () => {
    expect(await check('direct')).toMatchObject({ ok: true });
    expect((await recordsOf('git-direct'))[0]).toMatchObject({
      purpose: 'connector-check',
      subject: `${SCOPE}/connectors/direct`,
      operations: [],
      actors: [ADMIN],
    });
    await stack.api.ok('POST', `${SCOPE}/secret-managers/kv/check`);
    expect((await recordsOf('vault-secret-id'))[0]).toMatchObject({
      purpose: 'secret-manager-check',
      subject: `${SCOPE}/secret-managers/kv`,
      actors: [ADMIN],
    });
  });
});

describe('an operation on secrets', () => {
  it.each([
    ['rewrap', 'git-direct', 'manager'],
    ['reencrypt', 'git-direct', 'manager'],
    ['rewrap', 'git-transit', 'delegate'],
    ['reencrypt', 'git-transit', 'delegate'],
  ])('is on record as what it was opened for: %s of %s, by the %s', async (action, secret, side) => {
    const { version } = await secretOf(secret);
    const { id } = await stack.api.ok('POST', `${SCOPE}/secret-operations`, { action, secret });
    await eventually(
      async () => (await audit(`secret-operations/${id}`)).state === 'succeeded',
      'the operation to succeed',
    );
    const records = await recordsOf(secret);
    const own = records.filter(({ operations }) => operations.includes(id));
    expect(own).toMatchObject([
      {
        openedBy: side === 'manager' ? 'manager' : delegate,
        outcome: 'opened',
        version,
        keyId: expect.stringMatching(/./),
        purpose: 'secret-operation',
        subject: `${SCOPE}/secret-operations/${id}`,
        actors: [ADMIN],
      },
    ]);
  });
});

describe('an attempt that fails is on record with its code', () => {
  it('of the manager', async () => {
    await put('secrets/changed', { manager: 'builtin', value: 'a value' });
    await put('connectors/changed', {
      url: host.url,
      connectivity: 'manager',
      credential: { username: 'ada', secret: 'changed' },
    });
    await sql(
      stack.databaseUrl,
      `update secret_version set stored = jsonb_set(stored, '{wrap,tag}', '"AAAAAAAAAAAAAAAAAAAAAA"')
       where secret_id = 'changed'`,
    );
    expect((await check('changed')).ok).toBe(false);
    expect((await recordsOf('changed'))[0]).toMatchObject({
      openedBy: 'manager',
      outcome: 'refused',
      code: 'SECRET_UNREADABLE',
    });
    expect(host.seen).toEqual([]);
  });

  it('of a delegate', async () => {
    await put('secrets/missing', { manager: 'kv', reference: { path: 'team/nothing' } });
    await connect('missing', 'missing', { url: host.url });
    expect((await check('missing')).ok).toBe(false);
    expect((await recordsOf('missing'))[0]).toMatchObject({
      openedBy: delegate,
      outcome: 'refused',
      code: 'SECRET_NOT_IN_STORE',
    });
    expect(host.seen).toEqual([]);
  });
});

describe('what cannot be put on record is not used', () => {
  it('by the manager', async () => {
    await sql(
      stack.databaseUrl,
      `create trigger spoiled before insert on secret_audit for each row execute function refuse_change()`,
    );
    const asked = host.requests;
    expect((await check('watched-direct')).stages).toMatchObject([
      { stage: 'reach', ok: true },
      { stage: 'authenticate', ok: false, code: 'DATABASE_UNAVAILABLE' },
    ]);
    expect(host.requests).toBeGreaterThan(asked);
    expect(host.seen).toEqual([]);
    await sql(stack.databaseUrl, 'drop trigger spoiled on secret_audit');
    await check('watched-direct');
    expect(host.seen).toContain(`ada:${stack.accounts.manager.password}`);
    host.seen.splice(0);
  });

  it('by a delegate, which asks no secret manager either; what waits goes on by itself', async () => {
    fs.renameSync(recordFile(), `${recordFile()}.away`);
    fs.mkdirSync(recordFile());
    const { stages } = await check('watched-delegated');
    expect(stages.at(-1)).toMatchObject({ ok: false, code: 'SECRET_AUDIT_UNWRITABLE' });
    const asked = vault.seen.length;
    const { body } = await save('by-kv', { prefer: 'wait=0' });
    await eventually(
      async () => (await audit(`operations/${body.id}`)).waitsFor?.includes('audit.log'),
      'the save to wait for the file',
    );
    expect(vault.seen.slice(asked).filter(({ path }) => path.includes('team/git'))).toEqual([]);
    expect(host.seen).toEqual([]);
    fs.rmdirSync(recordFile());
    fs.renameSync(`${recordFile()}.away`, recordFile());
    expect(await stack.api.ended(body.id)).toMatchObject({ state: 'succeeded' });
    await check('watched-delegated');
    expect(host.seen).toContain(`ada:${stack.accounts.delegate.password}`);
    host.seen.splice(0);
  });

  it('a manager that dies as soon as it is on record has used nothing', async () => {
    await stack.manager?.kill();
    await stack.startManager('secrets.audit:after');
    const before = await count();
    await expect(check('watched-direct')).rejects.toThrow();
    await stack.manager?.ended();
    expect(host.seen).toEqual([]);
    expect(await count()).toBe(before + 1);
    await stack.startManager();
    expect((await recordsOf('git-direct'))[0]).toMatchObject({
      outcome: 'opened',
      subject: `${SCOPE}/connectors/watched-direct`,
    });
  });

  it('a delegate that dies as soon as it is on record has used nothing, and the record is fetched later', async () => {
    await stack.delegates.pop()?.kill('SIGTERM');
    const victim = await stack.startDelegate('delegate.audit:after');
    await stack.untilCarried();
    const known = fileRecords().length;
    const checked = check('watched-delegated').catch(() => undefined);
    expect(await victim.ended()).toBe('SIGKILL');
    expect(host.seen).toEqual([]);
    const added = fileRecords().slice(known);
    expect(added).toMatchObject([{ secret: 'git-delegated', outcome: 'opened' }]);
    stack.delegates.pop();
    await stack.startDelegate();
    await checked;
    await stack.untilCarried();
    const found = await recordsOf('git-delegated');
    expect(found.map(({ id }) => id)).toContain(added[0]?.id);
    host.seen.splice(0);
  });
});

describe('fetching', () => {
  it('comes by itself, whoever asks', async () => {
    await save('delegated');
    const { id } = fileRecords().at(-1);
    await eventually(
      async () =>
        (await sql(stack.databaseUrl, 'select 1 from secret_audit where id = $1', [id])).length === 1,
      'the record to be fetched',
    );
  });

  it('twice puts on record once, also where what was fetched first was lost', async () => {
    await audit('secret-audit');
    const before = await count();
    for (const state of ['sequence = 0', 'sequence = 0, log = null', 'sequence = sequence - 1']) {
      await sql(stack.databaseUrl, `update secret_audit_source set ${state}`);
      await audit('secret-audit');
      expect(await count()).toBe(before);
    }
  });

  it('tells of records that are gone', async () => {
    await save('delegated');
    await audit('secret-audit');
    const gone = fileRecords().length;
    fs.rmSync(recordFile());
    await save('delegated');
    const { records } = await audit('secret-audit?limit=5');
    expect(records.find(({ outcome }: Json) => outcome === 'lost')).toMatchObject({
      openedBy: delegate,
      note: expect.stringMatching(new RegExp(`does not go on after record ${gone}`)),
    });
  });

  it('names the delegates whose records may be missing', async () => {
    await stack.delegates.pop()?.kill('SIGKILL');
    const { behind } = await audit('secrets/git-delegated/audit');
    expect(behind).toMatchObject([{ id: delegate, group: 'local', fetchedAt: expect.any(String) }]);
    await stack.startDelegate();
    await stack.untilCarried();
    expect((await audit('secrets/git-delegated/audit')).behind).toEqual([]);
  });
});
