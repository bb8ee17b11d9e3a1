// A secret that stays with its secret manager, under a newer key or a fresh one.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { Failure } from '../../src/kernel/failure.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';

/** @throws SECRET_MANAGER_UNFIT for a store, which has its own keys */
export async function renewSecret(
  managers: SecretManagerRegistry,
  { manager, scope, secret, stored, how, version }: TaskInput<'secrets.renew'>,
): Promise<TaskOutput<'secrets.renew'>> {
  const place = { scope, secret };
  return managers.use(manager, async (one) => {
    if (!(one instanceof EnvelopeManager))
      throw new Failure('SECRET_MANAGER_UNFIT', {
        problem: `a ${one.kind} encrypts its values by itself`,
        mend: 'Rotate its key where it is',
      });
    return {
      stored:
        how === 'rewrap' ? await one.rewrap(stored, place) : await one.reencrypt(stored, place, version),
    };
  });
}
