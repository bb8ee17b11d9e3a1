// Secrets that leave their secret manager: for another one whose delegates open it, or for the manager itself. Whoever may
// have them, this delegate's operators say; nobody else can widen it.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import { sealValue, TargetRefused } from '../../src/sealing/client-sealing.js';
import { fingerprintOf } from '../../src/sealing/identity.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { DelegatePolicy } from './policy.js';

export interface LettingGo {
  deployment: string;
  /** The delegate's own. */
  group: { id: string; identityKey: string };
  managers: SecretManagerRegistry;
  policy: DelegatePolicy;
}

/** @throws DELEGATE_POLICY_REFUSED, SECRET_VALUE_REFUSED for keys that the group's identity did not sign */
export async function resealSecret(
  { deployment, group: own, managers, policy }: LettingGo,
  { manager, scope, secret, stored, to }: TaskInput<'secrets.reseal'>,
): Promise<TaskOutput<'secrets.reseal'>> {
  const { group, identityKey, sealingKey, signature, ...place } = to;
  if (identityKey !== own.identityKey) policy.assertMayRelease(fingerprintOf(identityKey));
  return useOpened(managers, { manager, scope, secret, stored }, (bytes) =>
    sealValue(bytes, { deployment, group, identityKey, sealingKey, signature }, { scope, secret, ...place }),
  ).catch((error: unknown) => {
    if (!(error instanceof TargetRefused)) throw error;
    throw new Failure('SECRET_VALUE_REFUSED', { secret, reason: error.message });
  });
}

/** @throws DELEGATE_POLICY_REFUSED */
export async function revealSecret(
  { managers, policy }: LettingGo,
  task: TaskInput<'secrets.reveal'>,
): Promise<TaskOutput<'secrets.reveal'>> {
  policy.assertMayReveal();
  return useOpened(managers, task, async (bytes) => ({ value: bytes.toString('base64') }));
}

async function useOpened<T>(
  managers: SecretManagerRegistry,
  { manager, scope, secret, stored }: TaskInput<'secrets.reveal'>,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const opened: Secret = await managers.use(manager, (one) => one.open(stored, { scope, secret }));
  try {
    return await opened.use(work);
  } finally {
    opened.wipe();
  }
}
