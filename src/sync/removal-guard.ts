// What speaks against removing files that entities came from, at the moment when it is to be done: the entity has to be elsewhere,
// and in another file. Both hold when the removal is written down, as far as anybody knows then.
import { Injectable } from '@nestjs/common';
import type { Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import type { Conflicting } from './batch.js';
import { hasCommit } from './commit-presence.js';
import type { Lane } from './lanes.repository.js';
import { MovesRepository } from './moves.repository.js';
import { changesOf, type GitOrigin, type OperationChange } from './operation-changes.js';
import type { GitOperation } from './operations.repository.js';

@Injectable()
export class RemovalGuard {
  constructor(private readonly moves: MovesRepository) {}

  /** Of these operations of a lane, the files that are to stay, and why. @throws what Git throws */
  async objections(lane: Lane, operations: readonly GitOperation[], git: Git): Promise<Conflicting[]> {
    const removals = operations
      .map((operation) => ({ operation, changes: changesOf(operation) }))
      .filter(({ changes }) => changes.some(({ meaning }) => meaning === 'remove'));
    if (removals.length === 0) return [];
    const ids = removals.map(({ operation }) => operation.id);
    const lost = await this.#findLost(lane, ids);
    const twins = await findTwins(
      git,
      removals.flatMap(({ changes }) => changes),
    );
    return removals.flatMap(({ operation, changes }) => {
      const found = changes.flatMap((change) => {
        const isLost = lost.has(nameOf(operation.id, change));
        if (!isLost && !twins.has(change)) return [];
        const why = isLost ? goneAway : sameFile;
        const data = { path: change.path, branch: lane.branch, ...why };
        const failure = new Failure('MOVE_FILE_LEFT', data) as Failure;
        return { change, expect: change.expected, theirs: null, failure };
      });
      return found.length === 0 ? [] : { operation, found };
    });
  }

  /** Entities that are not where they were moved to: somebody deleted the file there, or the branch, or forced it back. */
  async #findLost(lane: Lane, removals: string[]): Promise<Set<string>> {
    const lost = await this.moves.lost(removals, lane);
    return new Set(lost.map(({ removal, ...entity }) => nameOf(removal, entity)));
  }
}

/** Changes whose file may be the one that the entity is in: the commit in which it was found there is in this repository, too. */
async function findTwins(git: Git, removed: readonly OperationChange[]): Promise<Set<OperationChange>> {
  const suspects = removed.filter(({ origin }) => origin !== null);
  const byCommit = Map.groupBy(suspects, ({ origin }) => (origin as GitOrigin).commitId);
  const twins = new Set<OperationChange>();
  for (const [commit, changes] of byCommit)
    if (await hasCommit(git, commit)) for (const change of changes) twins.add(change);
  return twins;
}

const goneAway = {
  problem: 'its entity is not at its new place any more',
  mend: 'Import the file or save the entity again, or remove the file in Git',
};
const sameFile = {
  problem: 'the repository that its entity came to has the same commits, and may be this one by another URL',
  mend: 'Remove the file in Git if these are two repositories',
};

const nameOf = (
  removal: string,
  { scope, kind, id }: Pick<OperationChange, 'scope' | 'kind' | 'id'>,
): string => `${removal} ${scope} ${kind} ${id}`;
