import { createSecretKey, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import type { VersionPlace } from '../../src/envelope/envelope.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { Secret } from '../../src/kernel/secret.js';
import { VaultTransit } from '../../workers/secret-managers/vault-transit.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import {
  documentedPolicy,
  faults,
  roleId,
  secretId,
  setupFor,
} from '../support/secret-servers/vault-subject.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, keeper } from './secret-manager.conformance.js';

const tokenOf = (text: string): Secret => new Secret(Buffer.from(text));

type Settings = SettingsOf<'vault-transit'>;

function transitOf(server: VaultServer, settings: Partial<Settings> = {}, more = {}): VaultTransit {
  const full = { kind: 'vault-transit' as const, mount: 'transit', key: 'sallyport', ...settings };
  return new VaultTransit(setupFor(server, full, more));
}

async function startServer(): Promise<VaultServer> {
  const server = await VaultServer.start();
  server.tokens.writePolicy('work', documentedPolicy('transit'));
  server.allowAppRole(roleId, secretId);
  server.transit.make('sallyport');
  return server;
}

describeSecretManager(
  'A transit engine',
  'ciphertext',
  async () => {
    const server = await startServer();
    return {
      make: () =>
        new EnvelopeManager('vault-transit', transitOf(server, {}, { deadlineMs: 3_000 }), 'deployment'),
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
    'key-gone',
    'other-plaintext',
  ],
);

describe('A key of a transit engine', () => {
  const place: VersionPlace = { deployment: 'd', scope: 'accounts/acme', secret: 's', version: randomUUID() };
  const dataKey = Buffer.alloc(32, 'data key');
  let server: VaultServer;
  let wrapper: VaultTransit;
  beforeAll(async () => {
    server = await startServer();
    wrapper = transitOf(server);
  });
  afterEach(() => {
    server.interfere = () => undefined;
    server.transit.make('sallyport');
  });
  afterAll(async () => {
    await wrapper?.close();
    await server?.close();
  });

  it('names itself with the version that wrapped, and opens every version', async () => {
    const first = await wrapper.wrap(dataKey, place);
    server.transit.rotate('sallyport');
    const second = await wrapper.wrap(dataKey, place);
    expect([first.keyId, second.keyId]).toEqual(['transit/sallyport:v1', 'transit/sallyport:v2']);
    for (const wrapped of [first, second])
      expect((await wrapper.unwrap(wrapped, place)).equals(createSecretKey(dataKey))).toBe(true);
  });

  it.each(['deployment', 'scope', 'secret', 'version'] as const)(
    'is told the place, so that the engine itself opens nothing of another %s',
    async (part) => {
      const wrapped = await wrapper.wrap(dataKey, place);
      const elsewhere = { ...place, [part]: randomUUID() };
      await expect(wrapper.unwrap(wrapped, elsewhere)).rejects.toThrow('it does not decrypt');
    },
  );

  it('does not open a wrap whose name says another version', async () => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.transit.rotate('sallyport');
    const renamed = { ...wrapped, keyId: 'transit/sallyport:v2' };
    await expect(wrapper.unwrap(renamed, place)).rejects.toThrow('another version');
  });

  it.each([
    ['another key', { key: 'other' }],
    ['another engine', { mount: 'other' }],
  ])('is asked for nothing that %s wrapped', async (_, settings) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    const asked = server.seen.length;
    const other = transitOf(server, settings);
    const failure = await failureFrom(other.unwrap(wrapped, place));
    expect(failure).toMatchObject({ code: 'SECRET_KEY_WRONG', data: keeper });
    await other.close();
    expect(server.seen.length).toBe(asked);
  });

  it('that no longer decrypts with a version is the wrong key', async () => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.transit.rotate('sallyport');
    server.transit.make('sallyport', { ...server.transit.keys.get('sallyport'), minDecryptionVersion: 2 });
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_KEY_WRONG');
  });

  it('that was put back from before a rotation is the wrong key', async () => {
    server.transit.rotate('sallyport');
    const wrapped = await wrapper.wrap(dataKey, place);
    server.transit.make('sallyport');
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_KEY_WRONG');
  });

  it('that was made anew under the same name opens nothing', async () => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.transit.make('sallyport');
    await expect(wrapper.unwrap(wrapped, place)).rejects.toThrow('it does not decrypt');
  });

  it.each([
    ['is not there', () => server.transit.keys.delete('sallyport'), 'SECRET_KEY_GONE'],
    ['is soft-deleted', () => server.transit.make('sallyport', { isSoftDeleted: true }), 'SECRET_KEY_GONE'],
    [
      'is not derived',
      () => server.transit.make('sallyport', { isDerived: false }),
      'SECRET_MANAGER_MISCONFIGURED',
    ],
    [
      'is convergent',
      () => server.transit.make('sallyport', { isConvergent: true }),
      'SECRET_MANAGER_MISCONFIGURED',
    ],
    ['signs', () => server.transit.make('sallyport', { type: 'ed25519' }), 'SECRET_MANAGER_MISCONFIGURED'],
  ])('that %s wraps nothing, passes no check, and is not made', async (_, prepare, code) => {
    prepare();
    const before = server.state();
    // Even with a token that may make one.
    const powerful = transitOf(
      server,
      { auth: { method: 'token' } },
      { credential: tokenOf(server.makeToken({ policies: ['root'] })) },
    );
    for (const one of [wrapper, powerful]) {
      expect((await failureFrom(one.wrap(dataKey, place))).code).toBe(code);
      expect((await failureFrom(one.check())).code).toBe(code);
    }
    await powerful.close();
    expect(server.state()).toBe(before);
  });

  it('that was soft-deleted opens nothing until it is restored', async () => {
    const wrapped = await wrapper.wrap(dataKey, place);
    const key = server.transit.keys.get('sallyport');
    if (key !== undefined) key.isSoftDeleted = true;
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_KEY_GONE');
    if (key !== undefined) key.isSoftDeleted = false;
    expect((await wrapper.unwrap(wrapped, place)).symmetricKeySize).toBe(32);
  });

  it.each([
    ['31 bytes', { plaintext: Buffer.alloc(31).toString('base64') }],
    ['what is no base64', { plaintext: '****' }],
    ['nothing', {}],
  ])('that answers %s is garbled', async (_, data) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.interfere = () => ({ status: 200, body: { data } });
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('whose ciphertext shows no version is garbled', async () => {
    server.interfere = ({ path }) =>
      path.startsWith('transit/encrypt')
        ? { status: 200, body: { data: { ciphertext: 'AAAA' } } }
        : undefined;
    expect((await failureFrom(wrapper.wrap(dataKey, place))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('is denied to whoever may not encrypt, also by the check', async () => {
    server.tokens.writePolicy('reader', 'path "transit/keys/sallyport" { capabilities = ["read"] }');
    const token = server.makeToken({ policies: ['reader'] });
    const reader = transitOf(server, { auth: { method: 'token' } }, { credential: tokenOf(token) });
    expect(await failureFrom(reader.check())).toMatchObject({ code: 'SECRET_MANAGER_DENIED', data: keeper });
    await reader.close();
  });
});
