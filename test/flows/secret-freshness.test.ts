// What one manager writes, another one and the delegate use at once, with all that they remember warm. The Git host takes the latest
// password alone, so what is stale fails the save. Nobody tells anybody of an edit: neither side has a channel in Redis.
import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { Secret } from '../../src/kernel/secret.js';
import { sealValue } from '../../src/sealing/client-sealing.js';
import { AwsKms } from '../../workers/secret-managers/aws-kms.js';
import { Api, eventually, type Json } from '../support/api.js';
import { ChangingLock } from '../support/changing-lock.js';
import { sql } from '../support/database.js';
import { type RunningProcess, startManager } from '../support/processes.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { documentedPolicy, roleId, secretId } from '../support/secret-servers/vault-subject.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const EDITS = 8;

const world = new VaultedStack();
let aws: AwsServer;
let arn: string;
let lock: ChangingLock;
let second: RunningProcess;
/** The API of either manager. */
let managers: [Api, Api];

beforeAll(async () => {
  const { stack } = await world.start({ redis: { users: true } });
  aws = await AwsServer.open();
  arn = aws.keys.create();
  second = await startManager({ env: stack.managerEnvironment() });
  managers = [stack.api, new Api(second.url, stack.token)];
  lock = await ChangingLock.before(stack.host.url, stack.accounts.guest);
  await writeAccessKey(managers[0]);
  await put(managers[0], 'secret-managers/kms', {
    settings: { kind: 'aws-kms', region: aws.region, key: arn, endpoint: aws.url },
    credential: 'aws-key',
  });
  for (const kind of kinds) {
    await edit(managers[0], kind, writes[kind] as Write);
    await connect(kind);
  }
});
afterAll(async () => {
  await second?.kill();
  await lock?.close();
  await world.stop();
  await aws?.close();
});

const put = (api: Api, path: string, body: unknown): Promise<Json> => api.ok('PUT', `${SCOPE}/${path}`, body);

/** The access key of another user, whose name is answered; the one before is worth nothing any more. */
async function writeAccessKey(api: Api, user = 'first'): Promise<void> {
  const { accessKeyId, secretAccessKey } = aws.accounts.issue(user);
  const value = JSON.stringify({ accessKeyId, secretAccessKey });
  await put(api, 'secrets/aws-key', { manager: 'builtin', value });
}

/** A connector with this secret. */
const connect = (id: string): Promise<Json> => world.connect(id, id, { url: `${lock.url}/demo.git` });

async function expectUse(api: Api, connector: string): Promise<void> {
  const entity = `e${randomUUID().replaceAll('-', '_')}`;
  const { status, text } = await api.save(entity, 'name: x\n', { connector, branch: 'main' });
  expect(status, text).toBe(201);
}

/** Puts a new password into the keeping of a secret manager, as a client of that manager’s API would. */
type Write = (api: Api, secret: string, password: string) => Promise<unknown>;

const sealed =
  (manager: string): Write =>
  async (api, secret, password) => {
    const target = await api.ok('GET', `${SCOPE}/secret-managers/${manager}/sealing-key`);
    const version = randomUUID();
    const expiresAt = Date.now() + 10 * 60_000;
    const place = { scope: SCOPE, secret, version, managerScope: SCOPE, manager, expiresAt };
    const box = await sealValue(Buffer.from(password), target, place, target.fingerprint);
    const body = { manager, sealed: { group: target.group, version, expiresAt, ...box } };
    await put(api, `secrets/${secret}`, body);
  };

const writes: Record<string, Write> = {
  builtin: (api, secret, value) => put(api, `secrets/${secret}`, { manager: 'builtin', value }),
  keyring: sealed('keyring'),
  'aws-kms': sealed('kms'),
  'vault-kv': async (api, secret, password) => {
    const path = `team/${randomUUID()}`;
    world.vault.kv.put(path, { password });
    await put(api, `secrets/${secret}`, { manager: 'kv', reference: { path, field: 'password' } });
  },
};
const kinds = Object.keys(writes);

