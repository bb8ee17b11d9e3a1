// Trying whether a secret opens at this moment, past all that is remembered of it: for every road, and for what stands in the way.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { AwsServer } from '../support/secret-servers/aws.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const world = new VaultedStack();
const { put, connect, save, seal } = world;
let aws: AwsServer;
let arn: string;
const reference = (more: object = {}) => ({ manager: 'kv', reference: { path: 'team/git', ...more } });

beforeAll(async () => {
  const { stack, vault } = await world.start();
  aws = await AwsServer.open();
  arn = aws.keys.create();
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('user');
  const value = JSON.stringify({ accessKeyId, secretAccessKey });
  await put('secrets/aws-key', { manager: 'builtin', value });
  await put('secret-managers/kms', {
    settings: { kind: 'aws-kms', region: aws.region, key: arn, endpoint: aws.url },
    credential: 'aws-key',
  });
  const { password } = stack.accounts.delegate;
  for (const manager of ['kms', 'transit', 'kv', 'keyring'])
    await put(`secrets/git-${manager}`, await seal(`git-${manager}`, password, manager));
  for (const text of ['one', 'two']) vault.kv.put('team/git', { password: text });
  await put('secrets/latest', reference({ field: 'password' }));
  await put('secrets/pinned', reference({ field: 'password', version: '1' }));
  await connect('by-kms', 'git-kms');
});
afterAll(async () => {
  await world.stop();
  await aws?.close();
});

const refresh = (id: string): Promise<Json> => world.stack.api.ok('POST', `${SCOPE}/secrets/${id}/refresh`);
const versionOf = async (id: string): Promise<string> =>
  (await world.stack.api.ok('GET', `${SCOPE}/secrets/${id}`)).version;

describe('a refresh', () => {
  it.each([
    ['git-direct', { keyId: expect.any(String), storeVersion: null }],
    ['git-keyring', { keyId: expect.any(String), storeVersion: null }],
    ['git-transit', { keyId: expect.stringContaining('sallyport'), storeVersion: null }],
    ['git-kms', { keyId: expect.stringContaining('arn:aws:kms'), storeVersion: null }],
    ['git-kv', { keyId: null, storeVersion: '1' }],
    ['latest', { keyId: null, storeVersion: '2' }],
    ['pinned', { keyId: null, storeVersion: '1' }],
  ])('of %s tells by what it was opened, and nothing of the value', async (id, found) => {
    const expected = { ok: true, ms: expect.any(Number), version: await versionOf(id), ...found };
    expect(await refresh(id)).toEqual(expected);
  });

  it('asks the KMS, and the next use does so again', async () => {
    const decrypts = () => aws.operations.filter((one) => one === 'Decrypt').length;
    await save('by-kms');
    const before = decrypts();
    await save('by-kms');
    expect(decrypts()).toBe(before);
    await refresh('git-kms');
    expect(decrypts()).toBe(before + 1);
    await save('by-kms');
    expect(decrypts()).toBe(before + 2);
  });

  it('finds that a key is disabled, which uses do not notice before; from then on they do', async () => {
    expect((await save('by-kms')).status).toBe(201);
    aws.keys.set(arn, 'Disabled');
    expect((await save('by-kms')).status).toBe(201);
    expect(await refresh('git-kms')).toMatchObject({
      ok: false,
      ms: null,
      keyId: null,
      version: await versionOf('git-kms'),
      code: 'SECRET_KEY_DISABLED',
      detail: expect.stringContaining(`kms in ${SCOPE}`),
      hint: expect.any(String),
    });
    expect((await save('by-kms')).body.code).toBe('SECRET_KEY_DISABLED');
    aws.keys.set(arn, 'Enabled');
    expect(await refresh('git-kms')).toMatchObject({ ok: true });
    expect((await save('by-kms')).status).toBe(201);
  });

  it.each([
    ['a path that is not there', { path: 'team/none' }, 'SECRET_NOT_IN_STORE'],
    ['a version that never was', { version: '77' }, 'SECRET_NOT_IN_STORE'],
    ['a path that the credential may not read', { path: 'elsewhere/git' }, 'SECRET_MANAGER_DENIED'],
  ])('tells of %s', async (_, more, code) => {
    await put('secrets/wrong', reference(more));
    expect(await refresh('wrong')).toMatchObject({ ok: false, code });
  });

  it('tells of a builtin secret that does not open', async () => {
    await put('secrets/damaged', { manager: 'builtin', value: 'x' });
    await sql(
      world.stack.databaseUrl,
      `update secret_version set stored = jsonb_set(stored, '{payload,tag}', '"AAAAAAAAAAAAAAAAAAAAAA"') where secret_id = 'damaged'`,
    );
    expect(await refresh('damaged')).toMatchObject({ ok: false, code: 'SECRET_UNREADABLE' });
  });
});
