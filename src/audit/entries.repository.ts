// The only way into a trail.
import { sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import { isConnectionFault, isWriteFault, type Session } from '../storage/database.js';

/** Texts as they are to be hashed, in their order. @throws AUDIT_UNWRITABLE */
export async function appendEntries(tx: Session, account: string, texts: readonly string[]): Promise<void> {
  await sql`select audit_append(${account}, ${texts}::text[])`.execute(tx).catch((cause: unknown) => {
    if (isConnectionFault(cause) || isWriteFault(cause)) throw cause;
    throw new Failure('AUDIT_UNWRITABLE', { account, reason: (cause as Error).message }, { cause });
  });
}
