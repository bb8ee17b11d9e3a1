// This installation's identity: bound into every secret's envelope, made once.
import { randomUUID } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import type { Storage } from '../storage/database.js';

/** The id of this deployment, as a value that can be injected. */
export abstract class Deployment {
  abstract readonly id: string;
}

/**
 * Reads the deployment's identity, making it at the first start.
 * @throws KEY_FILE_UNUSABLE when the master key is not the one this database was made with.
 */
export async function openDeployment(
  storage: Storage,
  masterKey: { id: string; file: string; has: (id: string) => boolean },
): Promise<Deployment> {
  await storage.db
    .insertInto('deployment')
    .values({ id: randomUUID(), master_key_id: masterKey.id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await storage.db.selectFrom('deployment').selectAll().executeTakeFirstOrThrow();
  if (!masterKey.has(row.master_key_id))
    throw new Failure('KEY_FILE_UNUSABLE', {
      file: masterKey.file,
      reason: `it lacks key ${row.master_key_id}, with which this database's secrets were made`,
    });
  return { id: row.id };
}
