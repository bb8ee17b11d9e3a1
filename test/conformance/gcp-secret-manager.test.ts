import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { GcpSecretManager } from '../../workers/secret-managers/gcp-secret-manager.js';
import type { StoredAt } from '../../workers/secret-managers/secret-store.js';
import { StoreManager } from '../../workers/secret-managers/store-manager.js';
import { GoogleServer } from '../support/secret-servers/google.js';
import { Refusal } from '../support/secret-servers/google-refusal.js';
import { PROJECT } from '../support/secret-servers/google-secrets.js';
import { KEY, setupFor, suffer } from '../support/secret-servers/google-subject.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, keeper } from './secret-manager.conformance.js';

type Settings = SettingsOf<'gcp-secret-manager'>;

function storeOf(server: GoogleServer, settings: Partial<Settings> = {}, more = {}): GcpSecretManager {
  const full = { kind: 'gcp-secret-manager' as const, project: PROJECT, prefix: 'sallyport', ...settings };
  return new GcpSecretManager(setupFor(server, full, more));
}

describeSecretManager(
  'Google’s Secret Manager',
  'value',
  async () => {
    const server = await GoogleServer.start();
    server.keys.make(KEY);
    let heal = (): void => undefined;
    return {
      make: () =>
        new StoreManager('gcp-secret-manager', storeOf(server, {}, { deadlineMs: 4_000 }), 'deployment'),
      state: () => server.state(),
      suffer: (fault) => {
        heal = suffer(server, fault);
      },
      heal: () => heal(),
      close: () => server.close(),
    };
  },
  ['denied', 'not-signed-in', 'throttled', 'down', 'silent', 'garbled', 'version-gone', 'not-there'],
);

