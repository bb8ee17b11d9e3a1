// This installation's identity: bound into every secret's envelope, made once.
import { randomUUID } from 'node:crypto';
import type { LiveKeyRing } from '../envelope/live-key-ring.js';
import { Failure } from '../kernel/failure.js';
import type { Storage } from '../storage/database.js';

/** The id of this deployment, as a value that can be injected. */
export abstract class Deployment {
  abstract readonly id: string;
}

/** Where the managers' own keys belong, which the builtin secret manager keeps outside of every scope. */
export const managerKeysPlace = { scope: 'deployment', secret: 'manager-keys' };

/**
 * Reads the deployment's identity, making it at the first start with the key that the file calls active.
 * @throws KEY_FILE_UNUSABLE when the file lacks a master key that this database's secrets were made with
 */
export async function openDeployment(storage: Storage, ring: LiveKeyRing): Promise<Deployment> {
  await storage.transact(async (tx) => {
    const made = await tx
      .insertInto('deployment')
      .values({ id: randomUUID(), master_key_id: ring.labelled })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (made !== undefined) await tx.insertInto('master_key').values({ id: ring.labelled }).execute();
  });
  const known = await storage.db.selectFrom('master_key').select('id').execute();
  assertHolds(
    ring,
    known.map(({ id }) => id),
  );
  return storage.db.selectFrom('deployment').select('id').executeTakeFirstOrThrow();
}

/** @throws KEY_FILE_UNUSABLE */
export function assertHolds(ring: LiveKeyRing, known: string[]): void {
  const { ids, fault } = ring.refresh();
  if (fault !== undefined) throw fault;
  const missing = known.filter((id) => !ids.includes(id));
  if (missing.length === 0) return;
  throw new Failure('KEY_FILE_UNUSABLE', {
    file: ring.file,
    reason: `it lacks key ${missing.join(' and key ')}, with which this database's secrets were made: it is another database's file, or one from before a rotation`,
  });
}
