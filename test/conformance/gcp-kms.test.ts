import { createSecretKey, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import type { VersionPlace } from '../../src/envelope/envelope.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { crc32c } from '../../workers/secret-managers/gcp-crc32c.js';
import { GcpKms } from '../../workers/secret-managers/gcp-kms.js';
import { GoogleServer } from '../support/secret-servers/google.js';
import { answerOf } from '../support/secret-servers/google-kms.js';
import { Refusal } from '../support/secret-servers/google-refusal.js';
import { KEY, setupFor, suffer } from '../support/secret-servers/google-subject.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeSecretManager, keeper } from './secret-manager.conformance.js';

type Settings = SettingsOf<'gcp-kms'>;

function kmsOf(server: GoogleServer, settings: Partial<Settings> = {}, more = {}): GcpKms {
  return new GcpKms(setupFor(server, { kind: 'gcp-kms' as const, key: KEY, ...settings }, more));
}

describeSecretManager(
  'A key of Google’s KMS',
  'ciphertext',
  async () => {
    const server = await GoogleServer.start();
    server.keys.make(KEY);
    let heal = (): void => undefined;
    return {
      make: () => new EnvelopeManager('gcp-kms', kmsOf(server, {}, { deadlineMs: 4_000 }), 'deployment'),
      state: () => server.state(),
      suffer: (fault) => {
        heal = suffer(server, fault);
      },
      heal: () => heal(),
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
    'key-disabled',
    'key-gone',
    'other-plaintext',
  ],
);

describe('A key of Google’s KMS', () => {
  const place: VersionPlace = { deployment: 'd', scope: 'accounts/acme', secret: 's', version: randomUUID() };
  const dataKey = Buffer.alloc(32, 'data key');
  let server: GoogleServer;
  let wrapper: GcpKms;
  beforeAll(async () => {
    server = await GoogleServer.start();
    wrapper = kmsOf(server);
  });
  beforeEach(() => {
    server.interfere = () => undefined;
    server.keys.make(KEY);
    server.keys.make(`${KEY}-2`);
  });
  afterAll(async () => {
    await wrapper?.close();
    await server?.close();
  });

  it('names itself with the version that wrapped, and opens every version', async () => {
    const first = await wrapper.wrap(dataKey, place);
    server.keys.rotate(KEY);
    const second = await wrapper.wrap(dataKey, place);
    expect([first.keyId, second.keyId]).toEqual([`${KEY}/cryptoKeyVersions/1`, `${KEY}/cryptoKeyVersions/2`]);
    for (const wrapped of [first, second])
      expect((await wrapper.unwrap(wrapped, place)).equals(createSecretKey(dataKey))).toBe(true);
  });

  it.each([
    ['another key', `${KEY}-2/cryptoKeyVersions/1`],
    ['no version', KEY],
    ['a key of the keyring', 'k1'],
    ['something below a version', `${KEY}/cryptoKeyVersions/1/x`],
  ])('is asked for nothing where the secret names %s', async (_, keyId) => {
    const { wrap } = await wrapper.wrap(dataKey, place);
    const asked = server.seen.length;
    const failure = await failureFrom(wrapper.unwrap({ keyId, wrap }, place));
    expect(failure).toMatchObject({ code: 'SECRET_KEY_WRONG', data: keeper });
    expect(server.seen.length).toBe(asked);
  });

  it('does not open what another key wrapped, whatever it is named', async () => {
    const other = kmsOf(server, { key: `${KEY}-2` });
    const { wrap } = await other.wrap(dataKey, place);
    await other.close();
    const renamed = { keyId: `${KEY}/cryptoKeyVersions/1`, wrap };
    await expect(wrapper.unwrap(renamed, place)).rejects.toThrow('the ciphertext or its context is another');
  });

  it.each(['deployment', 'scope', 'secret', 'version'] as const)('opens for no other %s', async (field) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    const elsewhere = { ...place, [field]: randomUUID() };
    await expect(wrapper.unwrap(wrapped, elsewhere)).rejects.toThrow('the ciphertext or its context');
  });

  it.each([
    ['DISABLED', 'SECRET_KEY_DISABLED'],
    ['DESTROY_SCHEDULED', 'SECRET_KEY_GONE'],
    ['DESTROYED', 'SECRET_KEY_GONE'],
  ] as const)('with a version that is %s wraps and opens nothing with it', async (state, code) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.keys.setState(KEY, state);
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe(code);
    expect((await failureFrom(wrapper.wrap(dataKey, place))).code).toBe(code);
    expect((await failureFrom(wrapper.check())).code).toBe(code);
    server.keys.rotate(KEY);
    const fresh = await wrapper.wrap(dataKey, place);
    expect((await wrapper.unwrap(fresh, place)).symmetricKeySize).toBe(32);
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe(code);
  });

  it.each([
    [
      'by its text alone',
      new Refusal(9, `${KEY}/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.`),
    ],
    [
      'by its violation alone',
      new Refusal(9, 'Precondition check failed.', {
        type: 'PreconditionFailure',
        violations: [{ type: 'KEY_DESTROYED', subject: '', description: '' }],
      }),
    ],
  ])('is told to be gone %s', async (_, refusal) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.interfere = () => refusal;
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_KEY_GONE');
  });

  it('that is not there wraps nothing, passes no check, and is not made', async () => {
    server.keys.remove(KEY);
    const before = server.state();
    for (const asked of [wrapper.wrap(dataKey, place), wrapper.check()])
      expect((await failureFrom(asked)).code).toBe('SECRET_KEY_GONE');
    expect(server.state()).toBe(before);
  });

  it.each([
    ['the plaintext was not verified', { verifiedPlaintextCrc32c: false }],
    ['the context was not verified', { verifiedAdditionalAuthenticatedDataCrc32c: false }],
    ['the ciphertext has another sum', { ciphertextCrc32c: { value: 1 } }],
    ['the ciphertext has no sum', { ciphertextCrc32c: null }],
    ['the ciphertext is no longer than the key', Buffer.alloc(32)],
    ['the ciphertext is too long', Buffer.alloc(4_097)],
    ['another key encrypted', { name: `${KEY}-2/cryptoKeyVersions/1` }],
  ])('has wrapped nothing where %s', async (_, changed) => {
    const change = Buffer.isBuffer(changed)
      ? { ciphertext: changed, ciphertextCrc32c: answerOf(changed).plaintextCrc32c }
      : changed;
    server.interfere = () => ({ change: (answer) => ({ ...answer, ...change }) });
    expect((await failureFrom(wrapper.wrap(dataKey, place))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it.each([
    ['has another sum', { plaintextCrc32c: { value: 1 } }],
    ['has no sum', { plaintextCrc32c: null }],
    ['has 31 bytes', answerOf(Buffer.alloc(31))],
    ['is empty', answerOf(Buffer.alloc(0))],
  ])('has opened nothing where the plaintext %s', async (_, changed) => {
    const wrapped = await wrapper.wrap(dataKey, place);
    server.interfere = () => ({ change: (answer) => ({ ...answer, ...changed }) });
    expect((await failureFrom(wrapper.unwrap(wrapped, place))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it.each(['encrypt', 'decrypt'])('passes no check where it may not %s', async (denied) => {
    server.interfere = ({ method }) => (method === denied ? new Refusal(7, 'no') : undefined);
    expect(await failureFrom(wrapper.check())).toMatchObject({ code: 'SECRET_MANAGER_DENIED', data: keeper });
  });

  it.each([
    ['opens something else', answerOf(Buffer.alloc(32, 'other'))],
    ['refuses what it encrypted', new Refusal(3, 'Decryption failed')],
  ])('passes no check where it %s', async (_, answer) => {
    const decrypted = answer instanceof Refusal ? answer : { answer };
    server.interfere = ({ method }) => (method === 'decrypt' ? decrypted : undefined);
    expect((await failureFrom(wrapper.check())).code).toBe('SECRET_MANAGER_GARBLED');
  });
});

describe('A sum of bytes', () => {
  // RFC 3720, appendix B.4, and the check value of the usual catalogues.
  it.each([
    ['nothing', Buffer.alloc(0), 0],
    ['zeros', Buffer.alloc(32), 0x8a9136aa],
    ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['rising bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['falling bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c],
    ['digits', Buffer.from('123456789'), 0xe3069283],
  ])('is as the standard has it: %s', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });
});
