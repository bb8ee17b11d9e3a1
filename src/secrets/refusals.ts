// What the database’s constraints say of a secret that cannot be written.
import { Failure } from '../kernel/failure.js';
import { isReferenced } from '../storage/database.js';
import type { KeptBy } from './kept-by.js';

/** @throws MASTER_KEY_RETIRED, or what it is given */
export const keyRetired =
  (secret: string) =>
  (error: unknown): never => {
    throw isReferenced(error, 'secret_version_master_key')
      ? new Failure('MASTER_KEY_RETIRED', { secret })
      : error;
  };

const users = [
  ['subscription_', 'a subscription'],
  ['webhook_', 'a webhook'],
] as const;

/** A constraint says who still needs the secret to be a builtin one, or that its new manager is gone. */
export function referenced(error: unknown, id: string, keptBy: KeptBy): Failure {
  const manager = keptBy?.id ?? 'builtin';
  const { constraint } = error as { constraint?: string };
  if (constraint === 'secret_kept_by')
    return new Failure('NOT_FOUND', { what: 'secret manager', id: manager }) as Failure;
  if (constraint === 'connector_reach' || constraint === 'credential_secret_reach')
    return new Failure('SECRET_OUT_OF_REACH', { secret: id, manager, connectivity: 'manager' }) as Failure;
  const by = users.find(([prefix]) => constraint?.startsWith(prefix) === true)?.[1] ?? 'a secret manager';
  return new Failure('STILL_IN_USE', { what: 'builtin secret', id, by }) as Failure;
}
