// Somebody writes to the database: what is kept of one secret stands in the place of another, or of another of its versions. It
// opens on neither side, whatever it is used for, and the Git host is shown no password.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';
import { WatchedHost } from '../support/watched-host.js';

const world = new VaultedStack();
const { put, connect, seal } = world;
let host: WatchedHost;
let aws: AwsServer;
const keepers = ['builtin', 'keyring', 'transit', 'kms'];
/** What a host was shown where all is as it should be. */
const valueOf = (secret: string, edition: string): string => `${secret} ${edition}`;

beforeAll(async () => {
  await world.start();
  host = await WatchedHost.start();
  aws = await AwsServer.open();
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('user');
  const value = JSON.stringify({ accessKeyId, secretAccessKey });
  await put('secrets/aws-key', { manager: 'builtin', value });
  await put('secret-managers/kms', {
    settings: { kind: 'aws-kms', region: aws.region, key: aws.keys.create(), endpoint: aws.url },
    credential: 'aws-key',
  });
  for (const keeper of keepers) await furnish(keeper);
});
afterAll(async () => {
  await world.stop();
  await host?.close();
  await aws?.close();
});

/** Two secrets with a version before the current one each, and one of the same name in a project; a connector for the first. */
async function furnish(keeper: string): Promise<void> {
  for (const [secret, scope] of [
    [`${keeper}-a`, SCOPE],
    [`${keeper}-b`, SCOPE],
    [`${keeper}-a`, PROJECT],
  ] as const)
    for (const edition of ['old', 'new']) {
      const value = valueOf(secret, edition);
      const body =
        keeper === 'builtin' ? { manager: keeper, value } : await seal(secret, value, keeper, scope);
      await put(`secrets/${secret}`, body, scope);
    }
  const connectivity = keeper === 'builtin' ? 'manager' : 'delegate';
  await connect(keeper, `${keeper}-a`, {
    url: host.url,
    connectivity,
    credential: { username: 'ada', secret: `${keeper}-a` },
  });
}

interface Row {
  id: string;
  stored: Json;
}

/** Versions of a secret, the current one first. */
const versionsOf = (secret: string, scope = SCOPE): Promise<Row[]> =>
  sql(
    world.stack.databaseUrl,
    'select id, stored from secret_version where scope = $1 and secret_id = $2 order by number desc',
    [scope, secret],
  );
const headOf = async (secret: string, scope = SCOPE): Promise<Row> =>
  (await versionsOf(secret, scope))[0] as Row;
const replace = async (secret: string, { id }: Row, stored: Json): Promise<void> => {
  const text = 'update secret_version set stored = $3 where secret_id = $1 and id = $2';
  await sql(world.stack.databaseUrl, text, [secret, id, JSON.stringify(stored)]);
};
/** What the newest rewrap of the current version replaced. */
const supersededOf = async (secret: string): Promise<Json> => {
  const text = `select stored from superseded_wrap where scope = $1 and secret_id = $2 and version = $3
    order by superseded_at desc limit 1`;
  const head = await headOf(secret);
  return (await sql<Row>(world.stack.databaseUrl, text, [SCOPE, secret, head.id]))[0]?.stored;
};

const check = (connector: string): Promise<Json> =>
  world.stack.api.ok('POST', `${SCOPE}/connectors/${connector}/check`);
const save = (connector: string) =>
  world.stack.api.save(`e${randomUUID().replaceAll('-', '_')}`, 'name: x\n', { connector, branch: 'main' });

async function operate(wish: object): Promise<Json> {
  const { id } = await world.stack.api.ok('POST', `${SCOPE}/secret-operations`, wish);
  return eventually(async () => {
    const found = await world.stack.api.ok('GET', `${SCOPE}/secret-operations/${id}`);
    return found.state !== 'pending' && found;
  }, `secret operation ${id} to end`);
}

/** It opens to what was put last, and that alone is shown to the host. */
async function expectOpen(keeper: string): Promise<void> {
  host.seen.splice(0);
  await check(keeper);
  expect(new Set(host.seen)).toEqual(new Set([`ada:${valueOf(`${keeper}-a`, 'new')}`]));
}

/** Every use ends with the one code, what changes secrets too, and none has reached the host. */
async function expectRefused(keeper: string): Promise<void> {
  const secret = `${keeper}-a`;
  host.seen.splice(0);
  const before = await versionsOf(secret);
  const outcomes = {
    check: (await check(keeper)).stages.at(-1).code,
    save: (await save(keeper)).body.code,
    refresh: (await world.stack.api.ok('POST', `${SCOPE}/secrets/${secret}/refresh`)).code,
    reencrypt: (await operate({ action: 'reencrypt', secret })).troubles[0]?.problem.code,
  };
  const code = 'SECRET_UNREADABLE';
  expect(outcomes).toEqual({ check: code, save: code, refresh: code, reencrypt: code });
  expect(host.seen).toEqual([]);
  expect(await versionsOf(secret)).toEqual(before);
}

