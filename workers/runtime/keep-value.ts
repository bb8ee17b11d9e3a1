// A value that somebody sealed to this delegate's group: opened here for the first time, and given to its secret manager.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import type { SecretManager, SecretPlace, StoredSecret } from '../../src/envelope/secret-manager.js';
import { Failure } from '../../src/kernel/failure.js';
import { openValue } from '../../src/sealing/client-sealing.js';
import type { SealingPair } from '../../src/sealing/hpke.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { KeptValues } from './kept-values.js';

export interface Keeping {
  deployment: string;
  /** The delegate's own, and its sealing keys. */
  group: { id: string; identityKey: string };
  sealing: SealingPair;
  managers: SecretManagerRegistry;
  kept: KeptValues;
}

/** @throws SECRET_VALUE_REFUSED for what has expired or is not sealed to this group for this place */
export async function keepValue(
  { deployment, group, sealing, managers, kept }: Keeping,
  { manager, scope, secret, version, expiresAt, enc, box, migration }: TaskInput<'secrets.put'>,
): Promise<TaskOutput<'secrets.put'>> {
  if (expiresAt <= Date.now()) throw refused(secret, 'it has expired');
  const place = { scope, secret, version, managerScope: manager.scope, manager: manager.id, expiresAt };
  const value = await openValue({ enc, box }, { deployment, group: group.id, ...sealing }, place).catch(
    () => {
      throw refused(secret, 'it was not sealed to this group, for this secret, version and secret manager');
    },
  );
  try {
    const known = kept.find(place);
    if (known !== undefined) return { stored: known };
    const options = { version, onlyIfAbsent: migration?.onlyIfAbsent ?? false };
    const stored = await managers.use(manager, async (one) => {
      const put = await one.put(value, { scope, secret }, options);
      // What a migration leaves is about to go.
      if (migration !== undefined) await assertKept(one, put, { scope, secret }, value);
      return put;
    });
    kept.note(place, stored);
    return { stored };
  } finally {
    value.fill(0);
  }
}

/** @throws SECRET_VALUE_REFUSED unless the secret manager answers the very value */
async function assertKept(
  manager: SecretManager,
  stored: StoredSecret,
  place: SecretPlace,
  value: Uint8Array,
): Promise<void> {
  const opened = await manager.open(stored, place);
  const isSame = opened.use((bytes) => bytes.equals(value));
  opened.wipe();
  if (!isSame) throw refused(place.secret, 'the secret manager answers another value than it was given');
}

const refused = (secret: string, reason: string): Failure =>
  new Failure('SECRET_VALUE_REFUSED', { secret, reason }) as Failure;
