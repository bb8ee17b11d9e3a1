import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { StoreManager } from '../../workers/secret-managers/store-manager.js';
import { VaultKv } from '../../workers/secret-managers/vault-kv.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { TransitEngine } from '../support/secret-servers/vault-engines.js';
import {
  documentedPolicy,
  faults,
  roleId,
  secretId,
  setupFor,
} from '../support/secret-servers/vault-subject.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, keeper } from './secret-manager.conformance.js';

function kvOf(server: VaultServer, settings: Partial<SettingsOf<'vault-kv'>> = {}, more = {}): VaultKv {
  const full = { kind: 'vault-kv' as const, mount: 'secret', prefix: 'sallyport', ...settings };
  return new VaultKv(setupFor(server, full, more));
}

async function startServer(): Promise<VaultServer> {
  const server = await VaultServer.start();
  server.tokens.writePolicy('work', documentedPolicy('secret'));
  server.allowAppRole(roleId, secretId);
  return server;
}

describeSecretManager(
  'A KV engine',
  'value',
  async () => {
    const server = await startServer();
    return {
      make: () => new StoreManager('vault-kv', kvOf(server, {}, { deadlineMs: 3_000 }), 'deployment'),
      state: () => server.state(),
      suffer: (fault) => {
        server.interfere = faults[fault] ?? (() => undefined);
      },
      heal: () => {
        server.interfere = () => undefined;
      },
      close: () => server.close(),
    };
  },
  [
    'denied',
    'not-signed-in',
    'throttled',
    'down',
    'silent',
    'garbled',
    'sealed',
    'version-gone',
    'not-there',
  ],
);

