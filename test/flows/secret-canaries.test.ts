// Canaries go through everything that is done with a secret which the manager must not see, and then every place where they could
// have been left is searched: the manager’s own memory too. Each search is shown to find what is planted for it, and the search
// of the memory what the manager may have: a builtin secret, while it uses it.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, eventually, type Json } from '../support/api.js';
import { type Canary, canary, of } from '../support/canary.js';
import { sql } from '../support/database.js';
import { LeakSearch, ProcessWatch, writings } from '../support/leaks.js';
import { OperatingSigns } from '../support/operating-signs.js';
import { memoryOf, snapshotsInto, takeHeapSnapshot } from '../support/process-memory.js';
import type { RunningProcess } from '../support/processes.js';
import { PushGate } from '../support/push-gate.js';
import { leaksOf, RedisWitness } from '../support/redis-witness.js';
import { git } from '../support/repository.js';
import { ScriptedHost } from '../support/scripted-host.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { Refusal } from '../support/secret-servers/aws-accounts.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';

/** Passwords at the Git host: what only delegates may open, what it refuses, and the builtin one. */
const [outside, wrong, builtin] = [canary(), canary(), canary()];
/** Sent in plaintext where it must not be, so that the manager has it and refuses it. */
const misdirected = canary();
/** In the large places the beginnings alone, which have to be there in whatever form the whole is. */
const coresOf = (...canaries: Canary[]): LeakSearch => new LeakSearch(canaries.map(({ core }) => core));
let everything = of(outside, wrong, builtin, misdirected);

const world = new VaultedStack();
const { put, connect, save, seal } = world;
const heaps = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-heaps-'));
const answers: Answer[] = [];
const watch = new ProcessWatch(everything);
let aws: AwsServer;
let signs: OperatingSigns;
let gate: PushGate;
let witness: RedisWitness;
let echo: ScriptedHost;
const manager = (): RunningProcess => world.stack.manager as RunningProcess;
const delegate = (): RunningProcess => world.stack.delegates.at(-1) as RunningProcess;

beforeAll(async () => {
  signs = await OperatingSigns.start();
  const { stack } = await world.start({
    passwords: { manager: builtin.value, delegate: outside.value },
    // A process that writes down its heap does nothing else for seconds.
    settings: {
      SALLYPORT_LOG_LEVEL: 'trace',
      SALLYPORT_LEASE_SECONDS: '60',
      ...signs.settings,
      ...snapshotsInto(heaps),
    },
    heard: (answer) => answers.push(answer),
  });
  witness = await RedisWitness.of(stack.redis as { url: string; directory: string });
  gate = await PushGate.before(stack.host.url);
  echo = await ScriptedHost.open(({ headers }) => {
    const said = headers.get('authorization') ?? '';
    const password = Buffer.from(said.split(' ')[1] ?? '', 'base64').toString();
    if (said === '') return { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } };
    return { status: 403, headers: { 'content-type': 'text/plain' }, body: `No ${password}, no ${said}\n` };
  });
  aws = await AwsServer.open();
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('user');
  everything = new LeakSearch([
    ...[outside, wrong, builtin, misdirected].flatMap(({ core, value }) => [core, value]),
    secretAccessKey,
  ]);
  const value = JSON.stringify({ accessKeyId, secretAccessKey });
  await put('secrets/aws-key', { manager: 'builtin', value });
  await put('secret-managers/kms', {
    settings: { kind: 'aws-kms', region: aws.region, key: aws.keys.create(), endpoint: aws.url },
    credential: 'aws-key',
  });
  git(stack.repository, 'branch', 'other', 'main');
});
afterAll(async () => {
  watch.stop();
  witness?.stop();
  await gate?.close();
  await echo?.close();
  await world.stop();
  await aws?.close();
  await signs?.stop();
  fs.rmSync(heaps, { recursive: true });
});

const post = (route: string, body?: unknown): Promise<Json> =>
  world.stack.api.ok('POST', `${SCOPE}/${route}`, body);
const get = (route: string): Promise<Json> => world.stack.api.ok('GET', `${SCOPE}/${route}`);
const check = (connector: string): Promise<Json> => post(`connectors/${connector}/check`);
const refresh = (secret: string): Promise<Json> => post(`secrets/${secret}/refresh`);

async function expectOperation(wish: object): Promise<void> {
  const { id } = await post('secret-operations', wish);
  const ended = await eventually(async () => {
    const found = await get(`secret-operations/${id}`);
    return found.state !== 'pending' && found;
  }, `secret operation ${id} to end`);
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'succeeded' });
}

