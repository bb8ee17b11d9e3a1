// Brings single files of a branch into the copy that nobody follows: what was saved through us and merged at the host. Where the
// branch is tracked, the refresh does this and more.
import { Injectable } from '@nestjs/common';
import { Connectivity } from '../connectivity/connectivity.js';
import type { Connector } from '../connectors/connectors.repository.js';
import { CopiesRepository } from '../entities/copies.repository.js';
import { type Kind, KindsRepository } from '../entities/kinds.repository.js';
import type { Git } from '../git/git.js';
import { step } from '../kernel/step.js';
import { accountOf } from '../scopes/scope.js';
import { CopyWriter } from './copy-writer.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { plainAmong } from './git-documents.js';
import { LaneFlow } from './lane.flow.js';
import { LanesRepository, type Lease } from './lanes.repository.js';
import { nameOf, planRefresh } from './refresh-plan.js';
import type { Named } from './tracked-files.js';
import { TrackingRepository } from './tracking.repository.js';

/** An entity and where it was saved. */
export interface SavedFile extends Named {
  path: string;
}

interface Order {
  connector: Connector;
  branch: string;
  files: SavedFile[];
}

/** Files of one turn at the lane, which are read in one request. */
const PART_FILES_MAX = 50;

@Injectable()
export class MergedCopies {
  constructor(
    private readonly flow: LaneFlow,
    private readonly lanes: LanesRepository,
    private readonly copies: CopiesRepository,
    private readonly kinds: KindsRepository,
    private readonly writer: CopyWriter,
    private readonly tracking: TrackingRepository,
    private readonly problems: FileProblemsRepository,
    private readonly connectivity: Connectivity,
  ) {}

  /**
   * The copies of these files become what the branch holds; what is no entity there is left out. Doing it again is harmless.
   * `busy`: the lane could not be had.
   */
  async refresh({ connector, branch, files }: Order): Promise<'done' | 'busy'> {
    const cause = { kind: 'refresh' as const, operations: [], actors: ['sallyport'] };
    const git = await this.connectivity.open(connector, cause);
    const account = accountOf(connector.scope);
    const kinds = new Map((await this.kinds.list(account)).map((kind) => [kind.id, kind]));
    const { id } = await this.lanes.peek(connector.url, branch);
    for (let at = 0; at < files.length; at += PART_FILES_MAX) {
      const part = { connector, branch, files: files.slice(at, at + PART_FILES_MAX) };
      const done = await this.flow.exclusively(id, account, async (lease) => {
        await this.#bring(part, lease, { git, kinds });
        return true;
      });
      if (done === undefined) return 'busy';
    }
    return 'done';
  }

  async #bring(
    { connector, branch, files }: Order,
    lease: Lease,
    { git, kinds }: { git: Git; kinds: ReadonlyMap<string, Kind> },
  ): Promise<void> {
    const target = await git.head(branch);
    if (target === null) return;
    const paths = files.map(({ path }) => path);
    const found = await git.read(target, paths);
    const present = paths.filter((_, at) => (found[at] ?? null) !== null);
    const plain = await plainAmong(git, target, present);
    const changes = paths.map((path, at) => {
      const file = found[at] ?? null;
      return {
        path,
        to: file === null ? null : { id: file.id, mode: plain.has(path) ? '100644' : '120000' },
      };
    });
    const around = await this.copies.around({ repository: connector.url, branch }, paths, files);
    const here = around.filter(({ repository }) => repository === connector.url);
    const surroundings = {
      scope: connector.scope,
      repository: connector.url,
      branch,
      byPath: new Map(here.map((copy) => [copy.path, copy])),
      byKey: new Map(around.map((copy) => [nameOf(copy), copy])),
      onOtherBranches: new Map<string, Named>(),
      inline: new Set<string>(),
    };
    const named = new Map(files.map(({ path, ...name }) => [path, { named: name }]));
    const planned = planRefresh(changes, surroundings, {
      leaving: new Set(changes.flatMap(({ path, to }) => (to === null ? path : []))),
      arrivals: new Map(),
      rules: [],
      meaningOf: (path) => named.get(path),
    });
    const actions = planned.filter((action) => action.do !== 'report');
    const contents = new Map(found.flatMap((file) => (file === null ? [] : [[file.id, file.content]])));
    const part = await this.writer.prepare(git, { connector, kinds, target, actions, contents, paths });
    const key = { scope: connector.scope, connector: connector.id };
    // Problems of files are kept for what is tracked.
    const written = { ...part, actions: part.actions.filter((action) => action.do !== 'report') };
    await step('merged.apply', () =>
      this.lanes.update(lease, { head: target }, async (tx) => {
        await this.writer.write(tx, { key, connector, branch }, written);
        // Another connector may follow the branch, and be on the way to an older commit.
        const brought = written.actions.map(({ path }) => path);
        const place = { repository: connector.url, branch };
        await this.tracking.overtake(tx, place, { base: null, head: target, paths: brought });
        await this.problems.overcome(tx, place, brought);
      }),
    );
  }
}