describe('A KV engine', () => {
  let server: VaultServer;
  let store: VaultKv;
  beforeAll(async () => {
    server = await startServer();
    store = kvOf(server);
  });
  afterEach(() => {
    server.interfere = () => undefined;
    server.kv.paths.clear();
  });
  afterAll(async () => {
    await store?.close();
    await server?.close();
  });

  const read = async (path: string, field: string | null = null, version: string | null = null) => {
    const found = await store.read({ path, field, version });
    return { value: found.value.use((bytes) => bytes.toString('latin1')), version: found.version };
  };
  const readError = async (path: string, field: string | null = null, version: string | null = null) =>
    (await failureFrom(store.read({ path, field, version }))).code;

  describe('what others wrote', () => {
    it.each([
      ['a field', 'user', 'ann'],
      ['a field that is a number', 'port', '8443'],
      ['a field that is an object', 'more', '{"a":[1,true,null]}'],
      ['a field that is empty', 'empty', ''],
      ['the whole', null, '{"user":"ann","port":8443,"more":{"a":[1,true,null]},"empty":""}'],
    ])('is read as it is: %s', async (_, field, value) => {
      server.kv.put('sallyport/db', { user: 'ann', port: 8443, more: { a: [1, true, null] }, empty: '' });
      expect(await read('sallyport/db', field)).toEqual({ value, version: '1' });
    });

    it.each([['toString'], ['__proto__'], ['password']])('has no field %s', async (field) => {
      server.kv.put('sallyport/db', { user: 'ann' });
      expect(await readError('sallyport/db', field)).toBe('SECRET_NOT_IN_STORE');
    });

    it('is read whole when it only resembles what Sallyport writes', async () => {
      server.kv.put('sallyport/db', { value: 'x', encoding: 'utf-8', note: 'mine' });
      expect((await read('sallyport/db')).value).toBe('{"value":"x","encoding":"utf-8","note":"mine"}');
    });

    it('with a number that cannot be told exactly is refused', async () => {
      server.kv.put('sallyport/db', { id: 2 ** 60, user: 'ann' });
      expect(await readError('sallyport/db')).toBe('SECRET_MANAGER_GARBLED');
      expect(await readError('sallyport/db', 'id')).toBe('SECRET_MANAGER_GARBLED');
      expect((await read('sallyport/db', 'user')).value).toBe('ann');
    });
  });

  describe('versions', () => {
    it('are read by number, and the latest without one', async () => {
      for (const user of ['ann', 'bob', 'cem']) server.kv.put('sallyport/db', { user });
      expect(await read('sallyport/db', 'user', '2')).toEqual({ value: 'bob', version: '2' });
      expect(await read('sallyport/db', 'user')).toEqual({ value: 'cem', version: '3' });
    });

    it.each(['isDeleted', 'isDestroyed'] as const)('that are gone say so: %s', async (how) => {
      for (const user of ['ann', 'bob']) server.kv.put('sallyport/db', { user });
      server.kv.delete('sallyport/db', 2, how);
      expect(await readError('sallyport/db')).toBe('SECRET_VERSION_GONE');
      expect(await readError('sallyport/db', null, '2')).toBe('SECRET_VERSION_GONE');
      expect((await read('sallyport/db', 'user', '1')).value).toBe('ann');
    });

    it('that never were are not there', async () => {
      server.kv.put('sallyport/db', { user: 'ann' });
      expect(await readError('sallyport/db', null, '7')).toBe('SECRET_NOT_IN_STORE');
      expect(await readError('sallyport/none')).toBe('SECRET_NOT_IN_STORE');
    });

    it.each(['0', '-1', '1.5', '01', '1&x=1', ''])('are numbers from 1 on, and not %j', async (version) => {
      server.kv.put('sallyport/db', { user: 'ann' });
      const asked = server.count(/^secret/);
      expect(await readError('sallyport/db', null, version)).toBe('SECRET_NOT_IN_STORE');
      expect(server.count(/^secret/)).toBe(asked);
    });

    it('are the ones that were asked for', async () => {
      const body = { data: { data: { user: 'eve' }, metadata: { version: 4 } } };
      server.interfere = ({ path }) => (path.startsWith('secret/') ? { status: 200, body } : undefined);
      expect(await readError('sallyport/db', null, '2')).toBe('SECRET_MANAGER_GARBLED');
    });
  });

  describe('paths', () => {
    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      './a',
      'a?version=1',
      'a%2fb',
      'a#b',
      'a b',
      'a\\b',
      'ä',
      'a\n',
    ])('never reach the engine when they are no paths: %j', async (path) => {
      const asked = server.count(/^secret/);
      expect(await readError(path)).toBe('SECRET_NOT_IN_STORE');
      const failure = await failureFrom(
        store.write(path, Buffer.from('x'), { onlyIfAbsent: false, version: randomUUID() }),
      );
      expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
      expect(server.count(/^secret/)).toBe(asked);
    });

    it('of secrets are of one place each, and may be written', async () => {
      const places = [
        { deployment: 'd', scope: 'accounts/a', secret: 'orgs/b' },
        { deployment: 'd', scope: 'accounts/a/orgs/b', secret: 's' },
        { deployment: 'd', scope: 'accounts/a', secret: 's' },
        { deployment: 'd', scope: 'accounts/a', secret: 'S' },
        { deployment: 'd', scope: 'accounts/a', secret: 's=2Ft' },
        { deployment: 'd', scope: 'accounts/a', secret: 's/t' },
        { deployment: 'e', scope: 'accounts/a', secret: 's' },
        { deployment: 'd', scope: 'accounts/a', secret: '..' },
        { deployment: 'd', scope: 'accounts/a', secret: 'ä.b' },
      ];
      const paths = places.map((place) => store.pathOf(place));
      expect(new Set(paths).size).toBe(places.length);
      expect(paths[2]).toBe('sallyport/d/accounts/a/secrets/s');
      for (const path of paths)
        await store.write(path, Buffer.from(path), { onlyIfAbsent: true, version: randomUUID() });
      for (const path of paths) expect((await read(path)).value).toBe(path);
    });
  });

  describe('a value written through Sallyport', () => {
    it.each([
      ['text is readable', Buffer.from('gruß\n'), { value: 'gruß\n', encoding: 'utf-8' }],
      ['other bytes are base64', Buffer.from([0xff, 0]), { value: '/wA=', encoding: 'base64' }],
    ])('is an object that people can read: %s', async (_, value, data) => {
      const { version } = await store.write('sallyport/x', value, {
        onlyIfAbsent: false,
        version: randomUUID(),
      });
      expect(version).toBe('1');
      expect(server.kv.paths.get('sallyport/x')?.[0]?.data).toEqual(data);
      expect((await read('sallyport/x')).value).toBe(value.toString('latin1'));
    });

    it('follows the version that is there, also a deleted one', async () => {
      server.kv.put('sallyport/x', { mine: 1 });
      server.kv.delete('sallyport/x', 1);
      expect(
        await store.write('sallyport/x', Buffer.from('y'), { onlyIfAbsent: false, version: randomUUID() }),
      ).toEqual({
        version: '2',
      });
    });

    it.each([['there'], ['deleted']])(
      'is not written where something is %s and nothing may be',
      async (how) => {
        server.kv.put('sallyport/x', { mine: 1 });
        if (how === 'deleted') server.kv.delete('sallyport/x', 1);
        const before = server.state();
        const failure = await failureFrom(
          store.write('sallyport/x', Buffer.from('y'), { onlyIfAbsent: true, version: randomUUID() }),
        );
        expect(failure).toMatchObject({ code: 'SECRET_STORE_CONFLICT', data: keeper });
        expect(server.state()).toBe(before);
      },
    );

    it('never covers what was written between looking and writing', async () => {
      server.kv.put('sallyport/x', { mine: 1 });
      server.interfere = ({ method, path }) => {
        if (method === 'POST' && path.startsWith('secret/data')) server.kv.put('sallyport/x', { mine: 2 });
        return undefined;
      };
      const failure = await failureFrom(
        store.write('sallyport/x', Buffer.from('y'), { onlyIfAbsent: false, version: randomUUID() }),
      );
      expect(failure.code).toBe('SECRET_STORE_CONFLICT');
      expect(server.kv.paths.get('sallyport/x')).toHaveLength(2);
    });

    it.each([true, false])(
      'counts what an earlier attempt wrote between looking and writing (onlyIfAbsent: %s)',
      async (onlyIfAbsent) => {
        server.interfere = ({ method }) => {
          if (method === 'POST') server.kv.put('sallyport/x', { value: 'y', encoding: 'utf-8' });
          return undefined;
        };
        const options = { onlyIfAbsent, version: randomUUID() };
        await store.check();
        expect(await store.write('sallyport/x', Buffer.from('y'), options)).toEqual({ version: '1' });
        expect(server.kv.paths.get('sallyport/x')).toHaveLength(1);
      },
    );

    it('is written once when the answer is lost', async () => {
      server.interfere = ({ method, path }) => {
        if (method !== 'POST' || !path.startsWith('secret/data')) return undefined;
        server.kv.put('sallyport/x', { value: 'y', encoding: 'utf-8' });
        return 'hang-up';
      };
      const failure = await failureFrom(
        store.write('sallyport/x', Buffer.from('y'), { onlyIfAbsent: true, version: randomUUID() }),
      );
      expect(failure).toMatchObject({
        code: 'SECRET_MANAGER_UNAVAILABLE',
        data: { reason: 'the connection failed (ECONNRESET)' },
      });
      expect(server.kv.paths.get('sallyport/x')).toHaveLength(1);
    });
  });

  describe('its check', () => {
    it('reads no value', async () => {
      const asked = server.count(/^secret/);
      await store.check();
      expect(server.count(/^secret/)).toBe(asked);
    });

    it('tells an engine of another kind', async () => {
      server.mounts.set('secret', new TransitEngine());
      const failure = await failureFrom(store.check()).finally(() => server.mounts.set('secret', server.kv));
      expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
    });

    it('tells an engine of version 1', async () => {
      const body = { data: { type: 'kv', path: 'secret/', options: { version: '1' } } };
      server.interfere = ({ path }) => (path.startsWith('sys/') ? { status: 200, body } : undefined);
      expect((await failureFrom(store.check())).code).toBe('SECRET_MANAGER_MISCONFIGURED');
    });

    it('is denied where there is no engine', async () => {
      const other = kvOf(server, { mount: 'none' });
      expect((await failureFrom(other.check())).code).toBe('SECRET_MANAGER_DENIED');
      await other.close();
    });
  });
});
