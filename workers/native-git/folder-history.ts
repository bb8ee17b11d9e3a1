// What a history is made of, from the local repository, which has all commits and trees of what was fetched.
import type { CommitId } from '../../src/git/git.js';
import type { HistorySource } from '../../src/git/history.js';
import { defaultLimits } from '../../src/git/limits.js';
import { Failure } from '../../src/kernel/failure.js';
import { listCommitsArgv } from './argv.js';
import { readObjects } from './objects.js';
import type { Operation } from './operation.js';

const COMMITS_MAX = 500;
const PAGE_MS = 10_000;

export class FolderHistory implements HistorySource {
  readonly host: string;
  readonly limits = defaultLimits;
  readonly pageMs = PAGE_MS;
  readonly #operation: Operation;
  #bytes = 0;

  constructor(operation: Operation) {
    this.#operation = operation;
    this.host = operation.host;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Its commands look at the time themselves. */
  check(): void {}

  async commits(ids: CommitId[]): Promise<Map<CommitId, Buffer>> {
    const listed = await this.#operation.local(listCommitsArgv(ids, COMMITS_MAX));
    const following = listed.split('\n').filter((id) => id !== '');
    return this.#read([...new Set([...ids, ...following])]);
  }

  async trees(ids: string[]): Promise<Map<string, Buffer>> {
    const found = await this.#read(ids);
    const missing = ids.find((id) => !found.has(id));
    if (missing !== undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `tree ${missing}` });
    return found;
  }

  async #read(ids: string[]): Promise<Map<string, Buffer>> {
    const found = await readObjects(this.#operation, ids);
    for (const { length } of found.values()) this.#bytes += length;
    return found;
  }
}
