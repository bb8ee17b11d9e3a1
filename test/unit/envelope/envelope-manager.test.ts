import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EnvelopeManager } from '../../../src/envelope/envelope-manager.js';
import { KeyRing } from '../../../src/envelope/key-file.js';
import { KeyRingWrapper } from '../../../src/envelope/key-ring-wrapper.js';
import type { SecretPlace } from '../../../src/envelope/secret-manager.js';
import { failureFrom } from '../support/refusals.js';

const place: SecretPlace = { scope: 'accounts/acme', secret: 'git-token' };

interface TestKey {
  id: string;
  key: ReturnType<typeof createSecretKey>;
}
const makeKey = (id: string): TestKey => ({ id, key: createSecretKey(randomBytes(32)) });
const manage = (deployment: string, active: TestKey, ...others: TestKey[]): EnvelopeManager => {
  const ring = new KeyRing(active, new Map([active, ...others].map(({ id, key }) => [id, key])));
  return new EnvelopeManager('keyring', new KeyRingWrapper(ring), deployment);
};

const [old, now] = [makeKey('old'), makeKey('now')];

describe('a manager with a key ring', () => {
  it('opens what it sealed, for the same place', async () => {
    const manager = manage('d-1', now);
    const secret = await manager.open(await manager.put(Buffer.from('value'), place), place);
    expect(secret.use(String)).toBe('value');
    secret.wipe();
  });

  it('seals every value as a version of its own, with the active key', async () => {
    const manager = manage('d-1', now, old);
    const envelopes = await Promise.all([1, 2, 3].map(() => manager.put(Buffer.from('value'), place)));
    expect(new Set(envelopes.map(({ version }) => version)).size).toBe(3);
    expect(envelopes.map(({ keyId }) => keyId)).toEqual(['now', 'now', 'now']);
  });

  it('opens what an older key sealed, as long as the ring has it', async () => {
    const envelope = await manage('d-1', old).put(Buffer.from('value'), place);
    const opened = await manage('d-1', now, old).open(envelope, place);
    expect(opened.use(String)).toBe('value');
    expect(await failureFrom(manage('d-1', now).open(envelope, place))).toMatchObject({
      code: 'SECRET_UNREADABLE',
      data: { reason: 'key old is not in the key file' },
    });
  });

  it.each([
    ['another secret', { ...place, secret: 'other' }],
    ['another scope', { ...place, scope: 'accounts/other' }],
  ])('opens nothing for %s', async (_, elsewhere) => {
    const manager = manage('d-1', now);
    const envelope = await manager.put(Buffer.from('value'), place);
    expect((await failureFrom(manager.open(envelope, elsewhere))).code).toBe('SECRET_UNREADABLE');
  });

  it('opens nothing of another deployment, even with the same keys', async () => {
    const envelope = await manage('d-1', now).put(Buffer.from('value'), place);
    expect((await failureFrom(manage('d-2', now).open(envelope, place))).code).toBe('SECRET_UNREADABLE');
  });

  it('wraps anew with the active key, the payload byte for byte as it was', async () => {
    const envelope = await manage('d-1', old).put(Buffer.from('value'), place);
    const fresh = await manage('d-1', now, old).rewrap(envelope, place);
    expect(fresh).toEqual({ ...envelope, keyId: 'now', wrap: fresh.wrap });
    const opened = await manage('d-1', now).open(fresh, place);
    expect(opened.use(String)).toBe('value');
  });

  it('wraps nothing anew that does not open', async () => {
    const manager = manage('d-1', now, old);
    const [envelope, second] = [
      await manager.put(Buffer.from('a'), place),
      await manager.put(Buffer.from('b'), place),
    ];
    const moved = { ...envelope, payload: second.payload };
    expect((await failureFrom(manager.rewrap(moved, place))).code).toBe('SECRET_UNREADABLE');
  });

  it('opens no reference to a store', async () => {
    const version = '6ec2cf4c-1f8a-4c30-9a47-1e2ab6ed6cd0';
    const reference = {
      format: 'sallyport-reference-1',
      version,
      path: 'a',
      field: null,
      storeVersion: null,
    } as const;
    expect((await failureFrom(manage('d-1', now).open(reference, place))).data).toMatchObject({
      reason: 'the envelope is damaged',
    });
  });
});