/** It opens the repository, as it is and past all that is remembered. */
async function expectUses(secret: string, connector = secret): Promise<void> {
  const saved = await save(connector);
  expect(saved.status, saved.text).toBe(201);
  expect(await check(connector)).toMatchObject({ ok: true });
  expect(await refresh(secret)).toMatchObject({ ok: true });
}

const outer = ['keyring', 'transit', 'kv', 'kms'];

describe('a value that the manager must not see', () => {
  it.each(outer)('is sealed for %s and used', async (keeper) => {
    await put(`secrets/in-${keeper}`, await seal(`in-${keeper}`, outside.value, keeper));
    await connect(`in-${keeper}`, `in-${keeper}`);
    await expectUses(`in-${keeper}`);
  });

  it('is referred to by its path in a store', async () => {
    world.vault.kv.put('team/git', { password: outside.value });
    await put('connectors/referring', {
      url: world.stack.repositoryUrl,
      connectivity: 'delegate',
      credential: {
        username: world.stack.accounts.delegate.username,
        reference: 'vault-kv://kv/team/git#password',
      },
    });
    expect((await save('referring')).status).toBe(201);
    expect(await check('referring')).toMatchObject({ ok: true });
  });

  it.each(['keyring', 'transit', 'kms'])('is wrapped anew and made another version: %s', async (keeper) => {
    world.vault.transit.rotate('sallyport');
    await expectOperation({ action: 'rewrap', manager: keeper });
    await expectOperation({ action: 'reencrypt', secret: `in-${keeper}` });
    await expectUses(`in-${keeper}`);
  });

  it.each([
    ['transit', 'kms'],
    ['kms', 'kv'],
    ['kv', 'transit'],
    ['keyring', 'kv'],
  ])('is migrated from %s to %s', async (from, to) => {
    await expectOperation({ action: 'migrate', secret: `in-${from}`, to });
    await expectUses(`in-${from}`);
  });

  it('is used by native Git, and after the keys of its group were changed', async () => {
    await post('delegate-groups/local/rotate', {});
    await eventually(async () => {
      const { groups } = await get('delegate-groups');
      return groups.find(({ name }: Json) => name === 'local').rotation.state === 'done';
    }, 'the rotation to be done');
    await delegate().kill('SIGTERM');
    await world.stack.startDelegate(undefined, { SALLYPORT_DELEGATE_GIT_ENGINE: 'native' });
    await eventually(async () => (await check('in-keyring')).ok === true, 'the delegate to be back');
    for (const keeper of outer) await expectUses(`in-${keeper}`);
  });
});

describe('a use that fails', () => {
  it.each(outer)('because the host refuses the value: %s', async (keeper) => {
    await put('secrets/wrong', await seal('wrong', wrong.value, keeper));
    await connect('wrong', 'wrong');
    expect((await save('wrong')).body.code).toBe('GIT_AUTH_REJECTED');
    expect(await check('wrong')).toMatchObject({ ok: false });
  });

  it('because the host says no, and says the credential with it', async () => {
    for (const [id, connectivity, secret] of [
      ['echo-delegated', 'delegate', 'in-kms'],
      ['echo-direct', 'manager', 'git-direct'],
    ] as const) {
      await put(`connectors/${id}`, {
        url: `${echo.url()}/x.git`,
        connectivity,
        credential: { username: 'ada', secret },
      });
      const { status, text } = await save(id);
      expect(status, text).toBeGreaterThanOrEqual(400);
      expect(await check(id)).toMatchObject({ ok: false });
    }
    expect(echo.asked.filter(({ headers }) => headers.has('authorization')).length).toBeGreaterThanOrEqual(4);
  });

  it('because the KMS does, and says what it was sent', async () => {
    aws.inject = () => new Refusal(400, 'AccessDeniedException', `User is not authorized: ${outside.value}`);
    // What was in transit is wrapped by the KMS since it was migrated.
    expect(await refresh('in-transit')).toMatchObject({ ok: false, code: 'SECRET_MANAGER_DENIED' });
    expect((await save('in-transit')).body.code).toBe('SECRET_MANAGER_DENIED');
    aws.inject = () => undefined;
    await expectUses('in-transit');
  });

  it('because the store does not take the value, and says it', async () => {
    world.vault.interfere = ({ method, path: asked }) =>
      method === 'POST' && asked.startsWith('secret/data')
        ? { status: 400, body: { errors: [`value ${outside.value} is refused`] } }
        : undefined;
    const body = await seal('unkept', outside.value, 'kv');
    const { status, text } = await world.stack.api.request('PUT', `${SCOPE}/secrets/unkept`, body);
    expect(status, text).toBeGreaterThanOrEqual(400);
    world.vault.interfere = () => undefined;
  });

  it('because the value is gone from its store', async () => {
    const [{ stored } = { stored: undefined }] = await sql<{ stored: Json }>(
      world.stack.databaseUrl,
      `select v.stored from secret s join secret_version v on v.id = s.version where s.id = 'in-keyring'`,
    );
    world.vault.kv.delete(stored.path, 1, 'isDestroyed');
    expect(await refresh('in-keyring')).toMatchObject({ ok: false });
    expect((await save('in-keyring')).body.code).toMatch(/^SECRET_(VERSION_GONE|NOT_IN_STORE)$/);
  });

  it('because it is sent as it is, or not as it was sealed', async () => {
    for (const body of [
      { manager: 'kms', value: misdirected.value },
      { manager: 'builtin', value: misdirected.value, more: misdirected.value },
      { manager: misdirected.value, value: misdirected.value },
    ])
      expect((await world.stack.api.request('PUT', `${SCOPE}/secrets/refused`, body)).status).toBe(400);
    const sealed = await seal('another', wrong.value, 'kms');
    expect(await world.refused('secrets/refused', sealed)).toMatchObject({ code: 'SECRET_VALUE_REFUSED' });
  });
});

