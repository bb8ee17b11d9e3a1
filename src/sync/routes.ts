// Which files are still to be brought to the copy of a branch, on the way from the commit that it was followed to to another one.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import { CopiesRepository } from '../entities/copies.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import type { CommitId, Git } from '../git/git.js';
import { step } from '../kernel/step.js';
import { byPathBytes, type FileChangeWithContent, findChanges } from './branch-changes.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { PartJudge } from './part-judge.js';
import { ReadAhead } from './read-ahead.js';
import { findArrivals, type Journey, type TrackingRule } from './refresh-plan.js';
import type { Meaning, TrackedFiles } from './tracked-files.js';
import type { BranchRecord, ConnectorKey } from './tracking.repository.js';
import type { Way } from './way.js';

interface Order {
  key: ConnectorKey;
  connector: Connector;
  branch: string;
  kinds: ReadonlyMap<string, Kind>;
  files: TrackedFiles;
  rules: readonly TrackingRule[];
  revision: string;
}

/** What is still to be done on the way to `target`. */
export interface Route extends Journey, Way {
  target: CommitId;
  /** From where it leads there, what else it was set out for, and how far it has been gone. */
  synced: CommitId | null;
  beyond: readonly string[];
  appliedTo: string | null;
}

@Injectable()
export class Routes {
  constructor(
    private readonly copies: CopiesRepository,
    private readonly problems: FileProblemsRepository,
    private readonly judge: PartJudge,
  ) {}

  /** @throws what Git throws: GIT_OBJECT_NOT_FOUND where there is no such commit any more */
  async find(
    order: Order,
    { synced, beyond, applied_to: appliedTo }: Pick<BranchRecord, 'synced' | 'beyond' | 'applied_to'>,
    target: CommitId,
    git: Git,
  ): Promise<Route> {
    const { connector, branch, rules } = order;
    const place = { repository: connector.url, branch };
    const meaningOf = remember((path) => order.files.meaningOf(path));
    const found = await step('refresh.compare', () =>
      findChanges(git, { from: synced, to: target, beyond }, async () =>
        this.copies.allOn(place, connector.scope),
      ),
    );
    const changes = synced === null ? found : await this.#withFreed(order, found);
    const ahead = changes.filter(({ path }) => isAfter(path, appliedTo));
    return {
      ...{ target, synced, beyond, appliedTo },
      changes: await this.#concerning(order, ahead, meaningOf),
      leaving: new Set(changes.flatMap(({ path, to }) => (to === null ? path : []))),
      arrivals: findArrivals(changes, meaningOf),
      rules,
      meaningOf,
      contents: new ReadAhead(git, target, (blobs) => this.copies.knownBlobs(connector.url, blobs)),
      ahead: this.judge.ahead(order.kinds),
    };
  }

  /** With the files of entities whose other one goes, or went otherwise: they stand in nobody's shadow any more. */
  async #withFreed(
    { key, connector, branch }: Order,
    changes: FileChangeWithContent[],
  ): Promise<FileChangeWithContent[]> {
    const leaving = changes.flatMap(({ path, to }) => (to === null ? path : []));
    const freed = await this.problems.freed(key, { repository: connector.url, branch }, leaving);
    const known = new Set(changes.map(({ path }) => path));
    const more = freed.filter(({ path }) => !known.has(path));
    if (more.length === 0) return changes;
    const again = more.map(({ path, blob }) => ({ path, to: { id: blob, mode: '100644' } }));
    return [...changes, ...again].toSorted(byPathBytes);
  }

  /** What is, was or would be an entity; a repository may hold much else. */
  async #concerning(
    { key, connector, branch }: Order,
    changes: FileChangeWithContent[],
    meaningOf: Journey['meaningOf'],
  ): Promise<FileChangeWithContent[]> {
    const documents = changes.filter(({ path }) => /\.ya?ml$/.test(path));
    const isNamed = ({ path, to }: FileChangeWithContent) => to !== null && meaningOf(path) !== undefined;
    const unnamed = documents.filter((change) => !isNamed(change)).map(({ path }) => path);
    const known = await this.copies.knownPaths(connector.url, unnamed);
    const reported = new Set(await this.problems.pathsAmong(key, branch, unnamed));
    return documents.filter(
      (change) => known.has(change.path) || reported.has(change.path) || isNamed(change),
    );
  }
}

/** Whether the way leads where it did, and nobody else has gone it since, or set its end anew, as a repair does. */
export const isOn = (
  { target, synced, beyond, appliedTo }: Route,
  state: BranchRecord,
  { revision }: Order,
): boolean =>
  state.target === target &&
  state.synced === synced &&
  state.applied_to === appliedTo &&
  state.revision === revision &&
  state.beyond.length === beyond.length;

/** What a path means is asked for at every stage of the way. */
function remember(meaningOf: Journey['meaningOf']): Journey['meaningOf'] {
  const known = new Map<string, Meaning>();
  return (path) => {
    if (!known.has(path)) known.set(path, meaningOf(path));
    return known.get(path);
  };
}

const isAfter = (path: string, cursor: string | null): boolean =>
  cursor === null || Buffer.compare(Buffer.from(path), Buffer.from(cursor)) > 0;
