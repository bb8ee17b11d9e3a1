// A value that somebody sealed to this delegate's group: opened here for the first time, and given to its secret manager.
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import { openValue, type SealingSuite, type ValuePlace } from '../../src/sealing/client-sealing.js';
import type { SealingPair } from '../../src/sealing/hpke.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { KeptValues } from './kept-values.js';
import { auditSubject, type SecretAudit, wipe } from './secret-audit.js';

export interface Keeping {
  deployment: string;
  /** The delegate's own. */
  group: { id: string; identityKey: string };
  /** What it has to open with, the current pair first. */
  pairsOf: (suite: SealingSuite) => SealingPair[];
  managers: SecretManagerRegistry;
  kept: KeptValues;
  audit: SecretAudit;
}

/** @throws SECRET_VALUE_REFUSED for what has expired or is not sealed to this group for this place; SECRET_AUDIT_UNWRITABLE */
export async function keepValue(
  keeping: Keeping,
  sealed: TaskInput<'secrets.put'>,
  task: TaskContext,
): Promise<TaskOutput<'secrets.put'>> {
  const { managers, kept, audit } = keeping;
  const { manager, scope, secret, version, expiresAt, migration } = sealed;
  if (expiresAt <= Date.now()) throw refused(secret, 'it has expired');
  const place = { scope, secret, version, managerScope: manager.scope, manager: manager.id, expiresAt };
  const value = await openSealed(keeping, sealed, place, task);
  try {
    // A migration that is tried again has another end, and does no harm twice.
    const known = migration === undefined ? kept.find(place) : undefined;
    if (known !== undefined) return { stored: known };
    const options = { version, onlyIfAbsent: migration?.onlyIfAbsent ?? false };
    const stored = await managers.use(manager, async (one) => {
      const put = await one.put(value, { scope, secret }, options);
      // What a migration leaves is about to go.
      if (migration !== undefined) {
        const subject = auditSubject({ scope, secret }, put, manager);
        const open = () => one.open(put, { scope, secret });
        assertSame(await audit.open(subject, task, { open, wipe }), value, secret);
      }
      return put;
    });
    if (migration === undefined) kept.note(place, stored);
    return { stored };
  } finally {
    value.fill(0);
  }
}

async function openSealed(
  keeping: Keeping,
  sealed: TaskInput<'secrets.put'>,
  place: ValuePlace,
  task: TaskContext,
): Promise<Uint8Array> {
  const { scope, secret, version, managerScope, manager } = place;
  const kind = 'sealed' as const;
  const subject = { scope, secret, version, keyId: null, storeVersion: null, managerScope, manager, kind };
  return keeping.audit.open(subject, task, {
    open: () => openByAny(keeping, sealed, place),
    wipe: (opened) => opened.fill(0),
  });
}

/** @throws SECRET_VALUE_REFUSED where no key of the group opens it */
async function openByAny(
  { deployment, group, pairsOf }: Keeping,
  { suite, enc, box }: TaskInput<'secrets.put'>,
  place: ValuePlace,
): Promise<Uint8Array> {
  const sealed = suite === undefined ? { enc, box } : { suite, enc, box };
  for (const pair of pairsOf(suite ?? 'x25519')) {
    const opened = openValue(sealed, { deployment, group: group.id, ...pair }, place);
    const value = await opened.catch(() => undefined);
    if (value !== undefined) return value;
  }
  throw refused(
    place.secret,
    'it was not sealed to a key of this group, for this secret, version and secret manager',
  );
}

/** Wipes what was opened. @throws SECRET_VALUE_REFUSED unless it is the very value */
function assertSame(opened: Secret, value: Uint8Array, secret: string): void {
  const isSame = opened.use((bytes) => bytes.equals(value));
  opened.wipe();
  if (!isSame) throw refused(secret, 'the secret manager answers another value than it was given');
}

const refused = (secret: string, reason: string): Failure =>
  new Failure('SECRET_VALUE_REFUSED', { secret, reason }) as Failure;
