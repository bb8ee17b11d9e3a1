// A repository has another URL: it is looked at there, over the connector's own road, and only what is known to be the same
// repository becomes the connector's. Then everything comes along at once (renames.repository.ts).
import { Injectable } from '@nestjs/common';
import { Acts } from '../audit/acts.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { ConnectorsService } from '../connectors/connectors.service.js';
import type { Git } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { JobQueue } from '../queue/job-queue.js';
import type { Scope } from '../scopes/scope.js';
import { hasCommit } from './commit-presence.js';
import { PollFlow } from './poll.flow.js';
import { type Moved, RenamesRepository, type Sighting } from './renames.repository.js';

export interface RenameWish {
  scope: Scope;
  id: string;
  /** As the caller has it. */
  url: string;
  actor: string;
  /** Whether the secrets of this scope may go there. @throws PERMISSION_MISSING */
  mayUse: (scope: Scope) => void;
}

export type Renamed = Pick<Moved, 'connector' | 'counts'>;

/** Branches whose last commit is looked for where they do not point at it any more: the others were there by then. */
const READS_MAX = 50;

@Injectable()
export class RenameFlow {
  constructor(
    private readonly connectors: ConnectorsRepository,
    private readonly service: ConnectorsService,
    private readonly connectivity: Connectivity,
    private readonly renames: RenamesRepository,
    private readonly jobs: JobQueue,
    private readonly poll: PollFlow,
    private readonly acts: Acts,
    private readonly log: Log,
  ) {}

  /**
   * What has been renamed already stays as it is.
   * @throws NOT_FOUND, PERMISSION_MISSING, CONNECTOR_DENIED, CONNECTOR_UNFIT, REPOSITORY_DIFFERENT, ENTITY_PLACE_TAKEN, CONNECTOR_BUSY,
   * AUDIT_UNWRITABLE, and what Git throws
   */
  async rename({ scope, id, url: text, actor, mayUse }: RenameWish): Promise<Renamed> {
    const connector = await this.connectors.get(scope, id);
    const url = await this.service.urlToMoveTo(connector, text, mayUse);
    if (url === connector.url) return { connector, counts: nothing };
    const act = { action: 'connector.rename', scope, target: `connectors/${id}` };
    const { due, ...renamed } = await this.acts.begin(act, async (begun) => {
      await this.#assertSame(connector, url, actor);
      return step('rename.move', () => this.renames.move(connector, url, begun.data));
    });
    this.log.info({ audit: true, scope, id, actor, from: connector.url, to: url }, 'repository renamed');
    for (const one of due) this.jobs.add('lane.run', one);
    void this.poll.sweep();
    return renamed;
  }

  /** @throws REPOSITORY_DIFFERENT, and what Git throws */
  async #assertSame(connector: Connector, url: string, actor: string): Promise<void> {
    const cause = { kind: 'connector-check' as const, operations: [], actors: [cutActor(actor)] };
    const git = await this.connectivity.open({ ...connector, url }, cause);
    const { branches } = await git.heads();
    const seen = await this.renames.sightings(connector);
    const there = seen.filter(({ branch }) => branches[branch] !== undefined);
    const moved = there.filter(({ branch, commits }) => !commits.includes(branches[branch] ?? ''));
    const missing = there.length === 0 ? seen[0] : await findMissing(git, moved.slice(0, READS_MAX));
    if (missing === undefined) return;
    const [commit = ''] = missing.commits;
    throw new Failure('REPOSITORY_DIFFERENT', { url, branch: missing.branch, commit });
  }
}

const nothing = { entities: 0, operations: 0, branches: 0, pullRequests: 0, imports: 0 };

/** The first branch that was at a commit which is not in the repository; pushes since have left it there. */
async function findMissing(git: Git, seen: Sighting[]): Promise<Sighting | undefined> {
  for (const { branch, commits } of seen)
    for (const commit of commits) if (!(await hasCommit(git, commit))) return { branch, commits: [commit] };
  return undefined;
}
