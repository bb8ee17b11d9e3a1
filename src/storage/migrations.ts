// The database's history. A migration that has been released is never changed; the next one follows it.
import type { Migration } from 'kysely/migration';
import { foundation } from './migrations/0001-foundation.js';
import { knownHosts } from './migrations/0002-known-hosts.js';
import { enrolledDelegates } from './migrations/0003-enrolled-delegates.js';
import { operationsByAccount } from './migrations/0004-operations-by-account.js';
import { secretManagers } from './migrations/0005-secret-managers.js';
import { secretOperations } from './migrations/0006-secret-operations.js';
import { secretAudit } from './migrations/0007-secret-audit.js';
import { groupKeys } from './migrations/0008-group-keys.js';
import { secretUses } from './migrations/0009-secret-uses.js';
import { masterKeys } from './migrations/0010-master-keys.js';
import { authors } from './migrations/0011-authors.js';

export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-known-hosts': knownHosts,
  '0003-enrolled-delegates': enrolledDelegates,
  '0004-operations-by-account': operationsByAccount,
  '0005-secret-managers': secretManagers,
  '0006-secret-operations': secretOperations,
  '0007-secret-audit': secretAudit,
  '0008-group-keys': groupKeys,
  '0009-secret-uses': secretUses,
  '0010-master-keys': masterKeys,
  '0011-authors': authors,
};