const shorten = (text: string, bytes: number): string =>
  Buffer.from(text, 'base64url').subarray(0, bytes).toString('base64url');

/** What is written in the place of what the first secret’s current version has. */
type Tamper = (keeper: string, own: Row) => Promise<Json>;
const tampers: Record<string, Tamper> = {
  'another secret’s row': async (keeper) => (await headOf(`${keeper}-b`)).stored,
  'another secret’s row, called by its version': async (keeper, { id }) => ({
    ...(await headOf(`${keeper}-b`)).stored,
    version: id,
  }),
  'the row of its namesake in a project': async (keeper, { id }) => ({
    ...(await headOf(`${keeper}-a`, PROJECT)).stored,
    version: id,
  }),
  'the row of its version before': async (keeper) => ((await versionsOf(`${keeper}-a`))[1] as Row).stored,
  'the row of its version before, called by its version': async (keeper, { id }) => ({
    ...((await versionsOf(`${keeper}-a`))[1] as Row).stored,
    version: id,
  }),
  'the wrapped key of another secret': async (keeper, { stored }) => {
    const { keyId, wrap } = (await headOf(`${keeper}-b`)).stored;
    return { ...stored, keyId, wrap };
  },
  'the wrapped key of its version before': async (keeper, { stored }) => {
    const { keyId, wrap } = ((await versionsOf(`${keeper}-a`))[1] as Row).stored;
    return { ...stored, keyId, wrap };
  },
  'the payload of another secret': async (keeper, { stored }) => ({
    ...stored,
    payload: (await headOf(`${keeper}-b`)).stored.payload,
  }),
};

describe.each(keepers)('a secret of %s', (keeper) => {
  it('opens as it was put', () => expectOpen(keeper));

  it.each(Object.keys(tampers))('with %s opens nowhere, and is as before when it is back', async (name) => {
    const own = await headOf(`${keeper}-a`);
    const moved = await (tampers[name] as Tamper)(keeper, own);
    expect(moved).not.toEqual(own.stored);
    await replace(`${keeper}-a`, own, moved);
    try {
      await expectRefused(keeper);
    } finally {
      await replace(`${keeper}-a`, own, own.stored);
    }
    await expectOpen(keeper);
  });

  it.each([15, 4, 0])('with a tag of %i bytes opens nowhere', async (bytes) => {
    const own = await headOf(`${keeper}-a`);
    const { payload } = own.stored;
    host.seen.splice(0);
    await replace(`${keeper}-a`, own, {
      ...own.stored,
      payload: { ...payload, tag: shorten(payload.tag, bytes) },
    });
    try {
      const { body } = await world.stack.api.request('POST', `${SCOPE}/connectors/${keeper}/check`);
      const codes = [body.code ?? body.stages.at(-1).code, (await save(keeper)).body.code];
      expect(codes).toEqual(['SECRET_UNREADABLE', 'SECRET_UNREADABLE']);
      expect(host.seen).toEqual([]);
    } finally {
      await replace(`${keeper}-a`, own, own.stored);
    }
    await expectOpen(keeper);
  });

  it('that was rewrapped opens with its own wraps alone', async () => {
    for (const secret of [`${keeper}-a`, `${keeper}-b`])
      expect(await operate({ action: 'rewrap', secret })).toMatchObject({ state: 'succeeded' });
    await expectOpen(keeper);
    const own = await headOf(`${keeper}-a`);
    for (const foreign of [await supersededOf(`${keeper}-b`), (await headOf(`${keeper}-b`)).stored]) {
      await replace(`${keeper}-a`, own, { ...own.stored, keyId: foreign.keyId, wrap: foreign.wrap });
      await expectRefused(keeper);
    }
    await replace(`${keeper}-a`, own, await supersededOf(`${keeper}-a`));
    await expectOpen(keeper);
    await replace(`${keeper}-a`, own, own.stored);
  });

  it('goes by its version: what is written among the superseded wraps changes nothing', async () => {
    const foreign = await headOf(`${keeper}-b`);
    const text = 'update superseded_wrap set stored = $2 where secret_id = $1';
    await sql(world.stack.databaseUrl, text, [`${keeper}-a`, JSON.stringify(foreign.stored)]);
    await expectOpen(keeper);
  });
});
