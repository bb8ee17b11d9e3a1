// Saves and deletions of entities that no repository has: they are done when they are accepted, in one transaction with the record
// of who did what, and nothing waits for them.
import { Injectable } from '@nestjs/common';
import type { EntityKey } from '../entities/entities.repository.js';
import { InlineRepository } from '../entities/inline.repository.js';
import { EventsRepository } from '../events/events.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import type { Session } from '../storage/database.js';
import { conflictOf, type InlineVerdict, judgeInline, storeOf } from './inline-plan.js';
import { OperationsRepository, type Outcome } from './operations.repository.js';
import { Reconsideration } from './reconsideration.js';
import { recordOperation } from './recorded.js';
import { ofInline, ofOperation } from './told.js';

interface Wish extends EntityKey {
  scope: Scope;
  yaml: Buffer | null;
  store?: 'git' | 'inline' | undefined;
  git: object;
  expected: string;
  requestedBy: string;
}

@Injectable()
export class InlineSaves {
  constructor(
    private readonly inlines: InlineRepository,
    private readonly operations: OperationsRepository,
    private readonly events: EventsRepository,
    private readonly reconsideration: Reconsideration,
  ) {}

  /**
   * Does it, and writes it down as the operation `id`; a conflict is written down, too.
   * @returns false where the request left the place open and the entity is inline no longer: nothing was written
   * @throws NOT_FOUND, ENTITY_EXISTS, ENTITY_IN_GIT
   */
  async settle(tx: Session, id: string, wish: Wish): Promise<boolean> {
    const key = { scope: wish.scope, kind: wish.kind, id: wish.id };
    const { inline, git } = await this.inlines.hold(tx, key);
    if (storeOf(wish) === undefined && inline === undefined) return false;
    if (git !== undefined) throw new Failure('ENTITY_IN_GIT', { kind: wish.kind, id: wish.id, ...git });
    const verdict = judgeInline(wish, inline);
    const base = verdict === 'conflict' ? await this.inlines.earlier(tx, key, wish.expected) : null;
    const outcome =
      verdict === 'conflict'
        ? { state: verdict, failure: conflictOf(wish, inline, base) }
        : done(wish, verdict);
    await this.operations.insertEnded(tx, { ...rowOf(wish), id }, outcome);
    await this.#write(tx, id, wish, verdict);
    const record = { ...rowOf(wish), id, branch: null, path: null };
    const told = { blobId: outcome.result?.blobId ?? null, cause: 'save', operationId: id };
    const end = verdict === 'conflict' ? 'conflict' : 'succeeded';
    recordOperation(tx, record, end, { blobId: told.blobId });
    await this.events.record(tx, [
      ...(verdict === 'conflict' || verdict === 'unchanged' ? [] : [ofInline(key, verdict, told)]),
      verdict === 'conflict'
        ? ofOperation(record, 'conflict', { code: outcome.failure?.code })
        : ofOperation(record, 'succeeded', { commitId: null, blobId: told.blobId }),
    ]);
    return true;
  }

  async #write(tx: Session, operation: string, wish: Wish, verdict: InlineVerdict): Promise<void> {
    const { scope, kind, id, yaml } = wish;
    if (verdict === 'conflict') return;
    const key = { scope, kind, id };
    if (yaml === null) {
      await this.inlines.delete(tx, key);
      return this.reconsideration.begin(tx, [key]);
    }
    await this.inlines.write(tx, { ...key, yaml, blob_id: blobIdOf(yaml), operation_id: operation });
  }
}

const rowOf = ({ scope, kind, id, yaml, expected, requestedBy }: Wish) => ({
  scope,
  account: accountOf(scope),
  action: yaml === null ? ('delete' as const) : ('save' as const),
  kind,
  entity_id: id,
  yaml,
  expected,
  requested_by: requestedBy,
});

function done({ yaml }: Wish, verdict: Exclude<InlineVerdict, 'conflict'>): Outcome {
  const blobId = yaml === null ? null : blobIdOf(yaml);
  return {
    state: 'succeeded',
    result: { commitId: null, blobId, created: verdict === 'created', unchanged: verdict === 'unchanged' },
  };
}