describe('a builtin value', () => {
  it('is used by the manager, lent to a delegate, wrapped anew and made another version', async () => {
    await expectUses('git-direct', 'direct');
    await expectOperation({ action: 'rewrap', manager: 'builtin' });
    await expectOperation({ action: 'reencrypt', secret: 'git-direct' });
    const credential = { username: world.stack.accounts.manager.username, secret: 'git-direct' };
    await put('connectors/lent', { url: world.stack.repositoryUrl, connectivity: 'delegate', credential });
    await expectUses('git-direct', 'lent');
  });
});

/** Where in the memory of the process one of the values is. */
function isInMemory({ pid }: RunningProcess, search: LeakSearch): boolean {
  for (const piece of memoryOf(pid, search.bytesMax)) if (search.holds(piece)) return true;
  return false;
}

describe('the memory of the manager', () => {
  it('has a builtin value while it is used, and no other, although that is used at the same time', async () => {
    const url = `${gate.url}/demo.git`;
    const { username } = world.stack.accounts.manager;
    await put('connectors/gated-direct', {
      url,
      connectivity: 'manager',
      credential: { username, secret: 'git-direct' },
    });
    await connect('gated-delegated', 'in-transit', { url });
    gate.shut();
    const begin = async (connector: string, branch: string): Promise<string> => {
      const into = { connector, branch };
      return (await world.stack.api.save(connector, 'name: x\n', into, { prefer: 'wait=0' })).body.id;
    };
    const saves = [await begin('gated-direct', 'main'), await begin('gated-delegated', 'other')];
    await eventually(async () => gate.held.length === 2, 'both pushes to stand at the host');
    const heap = fs.readFileSync(await takeHeapSnapshot(manager().pid, heaps));
    expect(JSON.parse(heap.toString()).snapshot.node_count).toBeGreaterThan(10_000);
    const found = [builtin, outside, wrong].map((one) => coresOf(one).holds(heap));
    const inMemory = [builtin, outside, wrong].map((one) => isInMemory(manager(), coresOf(one)));
    const inDelegate = isInMemory(delegate(), coresOf(outside));
    gate.open();
    for (const id of saves) expect(await world.stack.api.ended(id)).toMatchObject({ state: 'succeeded' });
    expect({ found, inMemory, inDelegate }).toEqual({
      found: [true, false, false],
      inMemory: [true, false, false],
      // The very same value is found where it may be.
      inDelegate: true,
    });
  });

  it('has had none of those that it must not see', async () => {
    for (const route of [
      'secrets',
      'secret-managers',
      'connectors/in-kms',
      'secret-operations',
      'operations',
      'delegates',
    ])
      await get(route);
    for (const route of [
      'secret-audit',
      'secrets/in-kms/audit',
      'secrets/in-kms/uses',
      'secrets/in-kms/access',
    ])
      await get(route);
    const heap = fs.readFileSync(await takeHeapSnapshot(manager().pid, heaps));
    expect(coresOf(outside, wrong).holds(heap)).toBe(false);
    expect(isInMemory(manager(), coresOf(outside, wrong))).toBe(false);
  });
});

