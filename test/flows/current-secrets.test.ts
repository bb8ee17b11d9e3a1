// What a manager remembers of secrets: never what somebody else has changed since, though nobody tells it of any change.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Scope } from '../../src/scopes/scope.js';
import { CurrentSecretsRepository } from '../../src/secrets/current-secrets.repository.js';
import { Storage } from '../../src/storage/database.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';
import { failureFrom } from '../unit/support/refusals.js';

const scope = 'accounts/a' as Scope;
const MINUTE = 60_000;
let url = '';
let drop: () => Promise<void> = async () => undefined;
let storage: Storage;
let repository: CurrentSecretsRepository;

beforeAll(async () => {
  ({ url, drop } = await createDatabase(inject('embeddedPostgres')));
  storage = new Storage(url);
  await storage.migrate();
  await sql(url, `insert into scope (path, account, display_name) values ($1, $1, 'A')`, [scope]);
  repository = new CurrentSecretsRepository(storage, MINUTE);
});
afterAll(async () => {
  await storage.close();
  await drop();
});

const find = (id: string) => repository.find(scope, id);
const change = (text: string, ...values: unknown[]) => sql(url, text, values);

/** As if another manager wrote it. */
async function write(id: string, stored: object, manager: string | null = null): Promise<void> {
  const version = randomUUID();
  const managerScope = manager === null ? null : scope;
  await change(
    `with version as (insert into secret_version (id, scope, secret_id, number, manager_scope, manager_id, stored)
       select $3, $1, $2, 1 + count(*), $4, $5, $6 from secret_version where scope = $1 and secret_id = $2)
     insert into secret (scope, id, version, manager_scope, manager_id) values ($1, $2, $3, $4, $5)
     on conflict (scope, id) do update set version = $3, manager_scope = $4, manager_id = $5`,
    scope,
    id,
    version,
    managerScope,
    manager,
    JSON.stringify({ ...stored, version }),
  );
}

const writeManager = (id: string, settings: object, credential: string | null = null) =>
  change(
    `insert into secret_manager (scope, id, settings, credential_scope, credential_id, revision) values ($1, $2, $3, $4, $5, $6)
     on conflict (scope, id) do update set settings = $3, credential_scope = $4, credential_id = $5, revision = $6`,
    scope,
    id,
    JSON.stringify(settings),
    credential === null ? null : scope,
    credential,
    randomUUID(),
  );

const kms = (address: string) => ({ kind: 'aws-kms', region: 'eu-west-1', key: 'k', endpoint: address });

describe('a secret that was used before', () => {
  beforeAll(async () => {
    await write('access-key', { value: 'key 1' });
    await writeManager('kms', kms('https://a.example'), 'access-key');
    await writeManager('other', kms('https://other.example'));
    await write('token', { value: 'first' }, 'kms');
    await write('bare', { value: 'first' });
  });

  it('comes with its manager and what that signs in with', async () => {
    expect(await find('token')).toMatchObject({
      scope,
      id: 'token',
      keptBy: { scope, id: 'kms' },
      stored: { value: 'first' },
      manager: { scope, id: 'kms', settings: kms('https://a.example'), group: null, tags: [] },
      credential: { scope, id: 'access-key', keptBy: null, stored: { value: 'key 1' } },
    });
    expect(await find('bare')).toMatchObject({ keptBy: null, manager: null, credential: null });
  });

  it('is remembered as long as nothing of it changes', async () => {
    const [token, bare] = [await find('token'), await find('bare')];
    expect(await find('token')).toBe(token);
    expect(await find('bare')).toBe(bare);
    await change(`update secret_version set superseded_at = now() where secret_id = 'access-key'`);
    expect(await find('token')).toBe(token);
  });

  it.each<[string, () => Promise<unknown>, object]>([
    ['a new version', () => write('token', { value: 'second' }, 'kms'), { stored: { value: 'second' } }],
    [
      'its row, in place',
      () => change(`update secret_version set stored = '{"value":"rewrapped"}' where secret_id = 'token'`),
      { stored: { value: 'rewrapped' } },
    ],
    [
      'the settings of its manager',
      () => writeManager('kms', kms('https://b.example'), 'access-key'),
      { manager: { settings: kms('https://b.example') } },
    ],
    [
      'who serves its manager',
      () => change(`update secret_manager set delegate_tags = '{hsm}' where id = 'kms'`),
      { manager: { tags: ['hsm'] } },
    ],
    [
      'a new version of the credential',
      () => write('access-key', { value: 'key 2' }),
      { credential: { stored: { value: 'key 2' } } },
    ],
    [
      'the row of the credential, in place',
      () => change(`update secret_version set stored = '{"value":"x"}' where secret_id = 'access-key'`),
      { credential: { stored: { value: 'x' } } },
    ],
    ['no credential any more', () => writeManager('kms', kms('https://b.example')), { credential: null }],
    [
      'another manager',
      () => write('token', { value: 'second' }, 'other'),
      { keptBy: { scope, id: 'other' }, manager: { id: 'other' } },
    ],
    ['no manager but the builtin one', () => write('token', {}), { keptBy: null, manager: null }],
  ])('is what it is now, at once: %s', async (_, edit, expected) => {
    const before = await find('token');
    expect(await find('token')).toBe(before);
    await edit();
    const after = await find('token');
    expect(after).toMatchObject(expected);
    expect(await find('token')).toBe(after);
  });

  it('is not there once it was deleted, and another one of its name is that one', async () => {
    await write('gone', { value: 'old' });
    await find('gone');
    await change(`delete from secret where id = 'gone'`);
    expect((await failureFrom(find('gone'))).code).toBe('NOT_FOUND');
    await write('gone', { value: 'new' });
    expect(await find('gone')).toMatchObject({ stored: { value: 'new' } });
  });

  it('is the newest of what is read at the same time, whichever answer comes last', async () => {
    await write('busy', { n: 0 });
    for (let n = 1; n <= 10; n += 1) {
      const early = Promise.all(Array.from({ length: 5 }, () => find('busy')));
      await write('busy', { n });
      const late = await Promise.all(Array.from({ length: 5 }, () => find('busy')));
      await early;
      for (const one of [...late, await find('busy')]) expect(one.stored).toMatchObject({ n });
    }
  });

  it('is answered though it is forgotten while it is asked for', async () => {
    const before = await find('bare');
    const answer = find('bare');
    repository.forget(scope, 'bare');
    expect(await answer).toBe(before);
  });

  it('is read whole again once it was forgotten', async () => {
    const before = await find('bare');
    repository.forget(scope, 'bare');
    const after = await find('bare');
    expect(after).toEqual(before);
    expect(after).not.toBe(before);
  });
});

describe('what is not remembered', () => {
  it.each(['vault-kv', 'vault-transit'])('is a secret of %s', async (kind) => {
    await writeManager(kind, { kind });
    await write(`of-${kind}`, { value: 'x' }, kind);
    const before = await find(`of-${kind}`);
    const after = await find(`of-${kind}`);
    expect(after).toEqual(before);
    expect(after).not.toBe(before);
  });

  it('is anything, where the setting is 0', async () => {
    const forgetful = new CurrentSecretsRepository(storage, 0);
    const before = await forgetful.find(scope, 'bare');
    const after = await forgetful.find(scope, 'bare');
    expect(after).toEqual(before);
    expect(after).not.toBe(before);
  });
});
