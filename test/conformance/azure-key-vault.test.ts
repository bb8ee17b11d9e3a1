import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StoredAt } from '../../workers/secret-managers/secret-store.js';
import { StoreManager } from '../../workers/secret-managers/store-manager.js';
import type { AzureServer } from '../support/secret-servers/azure.js';
import { AzureWorld, faults } from '../support/secret-servers/azure-subject.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, type Fault, keeper } from './secret-manager.conformance.js';

describeSecretManager(
  'Azure Key Vault',
  'value',
  async () => {
    const world = await AzureWorld.start();
    return {
      make: () => new StoreManager('azure-key-vault', world.open({ deadlineMs: 3_000 }), 'deployment'),
      state: () => world.server.state(),
      suffer: (fault) => {
        world.server.interfere = faults[fault] ?? (() => undefined);
      },
      heal: () => {
        world.server.interfere = () => undefined;
      },
      close: () => world.close(),
    };
  },
  Object.keys(faults) as Fault[],
  19_200,
);

describe('Azure Key Vault', () => {
  let world: AzureWorld;
  let server: AzureServer;
  beforeAll(async () => {
    world = await AzureWorld.start();
    ({ server } = world);
  });
  afterEach(() => world.reset());
  afterAll(() => world?.close());

  const read = async (at: Partial<StoredAt> & { path: string }, store = world.open()): Promise<string> => {
    const { value } = await store.read({ field: null, version: null, ...at });
    const text = value.use((bytes) => bytes.toString());
    value.wipe();
    return text;
  };

  describe('what it reads', () => {
    it.each([
      ['a text', 'correct-horse', undefined],
      ['a text with a type', '{"a":1}', 'application/json'],
      ['base64 of somebody else', 'aGVsbG8=', 'application/x-pkcs12'],
      ['a text with a mark in front', '\ufeffvalue', undefined],
    ])('is what others wrote: %s', async (_, value, contentType) => {
      server.vault.put('by-others', value, contentType);
      expect(await read({ path: 'by-others' })).toBe(value);
    });

    it('is the latest, or the version that was asked for', async () => {
      const first = server.vault.put('in-versions', 'first');
      const second = server.vault.put('in-versions', 'second');
      expect(await read({ path: 'in-versions' })).toBe('second');
      expect(await read({ path: 'in-versions', version: first })).toBe('first');
      const at = { path: 'IN-versions', field: null, version: null };
      expect((await world.open().read(at)).version).toBe(second);
    });

    it('is a field of an object', async () => {
      server.vault.put('fields', JSON.stringify({ user: 'ann', port: 5432, deep: { a: [true] }, '': 'x' }));
      expect(await read({ path: 'fields', field: 'user' })).toBe('ann');
      expect(await read({ path: 'fields', field: 'port' })).toBe('5432');
      expect(await read({ path: 'fields', field: 'deep' })).toBe('{"a":[true]}');
    });

    it.each([
      ['an object without it', '{"user":"ann"}', 'toString', 'SECRET_NOT_IN_STORE'],
      ['an empty one', '{"user":""}', 'user', 'SECRET_NOT_IN_STORE'],
      ['a list', '["user"]', '0', 'SECRET_NOT_IN_STORE'],
      ['a text', 'user', 'user', 'SECRET_NOT_IN_STORE'],
      ['a number that was rounded', '{"id":9007199254740993}', 'id', 'SECRET_MANAGER_GARBLED'],
    ])('is no field of %s', async (_, value, field, code) => {
      server.vault.put('no-field', value);
      expect(await codeFrom(read({ path: 'no-field', field }))).toBe(code);
    });

    it('is never something that is marked as base64 and is not', async () => {
      server.vault.put('marked', 'not base64!', 'application/octet-stream;base64');
      expect(await codeFrom(read({ path: 'marked' }))).toBe('SECRET_MANAGER_GARBLED');
    });

    it.each([
      [
        'another secret',
        { id: 'https://team.vault.localhost/secrets/other/0123456789abcdef0123456789abcdef' },
      ],
      ['another version', { id: `https://team.vault.localhost/secrets/asked/${'e'.repeat(32)}` }],
      ['no version', { id: 'https://team.vault.localhost/secrets/asked' }],
      ['no value', { value: undefined }],
      ['a number', { value: 1 }],
      ['no id', { id: undefined }],
    ])('is never %s', async (_, part) => {
      const version = server.vault.put('asked', 'value');
      const right = { id: `https://team.vault.localhost/secrets/asked/${version}`, value: 'value' };
      server.interfere = ({ at, isSignedIn }) =>
        at === 'vault' && isSignedIn ? { status: 200, body: { ...right, ...part } } : undefined;
      expect(await codeFrom(read({ path: 'asked', version }))).toBe('SECRET_MANAGER_GARBLED');
    });

    it.each(['a/b', 'a_b', '..', 'a?b', 'a'.repeat(128)])(
      'is at no such path, and nothing is asked: %s',
      async (path) => {
        const before = server.seen.length;
        expect(await codeFrom(read({ path }))).toBe('SECRET_NOT_IN_STORE');
        expect(await codeFrom(read({ path: 'a', version: path }))).toBe('SECRET_NOT_IN_STORE');
        expect(server.seen.length).toBe(before);
      },
    );

    it('is gone when it is disabled or deleted', async () => {
      server.vault.put('disabled', 'value');
      server.vault.disable('disabled');
      server.vault.put('deleted', 'value');
      server.vault.delete('deleted');
      for (const path of ['disabled', 'deleted']) {
        const failure = await failureFrom(read({ path }));
        expect(failure).toMatchObject({ code: 'SECRET_VERSION_GONE' });
        expect(failure.message).toContain(path);
      }
      expect(await codeFrom(read({ path: 'never-was' }))).toBe('SECRET_NOT_IN_STORE');
    });
  });

  describe('what it writes', () => {
    const write = (path: string, value = 'value', onlyIfAbsent = false): Promise<{ version: string }> =>
      world.open().write(path, Buffer.from(value), { onlyIfAbsent, version: randomUUID() });

    it('is text that others can read, and base64 only where it is none', async () => {
      await write('texts', 'grüße\n');
      await world
        .open()
        .write('bytes', Buffer.from([0xff, 0]), { onlyIfAbsent: false, version: randomUUID() });
      const [[text], [bytes]] = [
        server.vault.secrets.get('texts') ?? [],
        server.vault.secrets.get('bytes') ?? [],
      ];
      expect(text).toMatchObject({ value: 'grüße\n', contentType: undefined });
      expect(bytes).toMatchObject({ value: '/wA=', contentType: 'application/octet-stream;base64' });
    });

    it.each([
      ['a text', Buffer.alloc(25_601, 'a')],
      ['a text of several bytes a letter', Buffer.from('ü'.repeat(12_801))],
      ['other bytes', Buffer.alloc(19_201, 0xff)],
    ])('is refused before anything is sent when it is longer than fits: %s', async (_, value) => {
      const before = server.seen.length;
      const failure = await failureFrom(
        world.open().write('long', value, { onlyIfAbsent: false, version: randomUUID() }),
      );
      expect(failure).toMatchObject({ code: 'INPUT_REFUSED', data: { field: 'value' } });
      expect(server.seen.length).toBe(before);
    });

    it('is, where only nothing may be there, written over nothing', async () => {
      const { version } = await write('fresh', 'value', true);
      expect(await read({ path: 'fresh', version })).toBe('value');
      expect(await codeFrom(write('fresh', 'other', true))).toBe('SECRET_STORE_CONFLICT');
      server.vault.disable('fresh');
      expect(await codeFrom(write('fresh', 'other', true))).toBe('SECRET_STORE_CONFLICT');
      expect(server.vault.secrets.get('fresh')).toHaveLength(1);
    });

    it('is told as a conflict when somebody else wrote in between', async () => {
      server.interfere = ({ method, isSignedIn }) => {
        if (method === 'PUT' && isSignedIn) server.vault.put('raced', 'theirs');
        return undefined;
      };
      expect(await codeFrom(write('raced', 'ours', true))).toBe('SECRET_STORE_CONFLICT');
    });

    it('is never written over what was deleted and waits', async () => {
      server.vault.put('waiting', 'value');
      server.vault.delete('waiting');
      expect(await codeFrom(write('waiting'))).toBe('SECRET_STORE_CONFLICT');
      expect(await codeFrom(write('waiting', 'value', true))).toBe('SECRET_STORE_CONFLICT');
    });

    it('is written once, also when no answer comes', async () => {
      const store = world.open({ deadlineMs: 5_000 });
      await store.check();
      server.interfere = ({ method }) => (method === 'PUT' ? 'hang-up' : undefined);
      const puts = () => server.seen.filter(({ method }) => method === 'PUT').length;
      const before = puts();
      expect(
        await codeFrom(store.write('once', Buffer.from('v'), { onlyIfAbsent: false, version: randomUUID() })),
      ).toBe('SECRET_MANAGER_UNAVAILABLE');
      expect(puts()).toBe(before + 1);
    });
  });

  describe('its paths', () => {
    const pathOf = (scope: string, secret: string, deployment = 'd'): string =>
      world.open({ settings: { prefix: 'p'.repeat(32) } }).pathOf({ deployment, scope, secret });

    it('are names that it can have, the same for the same place', () => {
      const path = pathOf('accounts/acme/orgs/shop', `git_token.${'x'.repeat(200)}`);
      expect(path).toMatch(/^[A-Za-z0-9-]{1,127}$/);
      expect(path).toHaveLength(127);
      expect(pathOf('a', 'b')).toBe(pathOf('a', 'b'));
      expect(pathOf('accounts/acme', 'git-token')).toContain('accounts-acme-git-token');
    });

    it('are of one place each, whatever upper and lower case are to the vault', () => {
      const places = [
        ['a', 'b-c'],
        ['a-b', 'c'],
        ['a/b', 'c'],
        ['a_b', 'c'],
        ['A_b', 'c'],
        ['a', 'b.c'],
        ['ab', 'c'],
      ] as const;
      const paths = [...places.map(([scope, secret]) => pathOf(scope, secret)), pathOf('ab', 'c', 'other')];
      expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
    });
  });

  describe('its check', () => {
    it('needs no right but to get, and has no value in its answers', async () => {
      server.entra.rights = new Set(['get']);
      server.vault.put('sallyport-check', 'value');
      await world.open().check();
      expect(server.seen.at(-1)?.path).toBe(`/secrets/sallyport-check/${'0'.repeat(32)}`);
    });

    it('tells what is missing', async () => {
      server.entra.rights = new Set(['set', 'list']);
      const failure = await failureFrom(world.open().check());
      expect(failure).toMatchObject({
        code: 'SECRET_MANAGER_DENIED',
        data: { ...keeper, reason: expect.stringContaining('ForbiddenByPolicy') as string },
      });
      expect(await codeFrom(world.open({ credential: 'wrong-secret' }).check())).toBe(
        'SECRET_MANAGER_SIGN_IN_REFUSED',
      );
    });
  });
});
