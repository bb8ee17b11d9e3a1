// The history of an entity, from Git: the commits that changed its file, and which of them were ours.
import { Injectable } from '@nestjs/common';
import type { HistoryCommit, HistoryPage, Path } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { GitDocuments } from './git-documents.js';
import { type HistoryCursor, historyOf } from './history-cursor.js';
import { OperationsRepository } from './operations.repository.js';
import { headOf, type Reader, ReadFlow, type Repository } from './read.flow.js';

/** What a commit of ours came of. */
export interface Made {
  operation: string;
  pullRequest: string | null;
}

export interface EntityHistory {
  connector: string;
  branch: string;
  path: Path;
  commits: { commit: HistoryCommit; made: Made | undefined }[];
  searchedTo: string;
  next: HistoryCursor | null;
}

@Injectable()
export class HistoryFlow {
  constructor(
    private readonly reads: ReadFlow,
    private readonly documents: GitDocuments,
    private readonly operations: OperationsRepository,
  ) {}

  /**
   * From the head of the branch, or where the page before ended.
   * @throws NOT_FOUND, ENTITY_INLINE, GIT_REF_NOT_FOUND, REQUEST_INVALID for the cursor of another history, and what Git throws
   */
  async page(
    reader: Reader,
    { cursor, limit }: { cursor: HistoryCursor | undefined; limit: number },
  ): Promise<EntityHistory> {
    const { copy, ...repository } = await this.reads.repositoryOf(reader);
    const { branch = copy.branch } = reader;
    const isOfCopy = branch === copy.branch;
    const head = cursor === undefined || !isOfCopy ? await headOf(repository.git, branch) : null;
    const path = isOfCopy || head === null ? copy.path : await this.#pathAt(head, { copy, ...repository });
    const of = historyOf(copy.repository, path);
    if (cursor !== undefined && cursor.of !== of)
      throw new Failure('REQUEST_INVALID', { problem: 'cursor: is not a cursor of this list' });
    const place = cursor?.place ?? { pending: [head ?? ''], seen: [] };
    const page = await repository.git.history(path, place, limit);
    return {
      connector: copy.connector_id,
      branch,
      path,
      commits: await this.#withMade(reader, page),
      searchedTo: page.searchedTo,
      next: page.next === null ? null : { of, place: page.next },
    };
  }

  /** On a branch without a copy. */
  async #pathAt(head: string, { copy, ...repository }: Repository): Promise<Path> {
    return (await this.documents.find(repository, head, copy))?.path ?? copy.path;
  }

  /** What a commit says of its operation is believed where the operation says the same. */
  async #withMade({ key: { scope } }: Reader, { commits }: HistoryPage): Promise<EntityHistory['commits']> {
    const named = commits.flatMap(({ operation }) => operation ?? []);
    const landed = new Map((await this.operations.landed([...new Set(named)])).map((one) => [one.id, one]));
    return commits.map((commit) => {
      const one = landed.get(commit.operation ?? '');
      const { commitId } = (one?.result ?? {}) as { commitId?: string };
      const isOurs = one !== undefined && commitId === commit.id && isAround(one.scope, scope);
      const made = isOurs ? { operation: one.id, pullRequest: one.pull_request_id } : undefined;
      return { commit, made };
    });
  }
}

/** Whether the one scope is the other or one that it is in. */
const isAround = (outer: string, scope: string): boolean => scope === outer || scope.startsWith(`${outer}/`);
