// Secrets that leave their secret manager: for another one whose delegates open it, or for the manager itself. Whoever may
// have them, this delegate's operators say; nobody else can widen it.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { Failure } from '../../src/kernel/failure.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import { sealValue, TargetRefused } from '../../src/sealing/client-sealing.js';
import { fingerprintOf } from '../../src/sealing/identity.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { DelegatePolicy } from './policy.js';
import { auditSubject, type SecretAudit, wipe } from './secret-audit.js';

export interface LettingGo {
  deployment: string;
  /** The delegate's own. */
  group: { id: string; identityKey: string };
  managers: SecretManagerRegistry;
  policy: DelegatePolicy;
  audit: SecretAudit;
}

/** @throws DELEGATE_POLICY_REFUSED, SECRET_VALUE_REFUSED for keys that the group's identity did not sign */
export async function resealSecret(
  lettingGo: LettingGo,
  { to, ...held }: TaskInput<'secrets.reseal'>,
  task: TaskContext,
): Promise<TaskOutput<'secrets.reseal'>> {
  const { deployment, group: own, policy } = lettingGo;
  const { scope, secret } = held;
  const { group, identityKey, sealingKey, signature, ...place } = to;
  const assertAllowed = (): void => {
    if (identityKey !== own.identityKey) policy.assertMayRelease(fingerprintOf(identityKey));
  };
  return useOpened(lettingGo, held, { task, assertAllowed }, (bytes) =>
    sealValue(bytes, { deployment, group, identityKey, sealingKey, signature }, { scope, secret, ...place }),
  ).catch((error: unknown) => {
    if (!(error instanceof TargetRefused)) throw error;
    throw new Failure('SECRET_VALUE_REFUSED', { secret, reason: error.message });
  });
}

/** @throws DELEGATE_POLICY_REFUSED */
export async function revealSecret(
  lettingGo: LettingGo,
  held: TaskInput<'secrets.reveal'>,
  task: TaskContext,
): Promise<TaskOutput<'secrets.reveal'>> {
  const assertAllowed = (): void => lettingGo.policy.assertMayReveal();
  return useOpened(lettingGo, held, { task, assertAllowed }, async (bytes) => ({
    value: bytes.toString('base64'),
  }));
}

async function useOpened<T>(
  { managers, audit }: LettingGo,
  { manager, scope, secret, stored }: TaskInput<'secrets.reveal'>,
  { task, assertAllowed }: { task: TaskContext; assertAllowed: () => void },
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const place = { scope, secret };
  const opened = await audit.open(auditSubject(place, stored, manager), task, {
    open: async () => {
      // Here, so that an attempt which its operators forbid is on record as well.
      assertAllowed();
      return managers.use(manager, (one) => one.open(stored, place));
    },
    wipe,
  });
  try {
    return await opened.use(work);
  } finally {
    opened.wipe();
  }
}
