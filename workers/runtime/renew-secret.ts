// A secret that stays with its secret manager, under a newer key or a fresh one.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { Failure } from '../../src/kernel/failure.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import { auditSubject, type SecretAudit } from './secret-audit.js';

/** @throws SECRET_MANAGER_UNFIT for a store, which has its own keys */
export async function renewSecret(
  { managers, audit }: { managers: SecretManagerRegistry; audit: SecretAudit },
  { manager, scope, secret, stored, how, version }: TaskInput<'secrets.renew'>,
  task: TaskContext,
): Promise<TaskOutput<'secrets.renew'>> {
  const place = { scope, secret };
  return managers.use(manager, async (one) => {
    if (!(one instanceof EnvelopeManager))
      throw new Failure('SECRET_MANAGER_UNFIT', {
        problem: `a ${one.kind} encrypts its values by itself`,
        mend: 'Rotate its key where it is',
      });
    const renew = () =>
      how === 'rewrap' ? one.rewrap(stored, place) : one.reencrypt(stored, place, version);
    return { stored: await audit.announce(auditSubject(place, stored, manager), task, renew) };
  });
}
