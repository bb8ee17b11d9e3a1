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
import { providers } from './migrations/0012-providers.js';
import { events } from './migrations/0013-events.js';
import { tracking } from './migrations/0014-tracking.js';
import { webhooks } from './migrations/0015-webhooks.js';
import { subscriptions } from './migrations/0016-subscriptions.js';
import { credentials } from './migrations/0017-credentials.js';
import { pullRequests } from './migrations/0018-pull-requests.js';
import { imports } from './migrations/0019-imports.js';
import { inlineEntities } from './migrations/0020-inline-entities.js';
import { moves } from './migrations/0021-moves.js';
import { renamedRepositories } from './migrations/0022-renamed-repositories.js';
import { lookClaims } from './migrations/0023-look-claims.js';
import { lookupsInCopies } from './migrations/0024-lookups-in-copies.js';
import { sharedGrants } from './migrations/0025-shared-grants.js';
import { pathsBeyond } from './migrations/0026-paths-beyond.js';
import { pullRequestRepositories } from './migrations/0027-pull-request-repositories.js';
import { begunDeliveries } from './migrations/0028-begun-deliveries.js';
import { failingImports } from './migrations/0029-failing-imports.js';
import { importProgress } from './migrations/0030-import-progress.js';
import { audit } from './migrations/0031-audit.js';
import { identity } from './migrations/0032-identity.js';
import { traceparents } from './migrations/0033-traceparents.js';
import { passages } from './migrations/0034-passages.js';
import { begunActs } from './migrations/0035-begun-acts.js';

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
  '0012-providers': providers,
  '0013-events': events,
  '0014-tracking': tracking,
  '0015-webhooks': webhooks,
  '0016-subscriptions': subscriptions,
  '0017-credentials': credentials,
  '0018-pull-requests': pullRequests,
  '0019-imports': imports,
  '0020-inline-entities': inlineEntities,
  '0021-moves': moves,
  '0022-renamed-repositories': renamedRepositories,
  '0023-look-claims': lookClaims,
  '0024-lookups-in-copies': lookupsInCopies,
  '0025-shared-grants': sharedGrants,
  '0026-paths-beyond': pathsBeyond,
  '0027-pull-request-repositories': pullRequestRepositories,
  '0028-begun-deliveries': begunDeliveries,
  '0029-failing-imports': failingImports,
  '0030-import-progress': importProgress,
  '0031-audit': audit,
  '0032-identity': identity,
  '0033-traceparents': traceparents,
  '0034-passages': passages,
  '0035-begun-acts': begunActs,
};
