// No secret is used on this side before it is on record who opens it, and for what.
import type { CarriedManager } from '../../src/contract/secret-managers.js';
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import type { SecretManagerKind, StoredSecret } from '../../src/envelope/secret-manager.js';
import { tell } from '../../src/kernel/facts.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import type { AuditEntry, AuditFile } from './audit-file.js';

/** Which secret version it is, and who keeps it. */
export type AuditSubject = Pick<
  AuditEntry,
  'scope' | 'secret' | 'version' | 'keyId' | 'storeVersion' | 'managerScope' | 'manager'
> & {
  /** Of the secret manager; `sealed` for a value that nobody keeps yet. */
  kind: SecretManagerKind | 'sealed';
};

export const wipe = (opened: Secret): void => opened.wipe();

export class SecretAudit {
  constructor(private readonly file: AuditFile) {}

  /** What is on record here, for the manager. @throws SECRET_AUDIT_UNWRITABLE */
  tell(asked: TaskInput<'secrets.audit'>): Promise<TaskOutput<'secrets.audit'>> {
    return this.file.tell(asked);
  }

  /**
   * Puts on record that a secret is opened, before work that opens and uses it in one. What fails is on record once more.
   * @throws SECRET_AUDIT_UNWRITABLE, and what `work` throws
   */
  async announce<T>(subject: AuditSubject, task: TaskContext, work: () => Promise<T>): Promise<T> {
    const entry = entryOf(subject, task);
    await this.file.append({ ...entry, outcome: 'opened', code: null });
    const done = await work().catch((error: unknown) => this.#refuse(subject, entry, error));
    tell('secret.open', { kind: subject.kind, code: 'OK' });
    return done;
  }

  /**
   * Opens a secret and hands it out once that is on record. What cannot be put on record is wiped, and was of no use; an attempt
   * that fails is on record, too.
   * @throws SECRET_AUDIT_UNWRITABLE, and what `open` throws
   */
  async open<T>(
    subject: AuditSubject,
    task: TaskContext,
    { open, wipe }: { open: () => Promise<T>; wipe: (opened: T) => void },
  ): Promise<T> {
    // Nobody is asked in vain.
    await this.file.prepare();
    const entry = entryOf(subject, task);
    const opened = await open().catch((error: unknown) => this.#refuse(subject, entry, error));
    try {
      await step('delegate.audit', () => this.file.append({ ...entry, outcome: 'opened', code: null }));
    } catch (error) {
      wipe(opened);
      throw error;
    }
    tell('secret.open', { kind: subject.kind, code: 'OK' });
    return opened;
  }

  async #refuse({ kind }: AuditSubject, entry: Attempted, error: unknown): Promise<never> {
    const { code } = Failure.from(error);
    await this.file.append({ ...entry, outcome: 'refused', code });
    tell('secret.open', { kind, code });
    throw error;
  }
}

type Attempted = Omit<AuditEntry, 'outcome' | 'code'>;

function entryOf(subject: AuditSubject, { id, name, purpose }: TaskContext): Attempted {
  const { scope, secret, version, keyId, storeVersion, managerScope, manager } = subject;
  const about = { scope, secret, version, keyId, storeVersion, managerScope, manager };
  return { task: id, taskName: name, ...about, purpose };
}

/** Of what PostgreSQL keeps of a secret version. */
export function auditSubject(
  { scope, secret }: { scope: string; secret: string },
  stored: StoredSecret,
  keeper: Pick<CarriedManager, 'scope' | 'id' | 'settings'> | null,
): AuditSubject {
  const isReference = 'storeVersion' in stored;
  return {
    scope,
    secret,
    version: stored.version,
    keyId: isReference ? null : stored.keyId,
    storeVersion: isReference ? stored.storeVersion : null,
    managerScope: keeper?.scope ?? null,
    manager: keeper?.id ?? null,
    kind: keeper?.settings.kind ?? 'keyring',
  };
}