describe('what is left', () => {
  const databaseFolder = (): string => inject('realPostgresFolder');
  const walFolder = (): string => path.join(databaseFolder(), 'pg_wal');

  it('in arguments and environments of manager, delegates and what they start: none', () => {
    expect(watch.stop()).toEqual([]);
    expect([...watch.seen].join('\n')).toMatch(/\bgit\b/);
    expect([...watch.seen].join('\n')).toMatch(/push|send-pack|remote/);
  });

  it('in metrics, traces and what doctors find: none', async () => {
    const told = await signs.of(world.stack);
    expect(Object.entries(told).filter(([, text]) => everything.holds(text))).toEqual([]);
  });

  it('in answers of the API: none, and errors are among them', () => {
    expect(
      answers.filter(({ text, headers }) => everything.holds(text + JSON.stringify([...headers]))),
    ).toEqual([]);
    const codes = new Set(answers.map(({ body }) => body?.code));
    for (const code of [
      'GIT_AUTH_REJECTED',
      'SECRET_MANAGER_DENIED',
      'SECRET_VALUE_REFUSED',
      'REQUEST_INVALID',
    ])
      expect(codes).toContain(code);
  });

  it('in logs of manager and delegates: none, and they tell of what failed', () => {
    expect(everything.holds(world.stack.logs())).toBe(false);
    for (const { output } of [manager(), ...world.stack.delegates]) expect(output()).not.toBe('');
    expect(world.stack.logs()).toMatch(/GIT_AUTH_REJECTED/);
  });

  it('in tables: none', async () => {
    expect(await everything.tables(world.stack.databaseUrl)).toEqual([]);
  });

  it('in the database’s files and its log of writes: none', async () => {
    await sql(world.stack.databaseUrl, 'checkpoint');
    expect(fs.readdirSync(walFolder())).not.toEqual([]);
    expect(everything.files(databaseFolder())).toEqual([]);
  });

  it('in Redis, its tasks and what was ever said to it: none', async () => {
    expect(leaksOf(everything, await witness.see())).toEqual([]);
    expect(everything.files(world.stack.redis?.directory ?? '/nonexistent')).toEqual([]);
  });

  it('in files of manager and delegates, their journals and records: none', () => {
    for (const file of ['audit.log', 'delegate.json', 'keyring.json'])
      expect(fs.existsSync(path.join(world.stack.home, 'delegate', file))).toBe(true);
    expect(everything.files(world.stack.home)).toEqual([]);
  });
});

describe('each search finds what is planted', () => {
  /** Nothing that has the same letters in every form. */
  const { value } = canary();
  const search = new LeakSearch([value.slice(value.indexOf(' '))]);

  it('in tables, as text and as bytes in every form', async () => {
    const url = world.stack.databaseUrl;
    for (const [n, [, write]] of writings.entries())
      for (const [type, planted] of [
        ['text', write(value)],
        ['bytea', Buffer.from(write(value))],
      ] as const) {
        await sql(url, `create table planted_${n}_as_${type} (it ${type})`);
        await sql(url, `insert into planted_${n}_as_${type} values ($1)`, [planted]);
      }
    const planted = writings.flatMap((_, n) => [
      `public.planted_${n}_as_bytea`,
      `public.planted_${n}_as_text`,
    ]);
    expect(new Set(await search.tables(url))).toEqual(new Set(planted));
    for (const table of planted) await sql(url, `drop table ${table}`);
  });

  it.each(writings)(
    'as %s: in the log of writes, a file, what a process wrote, and an answer',
    async (_, write) => {
      const own = canary();
      const found = new LeakSearch([own.value]);
      const folder = path.join(inject('realPostgresFolder'), 'pg_wal');
      await sql(world.stack.databaseUrl, 'create table planted (a text)');
      await sql(world.stack.databaseUrl, 'insert into planted values ($1)', [write(own.value)]);
      await sql(world.stack.databaseUrl, 'drop table planted');
      expect(found.files(folder)).not.toEqual([]);
      const file = path.join(world.stack.home, 'delegate', 'planted');
      fs.writeFileSync(file, `before ${write(own.value)} after`);
      expect(found.files(world.stack.home)).toEqual([file]);
      fs.rmSync(file);
      expect(found.holds(`{"level":20,"msg":${JSON.stringify(write(own.value))}}`)).toBe(true);
    },
  );

  it.each(writings)('as %s: in Redis, wherever one looks', async (_, write) => {
    await witness.put(randomBytes(9).toString('hex'), write(value));
    const sight = await witness.see();
    expect(leaksOf(search, sight)).toEqual(Object.keys(sight));
  });
});
