// Entities that a move takes out of Git or brings into it: in one transaction the copies go and the inline row comes, or the other
// way round, so that an entity is never both and never neither. Whoever calls holds the entities alone, and has files of theirs
// reconsidered that this may have freed.
import { Injectable } from '@nestjs/common';
import { EntitiesRepository, type EntityKey } from '../entities/entities.repository.js';
import { InlineRepository } from '../entities/inline.repository.js';
import type { NewEvent } from '../events/events.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { CommitId } from '../git/git.js';
import type { Session } from '../storage/database.js';
import type { GitOrigin, OperationChange } from './operation-changes.js';
import { ofInline } from './told.js';

/** Of the operation that does it. */
interface Cause {
  id: string;
  move: string;
  /** The one that took the file away; null where it stays. */
  commitId: CommitId | null;
}

@Injectable()
export class InlineMoves {
  constructor(
    private readonly entities: EntitiesRepository,
    private readonly inlines: InlineRepository,
  ) {}

  /** Its copies go, on all branches: a move of one with others is accepted only where they are to be forgotten. */
  async becomeInline(tx: Session, change: OperationChange, cause: Cause): Promise<NewEvent> {
    const { scope, kind, id } = change;
    const key = { scope, kind, id };
    const yaml = change.document as Buffer;
    const origin = change.origin as GitOrigin;
    await this.entities.deleteAll(tx, key);
    const blobId = blobIdOf(yaml);
    await this.inlines.write(tx, { ...key, yaml, blob_id: blobId, operation_id: cause.id });
    const { path: from, branch: fromBranch, connector: fromConnector } = origin;
    const { id: operationId, move: moveId, commitId } = cause;
    const about = { commitId, blobId, cause: 'move', operationId, moveId };
    return ofInline(key, 'moved', { ...about, from, fromBranch, fromConnector });
  }

  /** Copies of these are about to be written. */
  async leaveInline(tx: Session, keys: EntityKey[]): Promise<void> {
    for (const key of keys) await this.inlines.delete(tx, key);
  }
}
