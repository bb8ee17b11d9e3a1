// Whom delegates believe, and whom they seal their answers to: one identity per deployment, shared by all its managers.

import { answerInfo } from '../contract/messages.js';
import { presenceInfo } from '../contract/presence.js';
import type { Envelope } from '../envelope/envelope.js';
import { Failure } from '../kernel/failure.js';
import { makeSealingPair, Opener, type SealingPair } from '../sealing/hpke.js';
import { Identity } from '../sealing/identity.js';
import type { BuiltInSecrets } from '../secrets/built-in.js';
import { type Deployment, managerKeysPlace } from '../secrets/deployment.js';
import type { Storage } from '../storage/database.js';

/** The managers' keys, as a value that can be injected. */
export abstract class ManagerKeys {
  abstract readonly deployment: string;
  abstract readonly identity: Identity;
  /** Public key that answers are sealed to. */
  abstract readonly sealingKey: string;
  /** Opens answers. */
  abstract readonly opener: Opener;
  /** Opens what delegates say of themselves. */
  abstract readonly presenceOpener: Opener;
}

interface PrivateKeys {
  identity: string;
  sealing: SealingPair;
}

/** Reads the keys, making them at the first start. @throws SECRET_UNREADABLE */
export async function openManagerKeys(
  storage: Storage,
  builtIn: BuiltInSecrets,
  deployment: Deployment,
): Promise<ManagerKeys> {
  await makeKeys(storage, builtIn);
  const row = await storage.db.selectFrom('deployment').select('private_keys').executeTakeFirstOrThrow();
  const secret = await builtIn.open(row.private_keys as Envelope, managerKeysPlace);
  try {
    const keys = secret.use((bytes) => JSON.parse(bytes.toString('utf8')) as PrivateKeys);
    return {
      deployment: deployment.id,
      identity: new Identity(keys.identity),
      sealingKey: keys.sealing.publicKey,
      opener: new Opener(keys.sealing, answerInfo(deployment.id)),
      presenceOpener: new Opener(keys.sealing, presenceInfo(deployment.id)),
    };
  } catch (cause) {
    throw new Failure(
      'SECRET_UNREADABLE',
      { secret: managerKeysPlace.secret, reason: 'it holds no keys' },
      { cause },
    );
  } finally {
    secret.wipe();
  }
}

/** Of several managers that start at once, the first one's keys stay. */
async function makeKeys(storage: Storage, builtIn: BuiltInSecrets): Promise<void> {
  const row = await storage.db.selectFrom('deployment').select('private_keys').executeTakeFirstOrThrow();
  if (row.private_keys !== null) return;
  const keys: PrivateKeys = { identity: Identity.make(), sealing: await makeSealingPair() };
  const plaintext = Buffer.from(JSON.stringify(keys));
  const envelope = await builtIn.put(plaintext, managerKeysPlace);
  plaintext.fill(0);
  await storage.db
    .updateTable('deployment')
    .set({
      identity_key: new Identity(keys.identity).publicKey,
      sealing_key: keys.sealing.publicKey,
      private_keys: JSON.stringify(envelope),
    })
    .where('private_keys', 'is', null)
    .execute();
}
