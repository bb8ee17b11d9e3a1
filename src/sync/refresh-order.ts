// What a refresh of a tracked repository is of, the branch aside: the same for a look and for a repair.
import { createHash } from 'node:crypto';
import type { Connector } from '../connectors/connectors.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import type { RefreshOrder } from './refresh.flow.js';
import { TrackedFiles } from './tracked-files.js';
import type { Tracking } from './tracking.repository.js';

export const orderOf = (
  tracking: Tracking,
  connector: Connector,
  kinds: Kind[],
): Omit<RefreshOrder, 'branch' | 'hint'> => ({
  key: { scope: tracking.scope, connector: tracking.connector },
  connector,
  kinds: new Map(kinds.map((kind) => [kind.id, kind])),
  files: new TrackedFiles(connector.scope, tracking.files, kinds),
  rules: tracking.rules,
  revision: revisionOf(tracking, kinds),
});

function revisionOf(
  tracking: Pick<Tracking, 'revision'>,
  kinds: Pick<Kind, 'id' | 'pathTemplate' | 'revision'>[],
): string {
  const parts = [tracking.revision, ...kinds.map((kind) => [kind.id, kind.pathTemplate, kind.revision])];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
