import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../../src/envelope/key-file.js';
import { KeyRingManager } from '../../../src/envelope/key-ring-manager.js';
import type { SecretPlace } from '../../../src/envelope/secret-manager.js';
import { failureOf } from '../support/refusals.js';

class TestManager extends KeyRingManager {
  readonly kind = 'keyring';
}

const place: SecretPlace = { scope: 'accounts/acme', secret: 'git-token' };

interface TestKey {
  id: string;
  key: ReturnType<typeof createSecretKey>;
}
const makeKey = (id: string): TestKey => ({ id, key: createSecretKey(randomBytes(32)) });
const manage = (deployment: string, active: TestKey, ...others: TestKey[]): TestManager =>
  new TestManager(
    new KeyRing(active, new Map([active, ...others].map(({ id, key }) => [id, key]))),
    deployment,
  );

const [old, now] = [makeKey('old'), makeKey('now')];

describe('a manager with a key ring', () => {
  it('opens what it sealed, for the same place', () => {
    const manager = manage('d-1', now);
    const secret = manager.open(manager.seal(Buffer.from('value'), place), place);
    expect(secret.use(String)).toBe('value');
    secret.wipe();
  });

  it('seals every value as a version of its own, with the active key', () => {
    const manager = manage('d-1', now, old);
    const envelopes = [1, 2, 3].map(() => manager.seal(Buffer.from('value'), place));
    expect(new Set(envelopes.map(({ version }) => version)).size).toBe(3);
    expect(envelopes.map(({ keyId }) => keyId)).toEqual(['now', 'now', 'now']);
  });

  it('opens what an older key sealed, as long as the ring has it', () => {
    const envelope = manage('d-1', old).seal(Buffer.from('value'), place);
    expect(manage('d-1', now, old).open(envelope, place).use(String)).toBe('value');
    expect(failureOf(() => manage('d-1', now).open(envelope, place))).toMatchObject({
      code: 'SECRET_UNREADABLE',
      data: { reason: 'key old is not in the key file' },
    });
  });

  it.each([
    ['another secret', { ...place, secret: 'other' }],
    ['another scope', { ...place, scope: 'accounts/other' }],
  ])('opens nothing for %s', (_, elsewhere) => {
    const manager = manage('d-1', now);
    const envelope = manager.seal(Buffer.from('value'), place);
    expect(failureOf(() => manager.open(envelope, elsewhere)).code).toBe('SECRET_UNREADABLE');
  });

  it('opens nothing of another deployment, even with the same keys', () => {
    const envelope = manage('d-1', now).seal(Buffer.from('value'), place);
    expect(failureOf(() => manage('d-2', now).open(envelope, place)).code).toBe('SECRET_UNREADABLE');
  });
});
