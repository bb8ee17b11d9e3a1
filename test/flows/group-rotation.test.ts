// The keys of a group change while it works: nothing fails, nothing is lost, and whoever was away gets them when it is back.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putSecret } from '../../src/cli/put-secret.js';
import { signEdition } from '../../src/contract/group-keys.js';
import {
  type SealingSuite,
  type SealingTargets,
  sealValue,
  targetIn,
} from '../../src/sealing/client-sealing.js';
import { makeP256Pair, makeSealingPair } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const ROTATE = `${SCOPE}/delegate-groups/local/rotate`;
const into = { connector: 'delegated', branch: 'main' };

let stack: Stack;
const groupOf = async (): Promise<Json> =>
  (await stack.api.ok('GET', `${SCOPE}/delegate-groups`)).groups.find(({ name }: Json) => name === 'local');
const file = (folder: string, name: string): Json =>
  JSON.parse(fs.readFileSync(`${stack.home}/${folder}/${name}`, 'utf8'));
const activeOf = (folder: string): string =>
  file(folder, 'keyring.json').keys.find(({ state }: Json) => state === 'active').id;

/** Begins a rotation, or goes on with the one under way, and waits until it is done. */
async function rotate(body: object = {}): Promise<Json> {
  const { rotation } = await stack.api.ok('POST', ROTATE, body);
  return eventually(async () => {
    const group = await groupOf();
    return group.rotation.id === rotation.id && group.rotation.state === 'done' && group;
  }, 'the rotation to be done');
}

const targets = (): Promise<SealingTargets> =>
  stack.api.ok('GET', `${SCOPE}/secret-managers/keyring/sealing-key`);

/** The body that a client sends: the value sealed by this suite, to these keys. */
async function seal(secret: string, suite: SealingSuite, to?: SealingTargets): Promise<Json> {
  const target = targetIn(suite, to ?? (await targets()));
  const version = randomUUID();
  const expiresAt = Date.now() + 10 * 60_000;
  const place = { scope: SCOPE, secret, version, managerScope: SCOPE, manager: 'keyring', expiresAt };
  const sealed = await sealValue(Buffer.from(stack.accounts.delegate.password), target, place);
  return { manager: 'keyring', sealed: { group: target.group, version, expiresAt, ...sealed } };
}

/** Puts a secret as a client would, and a connector that uses it. */
async function connect(id: string, body: Json): Promise<void> {
  const { status, text } = await stack.api.request('PUT', `${SCOPE}/secrets/${id}`, body);
  expect([200, 201], text).toContain(status);
  const { repositoryUrl: url, accounts } = stack;
  const credential = { username: accounts.delegate.username, secret: id };
  await stack.api.ok('PUT', `${SCOPE}/connectors/${id}`, { url, connectivity: 'delegate', credential });
}

const save = (connector = 'delegated') =>
  stack.api.save(`e${randomUUID().replaceAll('-', '_')}`, 'name: x\n', { ...into, connector });

/** What this delegate alone finds of the connector. */
async function checkBy(folder: string, connector: string): Promise<Json> {
  const { delegates } = await stack.api.ok('GET', `${SCOPE}/delegates`);
  const set = async (pick: (name: string) => boolean): Promise<void> => {
    for (const { id, name } of delegates)
      await stack.api.ok('POST', `${SCOPE}/delegates/${id}/${pick(name) ? 'enable' : 'disable'}`);
  };
  await set((name) => name === folder);
  await stack.untilCarried(connector, `${folder} to be there`);
  const found = await stack.api.ok('POST', `${SCOPE}/connectors/${connector}/check`);
  await set(() => true);
  return found;
}

beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 2 });
});
afterAll(async () => {
  await stack.assertSoundAtRest();
  await stack.stop();
});