/** From now on the host takes another password, which this manager is the one to be told. */
async function edit(api: Api, secret: string, write: Write): Promise<void> {
  const password = randomBytes(18).toString('base64url');
  await write(api, secret, password);
  lock.password = password;
}

/** Writer and user in turn, the managers swapping their parts. */
async function alternate(edits: number, step: (writer: Api, user: Api, n: number) => Promise<void>) {
  const [one, two] = managers;
  for (let n = 0; n < edits; n += 1) await (n % 2 === 0 ? step(one, two, n) : step(two, one, n));
}

const decrypts = (): number => aws.operations.filter((one) => one === 'Decrypt').length;

describe.each(kinds)('a secret of %s', (kind) => {
  it(`that one manager writes is used by the other at once, ${EDITS} times`, async () => {
    const write = writes[kind] as Write;
    await edit(managers[0], kind, write);
    for (const api of managers) await expectUse(api, kind);
    await alternate(EDITS, async (writer, user) => {
      await edit(writer, kind, write);
      await expectUse(user, kind);
      await expectUse(writer, kind);
    });
  });
});

describe('what is remembered', () => {
  it('is used: for the same secret the KMS is asked once, whichever manager sends the task', async () => {
    await edit(managers[0], 'aws-kms', writes['aws-kms'] as Write);
    await expectUse(managers[0], 'aws-kms');
    const before = decrypts();
    for (const api of managers) await expectUse(api, 'aws-kms');
    expect(decrypts()).toBe(before);
  });

  it('is never the secret as another secret manager kept it', async () => {
    await edit(managers[0], 'wandering', writes.builtin as Write);
    await connect('wandering');
    await alternate(2 * kinds.length, async (writer, user, n) => {
      await edit(writer, 'wandering', writes[kinds[n % kinds.length] as string] as Write);
      await expectUse(user, 'wandering');
      await expectUse(writer, 'wandering');
    });
  });

  it('is not the value of a store as it was: the latest is read at every use', async () => {
    world.vault.kv.put('team/latest', { password: 'none' });
    const reference = { path: 'team/latest', field: 'password' };
    await put(managers[0], 'secrets/latest', { manager: 'kv', reference });
    await connect('latest');
    const write: Write = async (_, __, password) => {
      world.vault.kv.put('team/latest', { password });
    };
    await alternate(EDITS, async (_, user) => {
      await edit(user, 'latest', write);
      await expectUse(user, 'latest');
    });
  });

  it('is not a row as it was before it was changed in place, under the same version', async () => {
    const target = await managers[0].ok('GET', `${SCOPE}/secret-managers/kms/sealing-key`);
    const { accessKeyId, secretAccessKey } = aws.accounts.issue('rewrapper');
    const credential = new Secret(Buffer.from(JSON.stringify({ accessKeyId, secretAccessKey })));
    const settings = { kind: 'aws-kms' as const, region: aws.region, key: arn, endpoint: aws.url };
    const keeper = { manager: 'kms', scope: SCOPE };
    const kms = new AwsKms({ keeper, settings, credential, deadlineMs: 5_000, proxy: undefined });
    const keys = new EnvelopeManager('aws-kms', kms, target.deployment);
    const rewrite: Write = async (api, secret, password) => {
      const { version } = await api.ok('GET', `${SCOPE}/secrets/${secret}`);
      const stored = await keys.put(Buffer.from(password), { scope: SCOPE, secret }, { version });
      const statement = 'update secret_version set stored = $1 where secret_id = $2 and id = $3';
      await sql(world.stack.databaseUrl, statement, [JSON.stringify(stored), secret, version]);
    };
    await alternate(6, async (writer, user) => {
      await edit(writer, 'aws-kms', rewrite);
      await expectUse(user, 'aws-kms');
      await expectUse(writer, 'aws-kms');
    });
    await kms.close();
    credential.wipe();
  });
});