describe('Google’s Secret Manager', () => {
  let server: GoogleServer;
  let store: GcpSecretManager;
  beforeAll(async () => {
    server = await GoogleServer.start();
    store = storeOf(server);
  });
  beforeEach(() => {
    server.interfere = () => undefined;
    server.secrets.secrets.clear();
    server.secrets.put(
      'db',
      Buffer.from('first'),
      Buffer.from('{"user":"ann","port":5432,"none":null,"":"e"}'),
    );
  });
  afterAll(async () => {
    await store?.close();
    await server?.close();
  });

  async function read(at: Partial<StoredAt> = {}): Promise<[text: string, version: string]> {
    const { value, version } = await store.read({ path: 'db', field: null, version: null, ...at });
    return [value.use((bytes) => bytes.toString()), version];
  }

  const write = (path: string, text: string, onlyIfAbsent = false) =>
    store.write(path, Buffer.from(text), { onlyIfAbsent, version: randomUUID() });

  it('answers the latest version by its number, every version by its own, and those that have names', async () => {
    server.secrets.aliases.set('stable', 1);
    expect((await read())[1]).toBe('2');
    expect(await read({ version: '1' })).toEqual(['first', '1']);
    expect(await read({ version: 'stable' })).toEqual(['first', '1']);
    await write('db', 'third');
    expect(await read({ version: 'latest' })).toEqual(['third', '3']);
  });

  it.each([
    ['user', 'ann'],
    ['port', '5432'],
  ])('answers the field %s', async (field, text) => {
    expect(await read({ field })).toEqual([text, '2']);
  });

  it.each([
    [{ field: 'absent' }],
    [{ field: 'none' }],
    [{ field: 'toString' }],
    [{ field: 'user', version: '1' }],
    [{ version: '3' }],
    [{ path: 'absent' }],
  ])('has nothing at %j', async (at) => {
    expect(await failureFrom(read(at))).toMatchObject({ code: 'SECRET_NOT_IN_STORE', data: keeper });
  });

  it.each([
    [{ path: '../db' }],
    [{ path: 'db/versions/1' }],
    [{ path: '' }],
    [{ path: 'a'.repeat(256) }],
    [{ version: '0' }],
    [{ version: '-1' }],
    [{ version: '1/x' }],
    [{ version: '' }],
  ])('is asked for nothing at %j', async (at) => {
    const asked = server.seen.length;
    expect((await failureFrom(read(at))).code).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(server.seen.length).toBe(asked);
  });

  it.each(['DISABLED', 'DESTROYED'] as const)('says that a version is gone when it is %s', async (state) => {
    server.secrets.setState(state);
    expect((await failureFrom(read())).code).toBe('SECRET_VERSION_GONE');
  });

  it('tells a KMS key of its own that is disabled from a version that is gone', async () => {
    server.interfere = () =>
      new Refusal(9, 'The provided Cloud KMS key projects/p/…/cryptoKeys/k is not enabled.');
    expect((await failureFrom(read())).code).toBe('SECRET_KEY_DISABLED');
  });

  it.each([
    ['has another sum', { payload: { data: Buffer.from('x'), dataCrc32c: 1 } }],
    ['has no sum', { payload: { data: Buffer.from('x') } }],
    ['is not there', { payload: null }],
    ['is empty', { payload: { data: Buffer.alloc(0), dataCrc32c: 0 } }],
    ['is of another secret', { name: 'projects/1/secrets/other/versions/2' }],
    ['is of another version', { name: 'projects/1/secrets/db/versions/1' }],
    ['is of no version', { name: 'projects/1/secrets/db/versions/latest' }],
  ])('answers nothing where the value %s', async (_, changed) => {
    server.interfere = () => ({ change: (answer) => ({ ...answer, ...changed }) });
    expect((await failureFrom(read({ version: '2' }))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('makes a secret that is missing, and adds versions to one that is there', async () => {
    expect(await write('new', 'one')).toEqual({ version: '1' });
    expect(await write('new', 'two')).toEqual({ version: '2' });
    expect(server.count('createSecret')).toBe(1);
    expect(await read({ path: 'new', version: '1' })).toEqual(['one', '1']);
  });

  it('writes where somebody else makes the secret at the same time', async () => {
    server.interfere = ({ method }) => {
      if (method === 'createSecret') server.secrets.put('new');
      return undefined;
    };
    expect(await write('new', 'one')).toEqual({ version: '1' });
  });

  it('has written nothing where what was sent was not verified', async () => {
    server.interfere = () => ({ change: (answer) => ({ ...answer, clientSpecifiedPayloadChecksum: false }) });
    expect((await failureFrom(write('db', 'x'))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('writes only where nothing is, if told so', async () => {
    expect(await write('new', 'one', true)).toEqual({ version: '1' });
    server.secrets.put('empty');
    expect(await write('empty', 'one', true)).toEqual({ version: '1' });
    const before = server.state();
    expect(await failureFrom(write('new', 'two', true))).toMatchObject({
      code: 'SECRET_STORE_CONFLICT',
      data: keeper,
    });
    server.secrets.setState('DESTROYED');
    expect((await failureFrom(write('new', 'two', true))).code).toBe('SECRET_STORE_CONFLICT');
    server.secrets.setState('ENABLED');
    expect(server.state()).toBe(before);
  });

  it('lets one of two win that write where nothing is at the same moment', async () => {
    const answers = new Map<string, number>();
    // Both are told that there is no version.
    server.interfere = ({ method }) => {
      answers.set(method, (answers.get(method) ?? 0) + 1);
      return method === 'listSecretVersions' ? { answer: { versions: [] } } : undefined;
    };
    const written = await Promise.all(['one', 'two'].map((text) => codeFrom(write('new', text, true))));
    expect(written).toContain('SECRET_STORE_CONFLICT');
    expect(written).toContainEqual({ version: '1' });
    expect(server.secrets.secrets.get('new')?.map(({ state }) => state)).toEqual(['ENABLED', 'DESTROYED']);
  });

  it('writes once, also when nobody knows whether it was written', async () => {
    const asked = server.count('addSecretVersion');
    server.interfere = ({ method }) =>
      method === 'addSecretVersion' ? new Refusal(14, 'The service is currently unavailable.') : undefined;
    expect((await failureFrom(write('db', 'x'))).code).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(server.count('addSecretVersion')).toBe(asked + 1);
  });

  it('passes the check where the credential may read, without any value', async () => {
    const asked = server.count('accessSecretVersion');
    await store.check();
    expect(server.count('accessSecretVersion')).toBe(asked + 1);
    server.interfere = () => new Refusal(7, 'Permission denied.');
    expect((await failureFrom(store.check())).code).toBe('SECRET_MANAGER_DENIED');
  });

  it('passes no check in another project', async () => {
    const other = storeOf(server, { project: 'other' });
    expect((await failureFrom(other.check())).code).toBe('SECRET_MANAGER_DENIED');
    await other.close();
  });

  it('gives every place a path of its own that is an id', () => {
    const places = [
      { deployment: 'd', scope: 'accounts/a', secret: 'b-c' },
      { deployment: 'd', scope: 'accounts/a-b', secret: 'c' },
      { deployment: 'd', scope: 'accounts/a/orgs/b', secret: 'c' },
      { deployment: 'e', scope: 'accounts/a', secret: 'b-c' },
      { deployment: 'd', scope: 'accounts/a', secret: 'b.c' },
      { deployment: 'd', scope: `accounts/${'a'.repeat(300)}`, secret: 'ü/..' },
      { deployment: 'd', scope: `accounts/${'a'.repeat(301)}`, secret: 'ü/..' },
    ];
    const paths = places.map((place) => store.pathOf(place));
    expect(new Set(paths).size).toBe(places.length);
    expect(places.map((place) => storeOf(server).pathOf(place))).toEqual(paths);
    const longest = storeOf(server, { prefix: 'p'.repeat(64) });
    for (const place of places) expect(longest.pathOf(place)).toMatch(/^p{64}-[A-Za-z0-9_-]{1,190}$/);
    expect(paths[0]).toMatch(/^sallyport-accounts_a-b-c-[0-9a-f]{32}$/);
  });
});