describe('a group', () => {
  it('has keys of both suites from its enrolment on, each signed by its identity', async () => {
    const group = await eventually(async () => {
      const one = await groupOf();
      return one.keys.p256 !== null && one;
    }, 'the manager to hear of the second key');
    expect(group.keys).toMatchObject({ edition: null, keyring: null });
    expect(group.delegates.map(({ has }: Json) => has)).toEqual(['current', 'current']);
    for (const suite of ['x25519', 'p256'] as const)
      await connect(`founded-${suite}`, await seal(`founded-${suite}`, suite));
    for (const folder of ['delegate', 'delegate-2'])
      expect(await checkBy(folder, 'founded-p256'), folder).toMatchObject({ ok: true });
  });

  it('changes all of its keys while saves and values go on; none fails, none is lost', async () => {
    const before = await groupOf();
    const old = await targets();
    const [sealedBefore, secondBefore] = [
      await seal('late', 'x25519', old),
      await seal('late-2', 'p256', old),
    ];
    const keyring = activeOf('delegate');
    let isOver = false;
    const saves: Promise<number[]>[] = [0, 1].map(async () => {
      const statuses: number[] = [];
      while (!isOver) statuses.push((await save()).status);
      return statuses;
    });
    const values = (async () => {
      let count = 0;
      for (; !isOver; count++) {
        const id = `during-${count}`;
        await connect(id, await seal(id, count % 2 === 0 ? 'x25519' : 'p256'));
      }
      return count;
    })();
    const after = await rotate();
    isOver = true;
    const statuses = (await Promise.all(saves)).flat();
    expect(statuses.filter((status) => status !== 201)).toEqual([]);
    expect(statuses.length).toBeGreaterThan(0);
    const count = await values;
    expect(count).toBeGreaterThan(0);
    for (const kind of ['x25519', 'p256', 'keyring', 'edition', 'since'])
      expect(after.keys[kind], kind).not.toBe(before.keys[kind]);
    expect(after.keys.fingerprint).toBe(before.keys.fingerprint);
    expect(after.delegates.map(({ has }: Json) => has)).toEqual(['current', 'current']);
    for (const folder of ['delegate', 'delegate-2']) {
      expect(activeOf(folder)).toBe(after.keys.keyring);
      expect(file(folder, 'keyring.json').keys.map(({ id }: Json) => id)).toContain(keyring);
    }
    // What was sealed to the keys of before is still taken, and what was kept under them still opens, on each delegate.
    await connect('late', sealedBefore);
    await connect('late-2', secondBefore);
    for (const folder of ['delegate', 'delegate-2'])
      for (const connector of ['delegated', 'founded-x25519', 'late', 'late-2', `during-${count - 1}`])
        expect(await checkBy(folder, connector), `${connector} by ${folder}`).toMatchObject({ ok: true });
  });
});

describe('a delegate that is stopped while the keys change', () => {
  it('gets them when it is back, before it takes any task', async () => {
    await stack.delegates[1]?.kill('SIGTERM');
    const { keys } = await rotate();
    await connect('while-away', await seal('while-away', 'x25519'));
    expect(activeOf('delegate-2')).not.toBe(keys.keyring);
    const back = await stack.startDelegate();
    expect(activeOf('delegate-2')).toBe(keys.keyring);
    expect(back.output()).toMatch(/lacks the current keys.*\n.*group keys received/);
    expect(await checkBy('delegate-2', 'while-away')).toMatchObject({ ok: true });
  });
});

describe('a rotation is refused', () => {
  it('for a group that is not there, and one that no delegate has enrolled in', async () => {
    const rotation = (group: string) =>
      stack.api.request('POST', `${SCOPE}/delegate-groups/${group}/rotate`, {});
    expect((await rotation('none')).body).toMatchObject({ code: 'NOT_FOUND' });
    await stack.api.ok('POST', `${SCOPE}/delegate-tokens`, { group: 'empty' });
    expect((await rotation('empty')).body).toMatchObject({ code: 'DELEGATE_GROUP_UNFIT', status: 409 });
  });

  it.each([{ keys: [] }, { keys: ['identity'] }, { keys: 'sealing' }])('for %j', async (body) => {
    expect((await stack.api.request('POST', ROTATE, body)).status).toBe(400);
  });
});