describe('an edit of the secret manager', () => {
  it('is signed in with at once: its new credential, and never the old one again', async () => {
    await edit(managers[0], 'aws-kms', writes['aws-kms'] as Write);
    await alternate(6, async (writer, user, n) => {
      for (const api of managers) await expectUse(api, 'aws-kms');
      await writeAccessKey(writer, `user-${n}`);
      const before = aws.asked.length;
      await expectUse(user, 'aws-kms');
      expect(new Set(aws.asked.slice(before).map(({ by }) => by))).toEqual(new Set([`user-${n}`]));
    });
  });

  it('is followed at once: its new address, and the old one is not asked again', async () => {
    const other = await VaultServer.start();
    other.tokens.writePolicy(
      'work',
      `${documentedPolicy('secret')}\npath "secret/data/team/*" { capabilities = ["read"] }`,
    );
    other.allowAppRole(roleId, secretId);
    const reference = { path: 'team/moving', field: 'password' };
    world.vault.kv.put('team/moving', { password: 'one' });
    other.kv.put('team/moving', { password: 'two' });
    await put(managers[0], 'secrets/moving', { manager: 'kv', reference });
    await connect('moving');
    await alternate(6, async (writer, user, n) => {
      const [now, then] = n % 2 === 0 ? [other, world.vault] : [world.vault, other];
      lock.password = n % 2 === 0 ? 'one' : 'two';
      for (const api of managers) await expectUse(api, 'moving');
      await put(writer, 'secret-managers/kv', world.managerOf({ kind: 'vault-kv', address: now.address }));
      lock.password = n % 2 === 0 ? 'two' : 'one';
      const reads = then.count(/^secret\//);
      await expectUse(user, 'moving');
      expect(then.count(/^secret\//)).toBe(reads);
    });
    await other.close();
  });
});

describe('nobody is told of an edit', () => {
  it('by Redis: neither managers nor delegates may use a channel there', async () => {
    const manager = new Redis(world.stack.redis?.url ?? '', { maxRetriesPerRequest: 1 });
    const admin = new Redis(world.stack.redis?.adminUrl ?? '', { maxRetriesPerRequest: 1 });
    for (const one of [manager, admin]) one.on('error', () => undefined);
    await expect(manager.publish('secrets', 'changed')).rejects.toThrow('NOPERM');
    await expect(manager.subscribe('secrets')).rejects.toThrow('NOPERM');
    const users = ((await admin.call('ACL', 'LIST')) as string[]).filter((line) =>
      line.includes('user sallyport-'),
    );
    expect(users.length).toBeGreaterThanOrEqual(3);
    for (const user of users) {
      expect(user).toContain('resetchannels');
      expect(user).not.toMatch(/ &|\+publish|\+subscribe|\+@all|\+@pubsub/);
    }
    manager.disconnect();
    admin.disconnect();
  });

  it('by PostgreSQL: nobody listens there', async () => {
    const statement = `select query from pg_stat_activity where datname = current_database() and query ~* '^\\s*(listen|notify)'`;
    expect(await sql(world.stack.databaseUrl, statement)).toEqual([]);
  });
});

it('a delegate that the queue does not let in asks the KMS again afterwards: it may have been revoked', async () => {
  await edit(managers[0], 'aws-kms', writes['aws-kms'] as Write);
  await expectUse(managers[0], 'aws-kms');
  const before = decrypts();
  const admin = new Redis(world.stack.redis?.adminUrl ?? '', { maxRetriesPerRequest: 1 });
  const [user] = ((await admin.call('ACL', 'USERS')) as string[]).filter((name) =>
    name.startsWith('sallyport-d'),
  );
  // The manager mends a user that is not as it should be only after a while.
  await admin
    .multi()
    .call('ACL', 'DELUSER', user as string)
    .call('ACL', 'SETUSER', user as string, 'on', '>another')
    .exec();
  admin.disconnect();
  await eventually(async () => world.stack.logs().includes('WRONGPASS'), 'the delegate to have noticed');
  await expectUse(managers[1], 'aws-kms');
  expect(decrypts()).toBe(before + 1);
});