describe('a delegate that may not have the keys', () => {
  it('holds the rotation up, visibly, until it is disabled; it is given no task then', async () => {
    fs.writeFileSync(`${stack.home}/delegate/policy.yaml`, 'handOver: { allow: [] }\n');
    for (const delegate of stack.delegates) await delegate.kill('SIGTERM');
    const restart = (folder: string) =>
      stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/${folder}` });
    await restart('delegate');
    const second = await restart('delegate-2');
    const before = (await groupOf()).keys;
    await stack.api.ok('POST', ROTATE, { keys: ['keyring'] });
    const held = await eventually(async () => {
      const { rotation } = await groupOf();
      return /delegate-2 .*handOver\.allow/.test(rotation.waitsFor ?? '') && rotation;
    }, 'the rotation to say what it waits for');
    expect(held).toMatchObject({ state: 'staged' });
    expect((await groupOf()).keys).toEqual(before);
    expect((await save()).status).toBe(201);
    const { delegates } = await stack.api.ok('GET', `${SCOPE}/delegates`);
    const { id } = delegates.find(({ name }: Json) => name === 'delegate-2');
    await stack.api.ok('POST', `${SCOPE}/delegates/${id}/disable`);
    await eventually(async () => (await groupOf()).rotation.state === 'done', 'the rotation to be done');
    await stack.api.ok('POST', `${SCOPE}/delegates/${id}/enable`);
    const { delegates: judged } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'delegated' });
    expect(judged.find(({ name }: Json) => name === 'delegate-2').reasons).toContainEqual({
      code: 'keys',
      detail: 'it lacks the current keys of its group',
    });
    expect((await save()).status).toBe(201);
    // Once it may, it gets them without being started anew.
    fs.rmSync(`${stack.home}/delegate/policy.yaml`);
    await stack.delegates.at(-2)?.kill('SIGTERM');
    await restart('delegate');
    await eventually(
      async () =>
        (await groupOf()).delegates.every(({ has }: Json) => has === 'current' || has === 'nothing'),
      'the delegate to have caught up',
    );
    expect(activeOf('delegate-2')).toBe(activeOf('delegate'));
    expect(second.output()).toContain('group keys received');
  });
});

describe('a manager that names keys of its own', () => {
  const forged = async () => {
    const [pair, second] = [await makeSealingPair(), await makeP256Pair()];
    return signEdition(new Identity(Identity.make()), {
      rotation: randomUUID(),
      number: 99,
      sealingKey: pair.publicKey,
      p256Key: second.publicKey,
      keyring: activeOf('delegate'),
    });
  };
  const change = (columns: Record<string, string | null>) => {
    const names = Object.keys(columns);
    const set = names.map((name, at) => `${name} = $${at + 1}`).join(', ');
    return sql(
      stack.databaseUrl,
      `update delegate_group set ${set} where name = 'local'`,
      Object.values(columns),
    );
  };
  const put = (fingerprint: string | undefined, suite: SealingSuite) =>
    putSecret({
      ...{ url: stack.manager?.url ?? '', token: stack.token, scope: SCOPE, managerScope: SCOPE },
      ...{
        id: `cli-${suite}`,
        manager: 'keyring',
        kind: 'text',
        value: Buffer.from('v'),
        fingerprint,
        suite,
      },
    });
  let genuine: Record<string, string | null>;
  let fingerprint = '';
  beforeAll(async () => {
    const columns = 'identity_key, sealing_key, sealing_signature, p256_key, p256_signature';
    [genuine] = (await sql(
      stack.databaseUrl,
      `select ${columns} from delegate_group where name = 'local'`,
    )) as Record<string, string | null>[] as [Record<string, string | null>];
    fingerprint = (await groupOf()).keys.fingerprint;
  });

  it.each(['x25519', 'p256'] as const)('gets no value that is sealed by %s', async (suite) => {
    expect(await put(fingerprint, suite)).toMatchObject({ state: 'kept' });
    const edition = await forged();
    await change({
      ...{ sealing_key: edition.sealingKey, sealing_signature: edition.signature },
      ...{ p256_key: edition.p256.sealingKey, p256_signature: edition.p256.signature },
    });
    await expect(put(undefined, suite)).rejects.toThrow('did not sign');
    const identity = new Identity(Identity.make());
    await change({
      identity_key: identity.publicKey,
      sealing_signature: identity.sign('sealing-key', edition.sealingKey),
      p256_signature: identity.sign('sealing-key-p256', edition.p256.sealingKey),
    });
    await expect(put(fingerprint, suite)).rejects.toThrow('not the pinned one');
    await change(genuine);
  });

  it('is told that the group has no P-256 key, where it has none', async () => {
    const sealed = await seal('unkept', 'p256');
    await change({ p256_key: null, p256_signature: null });
    const { body } = await stack.api.request('PUT', `${SCOPE}/secrets/unkept`, sealed);
    expect(body).toMatchObject({ code: 'DELEGATE_GROUP_UNFIT', hint: expect.stringContaining('rotate') });
    await expect(put(fingerprint, 'p256')).rejects.toThrow('no P-256 key');
    await change(genuine);
  });

  it('is not believed by a delegate, which goes on with the keys it has', async () => {
    const edition = await forged();
    const [kept] = (await sql(
      stack.databaseUrl,
      `select edition::text as edition from delegate_group where name = 'local'`,
    )) as [{ edition: string }];
    await change({ edition: JSON.stringify(edition) });
    await stack.delegates.at(-1)?.kill('SIGTERM');
    const again = await stack.startDelegate();
    expect(again.output()).toContain('keys that the identity of the group did not sign');
    await change({ edition: kept.edition });
    expect((await save()).status).toBe(201);
  });
});
